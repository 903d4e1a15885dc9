"""Hosts as network namespaces on one switch, which can be cut off from each other.

    network = Network()
    coordinator, worker = network.add("coordinator"), network.add("worker")
    worker.run("ping", "-c1", "coordinator")
    network.cut(worker)                        # both directions
    network.block(worker, coordinator)         # what worker sends to coordinator, silently
    network.heal()

Call it inside a lab, where the namespaces' names and /etc/hosts are private.
"""

import contextlib
import ctypes
import socket
import struct
import threading

from . import lab, processes

_SWITCH = "switch"
_CLONE_NEWNET = 0x40000000
# Frames to this address reach nobody: no device has it.
_NOWHERE = "02:00:00:00:00:ff"


class Machine:
    """A host: a network namespace and a host name of its own, on the network's switch."""

    def __init__(self, name: str, address: str, hardware: str):
        self.name, self.address, self.hardware = name, address, hardware

    def command(self, *command: str) -> list[str]:
        """The command line that runs a program on this machine."""
        script = 'echo "$0" > /proc/sys/kernel/hostname; exec "$@"'
        return ["ip", "netns", "exec", self.name, "unshare", "--uts"] + [
            "sh", "-c", script, self.name, *command,
        ]

    def run(self, *command: str, **options) -> str:
        """Runs a program on this machine to its end; see `lab.run`."""
        return lab.run(*self.command(*command), **options)

    def start(self, *command: str, log: str, **options) -> processes.Daemon:
        """Starts a program on this machine. `ip` and `unshare` become it: the process is its own."""
        return processes.Daemon(self.command(*command), log, **options)

    def call(self, body):
        """Runs a Python function with this machine's network, in a thread of its own."""
        return _in_namespace(f"/run/netns/{self.name}", body)

    def is_listening(self, port: int, host: str = "127.0.0.1") -> bool:
        """Whether a connection from this machine is taken."""
        return self.call(lambda: processes.is_listening(port, host))

    def open_ports(self, host: str, ports=range(1, 65536)) -> list[int]:
        """The TCP ports of `host` that take a connection from this machine."""
        return self.call(lambda: scan(host, ports))


class Network:
    """A switch with machines on it, in one subnet."""

    def __init__(self, subnet: str = "10.77.0"):
        lab.need("ip", "unshare")
        self.subnet = subnet
        self.machines: dict[str, Machine] = {}
        lab.run("ip", "link", "add", _SWITCH, "type", "bridge")
        lab.run("ip", "address", "add", f"{subnet}.254/24", "dev", _SWITCH)
        lab.run("ip", "link", "set", _SWITCH, "up")

    def add(self, name: str) -> Machine:
        """Puts a machine on the switch; the others know it by its name (at most 13 characters)."""
        number = len(self.machines) + 1
        machine = Machine(name, f"{self.subnet}.{number}", f"02:00:00:00:01:{number:02x}")
        lab.run("ip", "netns", "add", name)
        lab.run(
            *("ip", "link", "add", f"p-{name}", "type", "veth", "peer", "name", "eth0"),
            *("address", machine.hardware, "netns", name),
        )
        lab.run("ip", "link", "set", f"p-{name}", "master", _SWITCH, "up")
        inside = ("ip", "-n", name)
        lab.run(*inside, "link", "set", "lo", "up")
        lab.run(*inside, "address", "add", f"{machine.address}/24", "dev", "eth0")
        lab.run(*inside, "link", "set", "eth0", "up")
        self.machines[name] = machine
        lab.name_hosts({other.name: other.address for other in self.machines.values()})
        return machine

    def cut(self, machine: Machine) -> None:
        """Takes the machine's cable out: nothing goes in either direction."""
        lab.run("ip", "link", "set", f"p-{machine.name}", "down")

    def block(self, source: Machine, target: Machine) -> None:
        """Loses silently what `source` sends to `target`; the other direction still works."""
        self._set_neighbour(source, target, _NOWHERE)

    def heal(self, *machines: Machine) -> None:
        """Undoes `cut` and `block` of the machines, of all when none is named."""
        for machine in machines or self.machines.values():
            lab.run("ip", "link", "set", f"p-{machine.name}", "up")
            for other in self.machines.values():
                if other is not machine:
                    self._set_neighbour(machine, other, other.hardware)

    @staticmethod
    def _set_neighbour(source: Machine, target: Machine, hardware: str) -> None:
        # Works with every kernel, unlike a packet filter, whose modules may be missing.
        lab.run(
            *("ip", "-n", source.name, "neighbour", "replace", target.address),
            *("lladdr", hardware, "dev", "eth0", "nud", "permanent"),
        )

    def capture(self) -> "Capture":
        """Listens to everything that goes through the switch until the `with` block ends."""
        return Capture(f"p-{name}" for name in self.machines)


class Capture:
    """The frames that went through the switch: `frames`, each as it came in at one port."""

    def __init__(self, ports):
        self.frames: list[bytes] = []
        self._sockets = []
        for port in ports:
            # ETH_P_ALL; what a port receives from its machine, so that each frame comes once.
            listener = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            listener.bind((port, 0))
            listener.settimeout(0.1)
            self._sockets.append(listener)
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._listen, args=(each,)) for each in self._sockets
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        for thread in self._threads:
            thread.join()
        for listener in self._sockets:
            listener.close()

    def _listen(self, listener):
        while not self._ended.is_set():
            try:
                frame, address = listener.recvfrom(1 << 17)
            except TimeoutError:
                continue
            if address[2] != socket.PACKET_OUTGOING:
                self.frames.append(frame)

    def payloads(self) -> list[bytes]:
        """What the TCP segments over IPv4 carried, without the empty ones."""
        found = []
        for frame in self.frames:
            if frame[12:14] != b"\x08\x00" or frame[23] != socket.IPPROTO_TCP:
                continue
            start = 14 + (frame[14] & 15) * 4
            end = 14 + struct.unpack("!H", frame[16:18])[0]
            payload = frame[start + (frame[start + 12] >> 4) * 4 : end]
            if payload:
                found.append(payload)
        return found


def scan(host: str, ports=range(1, 65536)) -> list[int]:
    """The TCP ports of `host` that take a connection from here; the others must refuse it."""
    found = []
    for port in ports:
        with socket.socket() as connection:
            connection.settimeout(5)
            with contextlib.suppress(ConnectionRefusedError):
                connection.connect((host, port))
                found.append(port)
    return found


def _in_namespace(path: str, body):
    answer: list = []

    def enter_and_call():
        try:
            with open(path) as namespace:
                if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), _CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), f"cannot enter {path}")
            answer.append((True, body()))
        except BaseException as error:  # handed to the caller below
            answer.append((False, error))

    thread = threading.Thread(target=enter_and_call)
    thread.start()
    thread.join()
    succeeded, result = answer[0]
    if not succeeded:
        raise result
    return result
