"""Listens on a free port, prints it, and answers as services do, and as they should not.

  service.py FOLDER [CERTIFICATE KEY]

Appends each request as a line of JSON to FOLDER/requests, and `gone` to FOLDER/gone when a client
left in the midst of an answer.
"""
import json
import os
import socket
import ssl
import sys
import threading
import time

folder = sys.argv[1]
listener = socket.create_server(("127.0.0.1", 0))
port = listener.getsockname()[1]
context = None
if len(sys.argv) > 2:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
lock = threading.Lock()
counts = {}


def note(name, text):
    with lock, open(os.path.join(folder, name), "a") as file:
        file.write(text + "\n")


def head(status, length=None, more=""):
    size = f"Content-Length: {length}\r\n" if length is not None else "Connection: close\r\n"
    return f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{size}{more}\r\n".encode()


def reply(connection, status, text, more=""):
    data = text.encode()
    connection.sendall(head(status, len(data), more) + data)


def stream(connection, parts):
    """Sends parts until they or the client's patience end; then the connection is closed."""
    connection.sendall(head("200 OK"))
    try:
        for part in parts:
            connection.sendall(part.encode() if isinstance(part, str) else part)
    except OSError:
        note("gone", "gone")
    return False


def steps(count, pause=0.0):
    for step in range(count):
        yield f'{{"step": {step}, "loss": {1 / (step + 1)}}}\n'
        time.sleep(pause)


def forever(part, pause=0.0):
    while True:
        yield part
        time.sleep(pause)


def answer(connection, path, body, count):
    """Answers one request; False to close the connection."""
    x = body.get("x", 0) if isinstance(body, dict) else 0
    if path == "/score":
        reply(connection, "200 OK", json.dumps({"loss": x * x, "ms": 12, "note": "fine"}))
    elif path == "/number":
        reply(connection, "200 OK", "0.25")
    elif path == "/nested":
        reply(connection, "200 OK", json.dumps({"result": {"loss": 0.5}}, indent=2))
    elif path == "/lines":
        return stream(connection, [*steps(3), '{"loss": 0.125}'])
    elif path == "/endless":
        return stream(connection, steps(1 << 30, 0.01))
    elif path == "/page":
        reply(connection, "200 OK", "<!doctype html>\n<html><body>loss=0.5</body></html>")
    elif path == "/text":
        reply(connection, "200 OK", "loss is 0.5")
    elif path == "/huge":
        return stream(connection, forever(b"[" * (1 << 20)))
    elif path == "/drip":
        return stream(connection, forever(" ", 0.01))
    elif path == "/hang":
        connection.recv(1)
        note("gone", "gone")
        return False
    elif path == "/busy":
        if count < 3:
            reply(connection, "503 Service Unavailable", "later")
        else:
            reply(connection, "200 OK", '{"loss": 3}')
    elif path == "/closed":
        return False if count < 3 else reply(connection, "200 OK", '{"loss": 4}')
    elif path == "/down":
        reply(connection, "500 Internal Server Error", '{"detail": "no model is loaded"}')
    elif path == "/bad":
        reply(connection, "422 Unprocessable Entity", '{"detail": "x is too small"}')
    elif path == "/missing":
        reply(connection, "404 Not Found", "nothing here")
    elif path == "/nan":
        reply(connection, "200 OK", '{"loss": NaN}')
    elif path == "/null":
        reply(connection, "200 OK", '{"loss": null}')
    elif path == "/word":
        reply(connection, "200 OK", '{"loss": "good"}')
    elif path == "/other":
        reply(connection, "200 OK", '{"mse": 1, "mae": 2}')
    elif path == "/empty":
        reply(connection, "204 No Content", "")
    elif path == "/twice":
        reply(connection, "200 OK", '{"loss": 1}')
        reply(connection, "200 OK", '{"loss": 2}')
        return False
    elif path == "/half":
        connection.sendall(head("200 OK", 1_000) + b'{"step": 0, "loss": 1}\n{"st')
        return False
    elif path == "/torn":
        return stream(connection, ['{"step": 0, "loss": 1}\n', '{"step": 1, "lo\n', '{"loss": 1}\n'])
    elif path == "/pruned":
        reply(connection, "200 OK", '{"state": "pruned", "reason": "no hope"}')
    elif path == "/infeasible":
        reply(connection, "200 OK", '{"state": "infeasible", "reason": "too wide"}')
    elif path == "/failed":
        reply(connection, "200 OK", '{"state": "failed", "error": "CUDA"}')
    elif path == "/moved":
        reply(connection, "307 Temporary Redirect", "", "Location: /score\r\n")
    elif path == "/circle":
        reply(connection, "308 Permanent Redirect", "", "Location: /circle\r\n")
    elif path == "/away":
        reply(connection, "307 Temporary Redirect", "", "Location: http://localhost:1/score\r\n")
    elif path == "/garbage":
        connection.sendall(b"\x00\x01 what?\r\n\r\n")
        return False
    else:
        reply(connection, "200 OK", '{"loss": 0}')
    return True


def serve(connection):
    rest = b""
    with connection:
        if context:
            try:
                connection = context.wrap_socket(connection, server_side=True)
            except (OSError, ssl.SSLError):
                return
        while True:
            while b"\r\n\r\n" not in rest:
                part = connection.recv(65536)
                if not part:
                    return
                rest += part
            lines, rest = rest.split(b"\r\n\r\n", 1)
            first, *fields = lines.decode().split("\r\n")
            method, target, _ = first.split(" ")
            headers = {key.lower(): value for key, value in (field.split(": ", 1) for field in fields)}
            length = int(headers.get("content-length", 0))
            while len(rest) < length:
                rest += connection.recv(65536)
            body, rest = rest[:length], rest[length:]
            body = json.loads(body) if body else None
            path = target.split("?")[0]
            with lock:
                counts[path] = count = counts.get(path, 0) + 1
            note("requests", json.dumps({"method": method, "target": target, "headers": headers, "body": body}))
            try:
                if answer(connection, path, body, count) is False:
                    return
            except OSError:
                note("gone", "gone")
                return


print(port, flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
