#!/usr/bin/env python3
"""Builds the library's documentation with the toolchain's docc.

  reference.py BUILD_FOLDER OUTPUT

Takes the public symbols of Needletail and of the modules that it re-exports from what was built in
BUILD_FOLDER, and the catalog of articles in Sources/Needletail. OUTPUT becomes a site of plain files.
Fails when an article names something that is not there. Doc comments may name types of other modules,
for which docc has no links.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def target():
    """The compiler's own target triple."""
    shown = subprocess.run(
        ["swiftc", "-print-target-info"], check=True, capture_output=True, text=True).stdout
    return re.search(r'"unversionedTriple": "([^"]+)"', shown)[1]


def make(build, output, base=""):
    """Writes the reference into the folder `output`, which a server keeps at the path `base`."""
    symbols = build / "symbols"
    shutil.rmtree(symbols, ignore_errors=True)
    shutil.rmtree(output, ignore_errors=True)
    symbols.mkdir(parents=True)
    exports = (ROOT / "Sources" / "Needletail" / "Exports.swift").read_text()
    folders = [argument for file in sorted((ROOT / "Sources").glob("C*/module.modulemap"))
               for argument in ("-I", str(file.parent))]
    for module in ["Needletail", *re.findall(r"@_exported public import (\w+)", exports)]:
        subprocess.run(
            ["swift", "symbolgraph-extract", "-module-name", module, "-I", str(build / "Modules"),
             *folders, "-target", target(), "-minimum-access-level", "public",
             "-output-dir", str(symbols)], cwd=ROOT, check=True)
    # Extensions of the standard library's types would hide ours among its protocols.
    for file in symbols.glob("*@Swift.symbols.json"):
        file.unlink()
    catalog, found = ROOT / "Sources/Needletail/Needletail.docc", build / "docc.json"
    done = subprocess.run(
        ["docc", "convert", str(catalog), "--diagnostics-file", str(found),
         "--additional-symbol-graph-dir", str(symbols), "--fallback-display-name", "Needletail",
         "--fallback-bundle-identifier", "needletail", "--transform-for-static-hosting",
         *(["--hosting-base-path", base] if base else []), "--output-dir", str(output)], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    problems = [item for item in json.loads(found.read_text())["diagnostics"]
                if str(catalog) in item.get("source", "")]
    for problem in problems:
        print(f"{problem['source']}: {problem['summary']}", file=sys.stderr)
    if problems:
        sys.exit("docs: correct the articles")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    make(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
    print(f"to read it: python3 -m http.server --directory {sys.argv[2]} 8080, then open "
          "http://localhost:8080/documentation/needletail")
