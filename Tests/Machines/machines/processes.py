"""Processes that run beside a scenario, and bounded waiting."""

import contextlib
import os
import signal
import socket
import subprocess
import time


def wait_for(condition, what: str, seconds: float = 30, pause: float = 0.02):
    """Returns the first true answer of `condition`; TimeoutError names what did not come."""
    deadline = time.monotonic() + seconds
    while True:
        if answer := condition():
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {seconds} s: {what}")
        time.sleep(pause)


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that nobody listens on at the moment."""
    with socket.socket() as listener:
        listener.bind((host, 0))
        return listener.getsockname()[1]


def is_listening(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a TCP connection to the port is taken."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


class Daemon:
    """A program in a process group of its own, with its output in a file.

    As a context manager it ends with the block, and with the lab at the latest.
    """

    def __init__(self, command, log: str, *, environment=None, folder=None, stdin=None):
        self.command = list(command)
        self.log = log
        with open(log, "ab") as output:
            self._process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, cwd=folder, env=environment,
                process_group=0,
            )
        if stdin is not None:
            self._process.stdin.write(stdin.encode())
            self._process.stdin.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def code(self) -> int | None:
        """The exit code, negative for a signal; nil while it runs."""
        return self._process.poll()

    def output(self) -> str:
        """What it has written so far."""
        with open(self.log, errors="replace") as file:
            return file.read()

    def wait_until(self, condition, what: str, seconds: float = 30):
        """Like `wait_for`, but an early end of the program is an error that quotes its output."""

        def check():
            if answer := condition():
                return answer
            if self.code is not None:
                raise RuntimeError(f"{self} ended with {self.code}: {self.output()[-2000:]}")
            return None

        try:
            return wait_for(check, what, seconds)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; {self} said: {self.output()[-2000:]}") from None

    def wait(self, seconds: float = 60) -> int:
        """Waits for its end and returns the exit code."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise TimeoutError(
                f"{self} did not end within {seconds} s; it said: {self.output()[-2000:]}"
            ) from None

    def send(self, number: int) -> None:
        """Sends a signal to the process alone; nothing happens when it is gone."""
        self._process.send_signal(number)

    def send_to_group(self, number: int) -> None:
        """Sends a signal to the process and what it started in its group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def stop(self, seconds: float = 10) -> int:
        """Asks it to end, then kills its group; returns the exit code."""
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        self.send_to_group(signal.SIGKILL)
        return self._process.wait(10)

    def kill(self) -> None:
        """Kills the process alone, and waits until it is gone."""
        self.send(signal.SIGKILL)
        self._process.wait(60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop(3)

    def __str__(self) -> str:
        return f"{os.path.basename(self.command[0])} (process {self.pid})"
