#!/usr/bin/env python3
"""Fails unless the newest section of CHANGELOG.md is that of the version in Sources, with a date.

The Python client has the same version.
"""

import re

from swift_source import ROOT, finish

SOURCE = ROOT / "Sources" / "Messages" / "Release.swift"
PYTHON = ROOT / "Sources" / "Objectives" / "Python" / "needletail.py"


def main():
    [version] = re.findall(r'static let version = "([^"]+)"', SOURCE.read_text())
    sections = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    released = [title for title in sections if title != "Unreleased"]
    problems = []
    if not released or not re.fullmatch(rf"{re.escape(version)} – \d{{4}}-\d\d-\d\d", released[0]):
        problems.append(f"{SOURCE.relative_to(ROOT)} says {version}, and the newest section of "
                        f"CHANGELOG.md is '{released[0] if released else 'Unreleased'}'")
    if f'__version__ = "{version}"' not in PYTHON.read_text():
        problems.append(f"{PYTHON.relative_to(ROOT)} has another version than {version}")
    finish("version", problems, "a release changes both: '## VERSION – YYYY-MM-DD'")


if __name__ == "__main__":
    main()
