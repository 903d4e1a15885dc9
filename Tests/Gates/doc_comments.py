#!/usr/bin/env python3
"""Fails on a public or package declaration in Sources without a doc comment.

Exempt is what the declaration's own words or another doc comment already say:

- what a protocol asks for, in a type that conforms to it or as the protocol's own default: the
  protocol's doc comment is the contract (protocols of this package, and STANDARD);
- overrides, and enum cases, which have no access level of their own;
- an initializer that only takes the values of documented stored properties, that is, whose
  parameters all have the name of one;
- in Messages, a stored property that is a field of a message: the field's meaning is told once, in
  openapi.json and Documentation/http-api.md, which a test compares with the type's keys;
- in CInterface, a function for C: its meaning is told once, in needletail.h, which a test compares
  with the library's symbols.
"""

import re
from collections import defaultdict

from swift_source import ROOT, blanked, finish, tracked

FIELDS_ARE_DESCRIBED_IN = {"Messages": "openapi.json"}
FUNCTIONS_ARE_DESCRIBED_IN = {"CInterface": "needletail.h"}

# Members that protocols of the standard library ask for.
STANDARD = set("""
description debugDescription == < hash encode init(from:) init(rawValue:) rawValue id next makeIterator
startIndex endIndex index formIndex subscript(_:) count isEmpty makeSampler advance now sleep allCases
minimumResolution init(stringLiteral:) init(arrayLiteral:) init(dictionaryLiteral:)
init(integerLiteral:) init(floatLiteral:) init(booleanLiteral:) init(nilLiteral:) codingKey stringValue
intValue errorDescription
""".split())

MODIFIERS = (r"(?:public|package|open|internal|private|fileprivate|static|class|final|mutating|nonmutating"
             r"|nonisolated(?:\(\w+\))?|consuming|borrowing|isolated|override|required|convenience|lazy"
             r"|unowned|weak|indirect|prefix|postfix|infix|dynamic|__consuming"
             r"|(?:public|package|internal|private|fileprivate)\(set\))")
DECLARATION = re.compile(
    r"^[ \t]*(?P<modifiers>(?:(?:@\w+(?:\([^)\n]*\))?|" + MODIFIERS + r")[ \t]+)*)"
    r"(?P<kind>struct|class|enum|actor|protocol|extension|func|var|let|init|subscript|typealias"
    r"|associatedtype|case|macro)\b(?P<rest>[^\n]*)", re.MULTILINE)
TYPES = {"struct", "class", "enum", "actor", "protocol", "extension"}


class Declaration:
    """A declaration: where it stands, what it is called, and the type or extension around it."""

    def __init__(self, match, line, parent, is_documented):
        self.kind = match["kind"]
        self.modifiers = set(re.findall(r"[\w()]+", match["modifiers"]))
        self.rest = match["rest"].strip()
        self.line = line
        self.parent = parent
        self.is_documented = is_documented
        self.head = self.rest  # up to the opening brace, filled in by the reader
        self.parameters = ""

    @property
    def is_exposed(self):
        return bool(self.modifiers & {"public", "package", "open"})

    @property
    def parameter_names(self):
        """The label and the name inside of each parameter."""
        return re.findall(r"(?:^|,)\s*(?:@\w+\s+)*(\w+)\s*(\w*)\s*:", strip_nested(self.parameters))

    @property
    def name(self):
        if self.kind in ("init", "subscript"):
            return f"{self.kind}({''.join(label + ':' for label, _ in self.parameter_names)})"
        match = re.match(r"`?([\w.]+)`?|([-+*/<>=!&|^~%?]+)", self.rest)
        return (match[1] or match[2]) if match else self.rest

    @property
    def conformances(self):
        """The protocols that stand after the colon of a type's or an extension's head."""
        head = self.head.split(" where ")[0]
        head = re.sub(r"<[^<>]*>", "", head)
        return set(re.findall(r"\w+", head.split(":", 1)[1])) if ":" in head else set()


def strip_nested(text):
    """`text` without what stands in brackets, so that commas separate parameters alone."""
    before = None
    while before != text:
        before, text = text, re.sub(r"\([^()]*\)|\[[^\[\]]*\]|<[^<>]*>|\{[^{}]*\}", "", text)
    return text


