# A study in a file, gone on with.
import os
import tempfile

import optuna

optuna.logging.set_verbosity(optuna.logging.WARNING)
storage = f"sqlite:///{os.path.join(tempfile.mkdtemp(), 'study.db')}"


def objective(trial):
    return (trial.suggest_float("x", -10, 10) - 2) ** 2


optuna.create_study(study_name="resumed", storage=storage).optimize(objective, n_trials=3)
again = optuna.create_study(study_name="resumed", storage=storage, load_if_exists=True)
again.optimize(objective, n_trials=3)
loaded = optuna.load_study(study_name="resumed", storage=storage)
print("result", loaded.best_value >= 0, sorted(loaded.best_params), len(loaded.trials) in (0, 1, 6))
