"""Writes journals with Optuna's own storage, and compares what became of them.

    python journals.py write FOLDER COUNT
    python journals.py compare FOLDER COUNT

The first does random operations by several workers, good ones and such as Optuna refuses after it has logged them, and
leaves FOLDER/0.log, FOLDER/1.log and so on. The second compares all that Optuna reads in each with what it reads in
FOLDER/0.db and so on, field by field, and prints what differs.
"""

import math
import random
import sys
import warnings
from datetime import datetime, timedelta

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.study import StudyDirection
from optuna.trial import TrialState, create_trial

warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.CRITICAL)
FINISHED = [TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL]
NUMBERS = [0.0, -1.5, 3, 1e-308, 1e308, math.inf, -math.inf]
ATTRIBUTES = [None, True, 1, 2**70, 0.1, math.nan, -math.inf, "", 'é "\n\U0001f600', [1, [2.0, {}]], {"a": {"é": None}}]
KINDS = {
    "float": [FloatDistribution(0, 1), FloatDistribution(-1, 2), FloatDistribution(0, 1, step=0.25)],
    "log": [FloatDistribution(1e-5, 1, log=True), FloatDistribution(1e-7, 10, log=True)],
    "int": [IntDistribution(1, 9), IntDistribution(0, 100, step=5)],
    "choice": [CategoricalDistribution(["a", 1, None, 2.5, math.nan, True])],
    'odd "é\n': [CategoricalDistribution(["only"])],
    # Other kinds than in earlier trials, which Optuna refuses.
    "mixed": [FloatDistribution(0, 1), IntDistribution(0, 1), CategoricalDistribution([0, 1])],
}


def open_journal(path, lock=None):
    return optuna.storages.JournalStorage(JournalFileBackend(path, lock_obj=lock))


def internal(rng, distribution):
    if isinstance(distribution, CategoricalDistribution):
        return rng.randrange(len(distribution.choices))
    if isinstance(distribution, IntDistribution):
        return distribution.low + distribution.step * rng.randrange(2)
    return distribution.low if distribution.step else rng.uniform(distribution.low, distribution.high)


def template(rng, objectives):
    state = rng.choice([TrialState.WAITING, TrialState.RUNNING] + FINISHED)
    start = datetime.now() - timedelta(seconds=rng.uniform(0, 1e8))
    distributions = {name: rng.choice(kinds) for name, kinds in KINDS.items() if name != "mixed" and rng.random() < 0.5}
    trial = create_trial(
        state=TrialState.COMPLETE,
        values=[rng.choice(NUMBERS) for _ in range(objectives)],
        params={name: kind.to_external_repr(internal(rng, kind)) for name, kind in distributions.items()},
        distributions=distributions,
        user_attrs={"u": rng.choice(ATTRIBUTES)},
        system_attrs={"s": rng.choice(ATTRIBUTES)},
        intermediate_values={step: rng.choice(NUMBERS + [math.nan]) for step in rng.sample(range(50), rng.randrange(4))},
    )
    trial.state = state
    trial.datetime_start = None if state == TrialState.WAITING else start
    trial.datetime_complete = start + timedelta(seconds=1) if state in FINISHED else None
    if state != TrialState.COMPLETE:
        trial.values = [rng.choice(NUMBERS)] if state == TrialState.PRUNED and rng.random() < 0.5 else None
    return trial


