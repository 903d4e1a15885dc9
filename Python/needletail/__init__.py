"""Hyperparameter optimization with Optuna's names and a native engine.

    import needletail as optuna

Inside a trial that `needletail run` started, this is the trial's client: one trial, over its channel.
Elsewhere it runs whole studies with the engine in this process, in memory, in a file or a database,
or as a worker of a coordinator.
"""

import os

from needletail import _client
from needletail._client import (
    NeedletailError,
    TrialPruned,
    __version__,
    create_trial,
    current_trial,
    run,
    tell,
)

# True for type checkers alone.
TYPE_CHECKING = False

#: Whether this process runs one trial of a study, over a channel.
_is_trial = bool(os.environ.get("NEEDLETAIL_CHANNEL"))

if TYPE_CHECKING:
    from needletail import artifacts, importance, integration, search_space, visualization

if TYPE_CHECKING or not _is_trial:
    from needletail import distributions, exceptions, logging, pruners, samplers, storages, study
    from needletail import trial, version
    from needletail.study import (
        Study,
        copy_study,
        create_study,
        delete_study,
        get_all_study_names,
        get_all_study_summaries,
        load_study,
    )
    from needletail.trial import Trial
else:
    Study, Trial = _client.Study, _client.Trial
    _client._furnish(globals())

#: Parts that are seldom used, imported when they are.
_LATER = (
    "artifacts",
    "importance",
    "integration",
    "optuna",
    "search_space",
    "terminator",
    "visualization",
)


def __getattr__(name: str) -> object:
    if name in _LATER:
        import importlib

        return importlib.import_module("needletail." + name)
    raise AttributeError(f"module 'needletail' has no attribute {name!r}")


__all__ = [
    "NeedletailError",
    "Study",
    "Trial",
    "TrialPruned",
    "__version__",
    "artifacts",
    "copy_study",
    "create_study",
    "create_trial",
    "current_trial",
    "delete_study",
    "distributions",
    "exceptions",
    "get_all_study_names",
    "get_all_study_summaries",
    "importance",
    "integration",
    "load_study",
    "logging",
    "pruners",
    "run",
    "samplers",
    "search_space",
    "storages",
    "study",
    "tell",
    "trial",
    "version",
    "visualization",
]
