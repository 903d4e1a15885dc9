"""Writes file_draws.json: what other tools' own samplers draw for a parameter of their files.

Each tool has a virtual environment of its own, in which this script is run with the tool's name; the
second run adds to the file:

    pip install orion==0.2.7
    pip install 'google-vizier[jax]==0.1.24' jax==0.4.30 jaxlib==0.4.30 'numpy<2' 'scipy<1.14' \\
        chex==0.1.86 equinox==0.11.8 'flax<0.10' cvxpy evojax scikit-learn

Each entry has the tool, a file of its kind with the one parameter `x`, and either 1,000 sorted draws
(of a continuum) or how often each value came in 20,000.
"""
import collections
import json
import pathlib
import sys

FILE = pathlib.Path(__file__).with_name("file_draws.json")


def entry(tool, name, text, values, discrete):
    """One entry, with draws of six significant digits."""
    values = [float(f"{float(value):.6g}") for value in values]
    one = {"tool": tool, "name": name, "text": text}
    if discrete:
        one["counts"] = sorted(map(list, collections.Counter(values).items()))
    else:
        one["draws"] = sorted(values)
    return one


def orion():
    """Orion's space, which its `random` draws from."""
    import orion.core
    from orion.core.io.space_builder import SpaceBuilder

    for prior, discrete in [
        ("uniform(-2, 5)", False),
        ("loguniform(1e-5, 1.0)", False),
        ("uniform(0, 4, discrete=True)", True),
        ("normal(10, 3)", False),
        ("normal(10, 3, discrete=True)", True),
        ("choices({1: 0.6, 2: 0.3, 3: 0.1})", True),
    ]:
        space = SpaceBuilder().build({"x": prior})
        trials = space.sample(20_000 if discrete else 1_000, seed=20261201)
        text = f'experiment: {{name: e, algorithm: random}}\nparams: {{x: "{prior}"}}\n'
        yield entry(f"orion {orion.core.__version__}", prior, text,
                    [trial.params["x"] for trial in trials], discrete)


def vizier():
    """Vizier's random designer."""
    import importlib.metadata
    from vizier import pyvizier
    from vizier.algorithms.designers import RandomDesigner

    scales = pyvizier.ScaleType
    for name, declare, spec, discrete in [
        ("linear", lambda root: root.add_float_param("x", 2, 6),
         {"doubleValueSpec": {"minValue": 2, "maxValue": 6}, "scaleType": "UNIT_LINEAR_SCALE"},
         False),
        ("log", lambda root: root.add_float_param("x", 2, 200, scale_type=scales.LOG),
         {"doubleValueSpec": {"minValue": 2, "maxValue": 200}, "scaleType": "UNIT_LOG_SCALE"},
         False),
        ("reverse log",
         lambda root: root.add_float_param("x", 2, 200, scale_type=scales.REVERSE_LOG),
         {"doubleValueSpec": {"minValue": 2, "maxValue": 200},
          "scaleType": "UNIT_REVERSE_LOG_SCALE"}, False),
        ("integers", lambda root: root.add_int_param("x", -2, 3),
         {"integerValueSpec": {"minValue": "-2", "maxValue": "3"}}, True),
        ("discrete", lambda root: root.add_discrete_param("x", [1, 8, 64, 512]),
         {"discreteValueSpec": {"values": [1, 8, 64, 512]}}, True),
    ]:
        problem = pyvizier.ProblemStatement()
        declare(problem.search_space.root)
        designer = RandomDesigner(problem.search_space, seed=20261201)
        drawn = designer.suggest(20_000 if discrete else 1_000)
        text = json.dumps({
            "algorithm": "RANDOM_SEARCH", "metrics": [{"metricId": "m", "goal": "MINIMIZE"}],
            "parameters": [{"parameterId": "x", **spec}]})
        version = importlib.metadata.version("google-vizier")
        yield entry(f"google-vizier {version}", name, text,
                    [one.parameters.get_value("x") for one in drawn], discrete)


entries = json.loads(FILE.read_text()) if FILE.exists() else []
entries += {"orion": orion, "vizier": vizier}[sys.argv[1]]()
FILE.write_text(
    "[\n" + ",\n".join(json.dumps(one, separators=(",", ":")) for one in entries) + "\n]\n")
