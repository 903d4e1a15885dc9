"""Writes optuna_analysis.json: studies with what Optuna 5.0.0 says of them.

    python optuna_analysis.py > optuna_analysis.json

PED-ANOVA, fANOVA averaged over seeds with its spread, the points and shares of
the empirical distribution, the Pareto set, and the hypervolume after each completed trial.
"""

import json
import random
import statistics
import warnings

import numpy
import optuna
from optuna.distributions import (
    CategoricalDistribution, FloatDistribution, IntDistribution, distribution_to_json)
from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator
from optuna.trial import TrialState, create_trial
from optuna.visualization._edf import _get_edf_info
from optuna.visualization._hypervolume_history import _get_hypervolume_history_info

warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)
FANOVA_SEEDS = 8


def draw(distribution, rng):
    if isinstance(distribution, CategoricalDistribution):
        return rng.choice(distribution.choices)
    low, high = distribution.low, distribution.high
    if isinstance(distribution, IntDistribution):
        if distribution.log:
            return min(high, int(low * (high / low) ** rng.random()))
        return rng.randrange(low, high + 1, distribution.step)
    if distribution.log:
        return low * (high / low) ** rng.random()
    if distribution.step:
        return low + distribution.step * rng.randrange(round((high - low) / distribution.step) + 1)
    return rng.uniform(low, high)


def study(directions, count, space, objective, seed, constraint=None, odd=False):
    rng = random.Random(seed)
    result = optuna.create_study(directions=directions)
    for number in range(count):
        distributions = space(rng) if callable(space) else space
        params = {name: draw(d, rng) for name, d in distributions.items()}
        values = [float(v) for v in objective(params, rng)]
        state = TrialState.COMPLETE
        if odd and number % 7 == 3:
            state = rng.choice([TrialState.PRUNED, TrialState.FAIL])
        if odd and number % 31 == 5:
            values = [float("inf")] * len(values)
        attrs = {}
        if constraint:
            attrs["constraints"] = [constraint(params, rng)]
        result.add_trial(create_trial(
            state=state, values=None if state == TrialState.FAIL else values, params=params,
            distributions=distributions, system_attrs=attrs))
    return result


WIDE = {
    "rate": FloatDistribution(1e-5, 0.1, log=True),
    "depth": IntDistribution(1, 12),
    "units": IntDistribution(16, 1024, log=True),
    "drop": FloatDistribution(0.0, 0.5, step=0.05),
    "batch": IntDistribution(32, 256, step=32),
    "kind": CategoricalDistribution(["sgd", "adam", "rms"]),
    "flag": CategoricalDistribution([True, False]),
    "fixed": FloatDistribution(1.0, 1.0),
    "mix": CategoricalDistribution([None, 1, 2.5, "x", float("nan")]),
    "x": FloatDistribution(-5.0, 5.0),
}


def wide(p, rng):
    loss = (numpy.log10(p["rate"]) + 3) ** 2 + 0.1 * p["depth"] + (p["kind"] != "adam") * 2
    return [loss + abs(p["x"]) * 0.7 + (0.3 if p["flag"] else 0) + rng.gauss(0, 0.1)]


def conditional(rng):
    space = {"kind": CategoricalDistribution(["linear", "forest", "net"])}
    kind = rng.choice(["linear", "forest", "net"])
    space["shared"] = FloatDistribution(0.0, 1.0 if kind == "net" else 10.0)
    if kind == "forest":
        space["trees"] = IntDistribution(10, 500, log=True)
    if kind == "net":
        space["layers"] = IntDistribution(1, 5)
        space["width"] = FloatDistribution(0.1, 10.0, log=True)
    if rng.random() < 0.005:
        space["rare"] = FloatDistribution(0.0, 1.0)
    return space


def conditional_loss(p, rng):
    loss = p["shared"] + rng.gauss(0, 0.2)
    if "layers" in p:
        loss += (p["layers"] - 3) ** 2 - p["width"] * 0.1
    return [loss + (0.5 if "trees" in p else 0)]


TWO = {"a": FloatDistribution(0.0, 5.0), "b": FloatDistribution(0.0, 3.0),
       "c": CategoricalDistribution(["p", "q"]), "n": IntDistribution(1, 8, log=True)}


