# XGBoost.
import numpy as np
import xgboost
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

import optuna

optuna.logging.set_verbosity(optuna.logging.WARNING)


def objective(trial):
    data, target = load_breast_cancer(return_X_y=True)
    train_x, valid_x, train_y, valid_y = train_test_split(data, target, random_state=0)
    options = {
        "objective": "binary:logistic",
        "verbosity": 0,
        "nthread": 1,
        "booster": trial.suggest_categorical("booster", ["gbtree", "dart"]),
        "lambda": trial.suggest_float("lambda", 1e-8, 1.0, log=True),
        "max_depth": trial.suggest_int("max_depth", 3, 9, step=2),
    }
    model = xgboost.train(options, xgboost.DMatrix(train_x, label=train_y), num_boost_round=5)
    predicted = np.rint(model.predict(xgboost.DMatrix(valid_x)))
    return float((predicted == valid_y).mean())


study = optuna.create_study(direction="maximize")
study.optimize(objective, n_trials=3)
print("result", sorted(study.best_trial.params), 0.5 < study.best_value <= 1)