def read(file):
    """The declarations of `file` outside of function bodies, in order."""
    text = file.read_text()
    code = blanked(text)
    lines = text.split("\n")
    # The innermost open brace decides: in a type, declarations count; in a body, None, they do not.
    stack: list[Declaration | None] = []
    declarations: list[Declaration] = []
    starts = {match.start(): match for match in DECLARATION.finditer(code)}
    pending, position, parentheses = None, 0, 0
    while position < len(code):
        match = starts.get(position)
        if match and parentheses == 0 and (not stack or stack[-1] is not None):
            line = code.count("\n", 0, match.start("kind"))
            parent = stack[-1] if stack else None
            if not (match["kind"] == "case" and parent and parent.kind != "enum"):
                pending = Declaration(match, line, parent, documented(lines, first_line(code, match)))
                declarations.append(pending)
                rest = match.start("rest")
                opening = re.compile(r"[^(\n{=:]*\(").match(code, rest)
                if opening and pending.kind in ("init", "subscript", "func"):
                    pending.parameters = code[opening.end():closing(code, opening.end())]
                if pending.kind in TYPES:
                    brace = code.find("{", rest)
                    pending.head = code[rest:brace]
                    stack.append(pending)
                    position = brace + 1
                    continue
            position = match.start("rest")
            continue
        character = code[position]
        if character == "{":
            stack.append(None)
        elif character == "}":
            if stack:
                stack.pop()
        elif character in "([":
            parentheses += 1
        elif character in ")]":
            parentheses -= 1
        position += 1
    return declarations


def closing(code, position):
    depth = 1
    while depth and position < len(code):
        depth += {"(": 1, ")": -1}.get(code[position], 0)
        position += 1
    return position - 1


def first_line(code, match):
    return code.count("\n", 0, match.start() + len(match[0]) - len(match[0].lstrip()))


def documented(lines, line):
    """Whether a doc comment stands above `line`; attributes and `#if` may stand between."""
    line -= 1
    while line >= 0 and re.match(r"\s*(@\w|#if|#else|#elseif)", lines[line]):
        line -= 1
    return line >= 0 and bool(re.match(r"\s*(///|\*/|.*\*/\s*$)", lines[line]))


def requirements_of(files):
    """The members that each protocol asks for, with what its parents ask for."""
    members: dict[str, set[str]] = defaultdict(set)
    parents: dict[str, set[str]] = defaultdict(set)
    for declarations in files.values():
        for item in declarations:
            if item.kind == "protocol":
                parents[item.name] |= item.conformances
            elif item.parent and item.parent.kind == "protocol":
                members[item.parent.name].add(item.name)
    changed = True
    while changed:
        changed = False
        for name in list(parents):
            for parent in parents[name]:
                if not members[parent] <= members[name]:
                    members[name] |= members[parent]
                    changed = True
    return members


def module_of(file):
    return file.relative_to(ROOT / "Sources").parts[0]


def gaps(files):
    requirements = requirements_of(files)
    conformances: dict[str, set[str]] = defaultdict(set)
    properties: dict[str, set[str]] = defaultdict(set)
    for declarations in files.values():
        for item in declarations:
            if item.kind in TYPES:
                conformances[item.name] |= item.conformances
            elif item.kind in ("let", "var") and item.parent:
                properties[item.parent.name].add(item.name)
    for file, declarations in files.items():
        for item in declarations:
            parent = item.parent
            in_protocol = parent is not None and parent.kind == "protocol" and parent.is_exposed
            if item.is_documented or not (item.is_exposed or in_protocol):
                continue
            if item.kind in ("case", "extension") or "override" in item.modifiers:
                continue
            if parent is None and item.kind == "func" and module_of(file) in FUNCTIONS_ARE_DESCRIBED_IN:
                continue
            if parent is not None and not in_protocol:
                if item.name in STANDARD:
                    continue
                contracts = conformances[parent.name] | {parent.name}
                if any(item.name in requirements[name] for name in contracts):
                    continue
                taken = {inner or label for label, inner in item.parameter_names}
                if item.kind == "init" and taken <= properties[parent.name]:
                    continue
                if (module_of(file) in FIELDS_ARE_DESCRIBED_IN and item.kind in ("let", "var")
                        and "{" not in item.rest and "static" not in item.modifiers):
                    continue
            owner = f"{parent.name}." if parent is not None else ""
            yield file, item.line + 1, f"{item.kind} {owner}{item.name}"


def main():
    files = {file: read(file) for file in tracked(".swift")
             if file.is_relative_to(ROOT / "Sources")}
    problems = [f"{file.relative_to(ROOT)}:{line}: {what} has no doc comment"
                for file, line, what in gaps(files)]
    finish("doc comments", problems, "write what the signature cannot say; CONTRIBUTING.md names "
           "what is exempt")


if __name__ == "__main__":
    main()
