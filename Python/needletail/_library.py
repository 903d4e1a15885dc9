"""The engine: libneedletail, through ctypes.

One copy of the library serves a process. In a process that was forked from one that had used it, a
copy of the file is opened anew, since threads and locks do not survive a fork.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import threading

from needletail._client import (
    DuplicatedStudyError,
    NeedletailError,
    StorageInternalError,
    UpdateFinishedTrialError,
    __version__,
)

# True for type checkers alone: the module typing takes longer to import than all else.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_HANDLE = ctypes.c_uint64
_TEXT = ctypes.c_char_p
_CODE = ctypes.c_int32
_NUMBER = ctypes.c_int64

# What the header says; texts that are handed out are kept as pointers, to be freed.
_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "version": (_TEXT, []),
    "message": (_TEXT, []),
    "code": (_CODE, []),
    "free": (None, [ctypes.c_void_p]),
    "close": (_CODE, [_HANDLE]),
    "store_open": (_CODE, [_TEXT, ctypes.c_void_p]),
    "store_studies": (_CODE, [_HANDLE, ctypes.c_void_p]),
    "store_delete": (_CODE, [_HANDLE, _TEXT]),
    "study_create": (_CODE, [_HANDLE, _TEXT, _TEXT, ctypes.c_void_p]),
    "study_load": (_CODE, [_HANDLE, _TEXT, _TEXT, ctypes.c_void_p]),
    "study_configure": (_CODE, [_HANDLE, _TEXT]),
    "study_info": (_CODE, [_HANDLE, ctypes.c_void_p]),
    "study_set_attribute": (_CODE, [_HANDLE, _TEXT, _TEXT, _TEXT]),
    "study_enqueue": (_CODE, [_HANDLE, _TEXT, _TEXT, ctypes.c_void_p]),
    "study_add_trials": (_CODE, [_HANDLE, _TEXT]),
    "study_trials": (_CODE, [_HANDLE, _NUMBER, ctypes.c_void_p]),
    "study_columns": (_CODE, [_HANDLE, _NUMBER, ctypes.c_void_p]),
    "study_best": (_CODE, [_HANDLE, ctypes.c_void_p]),
    "study_importances": (_CODE, [_HANDLE, _TEXT, ctypes.c_void_p]),
    "study_plot": (_CODE, [_HANDLE, _TEXT, _TEXT, _TEXT, ctypes.c_void_p, ctypes.c_void_p]),
    "parameter_create": (_CODE, [_TEXT, _TEXT, ctypes.c_void_p]),
    "study_ask": (_CODE, [_HANDLE, ctypes.c_void_p, ctypes.c_void_p]),
    "study_resume": (_CODE, [_HANDLE, _NUMBER, ctypes.c_void_p]),
    "trial_suggest": (ctypes.c_double, [_HANDLE, _HANDLE]),
    "trial_suggest_all": (_CODE, [_HANDLE, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]),
    "trial_report": (_CODE, [_HANDLE, ctypes.c_double, _NUMBER]),
    "trial_should_prune": (_CODE, [_HANDLE, ctypes.c_void_p]),
    "trial_set_attribute": (_CODE, [_HANDLE, _TEXT, _TEXT]),
    "trial_set_constraint": (_CODE, [_HANDLE, _TEXT, ctypes.c_double]),
    "trial_show": (_CODE, [_HANDLE, ctypes.c_void_p]),
    "storage_open": (_CODE, [_TEXT, ctypes.c_void_p]),
    "storage_call": (
        _CODE,
        [_HANDLE, _TEXT, _TEXT, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p],
    ),
    "trial_tell": (_CODE, [_HANDLE, _CODE, ctypes.c_void_p, ctypes.c_size_t, _TEXT]),
}

BAD_ARGUMENT, BAD_HANDLE, FORKED, EXISTS, NOT_FOUND, STORE, NOT_RUNNING = 1, 2, 3, 4, 5, 6, 7
LATER, HALTED, EXHAUSTED, UNSUPPORTED, FAILED = 8, 9, 10, 11, 12


class NoTrial(Exception):
    """There is no trial to be had: now, or ever."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


_ERRORS: dict[int, type[Exception]] = {
    BAD_ARGUMENT: ValueError,
    BAD_HANDLE: RuntimeError,
    FORKED: RuntimeError,
    EXISTS: DuplicatedStudyError,
    NOT_FOUND: KeyError,
    STORE: StorageInternalError,
    NOT_RUNNING: UpdateFinishedTrialError,
    UNSUPPORTED: NotImplementedError,
    FAILED: NeedletailError,
}


