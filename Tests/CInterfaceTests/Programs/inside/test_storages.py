"""Optuna's own test classes on our storage, and what goes wrong with it."""

import copy
import datetime
import multiprocessing
import os
import pickle
import random
import threading
import time

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.study import StudyDirection
from optuna.testing.pytest_storages import StorageTestCase
from optuna.trial import TrialState

from needletail.optuna import Storage

DATABASE = os.environ.get("NEEDLETAIL_EMPTY_STORE")


@pytest.fixture
def address(tmp_path):
    """An empty file, or the database that is named, emptied."""
    if DATABASE:
        import sqlalchemy

        # A storage of another test that is gone has given its database up.
        engine = sqlalchemy.create_engine(DATABASE.replace("postgresql:", "postgresql+psycopg2:"))
        if sqlalchemy.inspect(engine).has_table("studies"):
            tables = "studies, trials, needletail_studies, needletail_notes"
            with engine.begin() as connection:
                connection.execute(sqlalchemy.text(f"TRUNCATE {tables} RESTART IDENTITY CASCADE"))
        engine.dispose()
        return DATABASE
    return str(tmp_path / "study.db")


@pytest.fixture
def storage(address):
    return Storage(address)


def optunas(address):
    """Optuna's own storage of the same place."""
    if DATABASE:
        return optuna.storages.RDBStorage(address.replace("postgresql:", "postgresql+psycopg2:"))
    return optuna.storages.RDBStorage("sqlite:///" + address)


class TestStorage(StorageTestCase):
    @pytest.mark.skip(reason="a study has a name here")
    def test_create_new_study_with_empty_name(self, storage):
        pass

    @pytest.mark.skip(reason="the first report of a step stays, as with Optuna's Trial.report")
    def test_set_trial_intermediate_value(self, storage):
        pass


def objective(trial):
    value = trial.suggest_float("x", -5, 5) ** 2 + trial.suggest_int("n", 1, 9)
    value += ("a", None, 1.5, True).index(trial.suggest_categorical("c", ["a", None, 1.5, True]))
    for step in range(5):
        trial.report(value + step, step)
    trial.set_user_attr("from", [trial.number, {"é": float("inf")}])
    return value


def same(one, other):
    """Whether Optuna reads the same from both."""
    assert len(one) == len(other)
    for left, right in zip(one, other):
        assert left == right, (left, right)
        assert list(left.params) == list(right.params)


def test_optuna_reads_the_same(storage, address):
    study = optuna.create_study(
        study_name="s", storage=storage, sampler=optuna.samplers.TPESampler(seed=1, n_startup_trials=3)
    )
    study.enqueue_trial({"x": 0.25}, user_attrs={"paper": 1})
    study.optimize(objective, n_trials=12)
    direct = optuna.load_study(study_name="s", storage=optunas(address))
    same(study.trials, direct.trials)
    assert study.best_trial == direct.best_trial
    assert study.trials[0].params["x"] == 0.25
    assert study.trials[3].intermediate_values == {
        step: study.trials[3].value + step for step in range(5)
    }
    direct.optimize(objective, n_trials=3)
    while len(study.trials) < 15 or not study.trials[14].state.is_finished():
        pass
    same(study.trials, direct.trials)
    optuna.copy_study(from_study_name="s", from_storage=storage, to_storage=storage, to_study_name="t")
    same(
        [copied(trial) for trial in study.trials],
        [copied(trial) for trial in optuna.load_study(study_name="t", storage=storage).trials],
    )


def copied(trial):
    trial = copy.deepcopy(trial)
    trial._trial_id = 0
    return trial


def test_what_waits_is_stored_in_time(storage, address):
    """Parameters and reports are seen here at once, and by others soon, without another call."""
    study = optuna.create_study(study_name="s", storage=storage)
    trial = study.ask()
    for number in range(3):
        trial.suggest_float(f"x{number}", 0, 1)
        other = study.ask()
        other.suggest_float(f"x{number}", 0, 1)
        trial.report(number, number)
    assert list(study.trials[0].params) == ["x0", "x1", "x2"]
    assert study.trials[0].intermediate_values == {0: 0, 1: 1, 2: 2}
    direct = optuna.load_study(study_name="s", storage=optunas(address))
    begin = time.monotonic()
    while direct.trials[0].intermediate_values != {0: 0, 1: 1, 2: 2}:
        assert time.monotonic() < begin + 20
    same(study.trials, direct.trials)


