#!/usr/bin/env python3
"""Fails on comments that go beyond column 100 in Swift.

swift-format looks after the code, but breaks no comments. A line without a space may be longer.
"""

import unicodedata

from swift_source import ROOT, blanked, finish, tracked

LIMIT = 100


def width(line):
    """Columns on a terminal: a tab is eight, combining marks are none."""
    return sum(0 if unicodedata.combining(character) else 1 for character in line.expandtabs(8))


def ends_in_comment(line, code):
    """Whether `line`, which is `code` without its comments and strings, ends in a comment's words."""
    return line[len(code.rstrip()):].lstrip().startswith("//") and len(line.split()) > 2


def main():
    problems = []
    for file in tracked(".swift"):
        text = file.read_text()
        codes = blanked(text).split("\n")
        for index, line in enumerate(text.split("\n")):
            if width(line) > LIMIT and ends_in_comment(line, codes[index]):
                problems.append(f"{file.relative_to(ROOT)}:{index + 1}: {width(line)} columns")
    finish("line length", problems, f"break comments at {LIMIT} columns")


if __name__ == "__main__":
    main()
