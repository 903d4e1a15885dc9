"""What the gates share: the tree's own Swift files, and Swift text without its comments and strings."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def tracked(*suffixes):
    """The files of the checkout that Git knows or would add, with one of `suffixes`; sorted."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True).stdout
    names = {name for name in listed.split("\0") if name.endswith(suffixes)}
    return [ROOT / name for name in sorted(names) if (ROOT / name).is_file()]


def blanked(text):
    """`text` with every comment and string literal replaced by spaces; same length, same lines.

    Code inside of an interpolation is blanked too: what the gates look for does not stand there.
    """
    kept = []
    position, end = 0, len(text)

    def blank(until):
        nonlocal position
        kept.append(re.sub(r"[^\n]", " ", text[position:until]))
        position = until

    while position < end:
        if text.startswith("//", position):
            line_end = text.find("\n", position)
            blank(end if line_end < 0 else line_end)
        elif text.startswith("/*", position):
            blank(end_of_block_comment(text, position))
        elif match := STRING_START.match(text, position):
            blank(end_of_string(text, match))
        else:
            kept.append(text[position])
            position += 1
    return "".join(kept)


STRING_START = re.compile(r'(#*)("""|")')


def end_of_block_comment(text, start):
    depth, position = 1, start + 2
    while depth and position < len(text):
        if text.startswith("/*", position):
            depth, position = depth + 1, position + 2
        elif text.startswith("*/", position):
            depth, position = depth - 1, position + 2
        else:
            position += 1
    return position


def end_of_string(text, start):
    """The index after the literal whose opening `start` matched; strings in interpolations nest."""
    hashes, quote = start.groups()
    escape, close = "\\" + hashes, quote + hashes
    position = start.end()
    while position < len(text):
        if text.startswith(close, position):
            return position + len(close)
        if text.startswith(escape + "(", position):
            position = end_of_parentheses(text, position + len(escape) + 1)
        elif text.startswith(escape, position):
            position += len(escape) + 1
        elif quote == '"' and text[position] == "\n":
            return position  # no literal after all: a quote in a regular expression, say
        else:
            position += 1
    return position


def end_of_parentheses(text, position):
    depth = 1
    while depth and position < len(text):
        if match := STRING_START.match(text, position):
            position = end_of_string(text, match)
            continue
        depth += {"(": 1, ")": -1}.get(text[position], 0)
        position += 1
    return position


def finish(name, problems, advice):
    """Ends the gate: prints each problem and what to do, or one line that it passed."""
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        print(f"{name}: {len(problems)} found; {advice}", file=sys.stderr)
        sys.exit(1)