def test_a_trial_that_others_ended(storage, address):
    """What waits for a trial that ends elsewhere is given up, and the trial is as it was stored."""
    study = optuna.create_study(study_name="s", storage=storage)
    study.ask().suggest_float("x", 0, 1)
    trial = study.ask()
    direct = optunas(address)
    direct.set_trial_state_values(trial._trial_id, TrialState.FAIL)
    storage.set_trial_param(trial._trial_id, "x", 0.5, RANGE)
    with pytest.raises(optuna.exceptions.UpdateFinishedTrialError):
        storage.set_trial_state_values(trial._trial_id, TrialState.COMPLETE, [1.0])
    while study.trials[1].state != TrialState.FAIL:
        pass
    same(study.trials, optuna.load_study(study_name="s", storage=direct).trials)
    assert study.trials[1].params == {}


def run(address, trials):
    study = optuna.load_study(
        study_name="s", storage=Storage(address), sampler=optuna.samplers.RandomSampler()
    )
    study.optimize(objective, n_trials=trials)


def fork(storage, study):
    if os.environ.get("NEEDLETAIL_CHILD"):
        return
    study.optimize(objective, n_trials=2)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes(storage, address, method):
    study = optuna.create_study(study_name="s", storage=storage)
    for number in range(10):
        study.enqueue_trial({"x": number / 10})
    study.optimize(objective, n_trials=1)
    context = multiprocessing.get_context(method)
    children = [context.Process(target=run, args=(address, 6)) for _ in range(3)]
    if method == "fork":
        # The object itself, in a child: it opens the store anew.
        children.append(context.Process(target=fork, args=(storage, study)))
    for child in children:
        child.start()
    for child in children:
        child.join()
        assert child.exitcode == 0
    count = 19 if method == "spawn" else 21
    while len(study.trials) < count or any(not t.state.is_finished() for t in study.trials):
        pass
    assert [trial.number for trial in study.trials] == list(range(count))
    # Each queued trial ran once.
    given = [t.params["x"] for t in study.trials if "fixed_params" in t.system_attrs]
    assert sorted(given) == [number / 10 for number in range(10)]
    same(study.trials, optuna.load_study(study_name="s", storage=optunas(address)).trials)


def test_threads(storage):
    study = optuna.create_study(storage=storage, sampler=optuna.samplers.RandomSampler())
    study.optimize(objective, n_trials=40, n_jobs=4)
    assert [trial.number for trial in study.trials] == list(range(40))
    assert all(len(trial.params) == 3 for trial in study.trials)
    assert all(len(trial.intermediate_values) == 5 for trial in study.trials)


def test_pickles(storage):
    study = optuna.create_study(storage=storage)
    study.optimize(objective, n_trials=2)
    again = pickle.loads(pickle.dumps(study))
    again.optimize(objective, n_trials=1)
    assert len(study.trials) == 3


def test_killed(storage, address):
    """What was told stands, whole, when the process is killed; what ran is there and runs."""
    optuna.create_study(study_name="s", storage=storage)
    context = multiprocessing.get_context("spawn")
    child = context.Process(target=run, args=(address, 10_000))
    child.start()
    while len(storage.get_all_trials(1)) < 20:
        time.sleep(0.01)
    child.kill()
    child.join()
    trials = optuna.load_study(study_name="s", storage=optunas(address)).trials
    assert sum(trial.state == TrialState.RUNNING for trial in trials) <= 1
    for trial in trials:
        if trial.state == TrialState.COMPLETE:
            assert len(trial.params) == 3 and len(trial.intermediate_values) == 5
            assert trial.user_attrs["from"][0] == trial.number


def test_exits_with_what_was_reported(address):
    context = multiprocessing.get_context("spawn")
    child = context.Process(target=report_and_exit, args=(address,))
    child.start()
    child.join()
    assert child.exitcode == 0
    trial = optuna.load_study(study_name="s", storage=optunas(address)).trials[0]
    assert trial.params.keys() == {"x"} and trial.intermediate_values == {0: 0.5, 1: 1.5}


def report_and_exit(address):
    trial = optuna.create_study(study_name="s", storage=Storage(address)).ask()
    trial.suggest_float("x", 0, 1)
    trial.report(0.5, 0)
    trial.report(1.5, 1)


