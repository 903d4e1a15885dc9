"""Callbacks of training libraries that report each round's value and prune."""

from needletail._client import LightGBMPruningCallback, _xgboost_callback
from needletail._refusing import refusing


def __getattr__(name: str) -> type:
    if name == "XGBoostPruningCallback":
        made = globals()[name] = _xgboost_callback()
        return made
    if name in _REFUSED:
        return refusing(name, _REFUSED[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


_REPORTING = "report values with trial.report and ask trial.should_prune()"
_REFUSED = {
    "BoTorchSampler": "use one of needletail.samplers",
    "CatBoostPruningCallback": _REPORTING,
    "DaskStorage": "use a coordinator's address as the storage",
    "FastAIPruningCallback": _REPORTING,
    "FastAIV2PruningCallback": _REPORTING,
    "KerasPruningCallback": _REPORTING,
    "LightGBMTuner": "write an objective that trains the model",
    "LightGBMTunerCV": "write an objective that trains the model",
    "MLflowCallback": "log in a callback of study.optimize",
    "OptunaSearchCV": "write an objective that trains the model",
    "PyCmaSampler": "use one of needletail.samplers",
    "PyTorchIgnitePruningHandler": _REPORTING,
    "PyTorchLightningPruningCallback": _REPORTING,
    "ShapleyImportanceEvaluator": "use PedAnovaImportanceEvaluator()",
    "SkorchPruningCallback": _REPORTING,
    "TFKerasPruningCallback": _REPORTING,
    "TensorBoardCallback": "log in a callback of study.optimize",
    "TensorFlowPruningHook": _REPORTING,
    "TorchDistributedTrial": "ask in one process and send the values to the others",
    "WeightsAndBiasesCallback": "log in a callback of study.optimize",
}

__all__ = ["LightGBMPruningCallback"]
