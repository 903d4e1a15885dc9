"""Our stores as one of Optuna's storages."""

from __future__ import annotations

import copy
import ctypes
import os
import threading
import uuid
import warnings
import weakref

import optuna
from optuna.storages import BaseStorage
from optuna.storages._base import DEFAULT_STUDY_NAME_PREFIX
from optuna.storages._heartbeat import BaseHeartbeat
from optuna.study._frozen import FrozenStudy
from optuna.study._study_direction import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from needletail import _library, _wire

# True for type checkers alone.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence
    from typing import Any

_ERRORS: dict[int, type[Exception]] = {
    _library.BAD_ARGUMENT: ValueError,
    _library.EXISTS: optuna.exceptions.DuplicatedStudyError,
    _library.NOT_FOUND: KeyError,
    _library.STORE: optuna.exceptions.StorageInternalError,
    _library.NOT_RUNNING: optuna.exceptions.UpdateFinishedTrialError,
    _library.UNSUPPORTED: ValueError,
}
_DIRECTIONS = (StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE)
_NOT_WAITING = [state for state in TrialState if state != TrialState.WAITING]
_NUMBERS = {state: number for number, state in enumerate(_wire.STATES)}


def _error(library: _library.Library, code: int) -> Exception:
    """Optuna's exception that a code stands for."""
    return _ERRORS.get(code, RuntimeError)(library.message().decode("utf-8", "replace"))


class _Trials:
    """The trials of a study that are known here. A trial is decoded when it is first asked for."""

    def __init__(self) -> None:
        #: By number: the trial, or its message.
        self.trials: dict[int, FrozenTrial | bytes] = {}
        self.states: dict[int, TrialState] = {}
        #: The messages of trials that may still change, by number.
        self.unfinished: dict[int, bytes] = {}
        self.ids: dict[int, int] = {}
        #: Of completed trials, the least and the greatest first value, with their numbers.
        self.best: list[tuple[float, int] | None] = [None, None]
        #: All trials up to this number are known.
        self.complete = -1

    def take(self, message: bytes) -> int | None:
        """Takes a trial in; returns its id if it has just ended."""
        trial_id, number, state, value = _wire.head(message)
        if self.unfinished.get(number) == message:
            return None
        self.trials[number] = message
        self.states[number] = state
        self.ids[number] = trial_id
        if not state.is_finished():
            self.unfinished[number] = message
            return None
        self.unfinished.pop(number, None)
        if state == TrialState.COMPLETE and value is not None:
            self.compare(value, number)
        return trial_id

    def compare(self, value: float, number: int) -> None:
        for place, sign in enumerate((1, -1)):
            known = self.best[place]
            if known is None or (sign * value, number) < (sign * known[0], known[1]):
                self.best[place] = (value, number)

    def settle(self) -> None:
        while self.complete + 1 in self.trials:
            self.complete += 1

    def trial(self, number: int) -> FrozenTrial:
        found = self.trials[number]
        if isinstance(found, bytes):
            found = self.trials[number] = _wire.decoded(found)
        return found

    def chosen(self, states: Container[TrialState] | None) -> list[FrozenTrial]:
        if states is None:
            return [self.trial(number) for number in sorted(self.trials)]
        if not any(state in states for state in TrialState if state.is_finished()):
            numbers = [number for number in self.unfinished if self.states[number] in states]
        else:
            numbers = [number for number, state in self.states.items() if state in states]
        return [self.trial(number) for number in sorted(numbers)]


class _Engine:
    """A store that is open in this process, and what is known of it. Threads share it."""

    def __init__(self, library: _library.Library, address: str) -> None:
        self.library = library
        self.function = library.functions["storage_call"]
        try:
            given = _library.text(address, "the storage's address")
        except UnicodeEncodeError:
            raise ValueError(f"the storage's address {address!r} has half a character") from None
        place = ctypes.c_uint64()
        code = library.functions["storage_open"](given, ctypes.byref(place))
        if code:
            raise _error(library, code)
        self.handle = place.value
        self.lock = threading.Lock()
        self.studies: dict[int, _Trials] = {}
        #: The study and number of each trial that was read after its end, by id.
        self.places: dict[int, tuple[int, int]] = {}
        # Also at the end of the process: what was acknowledged is stored then.
        weakref.finalize(self, self._close, library, self.handle)

    @staticmethod
    def _close(library: _library.Library, handle: int) -> None:
        if os.getpid() == library.process:
            code = library.functions["close"](handle)
            if code:
                warnings.warn(str(_error(library, code)))

    def call(self, method: bytes, message: bytes) -> bytes:
        reply, length = ctypes.c_void_p(), ctypes.c_size_t()
        code = self.function(
            self.handle, method, message, len(message), ctypes.byref(reply), ctypes.byref(length)
        )
        if code:
            raise _error(self.library, code)
        if not reply.value:
            return b""
        try:
            return ctypes.string_at(reply.value, length.value)
        finally:
            self.library.free(reply)

    def read(self, study_id: int) -> _Trials:
        """The study's trials as they are now, under the lock."""
        known = self.studies.get(study_id)
        if known is None:
            known = _Trials()
        unfinished = [known.ids[number] for number in known.unfinished]
        message = (
            _wire.integer(1, study_id)
            + _wire.integers(2, unfinished)
            + _wire.integer(3, known.ids[known.complete] if known.complete >= 0 else -1)
        )
        try:
            reply = self.call(b"GetTrials", message)
        except KeyError:
            self.studies.pop(study_id, None)
            raise
        for _, trial in _wire.fields(reply):
            ended = known.take(trial)
            if ended is not None:
                self.places[ended] = (study_id, _wire.head(trial)[1])
        known.settle()
        self.studies[study_id] = known
        return known


