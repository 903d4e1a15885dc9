#!/usr/bin/env python3
"""The module graph as it is: what targets declare in Package.swift and what their files import.

Prints one line for each target, bottom up. Fails when a target imports one that it does not declare,
declares one that it never imports, or declares one that stands below it in Package.swift; when a
C module has two importers; and when a file in Sources imports Foundation.

With --check it also fails unless Documentation/architecture.md shows the graph as it is, where edges
that follow from others are left out. With --renew it draws that graph anew into the page.
"""

import json
import re
import subprocess
import sys
from collections import defaultdict

from swift_source import ROOT, blanked, finish

# Dependencies that no file imports, with the reason. A test's dependency on an executable needs no
# entry: the test runs the program, so it must be built.
NEEDS_NO_IMPORT: dict[tuple[str, str], str] = {
    ("CInterfaceTests", "CInterface"): "the tests open the library, as other languages do",
}

# C modules with more than one importer, with the reason.
HAS_SEVERAL_IMPORTERS = {
    "CSystem": "declarations of the system's own functions, which are nobody's library",
}

IMPORT = re.compile(
    r"^[ \t]*(?:@\w+(?:\([^)]*\))?[ \t]+)*"
    r"(?:(?:public|package|internal|private|fileprivate)[ \t]+)?"
    r"import[ \t]+(?:(?:struct|class|enum|protocol|typealias|func|let|var|actor)[ \t]+)?(\w+)",
    re.MULTILINE)
PAGE = ROOT / "Documentation" / "architecture.md"
DRAWING = re.compile(r"```mermaid\n(graph .*?)```", re.DOTALL)


class Target:
    def __init__(self, described):
        self.name = described["name"]
        self.kind = described["type"]
        folder = "Tests" if self.kind == "test" else "Sources"
        self.folder = ROOT / (described.get("path") or f"{folder}/{self.name}")
        self.declared = [next(iter(item.values()))[0] for item in described["dependencies"]]
        # Where each module is imported: the first file that does.
        self.imported: dict[str, str] = {}
        if self.kind == "system":
            return
        for file in sorted(self.folder.rglob("*.swift")):
            for name in IMPORT.findall(blanked(file.read_text())):
                self.imported.setdefault(name, str(file.relative_to(ROOT)))

    @property
    def is_program(self):
        return self.kind == "executable"


def read_targets():
    described = subprocess.run(
        ["swift", "package", "dump-package"], cwd=ROOT, check=True, capture_output=True, text=True)
    return [Target(item) for item in json.loads(described.stdout)["targets"]]


def problems_of(targets):
    by_name = {target.name: target for target in targets}
    place = {target.name: index for index, target in enumerate(targets)}
    importers = defaultdict(list)
    for target in targets:
        own = {name: file for name, file in target.imported.items() if name in by_name}
        for name, file in own.items():
            if by_name[name].kind == "system" and target.kind != "test":
                if name not in HAS_SEVERAL_IMPORTERS:
                    importers[name].append(target.name)
            if name not in target.declared and name != target.name:
                yield (f"{file}: {target.name} imports {name}, which is not among its "
                       "dependencies in Package.swift")
        for name in target.declared:
            if name not in by_name:
                continue
            is_run = target.kind == "test" and by_name[name].is_program
            if name not in own and not is_run and (target.name, name) not in NEEDS_NO_IMPORT:
                yield f"Package.swift: {target.name} declares {name}, which none of its files imports"
            if place[name] > place[target.name]:
                yield (f"Package.swift: {target.name} depends on {name}, which stands below it; "
                       "a target imports only what stands above it")
        if "Foundation" in target.imported and target.folder.is_relative_to(ROOT / "Sources"):
            yield (f"{target.imported['Foundation']}: imports Foundation, which nothing in Sources "
                   "may; see Documentation/decisions")
    for name, users in importers.items():
        if len(users) > 1:
            yield f"Package.swift: {name} is imported by {', '.join(users)}; a C module has one importer"
    for target, name in NEEDS_NO_IMPORT:
        if target not in by_name or name not in by_name[target].declared:
            yield f"Tests/Gates/modules.py: the exemption of {target} for {name} is not needed any more"


def shown(targets):
    """The targets that make up the library and the command."""
    return [target for target in targets
            if target.kind != "test" and (target.kind == "system"
                                          or target.folder.is_relative_to(ROOT / "Sources"))]


def drawing(targets):
    """The graph in Mermaid's words, without the edges that follow from others."""
    targets = shown(targets)
    edges = {target.name: {name for name in target.declared if name in target.imported}
             for target in targets}
    reach: dict[str, set[str]] = {}
    for target in targets:  # bottom up, so what is reached from a dependency is known
        reach[target.name] = set(edges[target.name]).union(
            *(reach.get(name, set()) for name in edges[target.name]))
    used = {name for names in edges.values() for name in names}
    targets = [target for target in targets if target.kind != "system" or target.name in used]
    lines = ["graph BT"]
    for target in targets:
        box = f"([{target.name}])" if target.kind == "system" else f"[{target.name}]"
        lines.append(f"  {target.name}{box}")
    for target in targets:
        for name in target.declared:
            others = edges[target.name] - {name}
            if name in edges[target.name] and not any(name in reach[other] for other in others):
                lines.append(f"  {target.name} --> {name}")
    return "\n".join(lines) + "\n"


def main(arguments):
    targets = read_targets()
    if arguments == ["--renew"]:
        page = f"```mermaid\n{drawing(targets)}```"
        PAGE.write_text(DRAWING.sub(lambda _: page, PAGE.read_text()))
        return
    width = max(len(target.name) for target in targets)
    for target in targets:
        names = " ".join(name for name in target.declared if name in target.imported)
        print(f"{target.name:{width}}  {names or '–'}")
    problems = list(problems_of(targets))
    if arguments == ["--check"]:
        drawn = DRAWING.search(PAGE.read_text())
        if not drawn or drawn[1] != drawing(targets):
            problems.append(
                "Documentation/architecture.md: the module graph is not the one of today; run "
                "Tests/Gates/modules.py --renew, and see whether the page's words still hold")
    finish("module graph", problems, "see Documentation/architecture.md, \"The modules\"")


if __name__ == "__main__":
    main(sys.argv[1:])
