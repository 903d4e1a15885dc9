"""Goes on optimizing a study with TPE and the median pruner: optimize.py URL NAME TRIALS."""
import sys

import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)


def objective(trial):
    x = trial.suggest_float("x", -5, 5)
    depth = trial.suggest_int("depth", 1, 8)
    kind = trial.suggest_categorical("kind", ["a", "b", None])
    for step in range(4):
        value = (x - 1) ** 2 + depth + (kind == "a") + 1 / (step + 1)
        trial.report(value, step)
        if trial.should_prune():
            raise optuna.TrialPruned()
    trial.set_user_attr("by", "optuna")
    return value


study = optuna.load_study(
    storage=sys.argv[1], study_name=sys.argv[2],
    sampler=optuna.samplers.TPESampler(seed=1), pruner=optuna.pruners.MedianPruner(n_startup_trials=3))
study.optimize(objective, n_trials=int(sys.argv[3]))
print(len(study.trials))
