"""Needletail's own daemons on machines of a lab."""

import json
import os
import urllib.request

from . import certificates, lab, network, processes


class Coordinator:
    """A coordinator with TLS and tokens on a machine."""

    PORT = 7654

    def __init__(self, machine: network.Machine, folder: str, store: str, *arguments: str):
        os.makedirs(folder, exist_ok=True)
        self.machine, self.folder, self.store = machine, folder, store
        self.arguments = arguments
        authority = certificates.Authority(f"{folder}/tls")
        self.authority = authority.certificate
        self.certificate, self.key = authority.issue(machine.name, machine.address)
        self.url = f"https://{machine.name}:{self.PORT}"
        self.environment: dict[str, str] = {}
        self.daemon: processes.Daemon | None = None

    def token(self, role: str, *arguments: str) -> str:
        """The path of a file with a new token of that role."""
        path = f"{self.folder}/{role}.token"
        text = lab.run(
            "needletail", "token", "create", "--role", role, *arguments, "--store", self.store
        )
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w") as file:
            file.write(text.split()[-1] + "\n")
        return path

    def start(self) -> None:
        """Starts it; returns before it answers."""
        self.daemon = self.machine.start(
            *("needletail", "serve", *self.arguments, "--store", self.store),
            *("--listen", f"{self.machine.address}:{self.PORT}"),
            *("--certificate", self.certificate, "--key", self.key),
            log=f"{self.folder}/coordinator.log", folder=self.folder,
            environment=os.environ | self.environment,
        )

    def wait(self) -> None:
        """Waits until it answers."""
        answers = lambda: self.machine.is_listening(self.PORT, self.machine.address)
        self.daemon.wait_until(answers, "the coordinator answers")

    def get(self, path: str, token: str, machine: network.Machine | None = None):
        """The JSON behind a path of its API, asked for from a machine."""
        import ssl

        context = ssl.create_default_context(cafile=self.authority)
        with open(token) as file:
            headers = {"Authorization": f"Bearer {file.read().strip()}"}
        request = urllib.request.Request(self.url + path, headers=headers)

        def ask():
            with urllib.request.urlopen(request, context=context, timeout=10) as answer:
                return json.load(answer)

        return (machine or self.machine).call(ask)


class Worker:
    """A worker daemon on a machine, with a spool that outlives it."""

    def __init__(
        self, machine: network.Machine, name: str, folder: str, coordinator: Coordinator,
        token: str, *arguments: str,
    ):
        os.makedirs(folder, exist_ok=True)
        self.machine, self.name, self.folder = machine, name, folder
        self.command = [
            *("needletail", "worker", coordinator.url, "--name", name),
            *("--ca", coordinator.authority, "--token-file", token),
            *("--spool", f"{folder}/spool", *arguments),
        ]
        self.environment: dict[str, str] = {}
        self.daemon: processes.Daemon | None = None

    def start(self) -> None:
        self.daemon = self.machine.start(
            *self.command, log=f"{self.folder}/worker.log", folder=self.folder,
            environment=os.environ | self.environment,
        )


def descendants(process: int) -> list[int]:
    """The living processes that a process started, directly or not."""
    parents: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat") as file:
                state, parent = file.read().rpartition(")")[2].split()[:2]
        except (OSError, ValueError):
            continue
        if state != "Z":
            parents.setdefault(int(parent), []).append(int(entry))
    found = list(parents.get(process, []))
    for child in found:
        found.extend(parents.get(child, []))
    return found
