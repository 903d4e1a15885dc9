"""What Optuna pickles is pickled here, and copied."""

import copy
import pickle
import tempfile

import needletail as optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)


def again(value):
    return pickle.loads(pickle.dumps(value))


def objective(trial):
    trial.set_user_attr("k", [1])
    kind = trial.suggest_categorical("c", ["a", None])
    return trial.suggest_float("x", 0, 1) + (kind is None)


if __name__ == "__main__":
    for storage in (None, f"sqlite:///{tempfile.mkdtemp()}/s.db"):
        sampler = optuna.samplers.TPESampler(seed=3, n_startup_trials=2)
        study = optuna.create_study(storage=storage, sampler=sampler, study_name="s")
        study.set_user_attr("a", {"b": 1})
        study.optimize(objective, n_trials=6)
        study.enqueue_trial({"x": 0.5})
        copied = again(study)
        assert copied.trials == study.trials and copied.user_attrs == {"a": {"b": 1}}
        assert repr(copied.sampler) == repr(sampler) and copied.study_name == "s"
        copied.optimize(objective, n_trials=1)
        assert copied.trials[6].params["x"] == 0.5
        assert len(study.trials) == 7 and copied.best_value <= study.best_value
    trial = study.trials[0]
    assert again(trial) == trial == copy.deepcopy(trial) and hash(again(trial)) == hash(trial)
    assert again(trial).state is optuna.trial.TrialState.COMPLETE
    for value in (
        optuna.distributions.FloatDistribution(0, 1, step=0.25),
        optuna.distributions.CategoricalDistribution(("a", None)),
        optuna.study.StudyDirection.MAXIMIZE,
    ):
        assert again(value) == value
    error = again(optuna.TrialPruned("why"))
    assert isinstance(error, optuna.exceptions.TrialPruned) and str(error) == "why"
    assert again(optuna.pruners.MedianPruner(3))._setting()["n_startup_trials"] == 3
    print("done")
