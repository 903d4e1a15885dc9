"""An sshd with a host key and a user key of its own."""

import os

from . import lab, network, processes


class SecureShell:
    """An sshd, by default on loopback; as a context manager, running.

    `options` are for ssh's command line: they make it use the throw-away keys, this port, and no
    configuration of the user's.
    """

    def __init__(self, folder: str, host: str = "127.0.0.1", machine: network.Machine | None = None):
        lab.need("sshd", "ssh", "ssh-keygen")
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self.folder, self.host, self._machine = folder, host, machine
        self.port = processes.free_port() if machine is None else 22
        for name in ("host_key", "user_key"):
            lab.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{folder}/{name}")
        os.replace(f"{folder}/user_key.pub", f"{folder}/authorized_keys")
        with open(f"{folder}/host_key.pub") as file:
            key = " ".join(file.read().split()[:2])
        with open(f"{folder}/known_hosts", "w") as file:
            for name in {host, "127.0.0.1", "localhost"}:
                file.write(f"{name if self.port == 22 else f'[{name}]:{self.port}'} {key}\n")
        with open(f"{folder}/sshd_config", "w") as file:
            file.write(
                f"Port {self.port}\nListenAddress {host}\nHostKey {folder}/host_key\n"
                f"PidFile none\nAuthorizedKeysFile {folder}/authorized_keys\nUsePAM no\n"
                "PasswordAuthentication no\nKbdInteractiveAuthentication no\nStrictModes no\n"
                "PermitRootLogin prohibit-password\nMaxStartups 100:30:200\n"
                # What programs keep in their home folder stays in the lab.
                f"SetEnv HOME={folder}/home\n"
            )
        with open(f"{folder}/ssh_config", "w") as file:
            file.write(
                f"Port {self.port}\nIdentityFile {folder}/user_key\nIdentitiesOnly yes\n"
                f"UserKnownHostsFile {folder}/known_hosts\nGlobalKnownHostsFile none\n"
                "StrictHostKeyChecking yes\nBatchMode yes\n"
            )
        os.mkdir(f"{folder}/home")
        self.options = ["-F", f"{folder}/ssh_config"]

    def __enter__(self):
        # sshd wants to be called by its whole path, since it starts itself again.
        command = [lab.run("sh", "-c", "command -v sshd").strip(), "-D", "-e"]
        command += ["-f", f"{self.folder}/sshd_config"]
        if self._machine is not None:
            command = self._machine.command(*command)
        self._daemon = processes.Daemon(command, f"{self.folder}/sshd.log")
        listening = lambda: (
            self._machine.is_listening(self.port, self.host) if self._machine
            else processes.is_listening(self.port, self.host)
        )
        self._daemon.wait_until(listening, "sshd listens")
        return self

    def __exit__(self, *_):
        self._daemon.stop(3)

    def run(self, *command: str) -> str:
        """Runs a command through ssh."""
        return lab.run("ssh", *self.options, self.host, *command)
