# The shape of a PyTorch loop: epochs, a report for each, and pruning.
import numpy as np

import optuna
from optuna.trial import TrialState

optuna.logging.set_verbosity(optuna.logging.WARNING)


class Net:
    def __init__(self, trial):
        layers = trial.suggest_int("n_layers", 1, 3)
        self.sizes = [trial.suggest_int(f"n_units_l{i}", 4, 128) for i in range(layers)]
        self.dropout = [trial.suggest_float(f"dropout_l{i}", 0.2, 0.5) for i in range(layers)]


def objective(trial):
    net = Net(trial)
    optimizer = trial.suggest_categorical("optimizer", ["Adam", "RMSprop", "SGD"])
    rate = trial.suggest_float("lr", 1e-5, 1e-1, log=True)
    accuracy = 0.0
    for epoch in range(10):
        accuracy = np.float32(1 - np.exp(-rate * (epoch + 1) * len(net.sizes)) * len(optimizer) / 8)
        trial.report(accuracy, epoch)
        if trial.should_prune():
            raise optuna.exceptions.TrialPruned()
    return accuracy


study = optuna.create_study(direction="maximize")
study.optimize(objective, n_trials=20, timeout=600)
pruned = study.get_trials(deepcopy=False, states=[TrialState.PRUNED])
complete = study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
print("result", len(pruned) + len(complete) == len(study.trials), "lr" in study.trials[0].params)
