#!/usr/bin/env python3
"""Writes tpe_densities.json: log densities log l(x) and log g(x) of Optuna's TPE.

    python tpe_densities.py > tpe_densities.json     (Optuna 5.0.0, numpy 2.4, Python 3.11)

Every case is a history of random trials and, for each space that Optuna's TPESampler would sample
then, the logarithms of both densities at some of its own candidates and at uniformly random points.
The histories differ in their parameters, in size, in direction, and in how many of the trials are
pruned, infeasible, running (with parameters stored or only announced) or failed.

One thing is changed in Optuna: its argsort of observations is made stable. Equal observations, which
discrete parameters have, are otherwise ordered as numpy's unstable sort happens to leave them, which
depends on the processor.

One line per case:
  directions, multivariate, group, liar: settings
  distributions: as stored, one list per parameter name (more than one if the range changed)
  trials: [state, values, {name: [distribution's place, internal value]}, last report or null,
           constraints or null, announced parameters or null] by number
  trial: the number of the trial that asks; it is running
  joint: how many of the spaces are sampled jointly; the others are of one parameter each
  spaces: [{parameters: [[name, distribution's place]], points: [[internal values]], l, g}]
"""
import json
import math
import random
import sys
import warnings

import numpy
import optuna
from optuna.distributions import (
    CategoricalDistribution as Cat,
    FloatDistribution as Float,
    IntDistribution as Int,
    distribution_to_json,
)
from optuna.samplers._tpe import parzen_estimator
from optuna.trial import FrozenTrial, TrialState, create_trial

