"""Writes tool_draws.json: values drawn by other tools' own samplers, per kind of parameter.

Needs, in a virtual environment of its own (they are not installed by `make setup`):

    pip install numpy==1.26.4 sweeps==0.3.0 ConfigSpace==1.2.2 hyperopt==0.3.0
    pip download --no-deps nni==3.0 hypertune==1.4.0

of which nni's `nni/parameter_expressions.py` and hypertune's `hypertune/matrix/dist.py`, which
need numpy alone, are unpacked and given as arguments. Each entry has the tool, the call, the
traits that Needletail gives the same parameter, and either 1,000 sorted draws (of a continuum) or
how often each value came in 20,000.
"""

import importlib.util
import json
import random
import sys
import warnings

import ConfigSpace
import numpy as np
from hyperopt import hp
from hyperopt.pyll.stochastic import sample as draw_hyperopt

warnings.simplefilter("ignore")
from sweeps.params import HyperParameter  # noqa: E402


def load(path):
    """A module of one file."""
    spec = importlib.util.spec_from_file_location("loaded", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


nni, polyaxon = load(sys.argv[1]), load(sys.argv[2])
np.random.seed(20261130)
random.seed(20261130)
entries = []


def rounded(x):
    """Six significant digits."""
    return float(f"{float(x):.6g}")


def add(tool, name, call, draw, discrete, traits, whole=False):
    values = [rounded(draw()) for _ in range(20_000 if discrete else 1_000)]
    entry = {"name": name, "tool": tool, "call": call, "traits": traits, "whole": whole}
    if discrete:
        kinds, counts = np.unique(values, return_counts=True)
        entry["counts"] = [[float(k), int(c)] for k, c in zip(kinds, counts)]
    else:
        entry["draws"] = sorted(values)
    entries.append(entry)


def traits(shape, **more):
    return {"shape": shape, **more}


free = {"truncated": False}


def wandb(name, config, discrete, own, whole=False):
    parameter = HyperParameter("x", config)
    add("sweeps 0.3.0 (W&B)", name, json.dumps(config), parameter.sample, discrete, own, whole)


def config(kind, **more):
    return {"distribution": kind, **more}


wandb("q_uniform, float", config("q_uniform", min=0.05, max=1.0, q=0.1), True,
      traits("uniform", low=0.05, high=1.0, round_to=0.1))
wandb("q_uniform, int", config("q_uniform", min=0, max=10, q=3), True,
      traits("uniform", low=0, high=10, round_to=3), True)
wandb("q_log_uniform_values", config("q_log_uniform_values", min=1.5, max=50.5, q=1), True,
      traits("log_uniform", low=1.5, high=50.5, round_to=1), True)
wandb("q_log_uniform_values from below q",
      config("q_log_uniform_values", min=0.001, max=1.0, q=0.1), True,
      traits("log_uniform", low=0.001, high=1.0, round_to=0.1))
wandb("log_uniform_values", config("log_uniform_values", min=1e-5, max=0.1), False,
      traits("log_uniform", low=1e-5, high=0.1))
wandb("normal", config("normal", mu=0.5, sigma=2.0), False,
      traits("normal", mean=0.5, sd=2.0, **free))
wandb("log_normal", config("log_normal", mu=-2.3, sigma=1.0), False,
      traits("log_normal", mean=-2.3, sd=1.0, **free))
wandb("q_normal", config("q_normal", mu=64, sigma=16, q=8), True,
      traits("normal", mean=64, sd=16, round_to=8, **free), True)
wandb("q_log_normal", config("q_log_normal", mu=4, sigma=0.5, q=10), True,
      traits("log_normal", mean=4, sd=0.5, round_to=10, **free), True)
wandb("beta", config("beta", a=8, b=2), False, traits("beta", a=8, b=2, **free))
wandb("q_beta", config("q_beta", a=2, b=5, q=0.1), True,
      traits("beta", a=2, b=5, round_to=0.1, **free))
choices = {"values": [1, 2, 3], "probabilities": [0.6, 0.3, 0.1]}
wandb("probabilities", choices, True, {"weights": choices["probabilities"]})

state = np.random.RandomState(7)
for name, call, discrete, own in [
    ("quniform", (0.15, 0.95, 0.2), True,
     traits("uniform", low=0.15, high=0.95, round_to=0.2, clip=True)),
    ("qloguniform", (3, 100, 8), True,
     traits("log_uniform", low=3, high=100, round_to=8, clip=True)),
    ("normal", (10, 3), False, traits("normal", mean=10, sd=3, **free)),
]:
    function = getattr(nni, name)
    add("nni 3.0", name, f"{name}{call}", lambda: function(*call, state), discrete, own)

generator = np.random.default_rng(11)
for name, call, own in [
    ("quniform", (0.1, 0.9, 0.05), traits("uniform", low=0.1, high=0.9, round_to=0.05)),
    ("qlognormal", (2.0, 0.5, 2), traits("log_normal", mean=2.0, sd=0.5, round_to=2, **free)),
]:
    space = getattr(hp, name)("x", *call)
    add("hyperopt 0.3.0 (Katib's random and tpe)", name, f"hp.{name}{call}",
        lambda: draw_hyperopt(space, rng=generator), True, own)

for parameter, call, own in [
    (ConfigSpace.NormalFloatHyperparameter("x", mu=0, sigma=1, lower=-0.5, upper=3.0),
     "NormalFloat(mu=0, sigma=1, lower=-0.5, upper=3)",
     traits("normal", mean=0, sd=1, low=-0.5, high=3)),
    (ConfigSpace.BetaFloatHyperparameter("x", alpha=3, beta=2, lower=1.0, upper=4.0),
     "BetaFloat(alpha=3, beta=2, lower=1, upper=4)", traits("beta", a=3, b=2, low=1, high=4)),
]:
    space = ConfigSpace.ConfigurationSpace(seed=5)
    space.add(parameter)
    draws = iter([one["x"] for one in space.sample_configuration(1_000)])
    add("ConfigSpace 1.2.2", call.split("(")[0], call, lambda: next(draws), False, own)

state = np.random.RandomState(3)
for name, call, own in [
    ("quniform", (15, 255, 20), traits("uniform", low=15, high=255, round_to=20)),
    ("qloguniform", (0, 5, 2), traits("log_uniform", low=1, high=float(np.exp(5)), round_to=2)),
    ("qnormal", (10, 3, 2), traits("normal", mean=10, sd=3, round_to=2, **free)),
]:
    function = getattr(polyaxon, name)
    add("hypertune 1.4.0 (Polyaxon)", name, f"{name}{call}",
        lambda: function(*call, rand_generator=state), True, {**own, "rounding": "floor"})

with open("tool_draws.json", "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(e, separators=(",", ":")) for e in entries) + "\n]\n")
