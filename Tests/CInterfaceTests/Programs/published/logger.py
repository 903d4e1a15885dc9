# What is said goes to the program's own handler.
import io
import logging

import optuna

stream = io.StringIO()
optuna.logging.get_logger("optuna").addHandler(logging.StreamHandler(stream))
optuna.logging.disable_default_handler()
optuna.logging.set_verbosity(optuna.logging.INFO)


def objective(trial):
    return trial.suggest_float("x", 0, 1)


study = optuna.create_study(study_name="said")
study.optimize(objective, n_trials=2)
print("result", "finished with value" in stream.getvalue(), optuna.logging.get_verbosity())