warnings.filterwarnings("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)


class StableNumpy:
    def __getattr__(self, name):
        return getattr(numpy, name)

    def argsort(self, values):
        return numpy.argsort(values, kind="stable")


parzen_estimator.np = StableNumpy()

SPACES = {
    "floats": {"x": Float(-5, 5), "y": Float(0.25, 3.5)},
    "logs": {"rate": Float(1e-5, 1e-1, log=True), "scale": Float(0.5, 2000, log=True)},
    "steps": {"p": Float(0, 1, step=0.1), "q": Float(-1, 2, step=0.25)},
    "ints": {"n": Int(1, 100), "k": Int(0, 30, step=3)},
    "logints": {"units": Int(1, 1000, log=True), "depth": Int(1, 10, log=True)},
    "cats": {"c": Cat(["a", "b", "c"]), "d": Cat([1, 2.5, None, False, "z"])},
    "mixed": {
        "x": Float(-5, 5), "rate": Float(1e-5, 1e-1, log=True), "p": Float(0, 1, step=0.05),
        "n": Int(1, 100), "units": Int(4, 512, log=True), "c": Cat(["a", "b", "c", "d", "e"]),
        "only": Float(1, 1),
    },
    "many": {f"x{i:02}": Float(-1, 1 + i) for i in range(12)},
    "wide": {"big": Float(-1e12, 1e12), "large": Int(0, 100000), "tiny": Float(0, 1e-9)},
    "one": {"x": Float(0, 1)},
}


def uniform(rng, d):
    """A random internal value, crowded to one side so that bandwidths differ."""
    u = rng.random() ** rng.choice([1, 1, 2])
    if isinstance(d, Cat):
        return int(u * len(d.choices))
    if d.log:
        v = math.exp(math.log(d.low) + u * (math.log(d.high) - math.log(d.low)))
    else:
        v = d.low + u * (d.high - d.low)
    if isinstance(d, Int):
        return min(max(d.low + round((v - d.low) / d.step) * d.step, d.low), d.high)
    if d.step is not None:
        return min(max(d.low + round((v - d.low) / d.step) * d.step, d.low), d.high)
    return min(max(float("%.7g" % v), d.low), d.high)


def announce(params):
    """The system attributes under which TPE shares a joint sample."""
    text = json.dumps(params)
    return {f"tpe:relative_params:{i // 2045}": text[i:i + 2045] for i in range(0, len(text), 2045)}


def conditional(rng, space, names):
    """The names of one trial when the first categorical decides which half it has."""
    half = len(names) // 2
    return names[: half + 1] if rng.random() < 0.5 else [names[0]] + names[half + 1:]


def build(rng, case):
    space = SPACES[case["space"]]
    names = list(space)
    trials = []
    for number in range(case["n"]):
        chosen = conditional(rng, space, names) if case["conditional"] else names
        dists = {}
        for name in chosen:
            d = space[name]
            if case["changing"] and number % 3 == 2 and isinstance(d, Float) and d.step is None:
                d = Float(d.low, d.low + (d.high - d.low) * 0.75, log=d.log)
            dists[name] = d
        params = {k: uniform(rng, d) for k, d in dists.items()}
        value = rng.choice([rng.gauss(0, 3), float(rng.randrange(4))])
        if rng.random() < 0.03:
            value = rng.choice([math.inf, -math.inf])
        value = float("%.6g" % value)
        kind, u = "completed", rng.random()
        if u < case["pruned"]:
            kind = "pruned"
        elif u < case["pruned"] + case["failed"]:
            kind = "failed"
        report = None
        if kind == "pruned" and rng.random() < 0.85:
            report = [rng.randrange(5), rng.choice([value, value, math.nan])]
        limits = None
        if case["infeasible"] and rng.random() < 0.9:
            limits = [round(rng.gauss(-0.5, 1), 3), round(rng.gauss(-0.5, 1), 3)]
        trials.append([kind, dists, params, value, report, limits, None])
    for i in range(case["running"]):
        chosen = conditional(rng, space, names) if case["conditional"] else names
        stored = chosen if i % 3 == 0 else chosen[: rng.randrange(len(chosen))]
        params = {k: uniform(rng, space[k]) for k in chosen}
        shared = {k: v for k, v in params.items() if not space[k].single()} if i % 3 != 2 else None
        row = ["running", {k: space[k] for k in stored}, {k: params[k] for k in stored}, None, None,
               None, shared and {k: space[k].to_external_repr(v) for k, v in shared.items()}]
        # A running trial stands anywhere among the finished ones.
        trials.insert(rng.randrange(max(0, len(trials) - 6), len(trials) + 1), row)
    return trials


STATES = {"completed": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}


def study_of(case, trials, sampler):
    study = optuna.create_study(directions=case["directions"], sampler=sampler)
    storage = study._storage
    many = len(case["directions"]) > 1
    for kind, dists, params, value, report, limits, shared in trials:
        external = {k: dists[k].to_external_repr(v) for k, v in params.items()}
        attrs = {} if limits is None else {"constraints": limits}
        if kind == "running":
            attrs.update(announce(shared) if shared else {})
            trial = FrozenTrial(
                number=-1, state=TrialState.RUNNING, value=None, datetime_start=None,
                datetime_complete=None, params=external, distributions=dists, user_attrs={},
                system_attrs=attrs, intermediate_values={}, trial_id=-1)
            storage.create_new_trial(study._study_id, template_trial=trial)
            continue
        done = kind == "completed"
        study.add_trial(create_trial(
            state=STATES[kind], params=external, distributions=dists, system_attrs=attrs,
            values=(value if many else [value]) if done else None,
            intermediate_values={} if report is None else {report[0]: report[1]}))
    number = storage.create_new_trial(study._study_id)
    return study, storage.get_trial(number)


def densities(sampler, study, trial, space, rng):
    """Lets the sampler sample and looks at its densities on the way."""
    seen = {}

    def look(samples, below, above):
        points = {k: list(v[:4]) for k, v in samples.items()}
        for _ in range(3):
            for k, d in space.items():
                points[k].append(uniform(rng, d))
        points = {k: numpy.asarray(v, dtype=float) for k, v in points.items()}
        seen["points"] = [[float(points[k][i]) for k in space] for i in range(7)]
        seen["l"] = below.log_pdf(points).tolist()
        seen["g"] = above.log_pdf(points).tolist()
        return numpy.zeros(len(next(iter(samples.values()))))

    sampler._compute_acquisition_func = look
    sampler._sample(study, trial, space)
    return seen


def run(case, seed):
    rng = random.Random(seed)
    trials = build(rng, case)
    if len(case["directions"]) > 1:
        for row in trials:
            if row[0] == "completed":
                row[3] = [float("%.5g" % rng.choice([rng.gauss(0, 2), rng.randrange(3)]))
                          for _ in case["directions"]]
    sampler = optuna.samplers.TPESampler(
        seed=seed, n_startup_trials=0, multivariate=case["multivariate"], group=case["group"],
        constant_liar=case["liar"])
    study, trial = study_of(case, trials, sampler)
    relative = sampler.infer_relative_search_space(study, trial)
    if case["group"]:
        spaces = []
        for sub in sampler._search_space_group.search_spaces:
            sub = {k: d for k, d in sorted(sub.items()) if not d.single()}
            if sub:
                spaces.append(sub)
        spaces.sort(key=lambda s: list(s)[0])
    else:
        spaces = [relative] if relative else []
    joint = len(spaces)
    if not case["multivariate"] or case["space"] in ("mixed", "one") or not spaces:
        all_names = SPACES[case["space"]]
        spaces = spaces + [{k: d} for k, d in all_names.items() if not d.single()]
    places = {}
    rows = []
    for kind, dists, params, value, report, limits, shared in trials:
        held = {}
        for k, v in params.items():
            known = places.setdefault(k, [])
            if dists[k] not in known:
                known.append(dists[k])
            held[k] = [known.index(dists[k]), v]
        values = value if isinstance(value, list) else [value]
        if kind != "completed":
            values = []
        rows.append([kind, values, held, report, limits, announce(shared) if shared else None])
    used = []
    for sub in spaces:
        for k, d in sub.items():
            known = places.setdefault(k, [])
            if d not in known:
                known.append(d)
        used.append([[k, places[k].index(d)] for k, d in sub.items()])
    return {
        "seed": seed, "space": case["space"], "directions": case["directions"],
        "multivariate": case["multivariate"], "group": case["group"], "liar": case["liar"],
        "distributions": {k: [json.loads(distribution_to_json(d)) for d in v]
                          for k, v in places.items()},
        "trials": rows, "trial": trial.number,
        "joint": joint,
        "spaces": [{"parameters": u, **densities(sampler, study, trial, s, rng)}
                   for u, s in zip(used, spaces)],
    }


def main():
    sizes = [0, 1, 2, 3, 5, 9, 10, 11, 20, 24, 25, 26, 27, 28, 40, 60, 97, 98, 99, 101, 130, 251, 270]
    rng = random.Random(5)
    cases = []
    for seed in range(236):
        space = list(SPACES)[seed % len(SPACES)]
        multivariate = seed % 4 != 3
        group = multivariate and space in ("mixed", "many", "floats") and seed % 3 == 1
        n = sizes[(seed * 7) % len(sizes)]
        if n > 100 and space in ("many", "mixed") and seed % 2:
            n = 30
        several = seed >= 216
        cases.append({
            "space": space, "n": n, "multivariate": multivariate, "group": group,
            "conditional": group or (space == "mixed" and seed % 2 == 0),
            "changing": seed % 11 == 5 and not group, "liar": seed % 9 != 4,
            "pruned": rng.choice([0, 0, 0.25, 0.6]), "failed": rng.choice([0, 0, 0.1]),
            "infeasible": rng.random() < 0.3, "running": rng.choice([0, 0, 1, 3, 4]),
            "directions": rng.choice([["minimize", "maximize"], ["minimize"] * 3]) if several
            else [rng.choice(["minimize", "maximize"])],
        })
        if several:
            cases[-1].update(pruned=0, n=min(n, 130))
    sys.stdout.write('{"optuna":"%s","numpy":"%s","cases":[\n' % (
        optuna.__version__, numpy.__version__))
    for seed, case in enumerate(cases):
        line = json.dumps(run(case, seed), separators=(",", ":"))
        sys.stdout.write(line + (",\n" if seed + 1 < len(cases) else "\n"))
    sys.stdout.write("]}\n")


if __name__ == "__main__":
    main()
