"""Writes the decisions*.json beside it: what Optuna's pruners decide in random studies.

    python generate_decisions.py > decisions.json
    python generate_decisions.py threshold patient patient > decisions_more.json
    python generate_decisions.py hyperband hyperband wilcoxon > decisions_brackets.json

Needs optuna 5.0.0. Each study is a list of events that the test replays; every decision is Optuna's
own `trial.should_prune()` on an in-memory study with those events:

    ["+"]                            the next trial starts
    ["r", trial, step, value]        it reports
    ["a", trial, rung, value]        the attribute completed_rung_<rung> is set, as another process may
    ["?", trial, prune, [[k, v]…]]   the pruner is asked; it prunes (1) or not (0), and records at rung k
    ["=", trial, state, value]       the trial ends as "c"ompleted, "p"runed or "f"ailed

An automatic min_resource or max_resource is estimated anew for each decision (Optuna keeps the first
estimate of each process): the script forgets it in between. Wilcoxon's studies have no two equal
results, since among equals Optuna's best trial is the one that finished first.
"""

import json
import math
import random
import sys
import warnings

import numpy
import optuna
from optuna.trial import TrialState

assert optuna.__version__ == "5.0.0", optuna.__version__
optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.simplefilter("ignore")

SEED = 20261120
STATES = {"c": TrialState.COMPLETE, "p": TrialState.PRUNED, "f": TrialState.FAIL}


def make_pruner(kind, rng):
    if kind == "successive_halving":
        auto = rng.random() < 0.3
        settings = {
            "min_resource": "auto" if auto else rng.choice([1, 1, 2, 3, 5]),
            "reduction_factor": rng.choice([2, 2, 3, 4]),
            "min_early_stopping_rate": rng.choice([0, 0, 0, 1, 2]),
            "bootstrap_count": 0 if auto else rng.choice([0, 0, 0, 1, 3]),
        }
        return settings, optuna.pruners.SuccessiveHalvingPruner(**settings)
    if kind == "hyperband":
        auto = rng.random() < 0.3
        settings = {
            "min_resource": rng.choice([1, 1, 2, 3]),
            "max_resource": "auto" if auto else rng.choice([3, 5, 9, 10, 27, 80]),
            "reduction_factor": rng.choice([2, 2, 3, 3, 4]),
            "bootstrap_count": 0 if auto else rng.choice([0, 0, 0, 1, 2]),
        }
        return settings, optuna.pruners.HyperbandPruner(**settings)
    if kind == "wilcoxon":
        settings = {
            "p_threshold": rng.choice([0.05, 0.1, 0.1, 0.3, 0.7]),
            "n_startup_steps": rng.choice([0, 2, 2, 3, 5]),
        }
        return settings, optuna.pruners.WilcoxonPruner(**settings)
    if kind == "threshold":
        settings = {
            "lower": rng.choice([None, -2.0, -1.0, 0.5]),
            "upper": rng.choice([1.0, 1.5, 3.0]),
            "n_warmup_steps": rng.choice([0, 0, 1, 3]),
            "interval_steps": rng.choice([1, 1, 2, 3]),
        }
        return settings, optuna.pruners.ThresholdPruner(**settings)
    if kind == "patient":
        settings = {
            "wrapped": rng.random() < 0.4,
            "patience": rng.choice([0, 0, 1, 2, 4]),
            "min_delta": rng.choice([0.0, 0.0, 0.25, 1.0]),
        }
        wrapped = optuna.pruners.MedianPruner(n_startup_trials=1) if settings["wrapped"] else None
        return settings, optuna.pruners.PatientPruner(
            wrapped, settings["patience"], settings["min_delta"]
        )
    settings = {
        "n_startup_trials": rng.choice([0, 1, 1, 2, 5]),
        "n_warmup_steps": rng.choice([0, 0, 0, 1, 2, 4]),
        "interval_steps": rng.choice([1, 1, 1, 2, 3, 5]),
        "n_min_trials": rng.choice([1, 1, 1, 2, 3]),
    }
    if kind == "median":
        return settings, optuna.pruners.MedianPruner(**settings)
    percentile = rng.choice([0, 10, 25, 33.3, 50, 75, 90, 99.5, 100])
    return {"percentile": percentile, **settings}, optuna.pruners.PercentilePruner(
        percentile, **settings
    )


def make_value(rng, style, quality):
    if rng.random() < style["odd"]:
        return rng.choice([math.nan, math.nan, math.inf, -math.inf])
    if style["grid"]:
        return float(rng.randrange(6))  # many ties
    return round(quality + rng.gauss(0, 1), 3)


