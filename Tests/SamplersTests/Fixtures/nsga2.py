"""Writes nsga2.json: ranks, crowding distances and elites of Optuna's NSGA-II in random populations.

    python nsga2.py > nsga2.json

Needs optuna 5.0.0. Among trials of one rank with equal crowding distances the choice of an elite is
arbitrary, so of the elite only the distances are written, by rank and in descending order.
"""

import json
import math
import random
import sys
import warnings

import optuna
from optuna.samplers.nsgaii._elite_population_selection_strategy import (
    NSGAIIElitePopulationSelectionStrategy,
    _calc_crowding_distance,
    _rank_population,
)

assert optuna.__version__ == "5.0.0", optuna.__version__
optuna.logging.set_verbosity(optuna.logging.ERROR)
warnings.simplefilter("ignore")

SEED = 20261120


def make_case(rng):
    objectives = rng.choice([1, 2, 2, 3, 4])
    count = rng.choice([1, 2, 5, 12, 30])
    style = rng.choice(["plain", "plain", "ties", "infinite"])
    constrained = rng.random() < 0.4
    directions = [rng.choice(["minimize", "maximize"]) for _ in range(objectives)]
    if style != "plain":
        # Of equals Optuna has the first in front, whether it minimizes or maximizes; we flip those, too.
        directions = ["minimize"] * objectives

    def value():
        if style == "infinite" and rng.random() < 0.2:
            return rng.choice([math.inf, -math.inf])
        return float(rng.randrange(4)) if style == "ties" else round(rng.gauss(0, 1), 3)

    study = optuna.create_study(directions=directions)
    population = []
    for number in range(count):
        values = [value() for _ in range(objectives)]
        attributes = {}
        if constrained:
            attributes["constraints"] = [rng.choice([-1.0, 0.0, 0.5, 1.0, 2.25]) for _ in range(2)]
        trial = optuna.trial.create_trial(values=values, system_attrs=attributes)
        study.add_trial(trial)
    population = study.trials
    groups = _rank_population(population, study.directions, is_constrained=constrained)
    ranks, crowding = {}, {}
    for rank, group in enumerate(groups):
        for trial in group:
            ranks[trial.number] = rank
        crowding.update({t.number: 0.0 for t in group})
        crowding.update(_calc_crowding_distance(list(group)))
    size = max(2, rng.choice([count // 3, count // 2, count - 1]))
    elite = NSGAIIElitePopulationSelectionStrategy(population_size=size)(study, population)
    chosen = sorted(((ranks[t.number], -crowding[t.number]) for t in elite))
    return {
        "directions": directions,
        "values": [t.values for t in population],
        "violations": [
            sum(v for v in t.constraints.values() if v > 0) if constrained else 0.0
            for t in population
        ],
        "ranks": [ranks[number] for number in range(count)],
        "crowding": [crowding[number] for number in range(count)],
        "size": size,
        "elite": [[rank, -distance] for rank, distance in chosen],
    }


def main():
    rng = random.Random(SEED)
    cases = [make_case(rng) for _ in range(120)]
    provenance = f"nsga2.py, seed {SEED}, optuna {optuna.__version__}, Python {sys.version.split()[0]}"
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    print(f'{{"provenance":{json.dumps(provenance)},"cases":[\n{lines}\n]}}')


main()
