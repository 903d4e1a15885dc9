"""Our assessments of parameters as Optuna's evaluators."""

from __future__ import annotations

import math

import optuna
from optuna.importance import BaseImportanceEvaluator
from optuna.importance._base import _get_distributions
from optuna.trial import FrozenTrial, TrialState

from needletail import _library
from needletail._optuna_forms import AddedTrials

# True for type checkers alone.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class _Evaluator(BaseImportanceEvaluator):
    """Has the engine assess a copy of the study's completed trials; what it returns are shares."""

    _method = ""

    def _names(self, study: optuna.Study, params: list[str] | None) -> list[str]:
        raise NotImplementedError

    def _trials(self, trials: list[FrozenTrial], names: list[str]) -> list[FrozenTrial]:
        return trials

    def evaluate(
        self,
        study: optuna.Study,
        params: list[str] | None = None,
        *,
        target: Callable[[FrozenTrial], float] | None = None,
    ) -> dict[str, float]:
        names = self._names(study, params)
        directions = ["minimize"]
        if target is None:
            directions = [direction.name.lower() for direction in study.directions]
        if not names:
            return {}
        added, count = AddedTrials(), 0
        varied: set[str] = set()
        completed = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        for trial in self._trials(completed, names):
            values = list(trial.values) if target is None else [float(target(trial))]
            if not all(map(math.isfinite, values)):
                continue
            # A parameter with a single value makes no difference.
            given = [
                name for name in names
                if name in trial.distributions and not trial.distributions[name].single()
            ]
            varied.update(given)
            added.add(trial, given, values, {})
            count += 1
        shares = dict.fromkeys(names, 0.0)
        if count > 1 and varied:
            for name, share in self._assess(directions, added.form):
                shares[name] = share
        return dict(sorted(shares.items(), key=lambda item: -item[1]))

    def _assess(self, directions: list[str], trials: Any) -> list[Any]:
        library = _library.library()
        store = library.make("store_open", None)
        try:
            options = _library.form({"directions": directions, "sampler": "random"})
            study = library.make("study_create", store, b"assessed", options)
            try:
                library.call("study_add_trials", study, _library.form(trials))
                chosen = _library.form({"method": self._method})
                return library.read("study_importances", study, chosen)["importances"]
            finally:
                library.close(study)
        finally:
            library.close(store)


class PedAnovaImportanceEvaluator(_Evaluator):
    """By how much the best tenth of the trials differs from all of them.

    Takes parameters that only some trials have, and several objectives, for which it assesses how
    the Pareto front is reached.
    """

    _method = "ped-anova"

    def _names(self, study: optuna.Study, params: list[str] | None) -> list[str]:
        known: dict[str, None] = {}
        for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
            known.update(dict.fromkeys(trial.distributions))
        if params is None:
            return list(known)
        missing = [name for name in params if name not in known]
        if missing:
            raise ValueError(
                f"Study must contain at least one completed trial with each parameter; none has "
                f"{missing}."
            )
        return list(params)


class FanovaImportanceEvaluator(_Evaluator):
    """By the share of a random forest's variance, among trials that have all the parameters."""

    _method = "fanova"

    def _names(self, study: optuna.Study, params: list[str] | None) -> list[str]:
        return list(_get_distributions(study, params)) if params != [] else []

    def _trials(self, trials: list[FrozenTrial], names: list[str]) -> list[FrozenTrial]:
        return [trial for trial in trials if all(name in trial.params for name in names)]

    def evaluate(
        self,
        study: optuna.Study,
        params: list[str] | None = None,
        *,
        target: Callable[[FrozenTrial], float] | None = None,
    ) -> dict[str, float]:
        if target is None and len(study.directions) > 1:
            raise ValueError(
                "fANOVA assesses one objective; give a target, such as lambda t: t.values[0], or use "
                "PedAnovaImportanceEvaluator"
            )
        return super().evaluate(study, params, target=target)
