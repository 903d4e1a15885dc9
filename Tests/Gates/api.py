#!/usr/bin/env python3
"""Fails when what users of the library can call is not what Tests/Gates/api.txt says.

The listing comes from swift-api-digester, which reads the modules that were built: the module
Needletail and those that it re-exports. One line for each public declaration: its kind, its full
name, and its types, the result first. `make api` renews it; a commit that does so on purpose shows
the difference, and CHANGELOG.md tells it to users.

  api.py [--renew] [BUILD FOLDER]
"""

import difflib
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from swift_source import ROOT

LISTING = ROOT / "Tests" / "Gates" / "api.txt"
EXPORTS = ROOT / "Sources" / "Needletail" / "Exports.swift"
# Every type has these conformances, or gains them by what it is made of.
IMPLIED = {"Copyable", "Escapable", "SendableMetatype", "BitwiseCopyable"}
SHORTER = re.compile(r"\b(?:Swift|_Concurrency)\.")


def dump(module, folder):
    """The digester's tree of a module that was built in `folder`."""
    command = ["swift-api-digester", "-dump-sdk", "-avoid-location", "-avoid-tool-args",
               "-abort-on-module-fail", "-module", module, "-I", str(folder / "Modules")]
    for library in sorted((ROOT / "Sources").glob("C*/module.modulemap")):
        command += ["-I", str(library.parent)]
    with tempfile.NamedTemporaryFile(suffix=".json") as output:
        done = subprocess.run(
            [*command, "-o", output.name], cwd=ROOT, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"the API of {module} cannot be read; build it first, with "
                     f"`swift build`:\n{done.stderr}")
        return json.loads(Path(output.name).read_text())["ABIRoot"]


def lines_of(node, prefix, module):
    """A line for each declaration below `node` that belongs to `module`."""
    for child in node.get("children", []):
        if "declKind" not in child or child["declKind"] in ("Import", "Accessor"):
            continue
        name = f"{prefix}{child['printedName']}"
        if child.get("moduleName") == module and not child.get("implicit"):
            yield describe(child, name)
        yield from lines_of(child, name + ".", module)


def describe(node, name):
    kind = node["declKind"]
    words = ["static"] if node.get("static") else []
    words += [kind.lower() if kind != "EnumElement" else "case", name]
    if kind in ("Struct", "Class", "Enum", "Protocol", "Actor"):
        conformances = sorted({item["name"] for item in node.get("conformances", [])} - IMPLIED)
        return " ".join(words) + (f": {', '.join(conformances)}" if conformances else "")
    types = [SHORTER.sub("", child["printedName"])
             + (" = …" if child.get("hasDefaultArg") else "") for child in node.get("children", [])
             if child["kind"].startswith("Type")]
    accessors = [item["accessorKind"] for item in node.get("accessors", [])]
    if node.get("throwing") or any(item.get("throwing") for item in node.get("accessors", [])):
        words.append("throws")
    if "set" in accessors:
        words.append("{ get set }")
    if node.get("genericSig"):
        words.append(node["genericSig"])
    return " ".join(words) + (" | " + ", ".join(types) if types else "")


def main(arguments):
    folders = [Path(argument) for argument in arguments if argument != "--renew"]
    folder = folders[0] if folders else ROOT / ".build" / "debug"
    modules = ["Needletail"] + re.findall(r"@_exported public import (\w+)", EXPORTS.read_text())
    text = ""
    for module in modules:
        lines = sorted(set(lines_of(dump(module, folder), "", module)))
        text += f"# {module}\n" + "".join(line + "\n" for line in lines) + "\n"
    if "--renew" in arguments:
        LISTING.write_text(text)
        return
    difference = list(difflib.unified_diff(
        LISTING.read_text().splitlines(), text.splitlines(), "Tests/Gates/api.txt", "the library",
        lineterm="", n=0))
    if difference:
        print(*difference, sep="\n", file=sys.stderr)
        sys.exit("the library's API changed; if that is meant, run `make api`, tell users in "
                 "CHANGELOG.md, and commit Tests/Gates/api.txt with the change")


if __name__ == "__main__":
    main(sys.argv[1:])
