#!/usr/bin/env python3
"""Changes one thing in a file at a time and sees whether a test notices.

  mutants.py [--seconds N] [--only NAME] [--list]

Works on a copy of the tree in .build/mutants, in which the package is cut down to what the tests in
question need. What became of each mutant is kept in .build/mutants/results.jsonl, so that the next
call goes on where this one ended; a mutant is forgotten when its file or its tests change. Ends after
--seconds, with the survivors so far.

A survivor is a mutant that all tests pass with. Each must stand in Tests/Mutants/survivors.txt with the
reason why no test can or should notice; any other one fails the run.
"""

import argparse
import filecmp
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests" / "Gates"))

from swift_source import blanked  # noqa: E402

WORK = ROOT / ".build" / "mutants"
TREE = WORK / "tree"
RESULTS = WORK / "results.jsonl"
SURVIVORS = ROOT / "Tests" / "Mutants" / "survivors.txt"
# A test run takes seconds; a mutant that loops for ever is stopped after this and counts as noticed.
PATIENCE = 180


class Subject:
    """A file of rules, the test target of its module, and the suites that know it."""

    def __init__(self, file, tests, suites):
        self.file = next((ROOT / "Sources").rglob(file), None)
        if self.file is None:
            sys.exit(f"there is no {file} in Sources; correct SUBJECTS in Tests/Mutants/mutants.py")
        self.name = self.file.stem
        self.path = self.file.relative_to(ROOT)
        self.tests = tests
        self.filter = f"^{tests}[.]({'|'.join(suites)})"

    def mark(self):
        """Changes with the file and with its tests."""
        digest = hashlib.sha256(self.file.read_bytes())
        for test in sorted((ROOT / "Tests" / self.tests).glob("*.swift")):
            digest.update(test.read_bytes())
        return digest.hexdigest()[:16]


SUBJECTS = [
    Subject("RetryPolicy.swift", "StudyModelTests", ["RetryPolicyTests"]),
    Subject("Outbox.swift", "CoordinatorClientTests", ["OutboxTests"]),
    Subject("StepPlan.swift", "PostgresStoresTests", ["StepPlanTests"]),
    Subject("LeaseTable.swift", "CoordinationTests", ["LeaseTableTests"]),
]

# What is found in code, and what it becomes. Operators stand between spaces, as swift-format sets them.
SWAPS = [
    (r"(?<= )<(?= )", "<="), (r"(?<= )<=(?= )", "<"), (r"(?<= )>(?= )", ">="), (r"(?<= )>=(?= )", ">"),
    (r"(?<= )==(?= )", "!="), (r"(?<= )!=(?= )", "=="), (r"(?<= )&&(?= )", "||"),
    (r"(?<= )\|\|(?= )", "&&"), (r"(?<= )\+(?= )", "-"), (r"(?<= )-(?= )", "+"),
    (r"(?<= )\*(?= )", "+"), (r"(?<= )\+=(?= )", "-="), (r"(?<= )-=(?= )", "+="),
    (r"\btrue\b", "false"), (r"\bfalse\b", "true"), (r"\bmin\(", "max("), (r"\bmax\(", "min("),
    (r"\.isEmpty\b", ".isEmpty == false"), (r"(?<=[ (])!(?=[a-z])", ""), (r"\.first\b(?!\()", ".last"),
]
NUMBER = re.compile(r"(?<![\w.$])(\d+)(?![\w.])")
CONDITION = re.compile(r"^\s*(?:\} else )?(?:if|guard|while) (?!let |var |case |#)([^,{]+?) (?:else )?\{")
STATEMENT = re.compile(r"^\s*[a-z][\w.]*(?:\[[^\]]*\])?(?:[!?]?\.\w+)*(?:\(.*\)| (?:[-+*/]?=) .+)$")

# Declarations and the assignments of an initializer, without which nothing compiles.
KEPT = re.compile(
    r"\s*(?:(?:return|throw|case|let|var|private|package|public|static)\b|self\.\w+ = \w+$)")


def mutations(text):
    """(line number, line before, line after) of each mutant, in order."""
    lines, codes = text.split("\n"), blanked(text).split("\n")
    for index, (line, code) in enumerate(zip(lines, codes)):
        if not code.strip() or re.match(r"\s*(?:\w+ )?(?:import|precondition)\b", code):
            continue
        changed = []
        for pattern, replacement in SWAPS:
            for match in re.finditer(pattern, code):
                changed.append(line[:match.start()] + replacement + line[match.end():])
        for match in NUMBER.finditer(code):
            changed.append(line[:match.start()] + str(int(match[1]) + 1) + line[match.end():])
        if condition := CONDITION.match(code):
            start, end = condition.span(1)
            changed.append(f"{line[:start]}!({line[start:end]}){line[end:]}")
        is_whole = code.count("(") == code.count(")") and code.count("{") == code.count("}")
        if STATEMENT.match(code) and is_whole and not KEPT.match(code):
            changed.append(re.match(r"\s*", line)[0])
        for after in dict.fromkeys(changed):
            yield index + 1, line, after


def named(before, after):
    """The mutant as one line, for people and for the list of survivors."""
    return f"{before.strip()}  =>  {after.strip() or '(removed)'}"


