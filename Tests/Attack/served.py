"""A coordinator that is attacked, and plain ways to talk to it."""

import http.client
import json
import os
import socket
import subprocess
import tempfile
import time

from machines import lab, processes

STUDY = """name: {name}
metric: loss
sampler: random
parameters:
  x: {{low: 0.0, high: 1.0}}
command: [echo, "loss={{x}}"]
{more}
"""


def check(condition, sentence: str) -> None:
    """Raises with the sentence unless the condition holds."""
    if not condition:
        raise AssertionError(sentence)


class Served:
    """`needletail serve` with studies `ours` and `others` in a folder of its own, while the block runs."""

    def __init__(self, *arguments: str, listen: str = "127.0.0.1:0", lease: str = "10s", machine=None, more: str = ""):
        self.folder = tempfile.mkdtemp(dir=lab.FOLDER, prefix="served-")
        self.environment = os.environ | {"XDG_STATE_HOME": f"{self.folder}/state", "HOME": self.folder}
        self.store = f"{self.folder}/store.db"
        files = []
        for name in ("ours", "others"):
            files.append(f"{self.folder}/{name}.yaml")
            with open(files[-1], "w") as file:
                file.write(STUDY.format(name=name, more=more))
        self.command = ["needletail", "serve", *files, "--store", self.store, "--json", "--listen", listen,
                        "--lease", lease, *arguments]
        self.machine = machine

    def __enter__(self):
        command = self.machine.command(*self.command) if self.machine else self.command
        self.log = open(f"{self.folder}/log", "w+")
        self.process = subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=subprocess.PIPE,
                                        stderr=self.log, stdin=subprocess.DEVNULL)
        line = self.process.stdout.readline()
        check(line, f"serve did not start: {open(self.log.name).read()}")
        said = json.loads(line)
        self.port, self.url = said["port"], said["url"]
        self.token = open(said["token_file"]).read().strip() if said["token_file"] else None
        return self

    def __exit__(self, kind, *_):
        self.process.terminate()
        try:
            code = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("serve did not end within 30 s of SIGTERM") from None
        self.log.close()
        if kind is None:
            check(code == 0, f"serve ended with {code}: {open(self.log.name).read()[-2000:]}")

    def is_alive(self) -> None:
        check(self.process.poll() is None, f"serve ended: {open(self.log.name).read()[-2000:]}")

    def run(self, *words: str) -> str:
        """Runs needletail as the coordinator's owner."""
        return lab.run("needletail", *words, env=self.environment, cwd=self.folder).strip()

    def token_of(self, role: str, *studies: str) -> str:
        words = [word for study in studies for word in ("--study", study)]
        return self.run("token", "create", "--role", role, *words, "--store", self.store)

    def call(self, method: str, path: str, body=None, token: str | None = None, host: str = "127.0.0.1",
             timeout: float = 20):
        """Status and JSON of one call over a connection of its own, with the owner's token unless another is given."""
        connection = http.client.HTTPConnection(host, self.port, timeout=timeout)
        try:
            held = self.token if token is None else token
            headers = {"Authorization": f"Bearer {held}"} if held else {}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, json.loads(text) if text.startswith((b"{", b"[")) else text.decode()
        finally:
            connection.close()

    def raw(self, data: bytes, timeout: float = 5) -> bytes:
        """What comes back for these bytes until the other side closes or is silent."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=timeout) as connection:
            answer = b""
            try:
                connection.sendall(data)
                connection.shutdown(socket.SHUT_WR)
                while part := connection.recv(65536):
                    answer += part
            except (ConnectionError, TimeoutError):
                pass
            return answer

    def register(self, name: str, slots: int = 8, token: str | None = None) -> None:
        status, answer = self.call("POST", "/v1/workers", {
            "protocol": 1, "version": "0", "name": name, "host": "attack", "slots": slots}, token)
        check(status == 201, f"{name} was not registered: {answer}")

    def usage(self) -> dict[str, int]:
        """Memory, descriptors, threads and the size of the store's log, at this moment."""
        with open(f"/proc/{self.process.pid}/status") as file:
            facts = dict(line.split(":", 1) for line in file)
        log = f"{self.store}-wal"
        return {
            "rss_mb": int(facts["VmRSS"].split()[0]) >> 10,
            "threads": int(facts["Threads"]),
            "descriptors": len(os.listdir(f"/proc/{self.process.pid}/fd")),
            "log_mb": os.path.getsize(log) >> 20 if os.path.exists(log) else 0,
        }


class Heartbeats:
    """A worker that is heard of again and again over one connection; how long that took at most."""

    def __init__(self, served: Served, name: str, host: str = "127.0.0.1", context=None):
        self.served, self.name, self.host = served, name, host
        self.slowest = 0.0
        self.count = 0

    def beat(self) -> None:
        start = time.monotonic()
        status, answer = self.served.call(
            "POST", f"/v1/workers/{self.name}/heartbeat", {"leases": [], "draining": False}, host=self.host)
        check(status == 200, f"a heartbeat was answered {status}: {answer}")
        self.slowest = max(self.slowest, time.monotonic() - start)
        self.count += 1


wait_for = processes.wait_for
