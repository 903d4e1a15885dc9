"""A whole study in Python, by the module that is named: the same script by its import.

  python_study.py needletail|optuna|rustuna CASE TRIALS [STORAGE]    cases: tpe cmaes random empty

Prints a line of JSON: the seconds that `optimize` took and the best value.
"""

import importlib
import json
import sys
import time


def main():
    name, case, trials = sys.argv[1], sys.argv[2], int(sys.argv[3])
    storage = sys.argv[4] if len(sys.argv) > 4 else None
    begin = time.perf_counter()
    module = importlib.import_module(name)
    samplers = importlib.import_module(name + ".samplers")
    imported = time.perf_counter() - begin
    if hasattr(module, "logging"):
        module.logging.set_verbosity(30)
    sampler = {
        "tpe": lambda: samplers.TPESampler(seed=1),
        "cmaes": lambda: samplers.CmaEsSampler(seed=1),
        "random": lambda: samplers.RandomSampler(seed=1),
        "empty": lambda: samplers.RandomSampler(seed=1),
    }[case]()
    names = [f"x{i}" for i in range({"tpe": 10, "cmaes": 40, "random": 10, "empty": 0}[case])]

    def objective(trial):
        return sum((trial.suggest_float(name, -5.0, 5.0) - 1) ** 2 for name in names)

    study = module.create_study(sampler=sampler, storage=storage)
    begin = time.perf_counter()
    study.optimize(objective, n_trials=trials)
    seconds = time.perf_counter() - begin
    print(json.dumps({
        "bench": "python_study", "peer": name, "seconds": seconds, "import_seconds": imported,
        "params": {"case": case, "trials": trials, "storage": storage is not None},
        "best": study.best_trial.values[0],
    }))


if __name__ == "__main__":
    main()