_engines: weakref.WeakValueDictionary[tuple[str, str], _Engine] = weakref.WeakValueDictionary()
_engines_lock = threading.Lock()


def _after_fork() -> None:
    global _engines, _engines_lock
    _engines_lock = threading.Lock()
    _engines = weakref.WeakValueDictionary()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class Storage(BaseStorage, BaseHeartbeat):
    """A store of ours for studies of Optuna: a file, or a PostgreSQL database.

    What changes the state of a trial, creates one, or sets an attribute is stored when the call
    returns, and the end of a trial is on the disk then. Parameters and reports are stored within 50
    milliseconds, and with their trial's end at the latest; this process sees them at once.

    May be pickled, used by several threads, and in children of a fork, which open the store anew.
    """

    def __init__(
        self,
        url: str,
        *,
        heartbeat_interval: int | None = None,
        grace_period: int | None = None,
        heartbeat_stale_trial_callback: (
            Callable[[optuna.Study, FrozenTrial], None] | None
        ) = None,
    ) -> None:
        for name, value in (
            ("heartbeat_interval", heartbeat_interval), ("grace_period", grace_period)
        ):
            if value is not None and value <= 0:
                raise ValueError(f"The value of `{name}` should be a positive integer.")
        self.url = url
        self.heartbeat_interval = heartbeat_interval
        self.grace_period = grace_period
        self.heartbeat_stale_trial_callback = heartbeat_stale_trial_callback
        self._opened: _Engine | None = None
        self._engine()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_opened"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._opened = None

    def _engine(self) -> _Engine:
        library = _library.library()
        engine = self._opened
        if engine is not None and engine.library is library:
            return engine
        key = (self.url, os.getcwd())
        with _engines_lock:
            engine = _engines.get(key)
            if engine is None or engine.library is not library:
                engine = _engines[key] = _Engine(library, self.url)
        self._opened = engine
        return engine

    def _call(self, method: bytes, *message: bytes) -> bytes:
        return self._engine().call(method, b"".join(message))

    # Studies

    def create_new_study(
        self, directions: Sequence[StudyDirection], study_name: str | None = None
    ) -> int:
        if study_name is None:
            study_name = DEFAULT_STUDY_NAME_PREFIX + str(uuid.uuid4())
        numbers = [_DIRECTIONS.index(direction) for direction in directions]
        reply = self._call(
            b"CreateNewStudy",
            _wire.integers(1, numbers),
            _wire.text(2, study_name, "the study's name"),
        )
        return dict(_wire.fields(reply))[1]

    def delete_study(self, study_id: int) -> None:
        engine = self._engine()
        with engine.lock:
            engine.call(b"DeleteStudy", _wire.integer(1, study_id))
            # Ids of studies and trials may come again.
            engine.studies.pop(study_id, None)
            engine.places = {
                trial: place for trial, place in engine.places.items() if place[0] != study_id
            }

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        self._call(
            b"SetStudyUserAttribute", _wire.integer(1, study_id), _wire.attribute(key, value)
        )

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        self._call(
            b"SetStudySystemAttribute", _wire.integer(1, study_id), _wire.attribute(key, value)
        )

    def get_study_id_from_name(self, study_name: str) -> int:
        reply = self._call(
            b"GetStudyIdFromName", _wire.text(1, study_name, "the study's name")
        )
        return dict(_wire.fields(reply))[1]

    def get_study_name_from_id(self, study_id: int) -> str:
        reply = self._call(b"GetStudyNameFromId", _wire.integer(1, study_id))
        return dict(_wire.fields(reply)).get(1, b"").decode()

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        reply = self._call(b"GetStudyDirections", _wire.integer(1, study_id))
        numbers = _wire.several(dict(_wire.fields(reply)).get(1, b""))
        return [_DIRECTIONS[number] for number in numbers]

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        reply = self._call(b"GetStudyUserAttributes", _wire.integer(1, study_id))
        return _wire.attributes(reply, 1)

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        reply = self._call(b"GetStudySystemAttributes", _wire.integer(1, study_id))
        return _wire.attributes(reply, 1)

    def get_all_studies(self) -> list[FrozenStudy]:
        studies = []
        for _, message in _wire.fields(self._call(b"GetAllStudies")):
            known = dict(_wire.fields(message))
            numbers = _wire.several(known.get(3, b""))
            studies.append(
                FrozenStudy(
                    known.get(2, b"").decode(),
                    None,
                    _wire.attributes(message, 4),
                    _wire.attributes(message, 5),
                    known[1],
                    directions=[_DIRECTIONS[number] for number in numbers],
                )
            )
        return studies

    # Trials

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        if template_trial is None:
            what = _wire.integer(3, 1)
        else:
            what = _wire.message(2, _wire.encoded(template_trial))
        reply = self._call(b"CreateNewTrial", _wire.integer(1, study_id), what)
        return dict(_wire.fields(reply))[1]

    def set_trial_param(
        self,
        trial_id: int,
        param_name: str,
        param_value_internal: float,
        distribution: optuna.distributions.BaseDistribution,
    ) -> None:
        self._call(
            b"SetTrialParameter",
            _wire.integer(1, trial_id),
            _wire.text(2, param_name, "the parameter's name"),
            _wire.double(3, param_value_internal),
            _wire.message(4, _wire.distribution_text(distribution)),
        )

    def get_trial_id_from_study_id_trial_number(self, study_id: int, trial_number: int) -> int:
        reply = self._call(
            b"GetTrialIdFromStudyIdTrialNumber",
            _wire.integer(1, study_id),
            _wire.integer(2, trial_number),
        )
        return dict(_wire.fields(reply))[1]

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        reply = self._call(
            b"SetTrialStateValues",
            _wire.integer(1, trial_id),
            _wire.integer(2, _NUMBERS[state]),
            b"" if values is None else _wire.doubles(3, values),
        )
        return bool(dict(_wire.fields(reply)).get(1))

    def set_trial_intermediate_value(
        self, trial_id: int, step: int, intermediate_value: float
    ) -> None:
        self._call(
            b"SetTrialIntermediateValue",
            _wire.integer(1, trial_id),
            _wire.integer(2, step),
            _wire.double(3, intermediate_value),
        )

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        self._call(
            b"SetTrialUserAttribute", _wire.integer(1, trial_id), _wire.attribute(key, value)
        )

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        self._call(
            b"SetTrialSystemAttribute", _wire.integer(1, trial_id), _wire.attribute(key, value)
        )

    def get_trial(self, trial_id: int) -> FrozenTrial:
        engine = self._engine()
        with engine.lock:
            place = engine.places.get(trial_id)
            if place is not None and place[0] in engine.studies:
                return engine.studies[place[0]].trial(place[1])
        reply = engine.call(b"GetTrial", _wire.integer(1, trial_id))
        return _wire.decoded(dict(_wire.fields(reply))[1])

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        engine = self._engine()
        if states is not None and not any(state in states for state in _NOT_WAITING):
            # What each `ask` wants to know, for which the trials of others are not read.
            if TrialState.WAITING not in states:
                self.get_study_name_from_id(study_id)
                return []
            message = _wire.integer(1, study_id) + _wire.integer(4, 1)
            return [
                _wire.decoded(trial) for _, trial in _wire.fields(engine.call(b"GetTrials", message))
            ]
        with engine.lock:
            trials = engine.read(study_id).chosen(states)
        return copy.deepcopy(trials) if deepcopy else trials

    def get_best_trial(self, study_id: int) -> FrozenTrial:
        directions = self.get_study_directions(study_id)
        if len(directions) > 1:
            raise RuntimeError(
                "Best trial can be obtained only for single-objective optimization."
            )
        engine = self._engine()
        with engine.lock:
            known = engine.read(study_id)
            best = known.best[_DIRECTIONS.index(directions[0])]
            if best is None:
                raise ValueError("No trials are completed yet.")
            return known.trial(best[1])

    # Heartbeats

    def record_heartbeat(self, trial_id: int) -> None:
        self._call(b"RecordHeartbeat", _wire.integer(1, trial_id))

    def _get_stale_trial_ids(self, study_id: int) -> list[int]:
        assert self.heartbeat_interval is not None
        patience = self.grace_period or 2 * self.heartbeat_interval
        reply = self._call(
            b"GetStaleTrialIds", _wire.integer(1, study_id), _wire.integer(2, patience)
        )
        return _wire.several(dict(_wire.fields(reply)).get(1, b""))

    def get_heartbeat_interval(self) -> int | None:
        return self.heartbeat_interval

    def get_heartbeat_stale_trial_callback(
        self,
    ) -> Callable[[optuna.Study, FrozenTrial], None] | None:
        return self.heartbeat_stale_trial_callback
