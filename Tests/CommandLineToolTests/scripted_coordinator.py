"""Listens on a free port, prints it, and answers as no coordinator should.

  scripted_coordinator.py MODE [CERTIFICATE KEY]

garbage   bytes that are no HTTP
page      a web page
wrong     JSON that says something else
version   another protocol version
huge      an answer without end
busy      503 with Retry-After twice, then a registration that is refused
closed    closes each connection unanswered
plain     a page over TLS
attempt   a trial that is said to be tried for the 200,000,000th time
many      5,000 trials for one slot
beat      terms with a heartbeat beyond all clocks
"""
import json
import socket
import ssl
import sys

mode = sys.argv[1]
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
if len(sys.argv) > 2:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
    listener = context.wrap_socket(listener, server_side=True)


def reply(connection, status, body, kind="application/json", more=""):
    data = body.encode()
    connection.sendall(
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(data)}\r\n{more}\r\n".encode() + data)


def assignment(number, attempt):
    return {"study": "s", "directions": ["minimize"], "trial": number, "attempt": attempt, "lease": f"1.{number}.1.x",
            "seed": "1", "file_tag": None, "parameters": [], "user_attributes": []}


def answer_worker(connection, line):
    """Plays a coordinator whose claims are answered with too much."""
    if b"POST /v1/workers " in line:
        beat = 1e300 if mode == "beat" else 1
        reply(connection, "201 Created", json.dumps(
            {"protocol": 1, "coordinator": "c", "lease_seconds": max(6, beat * 2), "heartbeat_seconds": beat}))
    elif b"/claims" in line:
        trials = [assignment(0, 200_000_000)] if mode == "attempt" else [assignment(i, 1) for i in range(5_000)]
        reply(connection, "200 OK", json.dumps({"trials": trials, "done": False}))
    else:
        reply(connection, "200 OK", json.dumps({"lost": [], "stop": []}))


def read_request(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return
        data += part
        if data[0] == 0x16:
            return  # TLS, which this is not
    head, body = data.split(b"\r\n\r\n", 1)
    length = next((int(l.split(b":")[1]) for l in head.split(b"\r\n") if l.lower().startswith(b"content-length")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head.split(b"\r\n")[0]


count = 0
while True:
    try:
        connection, _ = listener.accept()
    except ssl.SSLError:
        continue
    with connection:
        try:
            line = read_request(connection)
            count += 1
            if mode in ("attempt", "many", "beat") and line:
                answer_worker(connection, line)
            elif mode == "garbage":
                connection.sendall(b"\x00\xff\x16 this is not HTTP\r\n\r\n" * 100)
            elif mode == "page":
                reply(connection, "200 OK", "<html>Welcome to nginx</html>", "text/html")
            elif mode == "wrong":
                reply(connection, "201 Created", json.dumps({"protocol": "one", "coordinator": 7}))
            elif mode == "version":
                reply(connection, "201 Created", json.dumps(
                    {"protocol": 99, "coordinator": "c", "lease_seconds": 6, "heartbeat_seconds": 2}))
            elif mode == "huge":
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[")
                while True:
                    connection.sendall(b"1," * 65536)
            elif mode == "busy":
                if count < 3:
                    reply(connection, "503 Service Unavailable", "{}", more="Retry-After: 1\r\n")
                else:
                    reply(connection, "403 Forbidden", json.dumps(
                        {"error": {"code": "forbidden", "message": "the token is for viewers; ask for another"}}))
            elif mode == "closed":
                pass
        except OSError:
            pass