def make_study(kind, rng):
    settings, pruner = make_pruner(kind, rng)
    direction = rng.choice(["minimize", "maximize"])
    name = f"a study of {kind}"
    study = optuna.create_study(direction=direction, pruner=pruner, study_name=name)
    style = {
        "odd": rng.choice([0, 0, 0.02, 0.1, 0.5]),
        "grid": rng.random() < 0.2,
        "gap": rng.choice([1, 1, 1, 2, 4]),
        "scale": rng.choice([1, 1, 1, 1, 60]),
        "follows": rng.choice([1, 0.8, 0.3]),
        "hostile": rng.random() < 0.15,
    }
    if kind == "wilcoxon":
        style.update(hostile=False, scale=1, gap=1, odd=rng.choice([0, 0, 0, 0.02]))
        style["grid"] = rng.random() < 0.4
    events, running, trials = [], [], []
    step, quality = {}, {}
    for _ in range(rng.choice([40, 80, 160, 240])):
        action = rng.random()
        if not running or (action < 0.18 and len(running) < 4):
            trial = study.ask()
            trials.append(trial)
            running.append(trial.number)
            step[trial.number] = rng.choice([0, 0, 0, 1, 2]) - style["gap"]
            quality[trial.number] = rng.gauss(0, 1)
            events.append(["+"])
            continue
        number = rng.choice(running)
        trial = trials[number]
        if action < (0.24 if kind == "wilcoxon" else 0.32):
            state = rng.choice("ccccpf")
            value = make_value(rng, {**style, "odd": 0}, 0) if state == "c" else None
            if state == "c" and kind == "wilcoxon":
                reports = study._storage.get_trial(trial._trial_id).intermediate_values
                value = sum(reports.values()) / max(1, len(reports)) + rng.gauss(0, 0.1)
                value = value if math.isfinite(value) else rng.gauss(0, 1)
            study.tell(trial, value, state=STATES[state])
            running.remove(number)
            events.append(["=", number, state, value])
            continue
        if style["hostile"] and action < 0.36:
            rung, value = rng.randrange(3), round(rng.gauss(0, 1), 3)
            trial.storage.set_trial_system_attr(trial._trial_id, f"completed_rung_{rung}", value)
            events.append(["a", number, rung, value])
            continue
        if action < 0.98:
            step[number] += style["scale"] * rng.randint(1, style["gap"])
            # Now and then a report arrives late, at a smaller step, or repeats one.
            at = max(0, step[number] - (rng.randrange(4) if rng.random() < 0.05 else 0))
            value = make_value(rng, style, quality[number])
            trial.report(value, at)
            events.append(["r", number, at, value])
        if rng.random() < 0.85:
            if kind == "successive_halving" and settings["min_resource"] == "auto":
                pruner._min_resource = None
            if kind == "hyperband":
                pruner = optuna.pruners.HyperbandPruner(**settings)
                study.pruner = trial.study.pruner = pruner
            before = dict(study._storage.get_trial(trial._trial_id).system_attrs)
            prunes = trial.should_prune()
            after = study._storage.get_trial(trial._trial_id).system_attrs
            recorded = [
                [int(key.removeprefix("completed_rung_")), value]
                for key, value in after.items()
                if key not in before or before[key] is not value
            ]
            events.append(["?", number, int(prunes), sorted(recorded)])
            if prunes and rng.random() < style["follows"]:
                study.tell(trial, state=TrialState.PRUNED)
                running.remove(number)
                events.append(["=", number, "p", None])
    return {
        "pruner": kind, "settings": settings, "direction": direction,
        **({"name": name} if kind == "hyperband" else {}), "events": events,
    }


def main():
    rng = random.Random(SEED)
    kinds = sys.argv[1:] or [
        "median", "percentile", "percentile", "successive_halving", "successive_halving"
    ]
    studies = [make_study(kinds[i % len(kinds)], rng) for i in range(150 if not sys.argv[1:] else 60)]
    provenance = (
        f"generate_decisions.py, seed {SEED}, optuna {optuna.__version__}, "
        f"numpy {numpy.__version__}, Python {sys.version.split()[0]}"
    )
    lines = ",\n".join(json.dumps(study, separators=(",", ":")) for study in studies)
    print(f'{{"provenance":{json.dumps(provenance)},"studies":[\n{lines}\n]}}')
    asked = [(s["pruner"], e[2], len(e[3])) for s in studies for e in s["events"] if e[0] == "?"]
    for kind in sorted(set(kinds)):
        mine = [a for a in asked if a[0] == kind]
        print(
            f"{kind}: {len(mine)} decisions, {sum(a[1] for a in mine)} prune, "
            f"{sum(a[2] for a in mine)} rungs",
            file=sys.stderr,
        )


main()
