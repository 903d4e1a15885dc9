"""Optuna's stop rules by models; Needletail has none of them."""

from needletail._refusing import refusing

_ADVICE = "stop by n_trials, timeout, MaxTrialsCallback, or study.stop() in a callback"
_NAMES = [
    "BaseErrorEvaluator",
    "BaseImprovementEvaluator",
    "BaseTerminator",
    "BestValueStagnationEvaluator",
    "CrossValidationErrorEvaluator",
    "EMMREvaluator",
    "MedianErrorEvaluator",
    "RegretBoundEvaluator",
    "StaticErrorEvaluator",
    "Terminator",
    "TerminatorCallback",
    "report_cross_validation_scores",
]
globals().update({name: refusing(name, _ADVICE) for name in _NAMES})

__all__ = list(_NAMES)  # pyright: ignore[reportUnsupportedDunderAll]
