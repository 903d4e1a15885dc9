#!/usr/bin/env python3
"""Fails on lines over 100 columns in Swift, Python, JavaScript and shell files, comments included.

A line of which one word alone is too long (an address, a test value) passes: nothing could break it.
"""

import unicodedata

from swift_source import ROOT, finish, tracked

LIMIT = 100


def width(line):
    """Columns on a terminal: a tab is eight, combining marks are none."""
    return sum(0 if unicodedata.combining(character) else 1 for character in line.expandtabs(8))


def is_breakable(line):
    """Whether a space after the indentation and the comment's mark could become a line's end."""
    return len(line.split()) > 2


def main():
    problems = []
    for file in tracked(".swift", ".py", ".js", ".sh", "Makefile"):
        for number, line in enumerate(file.read_text().splitlines(), 1):
            if width(line) > LIMIT and is_breakable(line):
                problems.append(f"{file.relative_to(ROOT)}:{number}: {width(line)} columns")
    finish("line length", problems, f"break lines after at most {LIMIT} columns, in comments too")


if __name__ == "__main__":
    main()
