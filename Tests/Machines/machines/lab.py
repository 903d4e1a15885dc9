"""Private namespaces for a scenario, and what every scenario needs in them."""

import os
import shutil
import signal
import subprocess
import sys

_MARK = "NEEDLETAIL_LAB"
HOST = "lab"
FOLDER = "/run/lab"


class Missing(Exception):
    """Something that the lab needs and that is not there; the text says what to do."""


def need(*programs: str) -> None:
    """Raises `Missing` unless all the programs are there; looks where daemons are, too."""
    os.environ["PATH"] = os.pathsep.join(
        dict.fromkeys(os.environ.get("PATH", "").split(os.pathsep) + ["/usr/sbin", "/sbin"])
    )
    for program in programs:
        if shutil.which(program) is None:
            raise Missing(f"the program '{program}' is missing; `make test-deps` installs it")


def enter() -> None:
    """Goes on in the lab: this program starts again as the first process of new namespaces.

    There, /run is empty and in memory, `FOLDER` is a folder on it, the host is called `HOST`, the
    loopback device is up and alone, and a SIGTERM raises SystemExit.
    """
    need("unshare", "ip", "mount")
    if os.environ.pop(_MARK, None) is None:
        if os.geteuid() != 0:
            sys.exit("this test makes namespaces, which needs root; run it with sudo")
        os.environ[_MARK] = "1"
        namespaces = ["--pid", "--mount", "--net", "--uts", "--ipc"]
        os.execvp(
            "unshare",
            ["unshare", *namespaces, "--fork", "--kill-child=KILL", "--mount-proc"]
            + [sys.executable, *sys.orig_argv[1:]],
        )
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    run("mount", "-t", "tmpfs", "-o", "mode=755,size=4g", "lab", "/run")
    for folder in (FOLDER, "/run/netns", "/run/sshd"):
        os.mkdir(folder, 0o755)
    name_hosts({})
    with open("/proc/sys/kernel/hostname", "w") as file:
        file.write(HOST)
    run("ip", "link", "set", "lo", "up")
    # Programs that ask for addresses of configured kinds only, as Slurm does, do not count 127.0.0.1.
    run("ip", "address", "add", "10.78.0.1/32", "dev", "lo")


def name_hosts(addresses: dict[str, str]) -> None:
    """Lets names stand for addresses in this lab, by an /etc/hosts of its own."""
    path = os.path.join(FOLDER, "hosts")
    is_new = not os.path.exists(path)
    lines = ["127.0.0.1 localhost " + HOST, "::1 ip6-localhost"]
    lines += [f"{address} {name}" for name, address in addresses.items()]
    with open(path, "w") as file:  # the same file: it is what is mounted
        file.write("\n".join(lines) + "\n")
    if is_new:
        run("mount", "--bind", path, "/etc/hosts")


def run(*command: str, **options) -> str:
    """Runs a program to its end and returns what it wrote; its failure is an error that quotes it."""
    options = {"timeout": 150, "stdin": subprocess.DEVNULL} | options
    result = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
    )
    if result.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit {result.returncode}: {result.stdout.strip()}")
    return result.stdout
