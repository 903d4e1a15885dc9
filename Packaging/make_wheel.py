#!/usr/bin/env python3
"""Makes dist/needletail-VERSION-py3-none-manylinux_2_XX_x86_64.whl from a release build.

The engine is in it once, as libneedletail.so, which is also the command: the program `needletail` is
a small one that calls it. Beside them lie the libraries that they are linked with or open, and their
licences. The tag says which glibc the files really need.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys

from bundle import (
    PACKAGING, ROOT, example, gather, glibc_symbols, install_program, licences, link, run, version)

LARGEST = 60_000_000


def write_metadata(folder, number, tag):
    (folder / "WHEEL").write_text(
        f"Wheel-Version: 1.0\nGenerator: needletail\nRoot-Is-Purelib: false\nTag: {tag}\n"
    )
    licence_files = sorted(path.name for path in (folder / "licenses").iterdir())
    (folder / "METADATA").write_text(
        "Metadata-Version: 2.4\nName: needletail\n"
        f"Version: {number}\n"
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
    number = version()
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
    digits = package / "libexec" / "digits"
    install_program(build / "digits", digits)
    example(package / "examples" / "digits", "../../libexec/digits")
    sources = gather(engine, [program, digits], package / "lib")

    files = [program, digits, *(package / "lib").iterdir()]
    floors = {path.name: max(glibc_symbols(path), default=(2, 0)) for path in files}
    floor = max(floors.values())
    tag = f"py3-none-manylinux_{floor[0]}_{floor[1]}_x86_64"
    information = stage / f"needletail-{number}.dist-info"
    information.mkdir()
    licences(sources.values(), information / "licenses")
    write_metadata(information, number, tag)
    scripts = stage / f"needletail-{number}.data" / "scripts"
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