def test_heartbeats(address):
    failed = []
    storage = Storage(
        address, heartbeat_interval=1, grace_period=2,
        heartbeat_stale_trial_callback=lambda study, trial: failed.append(trial.number),
    )
    assert optuna.storages._heartbeat.is_heartbeat_enabled(storage)
    study = optuna.create_study(study_name="s", storage=storage)
    silent, speaking, mute = study.ask(), study.ask(), study.ask()
    storage.record_heartbeat(silent._trial_id)
    begin = time.monotonic()
    while not failed:
        storage.record_heartbeat(speaking._trial_id)
        optuna.storages.fail_stale_trials(study)
        assert time.monotonic() < begin + 30
    assert failed == [0] and time.monotonic() > begin + 1
    assert [trial.state for trial in study.trials] == [
        TrialState.FAIL, TrialState.RUNNING, TrialState.RUNNING
    ]
    study.optimize(objective, n_trials=2)
    with pytest.raises(KeyError):
        storage.record_heartbeat(mute._trial_id + 100)
    for name in ("heartbeat_interval", "grace_period"):
        with pytest.raises(ValueError):
            Storage(address, **{name: 0})
    if not DATABASE:
        # Optuna's own storage sees the same heartbeats.
        with pytest.warns(optuna.exceptions.ExperimentalWarning):
            other = optuna.storages.RDBStorage("sqlite:///" + address, heartbeat_interval=1)
        while other._get_stale_trial_ids(study._study_id) != [speaking._trial_id]:
            time.sleep(0.1)


NAN = float("nan")
RANGE = FloatDistribution(0, 1)


class Odd:
    def __float__(self):
        raise RuntimeError("no")


HOSTILE = [
    lambda s, t: s.set_trial_param(t, "x", NAN, RANGE),
    lambda s, t: s.set_trial_param(t, "x", 10**400, RANGE),
    lambda s, t: s.set_trial_param(t, "x", "a", RANGE),
    lambda s, t: s.set_trial_param(t, "\ud800", 0.5, RANGE),
    lambda s, t: s.set_trial_param(t, "a\0b", 0.5, RANGE),
    lambda s, t: s.set_trial_param(t, "x" * 600, 0.5, RANGE),
    lambda s, t: s.set_trial_param(t, None, 0.5, RANGE),
    lambda s, t: s.set_trial_param(2**70, "x", 0.5, RANGE),
    lambda s, t: s.set_trial_param(t, "x", 0.5, None),
    lambda s, t: s.set_trial_intermediate_value(t, -1, 0.5),
    lambda s, t: s.set_trial_intermediate_value(t, 2**64, 0.5),
    lambda s, t: s.set_trial_intermediate_value(t, "a", 0.5),
    lambda s, t: s.set_trial_intermediate_value(t, 0, Odd()),
    lambda s, t: s.set_trial_user_attr(t, "o", object()),
    lambda s, t: s.set_trial_user_attr(t, "o", {1: {2}}),
    lambda s, t: s.set_trial_user_attr(t, "\udfff", 1),
    lambda s, t: s.set_trial_system_attr(t, "a\0", 1),
    lambda s, t: s.set_trial_system_attr(t, 5, 1),
    lambda s, t: s.set_trial_state_values(t, TrialState.COMPLETE, [NAN]),
    lambda s, t: s.set_trial_state_values(t, TrialState.COMPLETE, []),
    lambda s, t: s.set_trial_state_values(t, TrialState.COMPLETE, [1, 2]),
    lambda s, t: s.set_trial_state_values(t, TrialState.COMPLETE, [10**400]),
    lambda s, t: s.set_trial_state_values(t, TrialState.COMPLETE, ["a"]),
    lambda s, t: s.set_trial_state_values(t, TrialState.WAITING),
    lambda s, t: s.set_trial_state_values(t, "COMPLETE", [1.0]),
    lambda s, t: s.create_new_study([StudyDirection.MINIMIZE], ""),
    lambda s, t: s.create_new_study([StudyDirection.MINIMIZE], "\ud800"),
    lambda s, t: s.create_new_study([StudyDirection.MINIMIZE], "x" * 600),
    lambda s, t: s.create_new_study([]),
    lambda s, t: s.create_new_study([StudyDirection.NOT_SET]),
    lambda s, t: s.get_study_name_from_id(-(2**63)),
    lambda s, t: s.get_trial(2**63 - 1),
    lambda s, t: s.get_all_trials(10**30),
]


