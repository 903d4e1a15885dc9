"""Attacks by mere number: viewers, idle connections, handshakes that never end, requests during the end."""

import contextlib
import json
import os
import socket
import ssl
import threading
import time
import urllib.request

from machines import lab
from machines.certificates import Authority
from machines.network import Network
from served import Heartbeats, Served, check, wait_for

_network: Network | None = None


def network() -> Network:
    """The switch with the machines `server`, `attacker` and `friend`; made once."""
    global _network
    if _network is None:
        _network = Network()
        for name in ("server", "attacker", "friend"):
            _network.add(name)
    return _network


def fill(served: Served, count: int) -> None:
    """Ends that many trials of `ours` as failed, through the API; all but one, or the study would be stopped."""
    served.register("filler", 1_000)
    left = count
    leases: list[str] = []
    while left or leases:
        results = [{"lease": lease, "outcome": "failed", "reason": "attack"} for lease in leases]
        if left + len(results) == count and results:
            results[0] = {"lease": leases[0], "outcome": "completed", "values": [1.0]}
        body = {"worker": "filler", "results": results}
        claim = min(left, 500)
        if claim:
            body["claim"] = {"worker": "filler", "slots": claim, "wait_seconds": 5, "study": "ours"}
        status, answer = served.call("POST", "/v1/results", body, timeout=60)
        check(status == 200, f"filling was answered {status}: {answer}")
        leases = [trial["lease"] for trial in (answer.get("claimed") or {"trials": []})["trials"]]
        check(leases or not claim, "no trial was claimed")
        left -= len(leases)


def viewers(seconds: float) -> str:
    """Eight viewers read failed trials without a pause; heartbeats and health must not notice."""
    with Served(lease="2s", more="retries: 0") as served:
        fill(served, 30_000 if seconds > 20 else 3_000)
        served.register("w")
        stop, answered, wrong = threading.Event(), [0], []

        def view():
            while not stop.is_set():
                status, answer = served.call("GET", "/v1/studies/ours/trials?state=failed&limit=1000", timeout=120)
                if status != 200:
                    wrong.append(answer)
                answered[0] += 1

        threads = [threading.Thread(target=view) for _ in range(8)]
        for thread in threads:
            thread.start()
        try:
            beats, probe, end = Heartbeats(served, "w"), 0.0, time.monotonic() + seconds / 2
            while time.monotonic() < end:
                beats.beat()
                start = time.monotonic()
                check(served.call("GET", "/healthz")[0] == 200, "/healthz does not answer")
                probe = max(probe, time.monotonic() - start)
                time.sleep(0.05)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        check(not wrong, f"a viewer was refused: {wrong[:1]}")
        # A lease of two seconds wants a heartbeat each half second.
        check(beats.slowest < 1, f"a heartbeat took {beats.slowest:.1f} s")
        check(probe < 1, f"/healthz took {probe:.1f} s")
        return (f"{answered[0]} pages of 1,000 trials; the slowest of {beats.count} heartbeats took "
                f"{1e3 * beats.slowest:.0f} ms, of the probes {1e3 * probe:.0f} ms")


def idle_connections(seconds: float) -> str:
    """4,200 connections of one machine that say nothing; another machine gets in all the time."""
    lab_network = network()
    server, attacker, friend = (lab_network.machines[name] for name in ("server", "attacker", "friend"))
    with Served("--insecure", listen=f"{server.address}:0", machine=server) as served:
        held: list[socket.socket] = []

        def flood():
            for _ in range(4_200):
                connection = socket.socket()
                connection.settimeout(2)
                with contextlib.suppress(OSError):
                    connection.connect((server.address, served.port))
                held.append(connection)

        def probe() -> float:
            start = time.monotonic()
            with urllib.request.urlopen(f"http://{server.address}:{served.port}/healthz", timeout=10) as answer:
                check(answer.status == 200, "/healthz does not answer")
            return time.monotonic() - start

        thread = threading.Thread(target=lambda: attacker.call(flood))
        thread.start()
        slowest, count, end = 0.0, 0, time.monotonic() + seconds
        while thread.is_alive() or count < 20:
            slowest = max(slowest, friend.call(probe))
            count += 1
            check(time.monotonic() < end + 60, "the flood does not end")
        thread.join()
        taken = len(os.listdir(f"/proc/{_pid(served)}/fd"))
        for connection in held:
            connection.close()
        check(taken < 400, f"one machine holds {taken} descriptors of the server")
        check(slowest < 2, f"another machine waited {slowest:.1f} s")
        return f"{len(held)} connections, of which the server kept {taken}; others waited {1e3 * slowest:.0f} ms at most"


def _pid(served: Served) -> int:
    """The server itself: what starts it on a machine becomes it."""
    return served.process.pid


def slow_handshakes(seconds: float) -> str:
    """TLS handshakes that stop in the middle end in ten seconds, and keep nobody out."""
    folder = f"{lab.FOLDER}/tls"
    os.makedirs(folder, exist_ok=True)
    authority = Authority(folder)
    certificate, key = authority.issue("server", "127.0.0.1")
    with Served("--certificate", certificate, "--key", key, "--connections", "300") as served:
        held = []
        # The beginning of a greeting, then nothing.
        for _ in range(200):
            connection = socket.create_connection(("127.0.0.1", served.port), timeout=5)
            connection.sendall(bytes([0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3]))
            held.append(connection)
        context = ssl.create_default_context(cafile=authority.certificate)

        def probe():
            with urllib.request.urlopen(f"https://127.0.0.1:{served.port}/healthz", timeout=10, context=context) as answer:
                check(answer.status == 200, "/healthz does not answer")

        start = time.monotonic()
        while time.monotonic() - start < 3:
            probe()
        closed = 0
        for connection in held:
            connection.settimeout(max(0.1, 20 - (time.monotonic() - start)))
            with contextlib.suppress(ConnectionError):
                if connection.recv(1):
                    connection.settimeout(5)
                    while connection.recv(4096):
                        pass
            closed += 1
            connection.close()
        waited = time.monotonic() - start
        check(waited < 20, f"handshakes were left open for {waited:.0f} s")
        probe()
        return f"{closed} handshakes were ended after {waited:.0f} s; others got in meanwhile"


def ending(seconds: float) -> str:
    """Clients that go on sending while the server ends: it ends in order, and answers or cuts each."""
    rounds, end = 0, time.monotonic() + seconds / 2
    while rounds < 3 or time.monotonic() < end:
        stop = threading.Event()
        with Served() as served:
            served.register("w")

            def hammer(number: int):
                heads = f"Host: h\r\nAuthorization: Bearer {served.token}\r\n"
                body = json.dumps({"leases": [], "draining": False})
                texts = [
                    f"GET /v1/studies HTTP/1.1\r\n{heads}\r\n",
                    f"POST /v1/workers/w/heartbeat HTTP/1.1\r\n{heads}Content-Length: {len(body)}\r\n\r\n{body}",
                ]
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", served.port), 30) as connection:
                    while not stop.is_set():
                        connection.sendall(texts[number % 2].encode())
                        if not connection.recv(65536):
                            return

            threads = [threading.Thread(target=hammer, args=(number,)) for number in range(16)]
            for thread in threads:
                thread.start()
            time.sleep(0.3)
        stop.set()
        for thread in threads:
            thread.join(40)
            check(not thread.is_alive(), "a client was neither answered nor cut off")
        rounds += 1
    return f"{rounds} servers ended in order under fire"


__all__ = ["ending", "idle_connections", "slow_handshakes", "viewers", "wait_for"]
