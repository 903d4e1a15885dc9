"""Studies in a file: listed, loaded, copied, deleted, and shared with the real Optuna."""

import tempfile

import optuna as original

import needletail as optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)
original.logging.set_verbosity(original.logging.ERROR)


def objective(trial):
    trial.set_user_attr("by", type(trial).__module__.split(".")[0])
    return trial.suggest_float("x", 0, 1) + trial.suggest_int("n", 1, 3)


if __name__ == "__main__":
    folder = tempfile.mkdtemp()
    url, other = f"sqlite:///{folder}/a.db", f"sqlite:///{folder}/b.db"
    first = optuna.create_study(study_name="first", storage=url)
    first.optimize(objective, n_trials=3)
    optuna.create_study(study_name="second", storage=url, directions=["minimize", "maximize"])
    assert optuna.get_all_study_names(url) == ["first", "second"]
    try:
        optuna.create_study(study_name="first", storage=url)
        raise AssertionError("a study of that name exists")
    except optuna.exceptions.DuplicatedStudyError:
        pass
    again = optuna.create_study(study_name="first", storage=url, load_if_exists=True)
    assert len(again.trials) == 3
    summary = optuna.get_all_study_summaries(url)[0]
    assert summary.n_trials == 3 and summary.best_trial.value == first.best_value
    assert summary.direction.name == "MINIMIZE" and summary.datetime_start is not None

    # Optuna goes on with our study, and we with its trials.
    theirs = original.load_study(study_name="first", storage=url)
    theirs.optimize(objective, n_trials=2)
    first.optimize(objective, n_trials=2)
    assert [t.user_attrs["by"] for t in theirs.trials] == (
        ["needletail"] * 3 + ["optuna"] * 2 + ["needletail"] * 2
    )
    for ours, kept in zip(first.trials, theirs.trials):
        assert ours.params == kept.params and ours.values == kept.values
        assert ours.user_attrs == kept.user_attrs and ours._trial_id == kept._trial_id
        assert ours.state.name == kept.state.name

    optuna.copy_study(from_study_name="first", from_storage=url, to_storage=other)
    copied = optuna.load_study(study_name=None, storage=other)
    assert [t.params for t in copied.trials] == [t.params for t in first.trials]
    try:
        optuna.load_study(study_name=None, storage=url)
        raise AssertionError("which of the two studies is meant is not known")
    except ValueError:
        pass
    optuna.delete_study(study_name="second", storage=url)
    assert optuna.get_all_study_names(url) == ["first"]
    try:
        optuna.delete_study(study_name="second", storage=url)
        raise AssertionError("there is no such study any more")
    except KeyError:
        pass
    print("done")
