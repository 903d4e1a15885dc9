"""Writes cmaes_states.json: constants and states of the package cmaes, which Optuna's CmaEsSampler uses.

    python cmaes_states.py > cmaes_states.json

Needs cmaes 0.13.0 and numpy. The points of each generation are random and not the package's own, so
that the test can give the same ones.
"""

import json
import random
import sys

import cmaes
import numpy as np

assert cmaes.__version__ == "0.13.0", cmaes.__version__
SEED = 20261120


def constants(dimension, size):
    c = cmaes.CMA(mean=np.zeros(dimension), sigma=1.0, population_size=size)
    return {
        "dimension": dimension, "size": c.population_size, "given": size is not None,
        "weights": list(c._weights), "mu_eff": c._mu_eff, "c1": c._c1, "cmu": c._cmu,
        "c_sigma": c._c_sigma, "d_sigma": c._d_sigma, "cc": c._cc, "chi": c._chi_n,
    }


def state(c):
    return {
        "mean": list(c._mean), "sigma": c._sigma, "covariance": [list(r) for r in c._C],
        "path": list(c._pc), "step_path": list(c._p_sigma),
    }


def run(rng, dimension, generations):
    mean = [rng.uniform(0.3, 0.7) for _ in range(dimension)]
    c = cmaes.CMA(mean=np.array(mean), sigma=0.2)
    steps = []
    for _ in range(generations):
        points = [
            [m + 0.15 * rng.gauss(0, 1) for m in c._mean] for _ in range(c.population_size)
        ]
        c.tell([(np.array(p), float(i)) for i, p in enumerate(points)])
        c._eigen_decomposition()
        steps.append({"points": points, **state(c)})
    return {"mean": mean, "sigma": 0.2, "steps": steps}


def run_with_margin(rng, counts, generations):
    """Integers of `counts` values each (0 for a continuous one), in the cube as Needletail has them."""
    mean = [rng.uniform(0.2, 0.8) for _ in counts]
    bounds = np.array([[0.5 / k, 1 - 0.5 / k] if k else [0, 1] for k in counts])
    steps_of = np.array([1 / k if k else 0 for k in counts])
    mean = [min(max(m, b[0]), b[1]) for m, b in zip(mean, bounds)]
    c = cmaes.CMAwM(mean=np.array(mean), sigma=0.3, bounds=bounds, steps=steps_of)
    goal = [rng.random() for _ in counts]
    steps = []
    for _ in range(generations):
        points, shown = [], []
        for _ in range(c.population_size):
            x = np.array([m + c._cma._sigma * rng.gauss(0, 1) for m in c._cma._mean])
            x[c._continuous_idx] = np.clip(x[c._continuous_idx], 0, 1)
            encoded = x.copy()
            encoded[c._discrete_idx] = c._encode_discrete_params(x[c._discrete_idx])
            points.append(list(x))
            shown.append(list(encoded))
        order = sorted(
            range(len(points)), key=lambda i: sum((a - b) ** 2 for a, b in zip(shown[i], goal))
        )
        points, shown = [points[i] for i in order], [shown[i] for i in order]
        c.tell([(np.array(p), float(i)) for i, p in enumerate(points)])
        c._cma._eigen_decomposition()
        steps.append({"points": points, "shown": shown, "stretch": list(c._A), **state(c._cma)})
    return {"counts": counts, "mean": mean, "sigma": 0.3, "margin": c.margin, "steps": steps}


def warm(rng, dimension, count):
    points = [[rng.random() for _ in range(dimension)] for _ in range(count)]
    mean, sigma, cov = cmaes.get_warm_start_mgd(
        [(np.array(p), float(i)) for i, p in enumerate(points)]
    )
    return {
        "points": points, "mean": list(mean), "sigma": sigma,
        "covariance": [list(row) for row in cov],
    }


def main():
    rng = random.Random(SEED)
    result = {
        "provenance": f"cmaes_states.py, seed {SEED}, cmaes {cmaes.__version__}, "
        f"numpy {np.__version__}, Python {sys.version.split()[0]}",
        "constants": [constants(d, None) for d in (1, 2, 3, 5, 10, 20, 40)]
        + [constants(d, s) for d, s in ((2, 50), (5, 9), (10, 100), (30, 8))],
        "runs": [run(rng, 2, 25), run(rng, 5, 15), run(rng, 10, 8)],
        "margins": [run_with_margin(rng, [3, 0, 10], 20), run_with_margin(rng, [2, 2, 0, 100], 15)],
        "warm": [warm(rng, 2, 30), warm(rng, 4, 100)],
    }
    print(json.dumps(result, separators=(",", ":")))


main()
