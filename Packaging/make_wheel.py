#!/usr/bin/env python3
"""Makes dist/needletail-VERSION-py3-none-manylinux_2_XX_x86_64.whl from a release build.

The engine is in it once, as libneedletail.so, which is also the command: the program `needletail` is
a small one that calls it. Beside them lie the libraries that they are linked with or open, renamed,
so that a process which has another copy of such a library keeps it, and their licences. The tag says
which glibc the files really need.
"""

import argparse
import collections
import os
import pathlib
import re
import shutil
import subprocess
import sys

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGING = ROOT / "Packaging"
#: Before the version in the name of a library of ours; SharedLibrary.swift looks for it.
MARK = "-needletail"
#: What the engine is linked with, by pkg-config's names.
LINKED = ["openblas", "sqlite3", "yaml-0.1", "libpcre2-8"]
#: What it opens when it needs it. Those that draw pictures come from the system: they belong to its
#: fonts.
OPENED = [
    "libcurl.so.4",
    "libmicrohttpd.so.12",
    "libgnutls.so.30",
    "libnghttp2.so.14",
    "libpq.so.5",
]
#: Of every system that the tag allows; see PEP 600.
SYSTEM = re.compile(
    r"(ld-linux-x86-64|libc|libm|libdl|libpthread|librt|libresolv|libutil|libgcc_s|libstdc\+\+)\.so\.\d+"
)
LARGEST = 60_000_000


def run(*words, **options):
    return subprocess.run(
        [str(word) for word in words], check=True, text=True, **options
    )


def output(*words):
    return run(*words, stdout=subprocess.PIPE).stdout


def needed(path):
    """The names of the libraries that a file is linked with."""
    with open(path, "rb") as file:
        for section in ELFFile(file).iter_sections():
            if isinstance(section, DynamicSection):
                return [tag.needed for tag in section.iter_tags("DT_NEEDED")]
    return []


def glibc_symbols(path):
    """The versions of glibc whose symbols a file needs, each as (2, NN)."""
    found = set()
    with open(path, "rb") as file:
        for section in ELFFile(file).iter_sections():
            if isinstance(section, GNUVerNeedSection):
                for _, versions in section.iter_versions():
                    for version in versions:
                        match = re.fullmatch(r"GLIBC_(\d+)\.(\d+)(\.\d+)?", version.name)
                        if match:
                            found.add((int(match[1]), int(match[2])))
    return found


def link(build, engine, program):
    """Links the engine, with the command in it, and the program that calls it."""
    objects = []
    for product in ("needletail", "needletail-c"):
        lines = (build / f"{product}.product" / "Objects.LinkFileList").read_text()
        objects += [line for line in lines.splitlines() if line not in objects]
    listing = engine.parent / "objects"
    listing.write_text("\n".join(objects) + "\n")
    entry = "NeedletailCommand_main"
    exports = engine.parent / "exports"
    exports.write_text("{ global: needletail_*; %s; local: *; };\n" % entry)
    libraries = output("pkg-config", "--libs", *LINKED).split()
    older = engine.parent / "older_glibc.o"
    run("clang", "-O2", "-fPIC", "-c", "-o", older, PACKAGING / "older_glibc.c")
    run(
        "swiftc", "-emit-library", "-static-stdlib", "-o", engine, f"@{listing}", older,
        "-Xlinker", f"--version-script={exports}", "-Xlinker", "--gc-sections",
        "-Xlinker", "-soname=libneedletail.so", *libraries,
    )
    run("strip", "--strip-unneeded", engine)
    # The library's place is said by patchelf below.
    run(
        "clang", "-O2", "-s", "-pie", "-o", program, PACKAGING / "program.c",
        engine, "-Wl,--allow-shlib-undefined",
    )


def system_libraries():
    """Where this machine has its libraries, by their names."""
    found = {}
    for line in output("/sbin/ldconfig", "-p").splitlines():
        match = re.fullmatch(r"\s+(\S+) \(libc6,x86-64.*\) => (\S+)", line)
        if match:
            found.setdefault(match[1], pathlib.Path(match[2]).resolve())
    return found


def closure(engine):
    """What the engine needs beside the system's own, by name: where it is."""
    known = system_libraries()
    found = {}
    waiting = collections.deque(needed(engine) + OPENED)
    while waiting:
        name = waiting.popleft()
        if name in found or SYSTEM.fullmatch(name):
            continue
        if name not in known:
            sys.exit(f"the library {name} is not on this machine; run: make deps")
        found[name] = known[name]
        waiting += needed(known[name])
    return found


def renamed(name):
    """libcurl.so.4 becomes libcurl-needletail.so.4."""
    stem, _, version = name.partition(".so")
    return f"{stem}{MARK}.so{version}"


