#!/usr/bin/env python3
"""Fails when a page for people who change the code names a path, a target or a type that is gone.

Looked at is what stands between backquotes: paths that begin with a folder of the repository, `make`
targets, and words such as `Coordinator` or `Coordinator.ask`, each part of which must occur in the code.
"""

import re

from swift_source import ROOT, finish, tracked

PAGES = ["CONTRIBUTING.md", "SECURITY.md", "Documentation/architecture.md", "Documentation/stability.md",
         *(str(file.relative_to(ROOT)) for file in (ROOT / "Documentation/decisions").glob("0*.md"))]
FOLDERS = ("Sources/", "Tests/", "Documentation/", "Studies/", "Benchmarks/", ".github/", ".ci/")
NAME = re.compile(r"([A-Z]\w+)(?:\.(\w+))?(?:\([\w:]*\))?")
# Names of other projects that look like ours.
FOREIGN = {"TERM", "ACCEPT", "NOTIFY", "LISTEN", "SIGTERM", "SIGSTOP", "SIGKILL", "SKIP", "WAITING",
           "RUNNING", "COMPLETE", "PRUNED", "FAIL", "Origin", "Host", "Package", "Data", "URL",
           "Process", "Foundation"}


def words():
    """All words of the code, as a set."""
    found = set()
    for file in tracked(".swift", ".py", ".js", ".sql", ".h"):
        found |= set(re.findall(r"\w+", file.read_text()))
        found.add(file.stem)
    return found | {part for file in tracked("") for part in file.relative_to(ROOT).parts}


def main():
    known = words()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    problems = []
    for page in PAGES:
        text = re.sub(r"```.*?```", "", (ROOT / page).read_text(), flags=re.DOTALL)
        for span in re.findall(r"`([^`\n]+)`", text):
            if span.startswith(FOLDERS):
                if not any(ROOT.glob(span.rstrip("/"))):
                    problems.append(f"{page}: there is no {span}")
            elif match := re.fullmatch(r"make ([a-z-]+).*", span):
                if match[1] not in targets:
                    problems.append(f"{page}: the Makefile has no target {match[1]}")
            elif match := NAME.fullmatch(span):
                gone = [part for part in match.groups() if part and part not in known | FOREIGN]
                if gone:
                    problems.append(f"{page}: `{span}` names {' and '.join(gone)}, which the code lacks")
    finish("names", problems, "write what it is called today")


if __name__ == "__main__":
    main()
