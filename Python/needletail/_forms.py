"""Trials between the library's JSON and Python."""

from __future__ import annotations

import datetime
import json

from needletail._client import (
    BaseDistribution,
    CategoricalDistribution,
    FrozenTrial,
    TrialState,
    _json_text,
    _plain,
    json_to_distribution,
)

# True for type checkers alone: the module typing takes longer to import than all else.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

STATES = {
    "waiting": TrialState.WAITING,
    "running": TrialState.RUNNING,
    "completed": TrialState.COMPLETE,
    "pruned": TrialState.PRUNED,
    "failed": TrialState.FAIL,
}
_NAMES = {state: name for name, state in STATES.items()}
_distributions: dict[str, BaseDistribution] = {}


def _moment(seconds: float | None) -> datetime.datetime | None:
    return None if seconds is None else datetime.datetime.fromtimestamp(seconds)


def _distribution(form: Any) -> BaseDistribution:
    """The distribution of a form; the same object for the same form."""
    text = json.dumps(form)
    known = _distributions.get(text)
    if known is None:
        known = json_to_distribution(text)
        if len(_distributions) > 10_000:
            _distributions.clear()
        _distributions[text] = known
    return known


def frozen_trials(form: Any) -> list[FrozenTrial]:
    """The trials of a form."""
    distributions = [_distribution(item) for item in form["distributions"]]
    return [_frozen(item, distributions) for item in form["trials"]]


def _frozen(form: Any, distributions: list[BaseDistribution]) -> FrozenTrial:
    params, given = {}, {}
    for name, index, value in form["parameters"]:
        distribution = distributions[index]
        params[name] = distribution.to_external_repr(value)
        given[name] = distribution
    values = form["values"]
    return FrozenTrial(
        form["number"],
        STATES[form["state"]],
        None,
        _moment(form["started"]),
        _moment(form["ended"]),
        params,
        given,
        form["user_attributes"],
        form["system_attributes"],
        dict(form["reports"]),
        form["id"],
        values=values or None,
    )


def added_form(trials: list[FrozenTrial]) -> bytes:
    """The form of trials that are to be added to a study."""
    distributions: list[Any] = []
    items = []
    for trial in trials:
        parameters = []
        for name, value in trial.params.items():
            distribution = trial.distributions[name]
            form = distribution_form(distribution)
            if form not in distributions:
                distributions.append(form)
            number = float(distribution.to_internal_repr(value))
            parameters.append([name, distributions.index(form), number])
        items.append(
            {
                "state": _NAMES[trial.state],
                "values": [float(value) for value in trial.values or []],
                "parameters": parameters,
                "reports": [[int(s), float(v)] for s, v in trial.intermediate_values.items()],
                "user_attributes": trial.user_attrs,
                "system_attributes": trial.system_attrs,
                "started": trial.datetime_start and trial.datetime_start.timestamp(),
                "ended": trial.datetime_complete and trial.datetime_complete.timestamp(),
            }
        )
    whole = {"distributions": distributions, "trials": items}
    return _json_text("an attribute of a trial", whole).encode()


def distribution_form(distribution: BaseDistribution) -> Any:
    """The form of a distribution, under the names that the engine knows."""
    members = distribution._asdict()
    if isinstance(distribution, CategoricalDistribution):
        choices = _json_text("a choice", list(distribution.choices))
        return {"type": "categorical", "choices": json.loads(choices)}
    kind = "int" if isinstance(members["step"], int) else "float"
    return {"type": kind, **{name: _plain(members[name]) for name in ("low", "high", "log", "step")}}
