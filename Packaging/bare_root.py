"""A bare Debian in a folder, made by debootstrap, in which programs run as root of it."""

import os
import pathlib
import shutil
import subprocess
import sys

RELEASE = "bookworm"
ENVIRONMENT = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1",
    "DEBIAN_FRONTEND": "noninteractive", "HOME": "/root",
}


def mirror():
    """From where this machine gets its packages."""
    listed = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(SITE)", "Created-By: Packages", f"Codename: {RELEASE}"],
        check=True, text=True, capture_output=True,
    ).stdout.split()
    if not listed:
        sys.exit(f"this machine has no source of {RELEASE}'s packages; run: apt-get update")
    return listed[0]


def make(root, *packages):
    """The folder with a new Debian, or with the one that it has already."""
    root = pathlib.Path(root).absolute()
    if not (root / "var/lib/dpkg/status").exists():
        shutil.rmtree(root, ignore_errors=True)
        root.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["debootstrap", "--variant=minbase", f"--include={','.join(packages)}", RELEASE, root, mirror()],
            check=True, stdout=subprocess.DEVNULL,
        )
    return root


def run(root, script):
    """Runs a script of the shell in the root, with its own /proc and this machine's way to its mirror."""
    for name in ("resolv.conf", "hosts"):
        shutil.copyfile(f"/etc/{name}", root / "etc" / name)
    subprocess.run(
        ["unshare", "--mount", "--pid", "--fork", "--kill-child", "chroot", root, "/bin/sh", "-c",
         f"set -e; mount -t proc proc /proc; mount -t tmpfs tmpfs /dev/shm; "
         f"mount -t devpts devpts /dev/pts; {script}"],
        check=True, env=proxied(ENVIRONMENT), stdin=subprocess.DEVNULL,
    )


def proxied(environment):
    """The environment, with this machine's way out."""
    return environment | {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
