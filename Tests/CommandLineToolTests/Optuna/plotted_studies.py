"""Studies made with Optuna in an SQLite file, and the data of Needletail's figures of them, for the scripts beside
this one. They are called with the path of Needletail and of a folder to work in.
"""

import json
import math
import pathlib
import random
import subprocess
import sys
import warnings

import optuna
import sqlalchemy

warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)


@sqlalchemy.event.listens_for(sqlalchemy.Engine, "connect")
def hurry(connection, _):
    connection.execute("PRAGMA synchronous = OFF")


needletail, folder = sys.argv[1], pathlib.Path(sys.argv[2])
url = f"sqlite:///{folder}/optuna.db"


def objective(seed, objectives=1, odd=False):
    rng = random.Random(seed)

    def run(trial):
        rate = trial.suggest_float("rate", 1e-5, 1e-1, log=True)
        depth = trial.suggest_int("depth", 1, 6)
        kind = trial.suggest_categorical("kind", ["net", "tree", None])
        size = trial.suggest_categorical("size", [16, 32, 64])
        loss = (math.log10(rate) + 3) ** 2 + 0.3 * depth + (kind == "tree") * 2 + rng.random()
        if kind == "net":
            loss -= trial.suggest_float("drop", 0.0, 0.5, step=0.1)
        for step in range(4):
            if objectives == 1:
                trial.report(loss + 3 / (step + 1), step)
        if objectives == 1 and rng.random() < 0.15:
            raise optuna.TrialPruned()
        if rng.random() < 0.05:
            raise ValueError("on purpose")
        if odd and rng.random() < 0.1:
            return float("inf")
        if objectives == 1:
            return round(loss, 2)
        return [loss, depth * size / 100, rate * 10 - loss][:objectives]

    return run


def make(name, directions, seed, trials, odd=False):
    def constraints(trial):
        return [trial.params["depth"] * trial.params["size"] - 250.0]

    study = optuna.create_study(
        study_name=name, storage=url, directions=directions,
        sampler=optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=trials, constraints_func=constraints))
    study.optimize(objective(seed, len(directions), odd), n_trials=trials, catch=(ValueError,))
    return study


KINDS = "history intermediate parallel slice contour importances rank edf pareto hypervolume timeline".split()
known = {}


def data(kind, *studies, **options):
    """The rows behind a figure. Of one study without options those of all kinds are asked for at once."""
    if (kind, *studies) in known and not options:
        return known[kind, *studies]
    path = folder / "data.json"
    everything = len(studies) == 1 and not options
    words = [needletail, "plot", ",".join(KINDS) if everything else kind, *studies,
             "--store", f"{folder}/optuna.db", "--data", str(path)]
    for key, value in options.items():
        words += [f"--{key.replace('_', '-')}"] + ([] if value is True else [str(value)])
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    documents = json.loads(path.read_text())
    tables = [[dict(zip(table["columns"], row)) for row in table["rows"]]
              for table in (documents if everything else [documents])]
    if not everything:
        return tables[0]
    known.update({(name, *studies): rows for name, rows in zip(KINDS, tables)})
    return known[kind, *studies]


def number(value):
    return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}.get(value, value) if isinstance(value, str) else value


def check(what, ours, theirs, tolerance=0.0):
    def same(a, b):
        if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
            return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
        if isinstance(a, float) or isinstance(b, float):
            if a is None or b is None:
                return a is b
            return a == b or (math.isnan(a) and math.isnan(b)) or abs(a - b) <= tolerance * abs(b)
        return a == b

    if not same(ours, theirs):
        sys.exit(f"{what} differs: {str(ours)[:600]} instead of {str(theirs)[:600]}")
    print(f"{what}: equal")


def feasible(trial):
    return all(value <= 0 for value in trial.constraints.values())