def gather(engine, program, folder):
    """Puts the libraries beside the engine; returns where they came from."""
    found = closure(engine)
    for name, source in found.items():
        target = folder / renamed(name)
        shutil.copyfile(source, target)
        target.chmod(0o755)
        run("strip", "--strip-unneeded", target)
        run("patchelf", "--set-soname", renamed(name), target)
    for path in [engine, program, *(folder / renamed(name) for name in found)]:
        changes = []
        for name in needed(path):
            if name in found:
                changes += ["--replace-needed", name, renamed(name)]
        place = "$ORIGIN/../lib" if path == program else "$ORIGIN"
        run("patchelf", *changes, "--set-rpath", place, path)
    return found


def licences(sources, folder):
    """Copies the licences of all that is in the wheel."""
    folder.mkdir()
    shutil.copyfile(ROOT / "LICENSE", folder / "LICENSE")
    compiler = pathlib.Path(shutil.which("swiftc")).resolve()
    swift = compiler.parent.parent / "share" / "swift" / "LICENSE.txt"
    shutil.copyfile(swift, folder / "swift-runtime.txt")
    for source in sorted(set(sources)):
        owner = None
        # A file may be known by the path before /usr was merged.
        for path in (source, pathlib.Path("/") / source.relative_to("/usr")):
            found = subprocess.run(["dpkg", "-S", path], capture_output=True, text=True)
            if found.returncode == 0:
                owner = found.stdout.split(":")[0]
        if owner is None:
            sys.exit(f"{source} belongs to no package, so that its licence is not known")
        shutil.copyfile(f"/usr/share/doc/{owner}/copyright", folder / f"{owner}.txt")


def write_metadata(folder, version, tag):
    (folder / "WHEEL").write_text(
        f"Wheel-Version: 1.0\nGenerator: needletail\nRoot-Is-Purelib: false\nTag: {tag}\n"
    )
    licence_files = sorted(path.name for path in (folder / "licenses").iterdir())
    (folder / "METADATA").write_text(
        "Metadata-Version: 2.4\nName: needletail\n"
        f"Version: {version}\n"
        "Summary: Hyperparameter optimization: Optuna's names, a native engine, a command\n"
        "Requires-Python: >=3.9\n"
        "Classifier: Operating System :: POSIX :: Linux\n"
        "Classifier: Programming Language :: Python :: 3 :: Only\n"
        "Classifier: Typing :: Typed\n"
        + "".join(f"License-File: {name}\n" for name in licence_files)
        + "Description-Content-Type: text/markdown\n\n"
        + (PACKAGING / "description.md").read_text()
    )


def make(build, target):
    client = (ROOT / "Sources/Objectives/Python/needletail.py").read_text()
    [version] = re.findall(r'^__version__ = "([^"]+)"$', client, re.MULTILINE)
    work = ROOT / ".build" / "wheel"
    shutil.rmtree(work, ignore_errors=True)
    stage = work / "stage"
    package = stage / "needletail"
    # Links are followed: the client is a file of the engine's.
    shutil.copytree(
        ROOT / "Python" / "needletail", package, ignore=shutil.ignore_patterns("__pycache__")
    )
    (package / "lib").mkdir()
    (package / "bin").mkdir()
    engine = work / "libneedletail.so"
    program = work / "needletail"
    link(build, engine, program)
    engine = pathlib.Path(shutil.copy2(engine, package / "lib"))
    program = pathlib.Path(shutil.copy2(program, package / "bin"))
    sources = gather(engine, program, package / "lib")

    files = [program, *(package / "lib").iterdir()]
    floors = {path.name: max(glibc_symbols(path), default=(2, 0)) for path in files}
    floor = max(floors.values())
    tag = f"py3-none-manylinux_{floor[0]}_{floor[1]}_x86_64"
    information = stage / f"needletail-{version}.dist-info"
    information.mkdir()
    licences(sources.values(), information / "licenses")
    write_metadata(information, version, tag)
    scripts = stage / f"needletail-{version}.data" / "scripts"
    scripts.mkdir(parents=True)
    shutil.copy2(PACKAGING / "needletail", scripts / "needletail")
    (scripts / "needletail").chmod(0o755)

    target.mkdir(exist_ok=True)
    for old in target.glob("needletail-*.whl"):
        old.unlink()
    run(sys.executable, "-m", "wheel", "pack", stage, "--dest-dir", target, stdout=subprocess.DEVNULL)
    [made] = target.glob("needletail-*.whl")
    size = made.stat().st_size
    print(f"{made.relative_to(ROOT)}: {size / 1e6:.1f} MB, glibc {floor[0]}.{floor[1]}")
    if size > LARGEST:
        sys.exit(f"the wheel is larger than {LARGEST / 1e6:.0f} MB")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=pathlib.Path, help="the folder of the release build")
    options = parser.parse_args()
    os.environ["PATH"] = f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"
    make(options.build.resolve(), ROOT / "dist")


if __name__ == "__main__":
    main()
