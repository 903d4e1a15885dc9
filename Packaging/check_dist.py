#!/usr/bin/env python3
"""Checks what make_dist.py made, where nothing else is installed. Needs to be root.

    check_dist.py ROOT [IMAGE]

The digests hold; lintian and systemd find nothing; in a bare Debian in the folder ROOT the archive and the
package tune the study that they bring along, and purging the package leaves nothing; the image IMAGE
does the same under podman.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import bare_root
from bundle import ROOT, run, version

DIST = ROOT / "dist"
# What may take two minutes from the download on.
LIMIT = 120
TRIALS = 20
# At most this exposed, of 10, by systemd's own count.
EXPOSURE = 3.0
# For machines that are containers themselves.
PODMAN = ["podman", "--storage-driver", "vfs", "--runtime", "/usr/sbin/runc"]
RUN = ["run", "--rm", "--network", "host", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096"]
TUNE = (
    f"{{command}} run {{documents}}/examples/digits/study.yaml --trials {TRIALS} --quiet --store digits.db; "
    "{command} study best digits --store digits.db; {command} plot history digits --store digits.db -o history.svg"
)


def fail(problem):
    sys.exit(f"dist is not right: {problem}")


def check_files(archive, package):
    run("sha256sum", "--check", "--quiet", "SHA256SUMS", cwd=DIST)
    said = subprocess.run(
        ["lintian", "--allow-root", "--fail-on", "error,warning", package], text=True, capture_output=True)
    if said.returncode or said.stdout:
        fail(f"lintian says: {said.stdout}{said.stderr}")
    names = run("tar", "--list", "--file", archive, stdout=subprocess.PIPE).stdout.split()
    for name in ("bin/needletail", "lib/libneedletail.so", "include/needletail.h", "share/man/man1/needletail.1.gz",
                 "share/doc/needletail/licences/LICENSE", "share/doc/needletail/examples/digits/study.yaml"):
        if not any(entry.partition("/")[2] == name for entry in names):
            fail(f"{archive.name} has no {name}")
    print(f"{package.name}: lintian finds nothing")


def check_units(root):
    """What systemd says of the services in a root that has the package."""
    with tempfile.TemporaryDirectory() as folder:
        for unit in sorted((root / "lib/systemd/system").glob("needletail-*.service")):
            # The program that is there, and this machine's targets, which a bare root has not.
            copy = pathlib.Path(folder) / unit.name
            copy.write_text(unit.read_text().replace("=/usr/bin/needletail ", f"={root}/usr/bin/needletail "))
            for words in (["verify", "--man=no"], ["security", "--offline=true", f"--threshold={EXPOSURE * 10:.0f}"]):
                said = subprocess.run(["systemd-analyze", *words, copy], text=True, capture_output=True)
                problems = [line for line in said.stderr.splitlines() if unit.name in line]
                if said.returncode or problems:
                    fail(f"systemd-analyze {words[0]} says of {unit.name}: {said.stdout}{said.stderr}")
    print(f"services: exposure below {EXPOSURE}")


def timed(what, root, script):
    begin = time.monotonic()
    bare_root.run(root, f"mkdir -p /work; cd /work; export HOME=/work; {script}")
    seconds = time.monotonic() - begin
    print(f"{what}: installed and tuned {TRIALS} trials in {seconds:.0f} s")
    if seconds > LIMIT:
        fail(f"{what} took {seconds:.0f} s")


def check_root(root, archive, package):
    work = root / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    for file in (archive, package):
        shutil.copy(file, work)
    name = archive.name.removesuffix(".tar.xz")
    timed("the archive", root,
          f"apt-get -qq update; apt-get -qq install xz-utils >/dev/null; tar xf {archive.name}; "
          + TUNE.format(command=f"{name}/bin/needletail", documents=f"{name}/share/doc/needletail")
          + "; rm digits.db")
    timed("the package", root,
          f"apt-get -qq install ./{package.name} >/dev/null; "
          + TUNE.format(command="needletail", documents="/usr/share/doc/needletail")
          + "; test -e /usr/share/bash-completion/completions/needletail")
    check_units(root)
    # A service's state, and what an admin wrote, are gone with the package.
    bare_root.run(root, "mkdir -p /var/lib/private/needletail /etc/needletail; touch /etc/needletail/serve.env; "
                        "rm -r /work; apt-get -qq purge needletail >/dev/null; apt-get -qq autoremove --purge >/dev/null")
    left = run("find", root, "-xdev", "-name", "*needletail*", "-not", "-path", "*/var/log/*",
               stdout=subprocess.PIPE).stdout.split()
    if left:
        fail(f"purging leaves {', '.join(left)}")
    print("purging leaves nothing")


def check_image(image):
    with tempfile.TemporaryDirectory() as folder:
        begin = time.monotonic()
        script = TUNE.format(command="needletail", documents="/usr/share/doc/needletail")
        run(*PODMAN, *RUN, "--volume", f"{folder}:/work", "--workdir", "/work", "--entrypoint", "/bin/sh", image,
            "-ec", script)
        if not os.path.exists(f"{folder}/history.svg"):
            fail("the image drew no figure")
        said = run(*PODMAN, *RUN, image, "version", stdout=subprocess.PIPE).stdout
        if version() not in said:
            fail(f"the image says '{said}' of its version")
    print(f"the image: tuned {TRIALS} trials in {time.monotonic() - begin:.0f} s")


def main():
    [archive] = DIST.glob("needletail-*-linux-*.tar.xz")
    [package] = DIST.glob("needletail_*.deb")
    check_files(archive, package)
    check_root(bare_root.make(pathlib.Path(sys.argv[1]), "python3", "python3-venv"), archive, package)
    for image in sys.argv[2:]:
        check_image(image)


if __name__ == "__main__":
    main()
