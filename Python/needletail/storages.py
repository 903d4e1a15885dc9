"""Where studies are kept: in memory, in a file, in PostgreSQL, or at a coordinator."""

from __future__ import annotations

import warnings

from needletail import _library
from needletail._refusing import refusing

# True for type checkers alone: the module typing takes longer to import than all else.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class BaseStorage:
    """A place where studies are kept, which is opened when it is used first.

    In a child of a fork it is opened anew; what is in memory alone stays with the parent.
    """

    #: What the library opens; None for a store in memory.
    address: str | None = None

    def __init__(self) -> None:
        self._opened: tuple[_library.Library, int] | None = None

    def open(self) -> tuple[_library.Library, int]:
        """The library and the store's handle."""
        library = _library.library()
        if self._opened is None or self._opened[0] is not library:
            if self._opened is not None and self.address is None:
                raise RuntimeError(
                    "a study in memory stays in the process that made it; give the study a storage, "
                    "such as sqlite:///study.db, to use it in a forked one"
                )
            given = None if self.address is None else _library.text(self.address, "the storage")
            self._opened = (library, library.make("store_open", given))
        return self._opened

    def remove_session(self) -> None:
        """Nothing: threads share what is open."""

    def __del__(self) -> None:
        opened = getattr(self, "_opened", None)
        if opened is not None:
            opened[0].close(opened[1])

    def __getstate__(self) -> dict[str, Any]:
        return {"address": self.address}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.address = state["address"]
        self._opened = None


class InMemoryStorage(BaseStorage):
    """Studies of this process, gone with it; a pickle has what was in it then."""

    def __getstate__(self) -> dict[str, Any]:
        library, store = self.open()
        studies = library.read("store_studies", store)
        for study in studies:
            name = _library.text(study["name"], "a study's name")
            handle = library.make("study_load", store, name, None)
            try:
                study["kept"] = library.read("study_trials", handle, 0)
            finally:
                library.close(handle)
        return {"address": None, "studies": studies}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        library, store = self.open()
        for study in state["studies"]:
            name = _library.text(study["name"], "a study's name")
            options = _library.form({"directions": study["directions"]})
            handle = library.make("study_create", store, name, options)
            try:
                library.call("study_add_trials", handle, _library.form(study["kept"]))
                for kind in ("user", "system"):
                    for key, value in study[kind + "_attributes"].items():
                        text = _library.text(key, "an attribute's key")
                        kept = _library.form(value)
                        library.call("study_set_attribute", handle, kind.encode(), text, kept)
            finally:
                library.close(handle)


class RDBStorage(BaseStorage):
    """A file, `sqlite:///PATH`, or a database, `postgresql://HOST/NAME`: tables are those of Optuna.

    Also the address of a coordinator, `http://HOST:PORT`, which `needletail serve` started.
    """

    def __init__(
        self,
        url: str,
        engine_kwargs: dict[str, Any] | None = None,
        skip_compatibility_check: bool = False,
        *,
        heartbeat_interval: int | None = None,
        grace_period: int | None = None,
        failed_trial_callback: Any = None,
        heartbeat_stale_trial_callback: Any = None,
        skip_table_creation: bool = False,
    ) -> None:
        super().__init__()
        self.address = url
        if engine_kwargs:
            warnings.warn(
                "engine_kwargs are SQLAlchemy's; Needletail opens the store itself and ignores them",
                stacklevel=2,
            )
        # Heartbeats: every trial is held under a lease, and one whose process dies runs again.

    @property
    def url(self) -> str:
        return self.address or ""


def get_storage(storage: str | BaseStorage | None) -> BaseStorage:
    """The storage that a program names."""
    if storage is None:
        return InMemoryStorage()
    if isinstance(storage, BaseStorage):
        return storage
    if isinstance(storage, str):
        return RDBStorage(storage)
    raise TypeError(
        f"the storage is {storage!r}, which is not Needletail's; give an address, such as "
        "sqlite:///study.db"
    )


JournalStorage = refusing(
    "JournalStorage", "copy the journal: needletail store copy journal.log study.db"
)
JournalFileStorage = refusing("JournalFileStorage", "use storage='sqlite:///study.db'")
JournalRedisStorage = refusing("JournalRedisStorage", "use storage='postgresql://HOST/NAME'")
JournalFileSymlinkLock = refusing("JournalFileSymlinkLock", "SQLite files need no lock of yours")
JournalFileOpenLock = refusing("JournalFileOpenLock", "SQLite files need no lock of yours")
BaseJournalLogStorage = refusing("BaseJournalLogStorage", "use storage='sqlite:///study.db'")
RetryFailedTrialCallback = refusing(
    "RetryFailedTrialCallback", "trials whose process died run again by themselves"
)
RetryHeartbeatStaleTrialCallback = refusing(
    "RetryHeartbeatStaleTrialCallback", "trials whose process died run again by themselves"
)
GrpcStorageProxy = refusing("GrpcStorageProxy", "use the coordinator's address as the storage")
run_grpc_proxy_server = refusing("run_grpc_proxy_server", "start: needletail serve")
fail_stale_trials = refusing(
    "fail_stale_trials", "trials whose process died run again by themselves"
)

__all__ = [
    "BaseJournalLogStorage",
    "BaseStorage",
    "GrpcStorageProxy",
    "InMemoryStorage",
    "JournalFileOpenLock",
    "JournalFileStorage",
    "JournalFileSymlinkLock",
    "JournalRedisStorage",
    "JournalStorage",
    "RDBStorage",
    "RetryFailedTrialCallback",
    "RetryHeartbeatStaleTrialCallback",
    "fail_stale_trials",
    "get_storage",
    "run_grpc_proxy_server",
]
