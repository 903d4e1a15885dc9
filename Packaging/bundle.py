"""The engine with the libraries that it needs, in folders that work on any Debian-like system.

What it is linked with or opens lies beside it under a name of its own, so that a process which has
another copy of such a library keeps it.
"""

import collections
import hashlib
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


def closure(engine, programs):
    """What the engine and the programs need beside the system's own libraries, by name: where it is."""
    known = system_libraries()
    found = {}
    linked = [name for path in (engine, *programs) for name in needed(path) if name != engine.name]
    waiting = collections.deque(linked + OPENED)
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


def gather(engine, programs, folder):
    """Puts the libraries into the engine's folder, beside that of the programs; returns their sources."""
    found = closure(engine, programs)
    for name, source in found.items():
        target = folder / renamed(name)
        shutil.copyfile(source, target)
        target.chmod(0o755)
        run("strip", "--strip-unneeded", target)
        run("patchelf", "--set-soname", renamed(name), target)
    for path in [engine, *programs, *(folder / renamed(name) for name in found)]:
        changes = []
        for name in needed(path):
            if name in found:
                changes += ["--replace-needed", name, renamed(name)]
        place = "$ORIGIN/../lib" if path in programs else "$ORIGIN"
        run("patchelf", *changes, "--set-rpath", place, path)
    return found


def owner(file):
    """The Debian package that a file came with."""
    # It may be known by the path before /usr was merged.
    for path in (file, pathlib.Path("/") / file.relative_to("/usr")):
        found = subprocess.run(["dpkg", "-S", path], capture_output=True, text=True)
        if found.returncode == 0:
            return found.stdout.split(":")[0]
    sys.exit(f"{file} belongs to no package, so that its licence is not known")


def licences(sources, folder):
    """Copies the licences of all that is in the bundle; returns the packages."""
    folder.mkdir(parents=True)
    shutil.copyfile(ROOT / "LICENSE", folder / "LICENSE")
    compiler = pathlib.Path(shutil.which("swiftc")).resolve()
    swift = compiler.parent.parent / "share" / "swift" / "LICENSE.txt"
    shutil.copyfile(swift, folder / "swift-runtime.txt")
    packages = sorted({owner(source) for source in sources})
    for package in packages:
        shutil.copyfile(f"/usr/share/doc/{package}/copyright", folder / f"{package}.txt")
    return packages


def install_program(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o755)
    run("strip", "--strip-unneeded", "--remove-section=.comment", target)


def example(folder, digits):
    """Writes the study that every form brings along, whose program is at `digits`, seen from there."""
    folder.mkdir(parents=True)
    source = ROOT / "Studies/digits"
    shutil.copyfile(source / "digits.csv.gz", folder / "digits.csv.gz")
    # What is said of the repository does not hold there.
    paragraphs = (source / "README.md").read_text().split("\n\n")
    (folder / "README.md").write_text("\n\n".join(text for text in paragraphs if "make " not in text))
    built = "../../.build/release/digits"
    for name in ("study.yaml", "tradeoff.yaml"):
        text = re.sub(r"\A(#.*\n)+", "", (source / name).read_text())
        if built not in text:
            sys.exit(f"{name} no longer runs {built}")
        (folder / name).write_text(text.replace(built, digits))


def version():
    """The version of the engine, the command and the Python package, which is one."""
    client = (ROOT / "Sources/Objectives/Python/needletail.py").read_text()
    [found] = re.findall(r'^__version__ = "([^"]+)"$', client, re.MULTILINE)
    return found


def write_sums(folder):
    """SHA256SUMS of all that is in the folder."""
    files = sorted(file for file in folder.iterdir() if file.name != "SHA256SUMS")
    (folder / "SHA256SUMS").write_text(
        "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files))
