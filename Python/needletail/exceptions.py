"""Optuna's exceptions."""

from needletail._client import (
    CLIUsageError,
    DuplicatedStudyError,
    ExperimentalWarning,
    NeedletailError,
    StorageInternalError,
    TrialPruned,
    UpdateFinishedTrialError,
)

OptunaError = NeedletailError

__all__ = [
    "CLIUsageError",
    "DuplicatedStudyError",
    "ExperimentalWarning",
    "NeedletailError",
    "OptunaError",
    "StorageInternalError",
    "TrialPruned",
    "UpdateFinishedTrialError",
]
