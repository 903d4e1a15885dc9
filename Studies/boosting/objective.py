"""Gradient boosting on scikit-learn's breast cancer data: mean log loss of a 5-fold cross-validation."""

import numpy
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold

import needletail as optuna

STAGES = 12
TREES_PER_STAGE = 15


def objective(trial):
    settings = {
        "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.5, log=True),
        "max_leaf_nodes": trial.suggest_int("max_leaf_nodes", 3, 63, log=True),
        "min_samples_leaf": trial.suggest_int("min_samples_leaf", 2, 60, log=True),
        "l2_regularization": trial.suggest_float("l2_regularization", 1e-6, 10, log=True),
        "max_features": trial.suggest_float("max_features", 0.1, 1.0),
    }
    if trial.suggest_categorical("limit_depth", [False, True]):
        settings["max_depth"] = trial.suggest_int("max_depth", 1, 8)

    x, y = load_breast_cancer(return_X_y=True)
    folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(x, y))
    models = [
        HistGradientBoostingClassifier(
            **settings, warm_start=True, early_stopping=False, random_state=trial.number
        )
        for _ in folds
    ]
    loss = numpy.inf
    for stage in range(1, STAGES + 1):
        losses = []
        for model, (train, test) in zip(models, folds):
            model.set_params(max_iter=stage * TREES_PER_STAGE).fit(x[train], y[train])
            losses.append(log_loss(y[test], model.predict_proba(x[test])))
        loss = float(numpy.mean(losses))
        trial.report(loss, stage)
        if trial.should_prune():
            raise optuna.TrialPruned()
    return loss


# The lines of a program for Optuna; here they run the trials that the runner has for this process.
study = optuna.create_study(direction="minimize")
study.optimize(objective, n_trials=60)
