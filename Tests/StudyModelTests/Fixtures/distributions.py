"""Writes distributions.json: what Optuna 5.0.0 makes of distributions. Run with its Python."""
import json
import random
import warnings
from pathlib import Path

import optuna
from optuna.distributions import (
    CategoricalDistribution, FloatDistribution, IntDistribution, distribution_to_json, json_to_distribution)

warnings.simplefilter("ignore")
rng = random.Random(20261120)


def attempt(make):
    try:
        return make()
    except (ValueError, TypeError, OverflowError):
        return None


def describe(d):
    """None for a distribution that Optuna refuses."""
    return None if d is None else {"json": distribution_to_json(d), "single": d.single()}


def floats():
    yield from [
        (0, 1, 0.3, False), (0, 1, 0.1, False), (0.1, 0.9, 0.2, False), (0, 1, None, False), (1e-5, 0.1, None, True),
        (0, 1, None, True), (-1, 1, None, True), (1, 0, None, False), (1, 1, None, False), (1, 1, 0.5, False),
        (0, 1, 0.0, False), (0, 1, -1, False), (1, 2, 0.5, True), (0, 0.5, 1, False),
        (-1e-300, 1e-300, 1e-301, False), (0.1, 0.7, 0.1, False), (0, 0.30000000000000004, 0.1, False),
        (1e16, 1e16 + 8, 2, False), (-0.7, 0.7, 0.2, False), (5e-324, 1, None, True), (0, 1, 1 / 3, False),
        (0, 2.1, 0.7, False), (100, 1e6, 33.3, False), (1e-10, 1e-9, 1e-10, False),
    ]
    for _ in range(250):
        digits = rng.randint(0, 6)
        low = round(rng.uniform(-10, 10), digits)
        high = low + round(rng.uniform(0, 20), digits)
        step = rng.choice([None, round(rng.uniform(0, 3), digits), 10.0 ** -rng.randint(0, 4), rng.uniform(0, 1)])
        yield low, high, step, False
    for _ in range(30):
        low = 10 ** rng.uniform(-8, 2)
        yield low, low * 10 ** rng.uniform(-0.1, 4), None, True


def ints():
    yield from [
        (0, 10, 3, False), (1, 10, 1, True), (0, 10, 1, True), (1, 10, 2, True), (3, 2, 1, False), (5, 5, 1, False),
        (5, 7, 4, False), (-7, 7, 5, False), (0, 1, 0, False), (0, 1, -1, False), (0, 2**53, 3, False),
    ]
    for _ in range(100):
        low = rng.randint(-1000, 1000)
        yield low, low + rng.randint(0, 500), rng.randint(1, 60), False


def choices():
    pool = [None, True, False, 0, 1, 2, 1.0, 2.5, -0.0, 0.0, "", "adam", "é🪁\n\"\\", float("inf"), float("-inf"),
            float("nan"), 10**15, 1e22, 5e-324, "1"]
    yield []
    for item in pool:
        yield [item]
    for _ in range(60):
        yield rng.sample(pool, rng.randint(2, 6))


def same(a, b):
    return a == b


cases = {"optuna": optuna.__version__, "floats": [], "ints": [], "categoricals": [], "representations": [], "equal": [],
         "old": []}
for low, high, step, log in floats():
    d = attempt(lambda: FloatDistribution(low, high, log=log, step=step))
    cases["floats"].append({"low": low, "high": high, "step": step, "log": log, "result": describe(d)})
for low, high, step, log in ints():
    d = attempt(lambda: IntDistribution(low, high, log=log, step=step))
    cases["ints"].append({"low": low, "high": high, "step": step, "log": log, "result": describe(d)})
made = []
for items in choices():
    d = attempt(lambda: CategoricalDistribution(items))
    cases["categoricals"].append({"choices": items, "result": describe(d)})
    if d is not None:
        made.append(d)

samples = [FloatDistribution(-1, 1), FloatDistribution(1e-3, 1, log=True), FloatDistribution(0, 1, step=0.25),
           IntDistribution(-3, 9), IntDistribution(1, 64, log=True), IntDistribution(0, 10, step=5)] + made[:40]
values = [-4, -3.5, -1, 0, 0.25, 0.5, 1, 2, 3.9, 5, 9, 64, 65, True, False, None, "adam", "1", "", float("inf")]
for d in samples:
    for value in values:
        internal = attempt(lambda: d.to_internal_repr(value))
        if internal is not None and internal != internal:
            internal = None
        cases["representations"].append({
            "json": distribution_to_json(d), "value": value, "internal": internal,
            "contained": None if internal is None else bool(d._contains(internal)),
            "external": None if internal is None or not d._contains(internal) else [d.to_external_repr(internal)],
        })

pairs = made + [FloatDistribution(0, 1), FloatDistribution(0.0, 1.0), FloatDistribution(0, 1, step=0.5),
                FloatDistribution(1, 2), FloatDistribution(1, 2, log=True), IntDistribution(0, 1), IntDistribution(1, 2),
                IntDistribution(1, 2, log=True), IntDistribution(0, 1, step=1), IntDistribution(0, 2, step=2),
                CategoricalDistribution([1, 2]), CategoricalDistribution([1.0, 2.0]), CategoricalDistribution([2, 1]),
                CategoricalDistribution([True, False]), CategoricalDistribution([1, 0])]
for a in pairs:
    for b in pairs:
        compatible = True
        try:
            optuna.distributions.check_distribution_compatibility(a, b)
        except ValueError:
            compatible = False
        if same(a, b) or compatible or rng.random() < 0.05:
            cases["equal"].append({"a": distribution_to_json(a), "b": distribution_to_json(b), "equal": same(a, b),
                                   "compatible": compatible})

for text in [
    '{"name": "UniformDistribution", "attributes": {"low": 0.0, "high": 2.5}}',
    '{"name": "LogUniformDistribution", "attributes": {"low": 0.1, "high": 2.5}}',
    '{"name": "DiscreteUniformDistribution", "attributes": {"low": 0.0, "high": 2.5, "q": 0.7}}',
    '{"name": "IntUniformDistribution", "attributes": {"low": 0, "high": 7, "step": 3}}',
    '{"name": "IntLogUniformDistribution", "attributes": {"low": 1, "high": 7, "step": 1}}',
    '{"type": "float", "low": 0, "high": 1, "step": 0.3}', '{"type": "int", "low": 1, "high": 9, "log": true}',
    '{"type": "categorical", "choices": ["a", 1]}', '{"name": "FloatDistribution", "attributes": {"low": 0, "high": 1}}',
    '{"attributes": {"high": 8, "low": 2}, "name": "IntDistribution", "more": 1}',
    '{"name": "OtherDistribution", "attributes": {}}', '{"name": "FloatDistribution", "attributes": {"low": 0}}',
    '{"name": "FloatDistribution", "attributes": {"low": 0, "high": 1, "more": 2}}', '[]', '{}', '7',
]:
    d = None
    try:
        d = json_to_distribution(text)
        # The old classes become the new ones when a study is read.
        d = optuna.distributions._convert_old_distribution_to_new_distribution(d, suppress_warning=True)
    except Exception:
        d = None
    cases["old"].append({"text": text, "result": None if d is None else distribution_to_json(d)})

path = Path(__file__).with_name("distributions.json")
with path.open("w") as file:
    file.write("{\n" + ",\n".join(
        json.dumps(key) + ": " + (json.dumps(value) if not isinstance(value, list) else
                                  "[\n" + ",\n".join(json.dumps(case) for case in value) + "\n]")
        for key, value in cases.items()) + "\n}\n")
print({key: len(value) for key, value in cases.items()})
