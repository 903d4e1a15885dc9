"""A real MLflow server on a free loopback port, and a proxy before it that fails on purpose."""

import contextlib
import http.client
import http.server
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request


def environment(folder):
    values = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "LANG") if name in os.environ}
    return values | {
        "HOME": str(folder), "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "PYTHONWARNINGS": "ignore",
    }


@contextlib.contextmanager
def server(folder):
    """Starts `mlflow server` on a database in the folder; yields its address."""
    folder = pathlib.Path(folder)
    log = folder / "mlflow.log"
    for _ in range(5):
        # The port is free now; should another take it in between, there is a next try.
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        words = [
            sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
            "--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(folder / "artifacts"),
        ]
        with log.open("ab") as output:
            process = subprocess.Popen(
                words, cwd=folder, env=environment(folder), stdin=subprocess.DEVNULL, stdout=output,
                stderr=output, start_new_session=True)
        try:
            if wait(process, f"http://127.0.0.1:{port}"):
                yield f"http://127.0.0.1:{port}"
                return
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    raise SystemExit(f"the MLflow server did not start: {log.read_text()[-3000:]}")


def wait(process, address):
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if urllib.request.urlopen(f"{address}/health", timeout=5).status == 200:
                return True
        time.sleep(0.2)
    return False


class Proxy(http.server.ThreadingHTTPServer):
    """Hands requests on to a server. `decide(number, path)` says what happens to each: None to hand it on, a status
    to answer without handing it on, "drop" to hand it on and to close the connection without an answer."""

    daemon_threads = True

    def __init__(self, address):
        super().__init__(("127.0.0.1", 0), Handler)
        self.target = address.removeprefix("http://")
        self.decide = lambda number, path: None
        self.count = 0
        self.requests = []
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address):
        pass  # A client that was killed closes its connections.


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.server.lock:
            self.server.count += 1
            self.server.requests.append((self.command, self.path, body, self.headers.get("Authorization")))
            fate = self.server.decide(self.server.count, self.path)
        if isinstance(fate, int):
            self.reply(fate, b'{"error_code": "TEMPORARILY_UNAVAILABLE", "message": "on purpose"}')
            return
        connection = http.client.HTTPConnection(self.server.target, timeout=120)
        headers = {k: v for k, v in self.headers.items() if k in ("Content-Type", "Accept")}
        connection.request(self.command, self.path, body, headers)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        if fate == "drop":
            self.close_connection = True
            return
        self.reply(answer.status, data)

    do_POST = do_GET

    def reply(self, status, data):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if status == 429:
            self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *words):
        pass
