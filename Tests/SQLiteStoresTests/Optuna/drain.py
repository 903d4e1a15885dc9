"""Runs queued trials until none is left: drain.py URL NAME. Prints a line for each trial it ran."""
import sys

import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)

# Ten times Python's default of 5 s, as Optuna's manual tells those who share a file.
arguments = {"connect_args": {"timeout": 60}} if sys.argv[1].startswith("sqlite") else {}
storage = optuna.storages.RDBStorage(sys.argv[1], engine_kwargs=arguments)
study = optuna.load_study(
    storage=storage, study_name=sys.argv[2], sampler=optuna.samplers.RandomSampler())


def objective(trial):
    print(trial.number, "queued" if "fixed_params" in storage.get_trial_system_attrs(trial._trial_id) else "new", flush=True)
    x = trial.suggest_float("x", 0, 1000)
    trial.report(x, 0)
    return x


def stop_when_empty(study, trial):
    if not study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.WAITING]):
        study.stop()


print("ready", flush=True)
sys.stdin.read()
study.optimize(objective, callbacks=[stop_when_empty])