def closure(tests):
    described = json.loads(subprocess.run(
        ["swift", "package", "dump-package"], cwd=ROOT, check=True, capture_output=True,
        text=True).stdout)
    needs = {target["name"]: [next(iter(item.values()))[0] for item in target["dependencies"]]
             for target in described["targets"]}
    found, waiting = set(), list(tests)
    while waiting:
        name = waiting.pop()
        if name in needs and name not in found:
            found.add(name)
            waiting += needs[name]
    return found


def mirror(source, copy):
    """Makes `copy` equal to `source`."""
    names = {file.relative_to(source) for file in source.rglob("*") if file.is_file()}
    for file in copy.rglob("*"):
        if file.is_file() and file.relative_to(copy) not in names:
            file.unlink()
    for name in names:
        target = copy / name
        if not target.exists() or not filecmp.cmp(source / name, target, shallow=False):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target)


def make_tree(subjects):
    """Copies the tree as it is, and cuts the package down; files that did not change keep their times."""
    for folder in ("Sources", "Tests", "Studies"):
        mirror(ROOT / folder, TREE / folder)
    kept = sorted(closure({subject.tests for subject in subjects}))
    manifest = (ROOT / "Package.swift").read_text().replace(".treatAllWarnings(as: .error),", "")
    manifest += (f"\nlet kept: Set<String> = {json.dumps(kept)}\n"
                 "package.targets.removeAll { !kept.contains($0.name) }\npackage.products = []\n")
    file = TREE / "Package.swift"
    if not file.exists() or file.read_text() != manifest:
        file.write_text(manifest)


def run(command):
    """Whether `command` succeeds in the copy; None when it takes too long. Ends all that it started."""
    process = subprocess.Popen(
        command, cwd=TREE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True)
    try:
        return process.wait(PATIENCE) == 0
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def build():
    return subprocess.run(
        ["swift", "build", "--build-tests"], cwd=TREE, capture_output=True, text=True)


def is_noticed(subject):
    return run(["swift", "test", "--skip-build", "--disable-xctest", "--filter", subject.filter]) is not True


def try_mutant(subject, number, after):
    """`noticed`, `survived`, or `invalid` when it does not compile."""
    file = TREE / subject.path
    original = file.read_text()
    lines = original.split("\n")
    lines[number - 1] = after
    try:
        file.write_text("\n".join(lines))
        if build().returncode != 0:
            return "invalid"
        return "noticed" if is_noticed(subject) else "survived"
    finally:
        file.write_text(original)


def known_results():
    if not RESULTS.exists():
        return {}
    return {tuple(item["key"]): item["result"]
            for item in map(json.loads, RESULTS.read_text().splitlines())}


def reasons():
    """The survivors that are explained: by file and mutant, the reason."""
    found = {}
    for block in SURVIVORS.read_text().split("\n\n"):
        lines = [line for line in block.strip().split("\n") if not line.startswith("#")]
        if len(lines) >= 2:
            name, mutant = lines[0].split(": ", 1)
            found[name, mutant] = " ".join(line.strip() for line in lines[1:])
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=1800, help="start no mutant after this")
    parser.add_argument("--only", action="append", help="the name of a file, without .swift")
    parser.add_argument("--list", action="store_true", help="only list the mutants")
    options = parser.parse_args()
    subjects = [subject for subject in SUBJECTS if not options.only or subject.name in options.only]
    if options.list:
        for subject in subjects:
            for number, before, after in mutations(subject.file.read_text()):
                print(f"{subject.path}:{number}: {named(before, after)}")
        return

    WORK.mkdir(parents=True, exist_ok=True)
    TREE.mkdir(exist_ok=True)
    make_tree(subjects)
    done, started = known_results(), time.monotonic()
    counts = {"noticed": 0, "survived": 0, "invalid": 0, "left": 0}
    survivors, explained = [], reasons()
    is_ready = False
    for subject in subjects:
        mark = subject.mark()
        for number, before, after in mutations(subject.file.read_text()):
            key = (subject.name, mark, number, after)
            result = done.get(key)
            if result is None and time.monotonic() - started > options.seconds:
                counts["left"] += 1
                continue
            if result is None:
                if not is_ready:
                    built = build()
                    if built.returncode != 0 or is_noticed(subject):
                        sys.exit("the tests fail without any mutant; see to them first\n"
                                 + built.stdout[-2000:])
                    is_ready = True
                result = try_mutant(subject, number, after)
                with RESULTS.open("a") as file:
                    file.write(json.dumps({"key": key, "result": result}) + "\n")
                print(f"{result:8} {subject.path}:{number}: {named(before, after)}", flush=True)
            counts[result] += 1
            if result == "survived":
                survivors.append((subject, number, before, after))

    print(", ".join(f"{count} {name}" for name, count in counts.items()))
    unexplained = [item for item in survivors
                   if (item[0].name, named(item[2], item[3])) not in explained]
    for subject, number, before, after in unexplained:
        print(f"{subject.path}:{number}: no test notices {named(before, after)}", file=sys.stderr)
    if unexplained:
        sys.exit("write a test that notices, or the reason into Tests/Mutants/survivors.txt")


if __name__ == "__main__":
    main()
