"""Attacks on the machine that works: a coordinator that lies, and programs that will not end."""

import json
import os
import random
import signal
import socketserver
import subprocess
import tempfile
import threading
import time

from machines import lab
from served import check

ASSIGNMENT = {
    "study": "s", "directions": ["minimize"], "trial": 0, "attempt": 1, "lease": "1.0.1.x", "seed": "1",
    "file_tag": "t", "parameters": [], "user_attributes": [],
}


def mutate(value, generator: random.Random, depth: int = 0):
    """The value with some part of it replaced by something else."""
    odd = [None, True, -1, 1 << 31, 200_000_000, 1 << 63, 1e300, "nan", "", "x" * 5_000, "\u0000", [], {}, [[]] * 50]
    if generator.random() < 0.12 or depth > 6:
        return generator.choice(odd)
    if isinstance(value, dict):
        return {key: mutate(item, generator, depth + 1) for key, item in value.items() if generator.random() > 0.03}
    if isinstance(value, list):
        return [mutate(item, generator, depth + 1) for item in value] * generator.choice([1, 1, 1, 3])
    return value


class Liar(socketserver.BaseRequestHandler):
    """Answers like a coordinator, and ever less so."""

    def handle(self):
        try:
            while line := self.read_request():
                self.server.count += 1
                generator = random.Random(self.server.count)
                if "/file" in line:
                    good = {"file": "metric: loss\ncommand: [echo, loss=1]\n", "tag": "t"}
                elif line.startswith("POST /v1/workers "):
                    good = {"protocol": 1, "coordinator": "c", "lease_seconds": 6, "heartbeat_seconds": 1}
                elif "/claims" in line:
                    many = generator.choice([1, 1, 5_000])
                    good = {"trials": [{**ASSIGNMENT, "lease": f"1.{n}.1.x"} for n in range(many)], "done": False}
                elif "/results" in line:
                    good = {"results": [{"lease": "1.0.1.x", "status": "accepted", "message": ""}], "claimed": None}
                else:
                    good = {"lost": [], "stop": [{"lease": "1.0.1.x", "as": "pruned", "reason": "r"}]}
                is_honest = line.startswith("POST /v1/workers ") and self.server.count < 3
                body = json.dumps(good if is_honest else mutate(good, generator)).encode()
                status = "201 Created" if is_honest else generator.choice(["200 OK"] * 6 + ["503 X", "404 X", "999 X"])
                more = generator.choice(["", "", "", "Retry-After: 1\r\n", "Retry-After: 99999999999\r\n"])
                self.request.sendall(
                    f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{more}Content-Length: {len(body)}\r\n\r\n"
                    .encode() + body)
        except OSError:
            pass

    def read_request(self) -> str:
        data = b""
        while b"\r\n\r\n" not in data:
            part = self.request.recv(65536)
            if not part:
                return ""
            data += part
        top, body = data.split(b"\r\n\r\n", 1)
        lines = top.decode("latin-1").split("\r\n")
        length = next((int(each.split(":")[1]) for each in lines if each.lower().startswith("content-length")), 0)
        while len(body) < length:
            body += self.request.recv(65536)
        return lines[0]


