# Callbacks, one of them from Optuna: stop at a number of trials, or when it is good enough.
import optuna
from optuna.study import MaxTrialsCallback

optuna.logging.set_verbosity(optuna.logging.ERROR)
seen = []


def note(study, trial):
    seen.append(trial.number)
    if study.best_value < -1:
        study.stop()


def objective(trial):
    return trial.suggest_float("x", 0, 1) ** 2


study = optuna.create_study()
study.optimize(
    objective,
    n_trials=20,
    callbacks=[note, MaxTrialsCallback(20, states=(optuna.trial.TrialState.COMPLETE,))],
)
trial = study.trials[-1]
print("result", seen[-1] == trial.number, trial.state.name, type(trial.duration).__name__)