def two(p, rng):
    shift = 0 if p["c"] == "p" else 3
    return [4 * p["a"] ** 2 + 4 * p["b"] ** 2 + shift, -((p["a"] - 5) ** 2) - (p["b"] - 5) ** 2 + p["n"] * 0.01]


def three(p, rng):
    return [p["a"] + p["b"], round((p["a"] - 3) ** 2, 1), p["b"] * p["a"] - p["n"]]


def tpe():
    result = optuna.create_study(
        direction="minimize", sampler=optuna.samplers.TPESampler(seed=3))

    def objective(trial):
        x = trial.suggest_float("x", -10, 10)
        y = trial.suggest_float("y", 1e-3, 1e3, log=True)
        c = trial.suggest_categorical("c", list("abcdefg"))
        return x * x + abs(numpy.log10(y)) + "abcdefg".index(c) * 0.1

    result.optimize(objective, n_trials=150)
    return result


STUDIES = {
    "wide": study(["minimize"], 240, WIDE, wide, 1),
    "wide maximized, with gaps": study(["maximize"], 170, WIDE, lambda p, r: [-wide(p, r)[0]], 2, odd=True),
    "ties": study(["minimize"], 90, WIDE, lambda p, r: [round(wide(p, r)[0])], 4),
    "conditional": study(["minimize"], 400, conditional, conditional_loss, 5),
    "few": study(["minimize"], 3, WIDE, wide, 6),
    "one": study(["minimize"], 1, WIDE, wide, 7),
    "constant": study(["minimize"], 30, WIDE, lambda p, r: [1.0], 8),
    "two objectives": study(["minimize", "maximize"], 200, TWO, two, 9),
    "two, constrained": study(["minimize", "maximize"], 120, TWO, two, 10, constraint=lambda p, r: p["a"] - 3),
    "three objectives": study(["minimize", "minimize", "maximize"], 150, TWO, three, 11),
    "tpe": tpe(),
}


def describe(name, s):
    trials = s.get_trials(deepcopy=False)
    distributions, known = [], {}
    rows = []
    for t in trials:
        cells = []
        for key, d in t.distributions.items():
            text = distribution_to_json(d)
            if text not in known:
                known[text] = len(distributions)
                distributions.append(json.loads(text))
            cells.append([key, known[text], float(d.to_internal_repr(t.params[key]))])
        row = {"state": t.state.name, "values": t.values, "params": cells}
        if t.constraints:
            row["constraints"] = list(t.constraints.values())
        rows.append(row)
    result = {"name": name, "directions": [d.name.lower() for d in s.directions],
              "distributions": distributions, "trials": rows, "ped_anova": {}, "fanova": {}}
    signs = [1 if d.name == "MINIMIZE" else -1 for d in s.directions]
    targets = {"all": None}
    if len(signs) > 1:
        for i, sign in enumerate(signs):
            targets[str(i)] = lambda t, i=i, sign=sign: sign * t.values[i]
    for key, target in targets.items():
        result["ped_anova"][key] = optuna.importance.get_param_importances(
            s, evaluator=PedAnovaImportanceEvaluator(), target=target)
        if (target is None and len(signs) > 1) or name in ("one", "constant"):
            continue
        shares = [optuna.importance.get_param_importances(
            s, evaluator=FanovaImportanceEvaluator(seed=seed), target=target)
            for seed in range(FANOVA_SEEDS)]
        result["fanova"][key] = {
            p: [statistics.mean(x[p] for x in shares), statistics.pstdev(x[p] for x in shares)]
            for p in shares[0]}
    if len(signs) == 1:
        edf = _get_edf_info(s)
        result["edf"] = {"x": list(edf.x_values), "y": list(edf.lines[0].y_values)}
    else:
        result["pareto"] = sorted(t.number for t in s.best_trials)
        reference = [60.0, -60.0] if len(signs) == 2 else [7.0, 8.0, -6.0]
        info = _get_hypervolume_history_info(s, numpy.array(reference))
        result["hypervolume"] = {"reference": reference, "trials": info.trial_numbers,
                                 "volumes": [float(v) for v in info.values]}
    return result


print(json.dumps({"optuna": optuna.__version__, "fanova_seeds": FANOVA_SEEDS,
                  "studies": [describe(name, s) for name, s in STUDIES.items()]}))
