"""Trials."""

from __future__ import annotations

import ctypes
import datetime
import time

from needletail import _forms, _library
from needletail._client import (
    BaseTrial,
    CategoricalDistribution,
    FixedTrial,
    FloatDistribution,
    FrozenTrial,
    IntDistribution,
    TrialState,
    UpdateFinishedTrialError,
    _as_json,
    _json_text,
    _whole,
    create_trial,
)

# True for type checkers alone: the module typing takes longer to import than all else.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any
    from needletail.study import Study


#: Parameters that are kept for further trials; more are made anew each time.
_KEPT = 10_000


class _Parameter:
    """A parameter that the library knows by a handle, to be suggested in any number of trials."""

    __slots__ = ("handle", "make", "choices", "is_whole")

    def __init__(self, handle: int, make: Any, choices: Any, is_whole: bool) -> None:
        #: As the library takes it: a number is converted in each call.
        self.handle = ctypes.c_uint64(handle)
        #: The distribution, when it is asked for.
        self.make = make
        self.choices = choices
        self.is_whole = is_whole

    def value(self, number: float) -> Any:
        """The value for an internal one."""
        if self.choices is not None:
            return self.choices[int(number)]
        return int(number) if self.is_whole else number


class _Parameters:
    """The parameters that a copy of the library knows."""

    def __init__(self, library: _library.Library) -> None:
        self.library = library
        self.suggest = library.functions["trial_suggest"]
        self.floats: dict[Any, _Parameter] = {}
        self.ints: dict[Any, _Parameter] = {}
        self.categoricals: dict[Any, _Parameter] = {}

    def _made(
        self,
        kept: dict[Any, _Parameter],
        key: Any,
        name: str,
        form: Any,
        make: Any,
        choices: Any = None,
        is_whole: bool = False,
    ) -> _Parameter:
        if not isinstance(name, str):
            raise TypeError(f"a parameter's name is a text, not {name!r}")
        text = _library.text(name, "a parameter's name")
        handle = self.library.make("parameter_create", text, _library.form(form))
        parameter = _Parameter(handle, make, choices, is_whole)
        if key is not None and len(kept) < _KEPT:
            kept[key] = parameter
        return parameter

    def make_float(self, key: Any) -> _Parameter:
        name, low, high, step, log = key
        made = FloatDistribution(low, high, log=log, step=step)
        form = _forms.distribution_form(made)
        return self._made(self.floats, key, name, form, lambda: made)

    def make_int(self, key: Any) -> _Parameter:
        name, low, high, step, log = key
        low, high, step = _whole(low, name), _whole(high, name), _whole(step, name)
        made = IntDistribution(low, high, log=log, step=step)
        form = _forms.distribution_form(made)
        return self._made(self.ints, key, name, form, lambda: made, is_whole=True)

    def categorical(self, name: str, choices: Sequence[Any]) -> _Parameter:
        given = tuple(choices)
        key: Any = (name, given, tuple(map(type, given)))
        try:
            known = self.categoricals.get(key)
        except TypeError:
            # Lists and mappings are choices, too.
            key, known = None, None
        if known is not None:
            return known
        made = CategoricalDistribution(given)
        form = {"type": "categorical", "choices": [_as_json(name, choice) for choice in given]}
        return self._made(self.categoricals, key, name, form, lambda: made, choices=given)

    @staticmethod
    def of(library: _library.Library) -> _Parameters:
        known = library.__dict__.get("parameters")
        if known is None:
            known = library.__dict__["parameters"] = _Parameters(library)
        return known