def write(path, seed):
    rng = random.Random(seed)
    lock = JournalFileOpenLock(path) if seed % 2 else None
    workers = [open_journal(path, lock) for _ in range(3)]
    studies, trials, objectives = [], [], {}
    for _ in range(300):
        storage = rng.choice(workers)
        action = rng.randrange(14)
        study = rng.choice(studies + [rng.randrange(9)])
        trial = rng.choice(trials + [rng.randrange(9)])
        try:
            if action == 0 or not studies:
                count = rng.randrange(1, 4)
                directions = [rng.choice([StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE]) for _ in range(count)]
                made = storage.create_new_study(directions, f"study {rng.randrange(6)}")
                studies.append(made)
                objectives[made] = count
            elif action == 1 and rng.random() < 0.3:
                storage.delete_study(study)
                studies.remove(study)
            elif action == 2:
                storage.set_study_user_attr(study, rng.choice("abc"), rng.choice(ATTRIBUTES))
            elif action == 3:
                storage.set_study_system_attr(study, rng.choice("abc"), rng.choice(ATTRIBUTES))
            elif action in (4, 5):
                trials.append(storage.create_new_trial(study))
            elif action == 6:
                trials.append(storage.create_new_trial(study, template(rng, objectives[study])))
            elif action in (7, 8):
                name = rng.choice(list(KINDS))
                kind = rng.choice(KINDS[name])
                storage.set_trial_param(trial, name, internal(rng, kind), kind)
            elif action == 9:
                state = rng.choice([TrialState.RUNNING] + FINISHED)
                owner = storage._replay_result._trial_id_to_study_id[trial]
                values = {
                    TrialState.COMPLETE: [rng.choice(NUMBERS) for _ in range(objectives[owner])],
                    TrialState.PRUNED: rng.choice([None, [rng.choice(NUMBERS)]]),
                }.get(state)
                storage.set_trial_state_values(trial, state, values)
            elif action in (10, 11):
                storage.set_trial_intermediate_value(trial, rng.randrange(6), rng.choice(NUMBERS + [math.nan]))
            elif action == 12:
                storage.set_trial_user_attr(trial, rng.choice("abc"), rng.choice(ATTRIBUTES))
            else:
                storage.set_trial_system_attr(trial, rng.choice("abc"), rng.choice(ATTRIBUTES))
        except (KeyError, ValueError, AssertionError, optuna.exceptions.OptunaError):
            pass  # Logged all the same, and passed over by who replays it.


def view(storage):
    studies = {}
    for study in storage.get_all_studies():
        trials = [
            {
                "number": t.number,
                "state": t.state.name,
                "values": t.values,
                "params": list(t.params.items()),
                "distributions": list(t.distributions.items()),
                "user": sorted(t.user_attrs.items()),
                "system": sorted(t.system_attrs.items()),
                "reports": sorted((step, float(value)) for step, value in t.intermediate_values.items()),
                "start": t.datetime_start,
                "complete": t.datetime_complete,
            }
            for t in storage.get_all_trials(study._study_id)
        ]
        if trials:
            for trial in trials:
                trial["values"] = trial["values"] and [float(value) for value in trial["values"]]
        studies[study.study_name] = {
            "directions": [direction.name for direction in study.directions],
            "user": sorted(study.user_attrs.items()),
            "system": sorted(study.system_attrs.items()),
            "trials": trials,
        }
    return studies


def compare(path, copy):
    theirs, ours = view(open_journal(path)), view(optuna.storages.RDBStorage(f"sqlite:///{copy}"))
    if list(theirs) != list(ours):
        print(f"{path}: studies {list(theirs)} became {list(ours)}")
    for name in theirs.keys() & ours.keys():
        for field in ("directions", "user", "system"):
            if repr(theirs[name][field]) != repr(ours[name][field]):
                print(f"{path}: {name}: {theirs[name][field]} became {ours[name][field]}")
        if len(theirs[name]["trials"]) != len(ours[name]["trials"]):
            print(f"{path}: {name}: another number of trials")
        for there, here in zip(theirs[name]["trials"], ours[name]["trials"]):
            for field in there:
                if repr(there[field]) != repr(here[field]):
                    print(f"{path}: {name}: {there['number']}: {field} {there[field]} became {here[field]}")
    return sum(len(study["trials"]) for study in theirs.values())


def main():
    verb, folder, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    trials = 0
    for seed in range(count):
        if verb == "write":
            write(f"{folder}/{seed}.log", seed)
        else:
            trials += compare(f"{folder}/{seed}.log", f"{folder}/{seed}.db")
    if verb == "compare":
        print(f"compared {trials} trials")


main()
