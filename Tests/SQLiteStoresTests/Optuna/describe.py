"""Prints a study as Optuna sees it: describe.py URL NAME. One JSON document, dates in UTC."""
import json
import sys
from datetime import timezone

import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)


def moment(date):
    # Optuna gives naive local time.
    return None if date is None else date.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f")


def describe(trial):
    return {
        "number": trial.number,
        "state": trial.state.name,
        "values": trial.values or [],
        "params": [
            [name, value, json.loads(optuna.distributions.distribution_to_json(trial.distributions[name]))]
            for name, value in trial.params.items()
        ],
        "reports": [[step, value] for step, value in sorted(trial.intermediate_values.items())],
        "user": sorted(trial.user_attrs.items()),
        "system": sorted(trial.system_attrs.items()),
        "start": moment(trial.datetime_start),
        "end": moment(trial.datetime_complete),
    }


def main():
    study = optuna.load_study(storage=sys.argv[1], study_name=sys.argv[2])
    single = len(study.directions) == 1
    print(json.dumps({
        "directions": [d.name for d in study.directions],
        "best": study.best_trial.number if single and study.get_trials(
            states=[optuna.trial.TrialState.COMPLETE]) else None,
        "user": sorted(study.user_attrs.items()),
        "trials": [describe(t) for t in study.trials],
    }))


main()
