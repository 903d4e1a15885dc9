# LightGBM with its pruning callback.
import lightgbm
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

import optuna
from optuna.integration import LightGBMPruningCallback

optuna.logging.set_verbosity(optuna.logging.WARNING)


def objective(trial):
    data, target = load_breast_cancer(return_X_y=True)
    train_x, valid_x, train_y, valid_y = train_test_split(data, target, random_state=0)
    train = lightgbm.Dataset(train_x, label=train_y)
    valid = lightgbm.Dataset(valid_x, label=valid_y)
    options = {
        "objective": "binary",
        "metric": "auc",
        "verbosity": -1,
        "num_threads": 1,
        "num_leaves": trial.suggest_int("num_leaves", 2, 32),
        "learning_rate": trial.suggest_float("learning_rate", 1e-3, 0.3, log=True),
    }
    callback = LightGBMPruningCallback(trial, "auc", valid_name="valid_1")
    booster = lightgbm.train(
        options, train, 10, valid_sets=[train, valid], valid_names=["valid_0", "valid_1"],
        callbacks=[callback],
    )
    return float(np.mean((booster.predict(valid_x) > 0.5) == valid_y))


study = optuna.create_study(direction="maximize", pruner=optuna.pruners.MedianPruner(2, 3))
study.optimize(objective, n_trials=4)
reported = [sorted(trial.intermediate_values) for trial in study.trials]
print("result", reported[0] == list(range(10)), study.trials[0].state.name)
