"""Studies."""

from __future__ import annotations

import ctypes
import datetime
import os
import threading
import time
import warnings
import weakref
from ctypes import byref, c_double

from needletail import _forms, _library
from needletail._client import (
    BaseDistribution,
    DuplicatedStudyError,
    FrozenTrial,
    MaxTrialsCallback,
    NeedletailError,
    StudyDirection,
    TrialState,
    _as_json,
    _BaseStudy,
    _checked_values,
    _directions,
    _is_pruning,
    _is_several,
    _json_text,
    _library_logger,
)
from needletail.pruners import BasePruner, MedianPruner
from needletail.samplers import BaseSampler, TPESampler
from needletail.storages import BaseStorage, get_storage
from needletail.trial import Trial, _Parameters

# True for type checkers alone: the module typing takes longer to import than all else.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

_METRIC_NAMES = "study:metric_names"
_COMPLETE, _PRUNED, _FAIL, _GIVEN_BACK = range(4)
_ENDS = {TrialState.COMPLETE: _COMPLETE, TrialState.PRUNED: _PRUNED, TrialState.FAIL: _FAIL}
#: How long to wait before a study that has no trial at the moment is asked again.
_PAUSE = 0.5


class _Budget:
    """How many trials the threads of one call may still start."""

    def __init__(self, trials: int | None, timeout: float | None) -> None:
        self._left = trials
        self._end = None if timeout is None else time.monotonic() + timeout
        self._lock = threading.Lock()

    def take(self) -> bool:
        if self._end is not None and time.monotonic() >= self._end:
            return False
        if self._left is None:
            return True
        with self._lock:
            self._left -= 1
            return self._left >= 0


class _Run:
    """What one call of `optimize` was given."""

    def __init__(
        self,
        objective: Callable[[Trial], Any],
        budget: _Budget,
        catch: tuple[type[BaseException], ...],
        callbacks: Sequence[Callable[[Any, FrozenTrial], None]],
        collects: bool,
        advance: Callable[[], None] | None,
    ) -> None:
        self.objective = objective
        self.budget = budget
        self.catch = catch
        self.callbacks = callbacks
        self.collects = collects
        self.advance = advance
        self.logger = _library_logger()
        #: Why a thread ended; the first is raised in the end.
        self.error: BaseException | None = None


