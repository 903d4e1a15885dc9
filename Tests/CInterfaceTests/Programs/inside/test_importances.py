"""Optuna's own test classes on our evaluators of importance inside Optuna."""

import optuna
import pytest
from optuna.testing.pytest_importance import (
    BasicImportanceEvaluatorTestCase,
    ConditionalImportanceEvaluatorTestCase,
    MultiObjectiveImportanceEvaluatorTestCase,
    NonConditionalImportanceEvaluatorTestCase,
)

from needletail.optuna import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator


class TestPedAnova(
    BasicImportanceEvaluatorTestCase,
    ConditionalImportanceEvaluatorTestCase,
    MultiObjectiveImportanceEvaluatorTestCase,
):
    @pytest.fixture
    def evaluator(self):
        return PedAnovaImportanceEvaluator


class TestFanova(BasicImportanceEvaluatorTestCase, NonConditionalImportanceEvaluatorTestCase):
    @pytest.fixture
    def evaluator(self):
        return FanovaImportanceEvaluator


@pytest.mark.parametrize("make", [PedAnovaImportanceEvaluator, FanovaImportanceEvaluator])
def test_finds_what_matters(make):
    def objective(trial):
        x, y = trial.suggest_float("x", -1, 1), trial.suggest_int("y", -9, 9)
        kind = trial.suggest_categorical("kind", [frozenset([1]), "b"])
        return 10 * x**2 + y / 1_000 + (kind == "b") / 10

    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    with pytest.warns(UserWarning):
        study.optimize(objective, n_trials=80)
    found = optuna.importance.get_param_importances(study, evaluator=make())
    assert list(found)[0] == "x" and found["x"] > 0.5, found
    found = optuna.importance.get_param_importances(
        study, evaluator=make(), target=lambda trial: trial.params["y"]
    )
    assert list(found)[0] == "y" and found["y"] > 0.5, found


def test_fanova_wants_one_objective():
    study = optuna.create_study(directions=["minimize", "maximize"])
    study.optimize(lambda t: (t.suggest_float("x", 0, 1), t.number), n_trials=3)
    with pytest.raises(ValueError, match="target"):
        FanovaImportanceEvaluator().evaluate(study)
