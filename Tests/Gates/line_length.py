#!/usr/bin/env python3
"""Fails on comments that go beyond column 100 in Swift, and on lines over 120 in Python and JavaScript.

swift-format looks after Swift's code, but breaks no comments. A line without a space may be longer.
"""

import unicodedata

from swift_source import ROOT, blanked, finish, tracked

LIMITS = {".swift": 100, ".py": 120, ".js": 120}


def width(line):
    """Columns on a terminal: a tab is eight, combining marks are none."""
    return sum(0 if unicodedata.combining(character) else 1 for character in line.expandtabs(8))


def is_comment_too_long(line, code):
    """Whether `line`, which is `code` without its comments and strings, ends in a comment's words."""
    return line[len(code.rstrip()):].lstrip().startswith("//") and len(line.split()) > 2


def main():
    problems = []
    for file in tracked(*LIMITS):
        text = file.read_text()
        lines, limit = text.split("\n"), LIMITS[file.suffix]
        codes = blanked(text).split("\n") if file.suffix == ".swift" else None
        for index, line in enumerate(lines):
            if width(line) <= limit:
                continue
            if is_comment_too_long(line, codes[index]) if codes else len(line.split()) > 2:
                problems.append(f"{file.relative_to(ROOT)}:{index + 1}: {width(line)} columns")
    finish("line length", problems, "end lines earlier, in comments too")


if __name__ == "__main__":
    main()
