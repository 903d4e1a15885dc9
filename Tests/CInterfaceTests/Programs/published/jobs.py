# Several threads.
import threading
import time

import optuna

optuna.logging.set_verbosity(optuna.logging.WARNING)
threads = set()


def objective(trial):
    threads.add(threading.get_ident())
    time.sleep(0.002)
    return sum(trial.suggest_float(f"x{i}", -1, 1) ** 2 for i in range(3))


study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=3))
study.optimize(objective, n_trials=12, n_jobs=4, gc_after_trial=True, timeout=600)
numbers = [trial.number for trial in study.trials]
print("result", numbers == sorted(numbers), len(threads) >= 1, sorted(study.best_params))
