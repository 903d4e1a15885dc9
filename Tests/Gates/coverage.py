#!/usr/bin/env python3
"""Prints for each module the share of lines that the tests ran; fails below a floor.

  coverage.py BUILD FOLDER   after `swift test --enable-code-coverage --scratch-path BUILD FOLDER`

Counts what ran in the test process and in the programs that tests started: all of them leave their
counts in the folder. Programs that a test kills leave none, so the share is what was seen at least.
"""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from swift_source import ROOT

# Per cent of lines, for modules whose tests were thin.
FLOORS = {name: 75 for name in ("Messages", "CoordinatorClient", "Exchange", "Working",
                                "PostgresStores")}
PROGRAMS = ("needletail", "StoreWorker")


def lines_by_module(folder):
    """For each module of Sources the lines that can run, and those that did."""
    counts = folder / "codecov"
    merged = counts / "all.profdata"
    raw = sorted(str(file) for file in counts.glob("*.profraw"))
    if not raw:
        sys.exit(f"no counts in {counts}; run the tests with --enable-code-coverage first")
    subprocess.run(["llvm-profdata", "merge", "-sparse", *raw, "-o", str(merged)], check=True)
    bundle = next(folder.glob("*PackageTests.xctest"))
    objects = [item for name in PROGRAMS if (folder / name).exists()
               for item in ("-object", str(folder / name))]
    exported = subprocess.run(
        ["llvm-cov", "export", "-summary-only", "-instr-profile", str(merged), str(bundle),
         *objects], check=True, capture_output=True, text=True).stdout
    modules: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for file in json.loads(exported)["data"][0]["files"]:
        path = Path(file["filename"])
        if not path.is_relative_to(ROOT / "Sources"):
            continue
        lines = file["summary"]["lines"]
        module = modules[path.relative_to(ROOT / "Sources").parts[0]]
        module[0] += lines["count"]
        module[1] += lines["covered"]
    return modules


def main(arguments):
    modules = lines_by_module(Path(arguments[0]).resolve() / "debug")
    problems = []
    for name, (count, covered) in sorted(modules.items()):
        share = 100 * covered / max(count, 1)
        floor = FLOORS.get(name)
        print(f"{name:20} {covered:6} of {count:6} lines  {share:5.1f} %"
              + (f"  (at least {floor} %)" if floor else ""))
        if floor and share < floor:
            problems.append(f"{name}: {share:.1f} % of its lines ran, which is below {floor} %")
    for name in FLOORS:
        if name not in modules:
            problems.append(f"{name}: none of its lines was counted")
    if problems:
        print(*problems, sep="\n", file=sys.stderr)
        sys.exit("coverage: write tests of what these modules do")


if __name__ == "__main__":
    main(sys.argv[1:])
