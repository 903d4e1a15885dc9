"""How much each parameter matters."""

from __future__ import annotations


from needletail import _library
from needletail._client import FrozenTrial
from needletail._refusing import Refused, refusing

# True for type checkers alone: the module typing takes longer to import than all else.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any
    from needletail.study import Study


class BaseImportanceEvaluator:
    """A way to assess parameters: its name in the engine."""

    _method = ""


class PedAnovaImportanceEvaluator(BaseImportanceEvaluator):
    """By how much the best tenth of the trials differs from all of them."""

    _method = "ped-anova"

    def __init__(
        self,
        *,
        target_quantile: float = 0.1,
        region_quantile: float = 1.0,
        evaluate_on_local: bool = True,
    ) -> None:
        if (target_quantile, region_quantile, evaluate_on_local) != (0.1, 1.0, True):
            raise Refused(
                "needletail's PedAnovaImportanceEvaluator compares the best tenth with all trials; "
                "leave out its options"
            )


class FanovaImportanceEvaluator(BaseImportanceEvaluator):
    """By the share of a random forest's variance."""

    _method = "fanova"

    def __init__(
        self, *, n_trees: int = 64, max_depth: int = 64, seed: int | None = None
    ) -> None:
        if (n_trees, max_depth) != (64, 64):
            raise Refused("needletail's FanovaImportanceEvaluator has 64 trees; leave out n_trees")


MeanDecreaseImpurityImportanceEvaluator = refusing(
    "MeanDecreaseImpurityImportanceEvaluator", "use FanovaImportanceEvaluator()"
)


def get_param_importances(
    study: Study,
    *,
    evaluator: BaseImportanceEvaluator | None = None,
    params: list[str] | None = None,
    target: Callable[[FrozenTrial], float] | None = None,
    normalize: bool = True,
) -> dict[str, float]:
    """The parameters with their shares, the most important first.

    Shares sum to 1 over all parameters; with `params`, over those that are named. A study with
    several objectives is assessed by its Pareto front, or by the objective that `target` returns.
    """
    options: dict[str, Any] = {"method": evaluator._method if evaluator else "fanova"}
    trials = [t for t in study._all_trials() if t.state.name == "COMPLETE"]
    if len(trials) == 0:
        raise ValueError("Cannot evaluate parameter importances without completed trials.")
    if target is not None:
        options["objective"] = _objective(study, trials, target)
    elif len(study.directions) > 1:
        raise ValueError(
            "If the `study` is being used for multi-objective optimization, please specify the "
            "`target`. For example, use `target=lambda t: t.values[0]` for the first objective "
            "value."
        )
    if not normalize:
        raise Refused("needletail's importances are shares; leave out normalize=False")
    library = study._engine()
    found = library.read("study_importances", study._handle, _library.form(options))
    shares = {name: share for name, share in found["importances"]}
    if params is None:
        return shares
    missing = [name for name in params if name not in shares]
    if missing:
        raise ValueError(f"Study must contain completed trials with all specified parameters: {missing}.")
    total = sum(shares[name] for name in params)
    return {
        name: share / total if total > 0 else 1 / len(params)
        for name, share in shares.items()
        if name in params
    }


def _objective(
    study: Study, trials: list[FrozenTrial], target: Callable[[FrozenTrial], float]
) -> int:
    """The index of the objective that the target returns."""
    for index in range(len(study.directions)):
        if all(target(trial) == (trial.values or [])[index] for trial in trials[:100]):
            return index
    raise Refused(
        "needletail assesses objectives; give a target that returns one of them, such as "
        "lambda t: t.values[0]"
    )


__all__ = [
    "BaseImportanceEvaluator",
    "FanovaImportanceEvaluator",
    "MeanDecreaseImpurityImportanceEvaluator",
    "PedAnovaImportanceEvaluator",
    "get_param_importances",
]
