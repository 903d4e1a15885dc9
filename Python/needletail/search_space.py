"""The space that trials have in common."""

from __future__ import annotations


from needletail._client import BaseDistribution, FrozenTrial, TrialState

# True for type checkers alone: the module typing takes longer to import than all else.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def intersection_search_space(
    trials: list[FrozenTrial], include_pruned: bool = False
) -> dict[str, BaseDistribution]:
    """The distributions that all completed trials have in common, by name."""
    states = [TrialState.COMPLETE] + ([TrialState.PRUNED] if include_pruned else [])
    common: dict[str, BaseDistribution] | None = None
    for trial in trials:
        if trial.state not in states:
            continue
        if common is None:
            common = dict(trial.distributions)
        else:
            common = {
                name: given for name, given in common.items() if trial.distributions.get(name) == given
            }
    return dict(sorted((common or {}).items()))


class IntersectionSearchSpace:
    """The space that a study's trials have in common."""

    def __init__(self, include_pruned: bool = False) -> None:
        self._include_pruned = include_pruned

    def calculate(self, study: Any, use_cache: bool = False) -> dict[str, BaseDistribution]:
        return intersection_search_space(study.get_trials(deepcopy=False), self._include_pruned)


__all__ = ["IntersectionSearchSpace", "intersection_search_space"]
