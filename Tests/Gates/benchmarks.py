#!/usr/bin/env python3
"""Fails when the benchmark package would not compile with the library as it is.

Its own build takes minutes. Here the compiler only checks the types of each target, against the
modules that the package's build has made.

  benchmarks.py [BUILD FOLDER]
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from swift_source import ROOT, finish

SOURCES = ROOT / "Benchmarks" / "Sources"
# What the other targets import.
SUPPORT = "BenchmarkSupport"
FEATURES = ("ExistentialAny", "InternalImportsByDefault", "MemberImportVisibility")
PACKAGES = ("openblas", "sqlite3", "yaml-0.1", "libpcre2-8", "zlib")


def flags(folder, made):
    """The compiler's arguments for all targets."""
    words = ["-swift-version", "6", "-warnings-as-errors", "-parse-as-library", "-package-name", "benchmarks"]
    for feature in FEATURES:
        words += ["-enable-upcoming-feature", feature]
    words += ["-I", str(folder / "Modules"), "-I", str(made)]
    for library in sorted((ROOT / "Sources").glob("C*/module.modulemap")):
        words += ["-Xcc", f"-fmodule-map-file={library}"]
    found = subprocess.run(
        ["pkg-config", "--cflags-only-I", *PACKAGES], check=True, capture_output=True, text=True)
    return words + [word for flag in found.stdout.split() for word in ("-Xcc", flag)]


def main(arguments):
    folder = Path(arguments[0]) if arguments else ROOT / ".build" / "debug"
    problems = []
    with tempfile.TemporaryDirectory() as made:
        words = flags(folder, made)
        targets = [SUPPORT, *sorted(
            path.name for path in SOURCES.iterdir() if path.is_dir() and path.name != SUPPORT)]
        for target in targets:
            what = ["-emit-module", "-o", f"{made}/{SUPPORT}.swiftmodule"] if target == SUPPORT else ["-typecheck"]
            done = subprocess.run(
                ["swiftc", *words, *what, "-module-name", target.replace("-", "_"),
                 *map(str, sorted((SOURCES / target).glob("*.swift")))],
                cwd=ROOT, capture_output=True, text=True)
            if done.returncode != 0:
                problems += [line for line in done.stderr.splitlines() if ": error: " in line] or [
                    f"Benchmarks/Sources/{target}: {done.stderr.strip()[-300:]}"]
    finish("benchmarks", problems, "see Benchmarks/README.md for how the package is built")


if __name__ == "__main__":
    main(sys.argv[1:])
