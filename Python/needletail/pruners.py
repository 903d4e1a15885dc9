"""Optuna's pruners, and ours, by their options; the engine has the algorithms."""

from __future__ import annotations

# True for type checkers alone: the module typing takes longer to import than all else.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class BasePruner:
    """A pruner of the engine: its name there, and its options."""

    _name = ""

    def __init__(self, **options: Any) -> None:
        self._options = options

    def _setting(self) -> dict[str, Any]:
        return dict({"name": self._name}, **self._options)

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in self._options.items())
        return f"{type(self).__name__}({options})"


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """Without what was left out."""
    return {name: value for name, value in options.items() if value is not None}


def _check(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


class NopPruner(BasePruner):
    """Never prunes."""

    _name = "none"

    def __init__(self) -> None:
        super().__init__()


class PercentilePruner(BasePruner):
    """Prunes below a percentile of the reports at the same step."""

    _name = "percentile"

    def __init__(
        self,
        percentile: float,
        n_startup_trials: int = 5,
        n_warmup_steps: int = 0,
        interval_steps: int = 1,
        *,
        n_min_trials: int = 1,
    ) -> None:
        super().__init__(
            percentile=percentile,
            n_startup_trials=n_startup_trials,
            n_warmup_steps=n_warmup_steps,
            interval_steps=interval_steps,
            n_min_trials=n_min_trials,
        )


class MedianPruner(BasePruner):
    """Prunes below the median of the reports at the same step."""

    _name = "median"

    def __init__(
        self,
        n_startup_trials: int = 5,
        n_warmup_steps: int = 0,
        interval_steps: int = 1,
        *,
        n_min_trials: int = 1,
    ) -> None:
        super().__init__(
            n_startup_trials=n_startup_trials,
            n_warmup_steps=n_warmup_steps,
            interval_steps=interval_steps,
            n_min_trials=n_min_trials,
        )


class SuccessiveHalvingPruner(BasePruner):
    """Asynchronous successive halving."""

    _name = "asha"

    def __init__(
        self,
        min_resource: str | int = "auto",
        reduction_factor: int = 4,
        min_early_stopping_rate: int = 0,
        bootstrap_count: int = 0,
    ) -> None:
        super().__init__(
            min_resource=min_resource,
            reduction_factor=reduction_factor,
            min_early_stopping_rate=min_early_stopping_rate,
            bootstrap_count=bootstrap_count,
        )


class HyperbandPruner(BasePruner):
    """Several brackets of successive halving."""

    _name = "hyperband"

    def __init__(
        self,
        min_resource: int = 1,
        max_resource: str | int = "auto",
        reduction_factor: int = 3,
        bootstrap_count: int = 0,
    ) -> None:
        super().__init__(
            min_resource=min_resource,
            max_resource=max_resource,
            reduction_factor=reduction_factor,
            bootstrap_count=bootstrap_count,
        )


class ThresholdPruner(BasePruner):
    """Prunes what is reported outside of bounds."""

    _name = "threshold"

    def __init__(
        self,
        lower: float | None = None,
        upper: float | None = None,
        n_warmup_steps: int = 0,
        interval_steps: int = 1,
    ) -> None:
        if lower is None and upper is None:
            raise TypeError("Either lower or upper must be specified.")
        super().__init__(
            **_given({"lower": lower, "upper": upper}),
            n_warmup_steps=n_warmup_steps,
            interval_steps=interval_steps,
        )


class PatientPruner(BasePruner):
    """Prunes when reports have not become better for a while."""

    _name = "patient"

    def __init__(
        self, wrapped_pruner: BasePruner | None, patience: int, min_delta: float = 0.0
    ) -> None:
        if wrapped_pruner is not None:
            raise NotImplementedError(
                "needletail's PatientPruner wraps no other pruner; give None, or the other alone"
            )
        _check(patience >= 0, f"patience cannot be negative but got {patience}.")
        _check(min_delta >= 0, f"min_delta cannot be negative but got {min_delta}.")
        super().__init__(patience=patience, min_delta=min_delta)


class WilcoxonPruner(BasePruner):
    """Prunes by a signed-rank test against the best trial."""

    _name = "wilcoxon"

    def __init__(self, *, p_threshold: float = 0.1, n_startup_steps: int = 2) -> None:
        super().__init__(p_threshold=p_threshold, n_startup_steps=n_startup_steps)


class PredictivePruner(BasePruner):
    """Ours: prunes what its learning curve says will not become good."""

    _name = "predictive"

    def __init__(
        self, threshold: float = 0.3, n_startup_trials: int = 3, n_warmup_steps: int = 0
    ) -> None:
        super().__init__(
            threshold=threshold, n_startup_trials=n_startup_trials, n_warmup_steps=n_warmup_steps
        )


__all__ = [
    "BasePruner",
    "HyperbandPruner",
    "MedianPruner",
    "NopPruner",
    "PatientPruner",
    "PercentilePruner",
    "PredictivePruner",
    "SuccessiveHalvingPruner",
    "ThresholdPruner",
    "WilcoxonPruner",
]
