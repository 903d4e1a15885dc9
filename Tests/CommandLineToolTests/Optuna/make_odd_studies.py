"""Makes studies with Optuna whose parameters few programs expect, in one store.

    python make_odd_studies.py URL

Prints the name of each study, and a JSON object: the parameters of its trials as Optuna reads them back.
"""

import json
import math
import sys
import warnings

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import create_trial

warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.CRITICAL)
URL = sys.argv[1]
MIXED = [1, 1.0, True, "1", None, math.nan, math.inf, "", 10**40, -(10**40), 2**63, 2**53 + 1]
STUDIES = {
    "plain": lambda t: t.suggest_float("x", 0, 1),
    "lists": lambda t: len(t.suggest_categorical("units", [(64, 32), (128,), []])) + t.suggest_float("x", 0, 1),
    "mappings": lambda t: len(
        t.suggest_categorical("m", [{"a": 1, "b": [1, 2.0, None, {"é": "\U0001f600"}]}, {"b": {}}, [], {}, ""])
    ) + t.suggest_float("x", 0, 1),
    "alike": lambda t: sum(t.suggest_categorical("u", [(1, 2), (1.0, 2.0), (True, 2), (1, 2)]))
    + t.suggest_float("x", 0, 1),
    "large": lambda t: t.suggest_int("n", 0, 2**60) * 1e-18 + t.suggest_float("x", 0, 1),
    "huge": lambda t: t.suggest_int("n", -(10**30), 10**30) * 1e-30 + t.suggest_float("x", 0, 1),
    "growing": lambda t: t.suggest_int("n", 0, 2 ** (50 + t.number % 6)) * 1e-17 + t.suggest_float("x", 0, 1),
    "mixed": lambda t: MIXED.index(t.suggest_categorical("c", MIXED)) + t.suggest_float("x", 0, 1),
    "doubled": lambda t: len(t.suggest_categorical("c", ["a", "a", ""])) + t.suggest_float("x", 0, 1),
    "unnamed": lambda t: t.suggest_float("", 0, 1) + t.suggest_float("é \n\t", 0, 1),
    "numbers for truth": lambda t: t.suggest_float("x", 1, 10, log=1),
    "not a number": lambda t: t.suggest_float("x", 0, 1) * [math.nan, math.inf, -math.inf, 1][t.number % 4],
}


def main():
    for name, objective in STUDIES.items():
        study = optuna.create_study(study_name=name, storage=URL, sampler=optuna.samplers.RandomSampler(seed=1))
        study.optimize(objective, n_trials=12)
    study = optuna.create_study(study_name="endless", storage=URL)
    for number in range(12):
        value = math.inf if number == 3 else number / 7
        study.add_trial(create_trial(
            params={"x": value, "y": number / 12}, value=float(number * 5 % 12),
            distributions={"x": FloatDistribution(-math.inf, math.inf), "y": FloatDistribution(0, 1)}))
    study = optuna.create_study(study_name="outside", storage=URL)
    study.enqueue_trial({"x": 5.0, "n": 77})
    study.enqueue_trial({"x": math.inf, "n": 10**30})
    study.optimize(lambda t: t.suggest_float("x", 0, 1) + 0 * t.suggest_int("n", 0, 3), n_trials=12)
    study = optuna.create_study(study_name="queued", storage=URL)
    study.enqueue_trial({"units": [64, 32], "x": 0.5})
    study.enqueue_trial({"units": {"a": [1]}, "n": 10**30})
    study.add_trial(create_trial(
        params={"units": [64, 32]}, value=1.0, distributions={"units": CategoricalDistribution([[64, 32], {"a": [1]}])}))
    study = optuna.create_study(study_name="wide", storage=URL)
    for number in range(3):
        study.add_trial(create_trial(
            params={"n": 10**25 + number}, value=1.0, distributions={"n": IntDistribution(-(10**40), 10**40)}))
    for summary in optuna.get_all_study_summaries(URL):
        loaded = optuna.load_study(study_name=summary.study_name, storage=URL)
        print(json.dumps({"name": summary.study_name, "params": [t.params for t in loaded.trials]}))


if __name__ == "__main__":
    main()