class Trial(BaseTrial):
    """A running trial."""

    def __init__(
        self,
        study: Study,
        library: _library.Library,
        parameters: _Parameters,
        handle: ctypes.c_uint64,
        number: int,
    ) -> None:
        self.study = study
        self._library = library
        self._parameters = parameters
        self._floats = parameters.floats
        self._call = parameters.suggest
        self._handle = handle
        self._number = number
        self._values: dict[str, Any] = {}
        self._asked: dict[str, _Parameter] = {}
        self._started = time.time()
        #: How it ended; None while it runs.
        self._end: FrozenTrial | None = None
        self._is_told = False

    @property
    def number(self) -> int:
        return self._number

    @property
    def _trial_id(self) -> int:
        return self._frozen()._trial_id

    # Suggesting

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """A number from `low` to `high`, both included."""
        parameter = self._floats.get((name, low, high, step, log))
        if parameter is None:
            parameter = self._parameters.make_float((name, low, high, step, log))
        value = self._call(self._handle, parameter.handle)
        if value != value:
            raise self._error()
        self._values[name] = value
        self._asked[name] = parameter
        return value

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        """A whole number from `low` to `high`, both included."""
        key = (name, low, high, step, log)
        parameter = self._parameters.ints.get(key)
        if parameter is None:
            parameter = self._parameters.make_int(key)
        value = self._call(self._handle, parameter.handle)
        if value != value:
            raise self._error()
        whole = int(value)
        self._values[name] = whole
        self._asked[name] = parameter
        return whole

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """One of the choices, as it was given."""
        parameter = self._parameters.categorical(name, choices)
        value = self._call(self._handle, parameter.handle)
        if value != value:
            raise self._error()
        chosen = parameter.choices[int(value)]
        self._values[name] = chosen
        self._asked[name] = parameter
        return chosen

    def _error(self, code: int | None = None) -> Exception:
        """Why a call about this trial was refused."""
        if code is None:
            code = self._library.functions["code"]()
        if code == _library.BAD_HANDLE and self._is_told:
            return UpdateFinishedTrialError(
                f"Trial#{self._number} has already finished and can not be updated."
            )
        return self._library.error(code or 0)

    def _do(self, name: str, *arguments: Any) -> None:
        code = self._library.functions[name](self._handle, *arguments)
        if code:
            raise self._error(code)

    def _suggest_fixed(self, distributions: dict[str, Any]) -> None:
        """The parameters of a study's `ask`, in one call."""
        parameters = []
        for name, given in distributions.items():
            if isinstance(given, CategoricalDistribution):
                parameters.append(self._parameters.categorical(name, given.choices))
                continue
            key = (name, given.low, given.high, given.step, given.log)
            known = self._parameters
            if isinstance(given, IntDistribution):
                parameters.append(known.ints.get(key) or known.make_int(key))
            else:
                parameters.append(known.floats.get(key) or known.make_float(key))
        count = len(parameters)
        handles = (ctypes.c_uint64 * count)(*[given.handle.value for given in parameters])
        numbers = (ctypes.c_double * count)()
        self._do("trial_suggest_all", handles, count, numbers)
        for name, parameter, number in zip(distributions, parameters, numbers):
            self._asked[name] = parameter
            self._values[name] = parameter.value(number)

    # Reporting

    def report(self, value: float, step: int) -> None:
        """Records a value at a step; only the first report of a step counts."""
        if self.study._objectives > 1:
            raise NotImplementedError(
                "Trial.report is not supported for multi-objective optimization."
            )
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise TypeError(
                f"The `value` argument is of type '{type(value)}' but supposed to be a float."
            ) from None
        try:
            place = int(step)
        except (TypeError, ValueError):
            raise TypeError(
                f"The `step` argument is of type '{type(step)}' but supposed to be an int."
            ) from None
        if not 0 <= place < 1 << 63:
            raise ValueError(f"The `step` argument is {step} but cannot be negative or so large.")
        self._do("trial_report", number, place)

    def should_prune(self) -> bool:
        """Whether the trial is to end now, by raising `TrialPruned`."""
        if self.study._objectives > 1:
            raise NotImplementedError(
                "Trial.should_prune is not supported for multi-objective optimization."
            )
        answer = ctypes.c_int32()
        self._do("trial_should_prune", ctypes.byref(answer))
        return answer.value != 0

    def set_user_attr(self, key: str, value: Any) -> None:
        """Keeps a value that JSON can spell with the trial."""
        text = _json_text(f"the attribute {key!r}", value).encode()
        self._do("trial_set_attribute", _library.text(key, "an attribute's key"), text)

    def set_constraint(self, key: str, value: float) -> None:
        """Sets a constraint: the trial is feasible if all its constraints are 0 or less."""
        self._do("trial_set_constraint", _library.text(key, "a constraint's name"), float(value))

    # Reading

    def _frozen(self) -> FrozenTrial:
        """What is known of the trial."""
        if self._end is not None:
            return self._end
        if self._is_told:
            return self.study._stored(self._number)
        try:
            form = self._library.read("trial_show", self._handle)
        except RuntimeError:
            raise self._error() from None
        frozen = _forms.frozen_trials(form)[0]
        # The values as they were given: JSON has no tuples.
        for name, value in self._values.items():
            frozen.params[name] = value
            frozen.distributions[name] = self._asked[name].make()
        return frozen

    @property
    def params(self) -> dict[str, Any]:
        return dict(self._values)

    @property
    def distributions(self) -> dict[str, Any]:
        return {name: parameter.make() for name, parameter in self._asked.items()}

    @property
    def user_attrs(self) -> dict[str, Any]:
        return self._frozen().user_attrs

    @property
    def system_attrs(self) -> dict[str, Any]:
        return self._frozen().system_attrs

    @property
    def constraints(self) -> dict[str, float]:
        return self._frozen().constraints

    @property
    def relative_params(self) -> dict[str, Any]:
        return {}

    @property
    def datetime_start(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(self._started)


__all__ = ["BaseTrial", "FixedTrial", "FrozenTrial", "Trial", "TrialState", "create_trial"]
