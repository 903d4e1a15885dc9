"""Callbacks of training libraries that report each round's value and prune."""

from __future__ import annotations


from needletail._client import TrialPruned
from needletail._refusing import refusing

# True for type checkers alone: the module typing takes longer to import than all else.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class LightGBMPruningCallback:
    """Reports a metric of LightGBM's after each round, and prunes.

    Ends training where the pruner says so, by raising `TrialPruned`.
    """

    def __init__(
        self, trial: Any, metric: str, valid_name: str = "valid_0", report_interval: int = 1
    ) -> None:
        self._trial = trial
        self._metric = metric
        self._valid_name = valid_name
        self._interval = report_interval

    def __call__(self, env: Any) -> None:
        if (env.iteration + 1) % self._interval:
            return
        for result in env.evaluation_result_list or ():
            data, metric, value = result[0], result[1], result[2]
            # lightgbm.cv says "cv_agg" and "valid metric".
            if data == "cv_agg":
                data, _, metric = metric.partition(" ")
                data = self._valid_name if data == "valid" else data
            if data == self._valid_name and metric == self._metric:
                _report(self._trial, value, env.iteration)
                return
        raise ValueError(
            f"LightGBM evaluated no metric {self._metric!r} on {self._valid_name!r}; add it to metric "
            "and valid_names"
        )


def _report(trial: Any, value: float, step: int) -> None:
    trial.report(value, step=step)
    if trial.should_prune():
        raise TrialPruned(f"Trial was pruned at iteration {step}.")


def __getattr__(name: str) -> Any:
    if name == "XGBoostPruningCallback":
        return _xgboost_callback()
    if name in _REFUSED:
        return refusing(name, "report values with trial.report and ask trial.should_prune()")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _xgboost_callback() -> type:
    """XGBoost wants a class derived from its own."""
    from xgboost.callback import TrainingCallback  # type: ignore[import-not-found]

    class XGBoostPruningCallback(TrainingCallback):  # type: ignore[misc]
        """Reports a metric of XGBoost's after each round, and prunes."""

        def __init__(self, trial: Any, observation_key: str) -> None:
            super().__init__()
            self._trial = trial
            self._data, _, self._metric = observation_key.partition("-")

        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            value = evals_log[self._data][self._metric][-1]
            _report(self._trial, value[0] if isinstance(value, tuple) else value, epoch)
            return False

    globals()["XGBoostPruningCallback"] = XGBoostPruningCallback
    return XGBoostPruningCallback


_REFUSED = [
    "BoTorchSampler",
    "CatBoostPruningCallback",
    "DaskStorage",
    "FastAIPruningCallback",
    "FastAIV2PruningCallback",
    "KerasPruningCallback",
    "LightGBMTuner",
    "LightGBMTunerCV",
    "MLflowCallback",
    "OptunaSearchCV",
    "PyCmaSampler",
    "PyTorchIgnitePruningHandler",
    "PyTorchLightningPruningCallback",
    "ShapleyImportanceEvaluator",
    "SkorchPruningCallback",
    "TFKerasPruningCallback",
    "TensorBoardCallback",
    "TensorFlowPruningHook",
    "TorchDistributedTrial",
    "WeightsAndBiasesCallback",
]

__all__ = ["LightGBMPruningCallback"]