def test_hostile_values(storage):
    study = storage.create_new_study([StudyDirection.MINIMIZE], "s")
    trial = storage.create_new_trial(study)
    for place, body in enumerate(HOSTILE):
        with pytest.raises(
            (ValueError, TypeError, KeyError, OverflowError, AttributeError, RuntimeError)
        ) as caught:
            body(storage, trial)
        assert str(caught.value), place
    assert storage.get_trial(trial).state == TrialState.RUNNING
    assert storage.get_trial(trial).params == {}
    odd = {"huge": 10**60, "nan": [NAN, float("-inf")], "text": "\0é\U0001f600", "deep": [[[{}]]]}
    for key, value in odd.items():
        storage.set_trial_user_attr(trial, key, value)
        storage.set_study_user_attr(study, key, value)
    assert repr(storage.get_trial(trial).user_attrs) == repr(odd)
    assert repr(storage.get_study_user_attrs(study)) == repr(odd)
    storage.set_trial_param(trial, "n", 1, IntDistribution(-(2**60), 2**60))
    for choices in ([1, 0], [True, False], [1.0, 0.0]):
        name = repr(choices)
        storage.set_trial_param(trial, name, 0, CategoricalDistribution(choices))
        assert repr(storage.get_trial(trial).distributions[name].choices) == repr(tuple(choices))


def test_calls_at_random(storage):
    """The library refuses bytes that are no message, and names that are none, and goes on."""
    rng = random.Random(7)
    study = storage.create_new_study([StudyDirection.MINIMIZE], "s")
    trial = storage.create_new_trial(study)
    engine = storage._engine()
    names = [b"GetTrial", b"GetTrials", b"SetTrialParameter", b"SetTrialIntermediateValue", b"x", b"",
             b"SetTrialStateValues", b"CreateNewTrial", b"SetTrialUserAttribute", b"\xff", b"GetStaleTrialIds",
             b"RecordHeartbeat", b"CreateNewStudy", b"SetStudySystemAttribute"]
    raised = 0
    for _ in range(2_000):
        body = bytearray(bytes([8, trial]) + rng.randbytes(rng.randrange(24)))
        if rng.random() < 0.5:
            body = rng.randbytes(rng.randrange(24))
        try:
            engine.call(rng.choice(names), bytes(body))
        except (ValueError, KeyError, RuntimeError, optuna.exceptions.OptunaError) as error:
            assert str(error)
            raised += 1
    assert 500 < raised < 2_000
    storage.get_all_trials(study)


def test_refuses_what_is_no_store(tmp_path):
    (tmp_path / "text.db").write_text("this is no database\n" * 100)
    for place in (tmp_path / "text.db", tmp_path, "http://127.0.0.1:1", "mysql://h/d", "a\0b", "\ud800"):
        with pytest.raises((ValueError, optuna.exceptions.StorageInternalError)) as caught:
            Storage(str(place))
        assert str(caught.value)


def test_dates_of_other_zones(storage):
    study = storage.create_new_study([StudyDirection.MINIMIZE])
    moment = datetime.datetime(2026, 5, 1, 12, tzinfo=datetime.timezone.utc)
    trial = optuna.trial.create_trial(value=1.0)
    trial.datetime_start = moment
    trial_id = storage.create_new_trial(study, trial)
    assert storage.get_trial(trial_id).datetime_start.astimezone() == moment


def test_many_at_once(storage):
    """Threads that create, change and read at the same time see what they wrote."""
    study = storage.create_new_study([StudyDirection.MINIMIZE])
    faults = []

    def body(name):
        try:
            for _ in range(15):
                trial = storage.create_new_trial(study)
                storage.set_trial_param(trial, "x", 0.5, RANGE)
                storage.set_trial_intermediate_value(trial, 3, 1.0)
                assert storage.get_trial(trial).params == {"x": 0.5}
                seen = {t._trial_id: t for t in storage.get_all_trials(study, deepcopy=False)}
                assert seen[trial].intermediate_values == {3: 1.0}
                assert storage.set_trial_state_values(trial, TrialState.COMPLETE, [1.0])
                assert storage.get_trial(trial).values == [1.0]
        except BaseException as error:
            faults.append((name, error))

    threads = [threading.Thread(target=body, args=(name,)) for name in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults, faults
    assert storage.get_n_trials(study, TrialState.COMPLETE) == 90