class Library:
    """The functions of one copy of the library."""

    def __init__(self, path: str) -> None:
        library = ctypes.CDLL(path)
        self.functions: dict[str, Any] = {}
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(library, "needletail_" + name)
            function.restype = result
            function.argtypes = arguments
            self.functions[name] = function
        self.free = self.functions["free"]
        self.message = self.functions["message"]
        self.process = os.getpid()

    def error(self, code: int) -> Exception:
        """The exception that a code stands for."""
        message = self.message().decode("utf-8", "replace")
        kind = _ERRORS.get(code)
        return kind(message) if kind else NoTrial(code, message)

    def call(self, name: str, *arguments: Any) -> None:
        """Calls a function; a code other than 0 becomes an exception."""
        code = self.functions[name](*arguments)
        if code:
            raise self.error(code)

    def make(self, name: str, *arguments: Any) -> int:
        """Calls a function whose last argument is the place for a handle."""
        handle = _HANDLE()
        self.call(name, *arguments, ctypes.byref(handle))
        return handle.value

    def read(self, name: str, *arguments: Any) -> Any:
        """Calls a function whose last argument is the place for JSON."""
        place = ctypes.c_void_p()
        self.call(name, *arguments, ctypes.byref(place))
        try:
            return json.loads(ctypes.string_at(place.value or 0))
        finally:
            self.free(place)

    def close(self, handle: int) -> None:
        """Closes a handle, if this process made it."""
        if os.getpid() == self.process:
            self.functions["close"](handle)


def text(value: Any, what: str) -> bytes:
    """A text for the library."""
    if not isinstance(value, str):
        raise TypeError(f"{what} is {value!r}; give a text")
    if "\0" in value:
        raise ValueError(f"{what} has a NUL; leave it out")
    return value.encode()


def form(value: Any) -> bytes:
    """JSON for the library."""
    return json.dumps(value, ensure_ascii=False).encode()


def _candidates() -> list[str]:
    folder = os.path.dirname(os.path.abspath(__file__))
    names = [os.path.join(folder, "lib", "libneedletail.so")]
    # In a checkout of the repository, what was built there last for releases, else for tests.
    build = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(folder))), ".build")
    names += [os.path.join(build, kind, "libneedletail.so") for kind in ("release", "debug")]
    return names


def path() -> str:
    """Where the library is.

    The variable NEEDLETAIL_LIBRARY names another one.
    """
    named = os.environ.get("NEEDLETAIL_LIBRARY")
    if named:
        return named
    for candidate in _candidates():
        if os.path.exists(candidate):
            return candidate
    raise NeedletailError(
        "the engine libneedletail.so is not beside this module; install the wheel, or name the "
        "library in NEEDLETAIL_LIBRARY"
    )


def _copied(original: str) -> str:
    """Another file with the same bytes, which the loader takes for another library."""
    with open(original, "rb") as source:
        number = os.memfd_create("libneedletail")
        try:
            rest = os.fstat(source.fileno()).st_size
            while rest:
                rest -= os.sendfile(number, source.fileno(), None, rest)  # type: ignore[arg-type]
        except OSError:
            os.close(number)
            raise
    # The descriptor stays open: the loader reads the file when symbols are looked up by debuggers.
    return f"/proc/self/fd/{number}"


_current: Library | None = None
_lock = threading.Lock()
_is_child = False


def library() -> Library:
    """The library of this process."""
    global _current
    found = _current
    if found is not None:
        return found
    with _lock:
        if _current is None:
            original = path()
            try:
                opened = Library(_copied(original) if _is_child else original)
            except OSError as error:
                raise NeedletailError(f"the engine {original} cannot be opened: {error}") from error
            except AttributeError as error:
                raise NeedletailError(
                    f"the engine {original} is another version's ({error}); install one version"
                ) from None
            version = opened.functions["version"]().decode()
            if version != __version__:
                raise NeedletailError(
                    f"the engine {original} has version {version}, the package {__version__}; "
                    "install one version"
                )
            _current = opened
        return _current


def _after_fork() -> None:
    global _current, _lock, _is_child
    _lock = threading.Lock()
    if _current is not None:
        _is_child = True
        _current = None


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_after_fork)
