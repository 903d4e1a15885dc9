"""Optuna's own test classes on our samplers inside Optuna."""

import optuna
import pytest
from optuna.testing.pytest_samplers import (
    BasicSamplerTestCase,
    MultiObjectiveSamplerTestCase,
    RelativeSamplerTestCase,
    SingleOnlySamplerTestCase,
)

from needletail.optuna import (
    AutoSampler,
    CmaEsSampler,
    GPSampler,
    NSGAIISampler,
    PredictivePruner,
    QMCSampler,
    TPESampler,
)

SEVERAL = [
    lambda: AutoSampler(seed=1),
    lambda: TPESampler(n_startup_trials=0, seed=1),
    lambda: GPSampler(n_startup_trials=0, seed=1),
    lambda: NSGAIISampler(population_size=4, seed=1),
    lambda: QMCSampler(seed=1),
]
SINGLE = [lambda: CmaEsSampler(n_startup_trials=0, seed=1)]


class TestBasic(BasicSamplerTestCase):
    @pytest.fixture(params=SEVERAL + SINGLE)
    def sampler(self, request):
        return request.param


class TestRelative(RelativeSamplerTestCase):
    @pytest.fixture(params=SEVERAL + SINGLE)
    def sampler(self, request):
        return request.param


class TestSeveralObjectives(MultiObjectiveSamplerTestCase):
    @pytest.fixture(params=SEVERAL)
    def sampler(self, request):
        return request.param


class TestSingleObjective(SingleOnlySamplerTestCase):
    @pytest.fixture(params=SINGLE)
    def sampler(self, request):
        return request.param


@pytest.mark.parametrize("storage", [None, "sqlite:///:memory:"])
@pytest.mark.parametrize("make", SEVERAL + SINGLE)
def test_learns(make, storage):
    """The history is taken over: what is found is far better than points at random."""
    study = optuna.create_study(sampler=make(), storage=storage)
    study.enqueue_trial({"x": 4.5, "y": 4})
    study.optimize(lambda t: (t.suggest_float("x", -5, 5) - 1) ** 2 + t.suggest_int("y", 0, 4), n_trials=40)
    assert study.best_value < 1.2, study.best_value
    assert [t.state.name for t in study.trials] == ["COMPLETE"] * 40


def test_takes_over_what_others_did():
    """Trials of another sampler, and of another process, are evidence."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    study.optimize(lambda t: abs(t.suggest_float("x", 0, 1) - 0.25), n_trials=60)
    study.sampler = TPESampler(seed=1)
    study.optimize(lambda t: abs(t.suggest_float("x", 0, 1) - 0.25), n_trials=15)
    near = [abs(t.params["x"] - 0.25) < 0.1 for t in study.trials[60:]]
    assert sum(near) >= 10, near


def test_choices_may_be_any_objects():
    with pytest.warns(UserWarning):
        choices = [frozenset([1]), (2, 3), None]
        study = optuna.create_study(sampler=TPESampler(n_startup_trials=2, seed=1))
        study.optimize(lambda t: t.suggest_categorical("c", choices) is not None, n_trials=12)
    assert {t.params["c"] for t in study.trials} <= set(choices)


def test_heeds_constraints():
    def objective(trial):
        return trial.suggest_float("x", 0, 1)

    sampler = TPESampler(seed=1, constraints_func=lambda t: (0.5 - t.params["x"],))
    study = optuna.create_study(sampler=sampler)
    study.optimize(objective, n_trials=60)
    late = [t.params["x"] for t in study.trials[30:]]
    assert sum(x > 0.45 for x in late) > 15, late


def test_prunes():
    def objective(trial):
        # Every second trial is the best so far, the others are far from it.
        level = 5 * (trial.number % 2) - trial.number / 10
        for step in range(20):
            trial.report(level + 1 / (step + 1), step)
            if trial.should_prune():
                raise optuna.TrialPruned()
        return level

    study = optuna.create_study(
        sampler=optuna.samplers.RandomSampler(), pruner=PredictivePruner(n_startup_trials=4)
    )
    study.optimize(objective, n_trials=30)
    pruned = [t.number for t in study.trials if t.state.name == "PRUNED"]
    assert pruned and all(number % 2 for number in pruned), pruned
