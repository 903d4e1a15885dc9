"""Runs Studies/digits on three machines by the commands of Documentation/many-machines.md.

One coordinates, two work, over TLS with a token; meanwhile the switch is listened to, and ports are
scanned: nothing but the encrypted port is open, and nothing can be read on the way.
"""

import http.client
import os
import shutil
import sys

import pages
from machines import lab, network, processes

TRIALS = 8


def prepare(folder: str) -> None:
    """A copy of the study with the program of the tests, few epochs and few trials."""
    source = f"{pages.ROOT}/Studies/digits"
    os.makedirs(folder)
    shutil.copy(f"{source}/digits.csv.gz", folder)
    with open(f"{source}/study.yaml") as file:
        text = file.read()
    program = '[../../.build/release/digits, "{args}"]'
    assert program in text
    text = text.replace(program, f'["{shutil.which("digits")}", --epochs=2, "{{args}}"]')
    text = text.replace("trials: 120", f"trials: {TRIALS}")
    with open(f"{folder}/study.yaml", "w") as file:
        file.write(text)


def main() -> None:
    lab.enter()
    lab.need("needletail", "digits", "openssl")
    lan = network.Network()
    head, first, second = (lan.add(name) for name in ("head", "first", "second"))
    on_head, on_workers = pages.commands("many-machines.md", "Two machines")
    # The shell becomes the coordinator, so that signals reach it.
    assert "\nneedletail serve" in on_head
    on_head = on_head.replace("\nneedletail serve", "\nexec needletail serve")
    folders = {machine.name: f"{lab.FOLDER}/{machine.name}" for machine in (head, first, second)}
    for folder in folders.values():
        prepare(folder)

    def start(machine, script):
        folder = folders[machine.name]
        environment = os.environ | {"HOME": folder}
        return machine.start(
            "sh", "-ec", script, log=f"{folder}/log", folder=folder, environment=environment
        )

    with lan.capture() as capture, start(head, on_head) as coordinator:
        coordinator.wait_until(lambda: head.is_listening(7654, "head"), "the coordinator listens")
        for machine in (first, second):
            for name in ("head.pem", "worker.token"):
                shutil.copy(f"{folders['head']}/{name}", folders[machine.name])
        workers = [start(machine, on_workers) for machine in (first, second)]
        processes.wait_for(
            lambda: "worker second" in workers[1].output(), "the second worker begins", 60
        )
        assert first.open_ports("head") == [7654], "the coordinator's machine has other open ports"
        assert first.open_ports("second") == [], "a worker listens"
        refuse_plain_text(first)
        for worker in workers:
            assert worker.wait(120) == 0, worker.output()
        refuse_strangers(first, folders["first"])
        assert coordinator.stop(30) == 0, coordinator.output()

    environment = os.environ | {"HOME": folders["head"]}
    list_trials = ("needletail", "trial", "list", "digits", "--json")
    trials = head.run(*list_trials, cwd=folders["head"], env=environment).splitlines()
    assert len(trials) == TRIALS, trials
    with open(f"{folders['head']}/worker.token") as file:
        token = file.read().strip()
    for daemon in (coordinator, *workers):
        assert token not in daemon.output(), f"{daemon} wrote the token"
    wire = b"".join(capture.payloads())
    assert len(wire) > 20_000, "nothing was listened to"
    secret = token.rsplit("_", 1)[1].encode()
    # Long words: short ones come about by chance.
    words = (b"Bearer", b"learning_rate", b"accuracy", b'"lease"', b'"trials"', b"HTTP/1.1 200")
    for word in (secret, b"POST /v1", *words):
        assert word not in wire, f"{word!r} went over the network in plain text"
    hosts = {worker.output().count("completed") + worker.output().count("pruned") > 0
             for worker in workers}
    assert hosts == {True}, [worker.output() for worker in workers]
    print("three machines: ok")


def refuse_plain_text(machine) -> None:
    """The port answers nothing of worth to one who does not encrypt."""

    def ask():
        connection = http.client.HTTPConnection("head", 7654, timeout=10)
        try:
            connection.request("GET", "/v1/studies")
            return connection.getresponse().status
        except (http.client.HTTPException, OSError):
            return None

    status = machine.call(ask)
    assert status is None or status >= 400, f"plain HTTP was answered with {status}"


def refuse_strangers(machine, folder: str) -> None:
    """Without the token, or without trusting the certificate, there is no way in."""
    for words, sentence in (
        (["--ca", "head.pem"], "token"),
        (["--token-file", "worker.token"], "certificate"),
    ):
        command = ["needletail", "worker", "https://head:7654", "--study", "digits", *words]
        try:
            answer = machine.run(*command, cwd=folder, env=os.environ | {"HOME": folder})
        except RuntimeError as error:
            assert sentence in str(error).lower(), error
        else:
            raise AssertionError(f"{words} were let in: {answer}")


if __name__ == "__main__":
    sys.exit(main())
