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


count = 0
while True:
    try:
        connection, _ = listener.accept()
    except ssl.SSLError:
        continue
    with connection:
        try:
            read_request(connection)
            count += 1
            if mode == "garbage":
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
