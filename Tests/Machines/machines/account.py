"""A study whose every attempt is witnessed by its objective, and the account of what became of it."""

import collections
import json
import os
import sqlite3
import sys

from . import lab

STUDY = "witnessed"
# A result says which attempt at which trial it comes from.
_BASE = 1_000_000
_OBJECTIVE = """#!/bin/sh
me="$NEEDLETAIL_TRIAL $NEEDLETAIL_ATTEMPT"
value=$((NEEDLETAIL_ATTEMPT * 1000000 + NEEDLETAIL_TRIAL))
echo "$me begin $1" >> "$WITNESS"
echo "epoch=0 loss=$value.25"
sleep "$PACE"
echo "epoch=1 loss=$value"
echo "$me end $1" >> "$WITNESS"
"""
_STUDY_FILE = """name: {name}
direction: minimize
metric: loss
sampler: random
seed: 1
trials: {trials}
command: [{folder}/objective.sh, "{{x}}", "{{y}}"]
retries: {{count: 1000, on: [failed, timed_out, out_of_memory, metric_missing, lost]}}
environment: {{WITNESS: {folder}/witness, PACE: "{pace}"}}
parameters:
  x: {{low: 0.0, high: 1.0}}
  y: {{low: 1, high: 8}}
"""


class Failure(Exception):
    """What is wrong, in a sentence."""


def expect(condition: bool, sentence: str) -> None:
    """Raises `Failure` with the sentence unless the condition holds."""
    if not condition:
        raise Failure(sentence)


class Account:
    """The study file, its objective and its witness in a folder.

    `rows` runs a query on the store and returns rows of texts; NULL is an empty text.
    """

    def __init__(self, folder: str, trials: int, pace: float):
        os.makedirs(folder, exist_ok=True)
        self.folder, self.trials = folder, trials
        self.study_file = f"{folder}/study.yaml"
        with open(f"{folder}/objective.sh", "w") as file:
            file.write(_OBJECTIVE)
        os.chmod(f"{folder}/objective.sh", 0o755)
        with open(self.study_file, "w") as file:
            file.write(_STUDY_FILE.format(name=STUDY, trials=trials, folder=folder, pace=pace))
        with open(f"{folder}/witness", "w"):
            pass

    def witnessed(self) -> collections.Counter:
        """How often each (trial, attempt, "begin" or "end") was seen."""
        seen: collections.Counter = collections.Counter()
        with open(f"{self.folder}/witness") as file:
            for line in file:
                trial, attempt, moment, _ = line.split()
                seen[int(trial), int(attempt), moment] += 1
        return seen

    def check(self, rows, storage: str) -> collections.Counter:
        """Compares the study, its attempts, the witness, and Optuna's view of `storage`.

        Returns how many attempts ended in which way.
        """
        total = self.trials
        trials = {int(n): (int(i), s) for n, i, s in rows(
            "SELECT number, trial_id, state FROM trials")}
        expect(
            sorted(trials) == list(range(total)),
            f"the study has {len(trials)} trials, or their numbers have gaps",
        )
        states = collections.Counter(state for _, state in trials.values())
        expect(states == {"COMPLETE": total}, f"the trials' states are {dict(states)}")

        attempts: dict[int, list] = collections.defaultdict(list)
        for trial, number, outcome, ended in rows(
            "SELECT trial_number, attempt, outcome, ended_at FROM needletail_attempts "
            "ORDER BY trial_number, attempt"
        ):
            attempts[int(trial)].append((int(number), outcome, ended))
        outcomes: collections.Counter = collections.Counter()
        for trial in range(total):
            log = attempts[trial]
            expect(
                [number for number, _, _ in log] == list(range(1, len(log) + 1)),
                f"trial {trial}'s attempts are {log}",
            )
            expect(all(ended for _, _, ended in log), f"trial {trial} has an open attempt: {log}")
            completed = [number for number, outcome, _ in log if outcome == "completed"]
            expect(completed == [len(log)], f"trial {trial}'s attempts are {log}")
            outcomes.update(outcome for _, outcome, _ in log)
        expect(len(attempts) == total, "there are attempts at trials that do not exist")

        values = {int(n): float(v) for n, v in rows(
            "SELECT number, value FROM trials JOIN trial_values USING (trial_id)")}
        reports = collections.defaultdict(dict)
        for number, step, value in rows(
            "SELECT number, step, intermediate_value FROM trials "
            "JOIN trial_intermediate_values USING (trial_id)"
        ):
            reports[int(number)][int(step)] = float(value)
        for trial in range(total):
            value = len(attempts[trial]) * _BASE + trial
            expect(
                values[trial] == value,
                f"trial {trial} has the value {values[trial]} of another attempt than its last, "
                f"{len(attempts[trial])}",
            )
            expect(
                reports[trial] == {0: value + 0.25, 1: value},
                f"trial {trial} has the reports {reports[trial]}, its attempts are "
                f"{attempts[trial]}",
            )
        self._check_witness(rows, attempts)
        self._check_optuna(storage, values)
        return outcomes

    def _check_witness(self, rows, attempts) -> None:
        parameters = {}
        for number, name, value in rows(
            "SELECT number, param_name, param_value FROM trials JOIN trial_params USING (trial_id)"
        ):
            parameters[int(number), name] = float(value)
        with open(f"{self.folder}/witness") as file:
            for line in file:
                trial, attempt, _, x = line.split()
                expect(
                    parameters[int(trial), "x"] == float(x),
                    f"attempt {attempt} at trial {trial} ran with x = {x}",
                )
        seen = self.witnessed()
        for (trial, attempt, moment), count in seen.items():
            expect(count == 1, f"attempt {attempt} at trial {trial} came to its {moment} {count} times")
            expect(
                attempt <= len(attempts[trial]),
                f"attempt {attempt} at trial {trial} ran, but the study does not know it",
            )
        for trial, log in attempts.items():
            expect(
                seen[trial, len(log), "begin"] == 1 and seen[trial, len(log), "end"] == 1,
                f"the accepted attempt {len(log)} at trial {trial} did not run from begin to end",
            )

    def _check_optuna(self, storage: str, values) -> None:
        script = """
import json, sys, optuna
study = optuna.load_study(study_name=sys.argv[2], storage=sys.argv[1])
print(json.dumps([[t.number, t.state.name, t.value] for t in study.trials]))
"""
        text = lab.run(
            sys.executable, "-W", "ignore", "-c", script, storage, STUDY, timeout=120,
        )
        seen = json.loads(text.splitlines()[-1])
        expect(
            seen == [[number, "COMPLETE", values[number]] for number in range(len(values))],
            "Optuna sees other trials",
        )


def sqlite_rows(path: str):
    """For `Account.check`: the rows of a query on an SQLite store."""

    def rows(text: str) -> list[list[str]]:
        with sqlite3.connect(path) as connection:
            return [
                ["" if value is None else str(value) for value in row]
                for row in connection.execute(text)
            ]

    return rows