class Study(_BaseStudy):
    """A study that this process runs, in memory or in a store."""

    def __init__(
        self,
        study_name: str,
        storage: str | BaseStorage | None,
        sampler: BaseSampler | None = None,
        pruner: BasePruner | None = None,
        *,
        _options: dict[str, Any] | None = None,
    ) -> None:
        self._name = study_name
        self._storage = get_storage(storage)
        self._sampler = _checked(sampler, BaseSampler, "sampler", TPESampler)
        self._pruner = _checked(pruner, BasePruner, "pruner", MedianPruner)
        self._prepare()
        self._open(_options)

    def _prepare(self) -> None:
        """What is neither stored nor pickled."""
        self._library: Any = None
        self._handle = 0
        self._objectives = 1
        self._stored_directions: list[StudyDirection] = []
        self._known: list[FrozenTrial] = []
        self._known_lock = threading.Lock()
        self._running: weakref.WeakValueDictionary[int, Trial] = weakref.WeakValueDictionary()
        self._stop_flag = False
        self._is_optimizing = False
        self._parameters: Any = None
        self._ask_function: Any = None
        self._tell_function: Any = None

    def _open(self, creating: dict[str, Any] | None = None) -> _library.Library:
        """Opens the study in this process; creates it with these options."""
        library, store = self._storage.open()
        options = dict(
            creating or {}, sampler=self._sampler._setting(), pruner=self._pruner._setting()
        )
        name = _library.text(self._name, "the study's name")
        verb = "study_load" if creating is None else "study_create"
        self._handle = library.make(verb, store, name, _library.form(options))
        self._library = library
        self._parameters = _Parameters.of(library)
        self._ask_function = library.functions["study_ask"]
        self._tell_function = library.functions["trial_tell"]
        self._known = []
        given = library.read("study_info", self._handle)["directions"]
        self._stored_directions = [StudyDirection[direction.upper()] for direction in given]
        self._objectives = len(given)
        return library

    def _engine(self) -> _library.Library:
        """The library, in which the study is open; in a child of a fork it is opened anew."""
        library = _library.library()
        return library if library is self._library else self._open()

    def __del__(self) -> None:
        library = getattr(self, "_library", None)
        if library is not None:
            library.close(self._handle)

    def __getstate__(self) -> dict[str, Any]:
        return {
            "name": self._name,
            "storage": self._storage,
            "sampler": self._sampler,
            "pruner": self._pruner,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._name = state["name"]
        self._storage = state["storage"]
        self._sampler = state["sampler"]
        self._pruner = state["pruner"]
        self._prepare()
        self._open()

    # What it is

    @property
    def study_name(self) -> str:
        return self._name

    @property
    def directions(self) -> list[StudyDirection]:
        return list(self._stored_directions)

    @property
    def user_attrs(self) -> dict[str, Any]:
        return self._info()["user_attributes"]

    @property
    def system_attrs(self) -> dict[str, Any]:
        return self._info()["system_attributes"]

    def _info(self) -> dict[str, Any]:
        return self._engine().read("study_info", self._handle)

    def set_user_attr(self, key: str, value: Any) -> None:
        """Sets an attribute of the study."""
        self._set_attr("user", key, value)

    def set_system_attr(self, key: str, value: Any) -> None:
        """Sets an attribute that is not the user's."""
        self._set_attr("system", key, value)

    def _set_attr(self, kind: str, key: str, value: Any) -> None:
        text = _json_text(f"the attribute {key!r}", value).encode()
        name = _library.text(key, "an attribute's key")
        self._engine().call("study_set_attribute", self._handle, kind.encode(), name, text)

    @property
    def metric_names(self) -> list[str] | None:
        return self.system_attrs.get(_METRIC_NAMES)

    def set_metric_names(self, metric_names: list[str]) -> None:
        """Names the objectives."""
        if len(metric_names) != self._objectives:
            raise ValueError("The number of objectives must match the length of the metric names.")
        self.set_system_attr(_METRIC_NAMES, list(metric_names))

    @property
    def sampler(self) -> BaseSampler:
        return self._sampler

    @sampler.setter
    def sampler(self, sampler: BaseSampler) -> None:
        self._sampler = _checked(sampler, BaseSampler, "sampler", TPESampler)
        self._configure()

    @property
    def pruner(self) -> BasePruner:
        return self._pruner

    @pruner.setter
    def pruner(self, pruner: BasePruner) -> None:
        self._pruner = _checked(pruner, BasePruner, "pruner", MedianPruner)
        self._configure()

    def _configure(self) -> None:
        options = {"sampler": self._sampler._setting(), "pruner": self._pruner._setting()}
        self._engine().call("study_configure", self._handle, _library.form(options))

    # Its trials

    def _all_trials(self) -> list[FrozenTrial]:
        """All trials; those that have ended are read once, for they never change."""
        library = self._engine()
        with self._known_lock:
            known = self._known
            first = len(known)
            form = library.read("study_trials", self._handle, first)
            new = _forms.frozen_trials(form)
            ended = 0
            while ended < len(new) and new[ended].state.is_finished():
                ended += 1
            # Numbers without a trial would shift the places.
            if all(trial.number == first + place for place, trial in enumerate(new[:ended])):
                known.extend(new[:ended])
                return known + new[ended:]
            return known + new

    def _stored(self, number: int) -> FrozenTrial:
        for trial in self._all_trials():
            if trial.number == number:
                return trial
        raise ValueError(f"Cannot find the trial {number} in study {self._name!r}.")

    @property
    def best_trial(self) -> FrozenTrial:
        if self._objectives == 1:
            best = _forms.frozen_trials(self._engine().read("study_best", self._handle))
            if best:
                return best[0]
        return super().best_trial

    # One trial at a time

    def ask(self, fixed_distributions: dict[str, BaseDistribution] | None = None) -> Trial:
        """Starts a trial, whose result `tell` takes."""
        place = ctypes.c_uint64()
        try:
            trial = self._ask(place)
        except _library.NoTrial as error:
            raise NeedletailError(str(error)) from None
        except BaseException:
            self._give_back(place)
            raise
        self._running[trial.number] = trial
        if fixed_distributions:
            trial._suggest_fixed(fixed_distributions)
        return trial

    def _ask(self, place: ctypes.c_uint64) -> Trial:
        """Asks once; `place` has the handle as soon as there is one."""
        library = self._engine()
        self._sampler._before_ask(self)
        number = ctypes.c_int64()
        while True:
            code = self._ask_function(self._handle, byref(place), byref(number))
            if code == _library.LATER and self._is_elsewhere:
                # The coordinator may have had none to spare for a moment.
                continue
            if code:
                raise library.error(code)
            return Trial(self, library, self._parameters, place, number.value)

    @property
    def _is_elsewhere(self) -> bool:
        address = self._storage.address
        return address is not None and address.startswith(("http://", "https://"))

    def _give_back(self, place: ctypes.c_uint64) -> None:
        """Has a trial that was asked for run again by the next worker, unless it has ended."""
        if place.value:
            reason = b"the program was interrupted"
            self._tell_function(place.value, _GIVEN_BACK, None, 0, reason)

    def tell(
        self,
        trial: Trial | int,
        values: float | Sequence[float] | None = None,
        state: TrialState | None = None,
        skip_if_finished: bool = False,
    ) -> FrozenTrial:
        """Ends a trial with its values, or as pruned or failed."""
        if not isinstance(trial, (Trial, int)):
            raise TypeError("Trial must be a trial object or trial number.")
        running = self._found(trial)
        if isinstance(running, FrozenTrial):
            if running.state.is_finished() and skip_if_finished:
                return _copied(running)
            raise ValueError(f"Cannot tell a {running.state.name} trial.")
        given: list[Any] | None = None
        if values is not None:
            given = [v for v in values] if _is_several(values) else [values]  # type: ignore[union-attr]
        if state == TrialState.COMPLETE and given is None:
            raise ValueError(
                "No values were told. Values are required when state is TrialState.COMPLETE."
            )
        if state in (TrialState.PRUNED, TrialState.FAIL) and given is not None:
            raise ValueError(
                "Values were told. Values cannot be specified when state is "
                "TrialState.PRUNED or TrialState.FAIL."
            )
        if state not in (None, TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL):
            raise ValueError(f"Cannot tell with state {state}.")
        numbers: list[float] | None = None
        if given is not None or state is None:
            numbers, problem = _checked_values(given, self._objectives)
            if problem is not None:
                if state == TrialState.COMPLETE:
                    raise ValueError(problem)
                warnings.warn(problem, stacklevel=2)
            state = TrialState.FAIL if problem is not None else TrialState.COMPLETE
        return _copied(self._end(running, state or TrialState.FAIL, numbers, None))

    def _found(self, trial: Trial | int) -> Trial | FrozenTrial:
        """The trial if it runs and can be told here, else what became of it."""
        if isinstance(trial, Trial):
            return trial._frozen() if trial._is_told else trial
        known = self._running.get(trial)
        if known is not None:
            return known._frozen() if known._is_told else known
        stored = self._stored(trial)
        if stored.state != TrialState.RUNNING:
            return stored
        library = self._engine()
        place = ctypes.c_uint64(library.make("study_resume", self._handle, trial))
        return Trial(self, library, self._parameters, place, trial)

    def _end(
        self, trial: Trial, state: TrialState, values: list[float] | None, reason: str | None
    ) -> FrozenTrial:
        """Ends a trial and returns it as it is then."""
        constrains = self._sampler._constraints_func
        frozen = trial._frozen()
        frozen.state = state
        frozen.values = values
        frozen.datetime_complete = datetime.datetime.now()
        if state == TrialState.PRUNED and frozen.intermediate_values:
            last = frozen.intermediate_values[max(frozen.intermediate_values)]
            frozen.values = None if last != last else [last]
        if constrains is not None and state != TrialState.FAIL:
            for place, value in enumerate(constrains(frozen)):
                trial.set_constraint(str(place), value)
                frozen.set_constraint(str(place), value)
        self._tell(trial, state, values, reason)
        trial._end = frozen
        return frozen

    def _tell(
        self, trial: Trial, state: TrialState, values: list[float] | None, reason: str | None
    ) -> None:
        array: Any = None
        count = 0
        if values:
            count = len(values)
            # A number is made faster than an array of one.
            one = count == 1
            array = byref(c_double(values[0])) if one else (c_double * count)(*values)
        text = None if reason is None else reason.replace("\0", "").encode("utf-8", "replace")
        code = self._tell_function(trial._handle, _ENDS[state], array, count, text)
        if code:
            raise trial._error(code)
        trial._is_told = True

    # Many trials

    def optimize(
        self,
        func: Callable[[Trial], Any],
        n_trials: int | None = None,
        timeout: float | None = None,
        n_jobs: int = 1,
        catch: Iterable[type[Exception]] | type[Exception] = (),
        callbacks: Iterable[Callable[[Study, FrozenTrial], None]] | None = None,
        gc_after_trial: bool = False,
        show_progress_bar: bool = False,
    ) -> None:
        """Runs the objective in trial after trial; see Optuna's `optimize`."""
        if self._is_optimizing:
            raise RuntimeError("Nested invocation of `Study.optimize` method isn't allowed.")
        caught = (catch,) if isinstance(catch, type) else tuple(catch)
        if not all(isinstance(kind, type) for kind in caught):
            raise TypeError("`catch` must be exception classes.")
        self._engine()
        bar = _progress_bar(n_trials) if show_progress_bar else None
        run = _Run(
            func,
            _Budget(n_trials, timeout),
            caught,
            tuple(callbacks or ()),
            gc_after_trial,
            bar.update if bar else None,
        )
        self._stop_flag = False
        self._is_optimizing = True
        try:
            if n_jobs == 1:
                self._work(run)
            else:
                self._share(run, (os.cpu_count() or 1) if n_jobs < 1 else n_jobs)
        finally:
            self._is_optimizing = False
            if bar:
                bar.close()

    def _share(self, run: _Run, count: int) -> None:
        """Runs trials on several threads; the first error ends them all."""

        ended = [threading.Event() for _ in range(count)]

        def work(place: int) -> None:
            try:
                self._work(run)
            except BaseException as error:
                run.error = run.error or error
                self._stop_flag = True
            finally:
                ended[place].set()

        threads = [
            threading.Thread(
                target=work, args=(place,), name=f"needletail-{place}", daemon=True
            )
            for place in range(count)
        ]

        def wait() -> None:
            # Not by Thread.join: interrupted, it takes a thread for ended that is not (bpo-45274).
            # With a limit, so that Ctrl-C is seen whichever thread the system gave it to. A thread
            # without an identity by then was never started.
            for thread, event in zip(threads, ended):
                while not event.wait(0.2) and thread.ident is not None:
                    pass

        try:
            for thread in threads:
                thread.start()
            wait()
        except BaseException:
            # Ctrl-C reaches this thread alone; the others finish their trials.
            self._stop_flag = True
            wait()
            raise
        if run.error is not None:
            raise run.error

    def _work(self, run: _Run) -> None:
        while not self._stop_flag and run.budget.take():
            place = ctypes.c_uint64()
            try:
                trial = self._next(place, run)
                if trial is None:
                    return
                self._run_one(trial, run)
            except BaseException:
                # Ctrl-C, and what the store or a callback raised; a trial that ended stays so.
                self._give_back(place)
                raise
            if run.collects:
                import gc

                gc.collect()

    def _next(self, place: ctypes.c_uint64, run: _Run) -> Trial | None:
        """The next trial, for which a paused study lets its workers wait; None if there is none."""
        while True:
            try:
                return self._ask(place)
            except _library.NoTrial as error:
                if error.code != _library.LATER:
                    run.logger.info("The study ends: %s", error)
                    return None
            if self._stop_flag or not _Budget.take(run.budget):
                return None
            time.sleep(_PAUSE)

    def _run_one(self, trial: Trial, run: _Run) -> None:
        values: list[float] | None = None
        reason: str | None = None
        failure: BaseException | None = None
        try:
            result = run.objective(trial)
        except Exception as error:
            if _is_pruning(error):
                state = TrialState.PRUNED
            else:
                state = TrialState.FAIL
                failure = error
                reason = f"{type(error).__name__}: {error}"
        else:
            if type(result) is float and self._objectives == 1 and result == result:
                values, problem = [result], None
            else:
                values, problem = _checked_values(result, self._objectives)
            state = TrialState.COMPLETE if problem is None else TrialState.FAIL
            reason = problem
        frozen: FrozenTrial | None = None
        if run.callbacks or self._sampler._constraints_func is not None:
            frozen = self._end(trial, state, values, reason)
        else:
            self._tell(trial, state, values, reason)
        if state == TrialState.FAIL or run.logger.isEnabledFor(20):
            self._log(trial, state, values, reason, failure, run)
        if run.advance is not None:
            run.advance()
        if failure is not None and not isinstance(failure, run.catch):
            raise failure
        if frozen is not None:
            for callback in run.callbacks:
                callback(self, _copied(frozen))

    def _log(
        self,
        trial: Trial,
        state: TrialState,
        values: list[float] | None,
        reason: str | None,
        failure: BaseException | None,
        run: _Run,
    ) -> None:
        number, params = trial.number, trial._values
        if state == TrialState.FAIL:
            run.logger.warning(
                "Trial %d failed with parameters: %s because of the following error: %s.",
                number,
                params,
                reason,
                exc_info=failure,
            )
        elif state == TrialState.PRUNED:
            run.logger.info("Trial %d pruned. ", number)
        elif self._objectives > 1:
            run.logger.info(
                "Trial %d finished with values: %s and parameters: %s.", number, values, params
            )
        else:
            try:
                best = self.best_trial
                tail = f" Best is trial {best.number} with value: {best.value}."
            except ValueError:
                tail = ""
            value = values[0] if values else None
            run.logger.info(
                "Trial %d finished with value: %s and parameters: %s.%s",
                number,
                value,
                params,
                tail,
            )

    def stop(self) -> None:
        """Ends the current call of `optimize` when the running trials have ended."""
        if not self._is_optimizing:
            raise RuntimeError(
                "`Study.stop` is supposed to be invoked inside an objective function or a callback."
            )
        self._stop_flag = True

    # Trials from elsewhere

    @staticmethod
    def _queued_params(trial: FrozenTrial) -> Any:
        """The values that a trial was queued with, else those that it has."""
        return trial.system_attrs.get("fixed_params", trial.params)

    def enqueue_trial(
        self,
        params: dict[str, Any],
        user_attrs: dict[str, Any] | None = None,
        skip_if_exists: bool = False,
    ) -> None:
        """Queues a trial with these values, which runs before new ones."""
        if not isinstance(params, dict):
            raise TypeError("params must be a dictionary.")
        plain = {name: _as_json(name, value) for name, value in params.items()}
        if skip_if_exists and any(
            self._queued_params(trial) in (plain, params) for trial in self._all_trials()
        ):
            _library_logger().info(
                "Trial with params %s already exists. Skipping enqueue.", params
            )
            return
        attributes = _json_text("an attribute of a queued trial", user_attrs or {}).encode()
        number = ctypes.c_int64()
        self._engine().call(
            "study_enqueue", self._handle, _library.form(plain), attributes, ctypes.byref(number)
        )

    def add_trial(self, trial: FrozenTrial) -> None:
        """Adds a trial that is known."""
        self.add_trials([trial])

    def add_trials(self, trials: Iterable[FrozenTrial]) -> None:
        """Adds trials that are known."""
        added = list(trials)
        for trial in added:
            trial._validate()
            if trial.values is not None and len(trial.values) != self._objectives:
                raise ValueError(
                    f"The added trial has {len(trial.values)} values, which is different from the "
                    f"number of objectives {self._objectives} in the study (determined by "
                    "Study.directions)."
                )
        if added:
            self._engine().call("study_add_trials", self._handle, _forms.added_form(added))


def _copied(trial: FrozenTrial) -> FrozenTrial:
    """A copy that a program may change."""
    import copy

    return copy.deepcopy(trial)


def _checked(given: Any, kind: type, what: str, default: Callable[[], Any]) -> Any:
    if given is None:
        return default()
    if not isinstance(given, kind):
        raise TypeError(
            f"the {what} is a {type(given).__module__}.{type(given).__name__}; take one of "
            f"needletail.{what}s"
        )
    return given


def _progress_bar(trials: int | None) -> Any:
    """A bar of tqdm's, where that is installed."""
    try:
        from tqdm.auto import tqdm  # type: ignore[import-untyped]
    except ImportError:
        warnings.warn("the progress bar needs tqdm; install it: pip install tqdm", stacklevel=3)
        return None
    return tqdm(total=trials)


class StudySummary:
    """What a storage says of a study."""

    def __init__(
        self,
        study_name: str,
        direction: StudyDirection | None,
        best_trial: FrozenTrial | None,
        user_attrs: dict[str, Any],
        n_trials: int,
        datetime_start: datetime.datetime | None,
        study_id: int,
        *,
        directions: Sequence[StudyDirection] | None = None,
    ) -> None:
        if (direction is None) == (directions is None):
            raise ValueError("Specify one of `direction` and `directions`.")
        self.study_name = study_name
        self.best_trial = best_trial
        self.user_attrs = user_attrs
        self.n_trials = n_trials
        self.datetime_start = datetime_start
        self._study_id = study_id
        self._directions = [direction] if direction is not None else list(directions or ())

    @property
    def direction(self) -> StudyDirection:
        if len(self._directions) > 1:
            raise RuntimeError(
                "This attribute is not available during multi-objective optimization."
            )
        return self._directions[0]

    @property
    def directions(self) -> list[StudyDirection]:
        return list(self._directions)

    def __repr__(self) -> str:
        return f"StudySummary({self.study_name!r}, n_trials={self.n_trials})"


def create_study(
    *,
    storage: str | BaseStorage | None = None,
    sampler: BaseSampler | None = None,
    pruner: BasePruner | None = None,
    study_name: str | None = None,
    direction: str | StudyDirection | None = None,
    load_if_exists: bool = False,
    directions: Sequence[str | StudyDirection] | None = None,
) -> Study:
    """Creates a study, or loads the one of that name if `load_if_exists`."""
    import uuid

    names = _directions(direction, directions) or ["minimize"]
    name = study_name or f"no-name-{uuid.uuid4()}"
    options: dict[str, Any] = {"directions": names}
    options["if_exists"] = "load" if load_if_exists else "fail"
    seed = getattr(sampler, "_seed", None)
    if seed is not None:
        options["seed"] = seed
    try:
        study = Study(name, storage, sampler, pruner, _options=options)
    except DuplicatedStudyError:
        raise DuplicatedStudyError(
            f"Another study with study_name={name!r} already exists. Please specify a name not in "
            "the storage, or reuse the existing one by setting `load_if_exists`."
        ) from None
    _library_logger().info("A new study created with name: %s", name)
    return study


def load_study(
    *,
    study_name: str | None,
    storage: str | BaseStorage,
    sampler: BaseSampler | None = None,
    pruner: BasePruner | None = None,
) -> Study:
    """Loads a study; None as its name stands for the only one."""
    opened = get_storage(storage)
    if study_name is None:
        names = get_all_study_names(opened)
        if len(names) != 1:
            raise ValueError(
                f"Could not determine the study name since the storage does not contain exactly 1 "
                f"study. Specify `study_name` from {names}."
            )
        study_name = names[0]
    return Study(study_name, opened, sampler, pruner)


def delete_study(*, study_name: str, storage: str | BaseStorage) -> None:
    """Deletes a study with its trials."""
    opened = get_storage(storage)
    library, store = opened.open()
    library.call("store_delete", store, _library.text(study_name, "the study's name"))


def _listed(storage: str | BaseStorage) -> list[dict[str, Any]]:
    opened = get_storage(storage)
    library, store = opened.open()
    return library.read("store_studies", store)


def get_all_study_names(storage: str | BaseStorage) -> list[str]:
    """The names of a storage's studies."""
    return [study["name"] for study in _listed(storage)]


def get_all_study_summaries(
    storage: str | BaseStorage, include_best_trial: bool = True
) -> list[StudySummary]:
    """What a storage says of its studies."""
    opened = get_storage(storage)
    summaries = []
    for place, listed in enumerate(_listed(opened)):
        directions = [StudyDirection[name.upper()] for name in listed["directions"]]
        best = None
        if include_best_trial and len(directions) == 1:
            try:
                best = Study(listed["name"], opened).best_trial
            except ValueError:
                best = None
        trials = listed["trials"]
        started = listed.get("started")
        summaries.append(
            StudySummary(
                listed["name"],
                None,
                best,
                listed.get("user_attributes", {}),
                trials["total"] if isinstance(trials, dict) else trials,
                None if started is None else datetime.datetime.fromtimestamp(started),
                place,
                directions=directions,
            )
        )
    return summaries


def copy_study(
    *,
    from_study_name: str,
    from_storage: str | BaseStorage,
    to_storage: str | BaseStorage,
    to_study_name: str | None = None,
) -> None:
    """Copies a study with its trials."""
    source = load_study(study_name=from_study_name, storage=from_storage)
    copied = create_study(
        study_name=to_study_name or from_study_name,
        storage=to_storage,
        directions=source.directions,
    )
    for key, value in source.system_attrs.items():
        copied.set_system_attr(key, value)
    for key, value in source.user_attrs.items():
        copied.set_user_attr(key, value)
    copied.add_trials(source.get_trials(deepcopy=False))


__all__ = [
    "MaxTrialsCallback",
    "Study",
    "StudyDirection",
    "StudySummary",
    "copy_study",
    "create_study",
    "delete_study",
    "get_all_study_names",
    "get_all_study_summaries",
    "load_study",
]
