#!/usr/bin/env python3
"""Checks the wheel in dist/: what is in it, and that it works where nothing else is installed.

    check_wheel.py ROOT

installs it in a fresh environment, and in a bare Debian root that debootstrap makes in the folder
ROOT, unless it is there. That needs to be root.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

import bare_root
from bundle import MARK, OPENED, SYSTEM, glibc_symbols, needed, renamed
from make_wheel import LARGEST
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

HERE = pathlib.Path(__file__).resolve().parent


def fail(problem):
    sys.exit(f"the wheel is not right: {problem}")


def dynamic(path, kind):
    """The texts of one kind in the dynamic section of a file."""
    with open(path, "rb") as file:
        for section in ELFFile(file).iter_sections():
            if isinstance(section, DynamicSection):
                name = {"DT_RUNPATH": "runpath", "DT_RPATH": "rpath", "DT_SONAME": "soname"}[kind]
                return [getattr(tag, name) for tag in section.iter_tags(kind)]
    return []


def check_content(wheel, folder):
    """What is in the wheel, unpacked into the folder."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
        modes = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
    if wheel.stat().st_size > LARGEST:
        fail(f"it has {wheel.stat().st_size} bytes")
    package = folder / "needletail"
    for name in ("__init__.py", "_client.py", "py.typed", "lib/libneedletail.so", "bin/needletail"):
        if not (package / name).is_file():
            fail(f"needletail/{name} is missing")
    libraries = {path.name: path for path in (package / "lib").iterdir()}
    for name in OPENED:
        if renamed(name) not in libraries:
            fail(f"{renamed(name)} is missing, which the engine opens")
    floor = (2, 0)
    for path in [*libraries.values(), package / "bin" / "needletail", package / "libexec" / "digits"]:
        if not modes[str(path.relative_to(folder))] & 0o100:
            fail(f"{path.name} is not executable")
        if path.name in libraries and MARK not in path.name and path.name != "libneedletail.so":
            fail(f"{path.name} has the name of a library that a process may have, too")
        wanted = "$ORIGIN" if path.name in libraries else "$ORIGIN/../lib"
        if dynamic(path, "DT_RUNPATH") != [wanted] or dynamic(path, "DT_RPATH"):
            fail(f"{path.name} looks for libraries in {dynamic(path, 'DT_RUNPATH')}")
        if path.name in libraries and dynamic(path, "DT_SONAME") != [path.name]:
            fail(f"{path.name} is named {dynamic(path, 'DT_SONAME')}")
        for name in needed(path):
            if name not in libraries and not SYSTEM.fullmatch(name):
                fail(f"{path.name} needs {name}, which is not in the wheel")
        floor = max(floor, *glibc_symbols(path))
    tag = re.search(r"-py3-none-manylinux_(\d+)_(\d+)_x86_64[.]whl$", wheel.name)
    if not tag or (int(tag[1]), int(tag[2])) != floor:
        fail(f"{wheel.name} needs glibc {floor}")
    [licences] = folder.glob("needletail-*.dist-info/licenses")
    # A licence for each library's package at least, Swift's and ours.
    names = {path.name for path in licences.iterdir()}
    for name in ("LICENSE", "swift-runtime.txt", "libcurl4.txt", "libgnutls30.txt", "libpq5.txt",
                 "libmicrohttpd12.txt", "libnghttp2-14.txt", "libsqlite3-0.txt", "libyaml-0-2.txt",
                 "libpcre2-8-0.txt", "libopenblas0-pthread.txt", "libgfortran5.txt"):
        if name not in names:
            fail(f"the licence {name} is missing")
    said = subprocess.run(
        [sys.executable, "-m", "auditwheel", "show", wheel], check=True, text=True, capture_output=True
    ).stdout
    policy = f"manylinux_{tag[1]}_{tag[2]}_x86_64"
    if policy not in said:
        fail(f"auditwheel says otherwise: {said}")
    print(f"{wheel.name}: {len(libraries)} libraries, {len(names)} licences, {policy}")


def install(wheel, folder):
    """A fresh environment with the wheel alone; returns its Python."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--no-index", "--disable-pip-version-check", wheel],
        check=True,
    )
    return python


def clean_environment():
    return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}


def check_environment(wheel, folder):
    python = install(wheel, folder)
    subprocess.run([python, HERE / "smoke.py"], check=True, env=clean_environment(), cwd=folder)
    times = []
    for _ in range(7):
        said = subprocess.run(
            [python, "-X", "importtime", "-c", "import needletail"],
            check=True, text=True, capture_output=True, env=clean_environment(), cwd=folder,
        ).stderr
        [total] = re.findall(r"\|\s*(\d+) \| needletail$", said, re.MULTILINE)
        times.append(int(total) / 1_000)
    print(f"import needletail: {min(times):.1f} ms at best")
    requirements = HERE.parent / "Tests" / "requirements.txt"
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "-c", requirements, "nbclient", "ipykernel"],
        check=True,
    )
    notebook = HERE.parent / "Tests" / "CInterfaceTests" / "Programs" / "notebook.py"
    subprocess.run([python, notebook], check=True, env=clean_environment(), cwd=folder)


def check_root(wheel, root):
    root = bare_root.make(root, "python3", "python3-venv")
    work = root / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    shutil.copy(wheel, work)
    shutil.copy(HERE / "smoke.py", work)
    bare_root.run(
        root,
        "cd /work; python3 -m venv env; "
        f"env/bin/pip install -q --no-index --disable-pip-version-check {wheel.name}; "
        "env/bin/python smoke.py; "
        "examples=$(env/bin/python -c 'import needletail; print(needletail.__path__[0])')/examples; "
        "env/bin/needletail run $examples/digits/study.yaml --trials 20 --quiet --store digits.db; "
        # Pictures come from the system: a sentence where it has none.
        "env/bin/python -c 'import needletail as n; s = n.create_study(storage=\"sqlite:///a.db\", study_name=\"s\"); "
        "s.optimize(lambda t: t.suggest_float(\"x\", 0, 1), 3)'; "
        "! env/bin/needletail plot history s --store a.db -o a.png 2>said; grep -q librsvg said"
    )
    shutil.rmtree(work)
    print("a bare Debian root: works")


def main():
    [wheel] = (HERE.parent / "dist").glob("needletail-*.whl")
    with tempfile.TemporaryDirectory() as folder:
        check_content(wheel, pathlib.Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        check_environment(wheel, pathlib.Path(folder) / "env")
    check_root(wheel, sys.argv[1])


if __name__ == "__main__":
    main()
