#!/usr/bin/env python3
"""Fails on comments that go beyond column 100 in Swift; with --fix it breaks them.

swift-format looks after the code, but breaks no comments. A line without a space may be longer.
"""

import re
import sys
import unicodedata

from swift_source import ROOT, blanked, finish, tracked

LIMIT = 100
COMMENT = re.compile(r"^(\s*)(///|//)( ?)(.*)$")
# What begins a paragraph of its own: list items, code blocks, tables, headings, marks.
OWN = re.compile(r"\s*(?:- |\d+\. |```|\||#|MARK:)")
# Code between backquotes stays together.
WORD = re.compile(r"``?[^`\n]+``?\S*|\S+")


def width(line):
    """Columns on a terminal: a tab is eight, combining marks are none."""
    return sum(0 if unicodedata.combining(character) else 1 for character in line.expandtabs(8))


def ends_in_comment(line, code):
    """Whether `line`, which is `code` without its comments and strings, ends in a comment's words."""
    return line[len(code.rstrip()):].lstrip().startswith("//") and len(line.split()) > 2


def broken(text):
    """`text` with every comment that is too long broken anew, up to the end of its paragraph."""
    lines, codes = text.split("\n"), blanked(text).split("\n")
    output, index = [], 0
    while index < len(lines):
        match = COMMENT.match(lines[index])
        if not match or codes[index].strip() or width(lines[index]) <= LIMIT:
            output.append(lines[index])
            index += 1
            continue
        margin, mark, _, body = match.groups()
        [lead] = re.findall(r"^\s*(?:- |\d+\. )?", body)
        paragraph = [body[len(lead):]]
        index += 1
        while index < len(lines):
            following = COMMENT.match(lines[index])
            if not following or following.groups()[:2] != (margin, mark):
                break
            rest = following[4]
            if not rest.strip() or OWN.match(rest) or len(rest) - len(rest.lstrip()) != len(lead):
                break
            paragraph.append(rest.strip())
            index += 1
        start, row = f"{margin}{mark} ", lead
        for word in WORD.findall(" ".join(paragraph)):
            candidate = row + word if row.strip() in ("", lead.strip()) and row in (
                lead, " " * len(lead)) else f"{row} {word}"
            if width(start + candidate) > LIMIT and candidate != row + word:
                output.append(start + row)
                row = " " * len(lead) + word
            else:
                row = candidate
        output.append(start + row)
    return "\n".join(output)


def main(arguments):
    problems = []
    for file in tracked(".swift"):
        text = file.read_text()
        if arguments == ["--fix"]:
            while (fixed := broken(text)) != text:
                text = fixed
            if text != file.read_text():
                file.write_text(text)
        for index, (line, code) in enumerate(zip(text.split("\n"), blanked(text).split("\n"))):
            if width(line) > LIMIT and ends_in_comment(line, code):
                problems.append(f"{file.relative_to(ROOT)}:{index + 1}: {width(line)} columns")
    finish("line length", problems, f"break comments at {LIMIT} columns, or run "
           "Tests/Gates/line_length.py --fix")


if __name__ == "__main__":
    main(sys.argv[1:])
