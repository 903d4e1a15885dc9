"""Trials of Optuna's as the engine takes them."""

from __future__ import annotations

import optuna
from optuna.trial import TrialState

# True for type checkers alone.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

_STATES = {TrialState.COMPLETE: "completed", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}


def distribution_form(distribution: optuna.distributions.BaseDistribution) -> dict[str, Any]:
    """The distribution for the engine. A choice is its index there, whatever object it is."""
    if isinstance(distribution, optuna.distributions.CategoricalDistribution):
        return {"type": "categorical", "choices": list(range(len(distribution.choices)))}
    if isinstance(distribution, optuna.distributions.IntDistribution):
        kind = "int"
    elif isinstance(distribution, optuna.distributions.FloatDistribution):
        kind = "float"
    else:
        raise ValueError(f"the distribution {distribution!r} is none that Needletail draws from")
    names = ("low", "high", "step", "log")
    return {"type": kind, **{name: getattr(distribution, name) for name in names}}


class AddedTrials:
    """Trials that are to be added to a study of the engine, each distribution once."""

    def __init__(self) -> None:
        self._distributions: list[Any] = []
        self._places: dict[str, int] = {}
        self._trials: list[Any] = []

    def add(
        self,
        trial: optuna.trial.FrozenTrial,
        names: Iterable[str],
        values: Sequence[float],
        system_attributes: dict[str, Any],
    ) -> None:
        """Adds a trial that has ended, with these of its parameters."""
        parameters = []
        for name in names:
            distribution = trial.distributions[name]
            key = repr(distribution)
            if key not in self._places:
                self._places[key] = len(self._distributions)
                self._distributions.append(distribution_form(distribution))
            number = float(distribution.to_internal_repr(trial.params[name]))
            parameters.append([name, self._places[key], number])
        start, end = trial.datetime_start, trial.datetime_complete
        self._trials.append(
            {
                "state": _STATES[trial.state],
                "values": values,
                "parameters": parameters,
                "reports": sorted(trial.intermediate_values.items()),
                "user_attributes": {},
                "system_attributes": system_attributes,
                "started": start and start.timestamp(),
                "ended": end and end.timestamp(),
            }
        )

    @property
    def form(self) -> dict[str, Any]:
        """What the engine takes."""
        return {"distributions": self._distributions, "trials": self._trials}