class Coordinator(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def memory(process: int) -> int:
    """The most memory that the process ever held, in MB."""
    with open(f"/proc/{process}/status") as file:
        return next(int(line.split()[1]) >> 10 for line in file if line.startswith("VmHWM"))


def hostile_coordinator(seconds: float) -> str:
    """Workers whose coordinator answers anything: none crashes, grows, or runs what it was not asked to."""
    server = Coordinator(("127.0.0.1", 0), Liar)
    server.count = 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url, ends, most, end = f"http://127.0.0.1:{server.server_address[1]}", {}, 0, time.monotonic() + seconds
    environment = os.environ | {"HOME": lab.FOLDER}
    try:
        while time.monotonic() < end:
            folder = tempfile.mkdtemp(dir=lab.FOLDER)
            worker = subprocess.Popen(
                ["needletail", "worker", url, "--allow", "echo *", "--spool", f"{folder}/spool", "--quiet"],
                cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE, text=True)
            try:
                worker.wait(3)
            except subprocess.TimeoutExpired:
                most = max(most, memory(worker.pid))
                for _ in range(3):
                    worker.send_signal(signal.SIGTERM)
                    try:
                        worker.wait(5)
                        break
                    except subprocess.TimeoutExpired:
                        continue
            check(worker.poll() is not None, "three SIGTERMs do not end a worker of a hostile coordinator")
            said = worker.stderr.read()
            check(worker.returncode >= 0 and "Fatal error" not in said, f"ended by {worker.returncode}: {said[-3000:]}")
            ends[worker.returncode] = ends.get(worker.returncode, 0) + 1
    finally:
        server.shutdown()
        server.server_close()
    check(most < 300, f"a worker took {most} MB")
    return f"{sum(ends.values())} workers, {server.count} lies; exit codes {ends}, {most} MB at most"


# Commands that leave something behind, or will not go.
FAMILIES = {
    "deaf": "trap '' TERM INT HUP; sleep 600 & wait; sleep 600",
    "session": "setsid sleep 600 & sleep 600",
    "twice": "(setsid sh -c 'sleep 600 & sleep 600' &) ; sleep 600",
    "many": "i=0; while [ $i -lt 60 ]; do sleep 600 & i=$((i+1)); done; sleep 600",
    "after": "setsid sleep 600 & echo loss=1",
    "flood": "setsid sleep 600 & yes flood | head -c 30000000; sleep 600",
}

# Every way of getting away times every way of ending, one after the other. Their sleep is known by its length, also
# where the environment is gone.
SLEEP = "86399.5"
MANY = f"""case $((NEEDLETAIL_TRIAL % 9)) in
0) sleep {SLEEP} & ;;
1) setsid sleep {SLEEP} & ;;
2) (sleep {SLEEP} &) ;;
3) (setsid sleep {SLEEP} &) ;;
4) (setsid sh -c 'sleep {SLEEP} & sleep {SLEEP}' &) ;;
5) env -i sleep {SLEEP} & ;;
6) (env -i setsid sleep {SLEEP} &) ;;
7) nohup sleep {SLEEP} > /dev/null 2>&1 & ;;
8) setsid sh -c 'trap "" TERM INT HUP; sleep {SLEEP}' > /dev/null 2>&1 < /dev/null & ;;
esac
case $((NEEDLETAIL_TRIAL / 9 % 6)) in
0) echo loss=1 ;;
1) exit 3 ;;
2) kill -SEGV $$ ;;
3) exit 81 ;;
4) kill -KILL $$ ;;
5) echo step=1 loss=9; sleep {SLEEP} ;;
esac"""


def descendants(mark: str) -> list[int]:
    """Processes that have the mark in their environment."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/environ", "rb") as file:
                    if mark.encode() in file.read():
                        found.append(int(name))
            except OSError:
                continue
    return found


def family(name: str, script: str, wrong: list[str]) -> None:
    """Two trials of one kind, which time out; what is left of them goes into `wrong`."""
    folder = tempfile.mkdtemp(dir=lab.FOLDER)
    key, value = "ATTACK", f"{name}-{os.getpid()}"
    with open(f"{folder}/study.yaml", "w") as file:
        file.write("metric: loss\nretries: 0\ntrial_timeout: 1s\nparameters:\n  x: {low: 0.0, high: 1.0}\n"
                   f"command: [sh, -c, {json.dumps(script)}]\n")
    run = subprocess.run(
        ["needletail", "run", "study.yaml", "--trials", "2", "--workers", "2", "--quiet"], cwd=folder, capture_output=True,
        text=True, env=os.environ | {"HOME": folder, key: value}, stdin=subprocess.DEVNULL, timeout=90)
    if run.returncode not in (0, 1, 2):
        wrong.append(f"{name}: run ended with {run.returncode}: {run.stderr[-2000:]}")
    deadline = time.monotonic() + 5
    while (left := descendants(f"{key}={value}")) and time.monotonic() < deadline:
        time.sleep(0.1)
    for process in left:
        os.kill(process, signal.SIGKILL)
    if left:
        wrong.append(f"{name}: {len(left)} processes outlived their trials")


def sleepers() -> list[int]:
    """The processes that sleep as those of `MANY` do."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    if SLEEP.encode() in file.read().split(b"\0"):
                        found.append(int(name))
            except OSError:
                continue
    return found


def many_families(trials: int, seconds: float) -> str:
    """Trials of every kind and ending, four at a time: what they leave does not add up, and nothing is left."""
    folder = tempfile.mkdtemp(dir=lab.FOLDER)
    with open(f"{folder}/study.yaml", "w") as file:
        file.write("metric: loss\nsampler: random\ngrace_period: 1s\npruner: {name: threshold, upper: 5}\n"
                   f"parameters:\n  x: {{low: 0.0, high: 1.0}}\ncommand: [sh, -c, {json.dumps(MANY)}]\n")
    with open(f"{folder}/messages", "w+") as messages:
        run = subprocess.Popen(
            ["needletail", "run", "study.yaml", "--trials", str(trials), "--workers", "4", "--quiet",
             "--timeout", f"{seconds:.0f}s"], cwd=folder, env=os.environ | {"HOME": folder}, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=messages)
        most = 0
        while run.poll() is None:
            most = max(most, len(sleepers()))
            time.sleep(0.2)
        left = sleepers()
        for process in left:
            os.kill(process, signal.SIGKILL)
        messages.seek(0)
        check(run.returncode == 0, f"the run of many ended with {run.returncode}: {messages.read()[-2000:]}")
    check(not left, f"{len(left)} processes outlived a run of many trials")
    # Four trials with three processes each, and what waits for those that ran beside it.
    check(most <= 40, f"{most} processes of ended trials were there at once")
    shown = subprocess.run(
        ["needletail", "study", "list", "--json"], cwd=folder, env=os.environ | {"HOME": folder}, capture_output=True,
        text=True, check=True)
    counts = json.loads(shown.stdout.splitlines()[0])["trials"]
    return f"trials {json.dumps(counts)}, {most} processes at once"


def families(seconds: float) -> str:
    """Trials with children of every kind: when the run has ended, none of them lives."""
    wrong: list[str] = []
    threads = [threading.Thread(target=family, args=(name, script, wrong)) for name, script in FAMILIES.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(not wrong, "; ".join(wrong))
    many = many_families(2_000 if seconds > 30 else 100, seconds)
    return f"{len(threads)} kinds of families, nothing left of them; {many}"
