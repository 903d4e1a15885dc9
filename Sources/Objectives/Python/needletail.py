"""One trial of a Needletail study, from Python. A single file without dependencies; Python 3.8 or later.

`needletail run` puts this file on the path of the programs that it starts, so there is nothing to
install:

    import needletail

    def objective(trial):
        lr = trial.suggest_float("lr", 1e-5, 1e-1, log=True)
        for epoch in range(10):
            loss = train(lr, epoch)
            trial.report(loss, epoch)
            if trial.should_prune():
                raise needletail.TrialPruned()
        return loss

    needletail.run(objective)

Names, arguments and meanings are those of Optuna, so a program written for it runs after changing one
line to `import needletail as optuna`. A process of the program runs one trial after the other while
the runner has some for it, so inside it `study.optimize(objective, n_trials=100)` calls the objective
for these; how many trials there are, in which direction, and with which sampler and pruner, stands in
the study file. A direction that contradicts
the study file is an error; samplers, pruners and storages of the program are ignored with a note. What
a study would have to do beyond these trials, such as add finished ones, raises an error.

The package `needletail`, which is installed for whole studies in one process, takes its distributions,
trials, errors and logging from this file, and is this file inside a trial.
"""

import datetime
import enum
import json
import math
import os
import sys
import threading
import types
import warnings

__version__ = "0.2.0"

__all__ = [
    "NeedletailError",
    "Study",
    "Trial",
    "TrialPruned",
    "__version__",
    "create_study",
    "create_trial",
    "current_trial",
    "load_study",
    "run",
    "tell",
]


# Errors


class NeedletailError(Exception):
    """A request that was refused, or a program that no trial runs. Optuna's `OptunaError`."""


class TrialPruned(NeedletailError):
    """Raised by an objective to end its trial early."""


class DuplicatedStudyError(NeedletailError):
    """A study of that name exists."""


class StorageInternalError(NeedletailError):
    """The store failed."""


class UpdateFinishedTrialError(NeedletailError, RuntimeError):
    """The trial has ended and cannot change any more."""


class CLIUsageError(NeedletailError):
    """Never raised: here for programs that catch it."""


class ExperimentalWarning(Warning):
    """Never shown: here for programs that filter it."""


def _is_pruning(error):
    """Whether an objective's error prunes its trial; that of the real Optuna does, too."""
    return isinstance(error, TrialPruned) or any(
        cls.__name__ == "TrialPruned" and cls.__module__.split(".")[0] in ("optuna", "rustuna")
        for cls in type(error).__mro__
    )


# Distributions


class BaseDistribution:
    """The values that a parameter may have."""

    def to_external_repr(self, param_value_in_internal_repr):
        return param_value_in_internal_repr

    def to_internal_repr(self, param_value_in_external_repr):
        raise NotImplementedError

    def single(self):
        raise NotImplementedError

    def _contains(self, param_value_in_internal_repr):
        raise NotImplementedError

    def _asdict(self):
        return dict(self.__dict__)

    def __eq__(self, other):
        if not isinstance(other, BaseDistribution):
            return NotImplemented
        return type(self) is type(other) and self._asdict() == other._asdict()

    def __hash__(self):
        return hash((type(self).__name__, str(sorted(self._asdict().items()))))

    def __repr__(self):
        members = ", ".join("%s=%r" % item for item in sorted(self._asdict().items()))
        return "%s(%s)" % (type(self).__name__, members)


def _number(value, what="parameter"):
    """A number as a float; what is none raises Optuna's error."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError("'%s' is not a valid type. float-castable value is expected" % (value,)) from None
    if math.isnan(number):
        raise ValueError("`%s` is an invalid float value for %s." % (value, what))
    return number


def _whole(value, name):
    number = int(value)
    if number != value:
        raise ValueError("parameter %s: %r is not a whole number" % (name, value))
    return number


class FloatDistribution(BaseDistribution):
    """Numbers from `low` to `high`, both included."""

    def __init__(self, low, high, log=False, step=None):
        low, high = float(low), float(high)
        if log and step is not None:
            raise ValueError("The parameter `step` is not supported when `log` is true.")
        if not low <= high:
            raise ValueError("`low <= high` must hold, but got (low=%s, high=%s)." % (low, high))
        if log and low <= 0:
            raise ValueError("`low > 0` must hold for `log=True`, but got low=%s." % low)
        if step is not None:
            step = float(step)
            if not step > 0:
                raise ValueError("`step > 0` must hold, but got step=%s." % step)
            high = _grid_end(low, high, step)
        self.low = low
        self.high = high
        self.log = bool(log)
        self.step = step

    def single(self):
        if self.step is None:
            return self.low == self.high
        return self.low == self.high or self.high - self.low < self.step

    def _contains(self, param_value_in_internal_repr):
        value = param_value_in_internal_repr
        if self.step is None:
            return self.low <= value <= self.high
        place = (value - self.low) / self.step
        return self.low <= value <= self.high and abs(place - round(place)) < 1e-8

    def to_internal_repr(self, param_value_in_external_repr):
        value = param_value_in_external_repr
        number = _number(value)
        if self.log and number <= 0:
            raise ValueError("`%s` is invalid for the suggested parameter with log=True." % (value,))
        return number


def _grid_end(low, high, step):
    """The last point of the grid, in decimal arithmetic as Optuna has it."""
    from decimal import Decimal

    decimal_low, decimal_step = Decimal(str(low)), Decimal(str(step))
    span = Decimal(str(high)) - decimal_low
    if span % decimal_step == 0:
        return high
    end = float((span // decimal_step) * decimal_step + decimal_low)
    warnings.warn(
        "The range %s to %s is not divisible by `step=%s`; its end becomes %s." % (low, high, step, end)
    )
    return end


class IntDistribution(BaseDistribution):
    """Whole numbers from `low` to `high`, both included."""

    def __init__(self, low, high, log=False, step=1):
        low, high, step = int(low), int(high), int(step)
        if log and step != 1:
            raise ValueError("`step != 1` is not supported when `log` is true.")
        if low > high:
            raise ValueError("`low <= high` must hold, but got (low=%s, high=%s)." % (low, high))
        if log and low < 1:
            raise ValueError("`low >= 1` must hold for `log=True`, but got low=%s." % low)
        if step <= 0:
            raise ValueError("`step > 0` must hold, but got step=%s." % step)
        self.log = bool(log)
        self.low = low
        self.high = low + (high - low) // step * step
        self.step = step

    def single(self):
        return self.low == self.high or self.high - self.low < self.step

    def _contains(self, param_value_in_internal_repr):
        value = param_value_in_internal_repr
        return self.low <= value <= self.high and (value - self.low) % self.step == 0

    def to_external_repr(self, param_value_in_internal_repr):
        return int(param_value_in_internal_repr)

    def to_internal_repr(self, param_value_in_external_repr):
        value = param_value_in_external_repr
        number = _number(value)
        if self.log and number <= 0:
            raise ValueError("`%s` is invalid for the suggested parameter with log=True." % (value,))
        return number


class CategoricalDistribution(BaseDistribution):
    """Choices without an order."""

    def __init__(self, choices):
        if len(choices) == 0:
            raise ValueError("The `choices` must contain one or more elements.")
        self.choices = tuple(choices)

    def single(self):
        return len(self.choices) == 1

    def _contains(self, param_value_in_internal_repr):
        value = param_value_in_internal_repr
        return 0 <= int(value) < len(self.choices)

    def to_external_repr(self, param_value_in_internal_repr):
        return self.choices[int(param_value_in_internal_repr)]

    def to_internal_repr(self, param_value_in_external_repr):
        value = param_value_in_external_repr
        alike = [i for i, choice in enumerate(self.choices) if _is_same(choice, value)]
        exact = [i for i in alike if type(self.choices[i]) is type(value)]
        if not alike:
            raise ValueError("'%s' not in %s." % (value, self.choices))
        return (exact or alike)[0]


class UniformDistribution(FloatDistribution):
    """Optuna's older name of a float."""

    def __init__(self, low, high):
        super().__init__(low, high)


class LogUniformDistribution(FloatDistribution):
    """Optuna's older name of a float on a logarithmic scale."""

    def __init__(self, low, high):
        super().__init__(low, high, log=True)


class DiscreteUniformDistribution(FloatDistribution):
    """Optuna's older name of a float on a grid."""

    def __init__(self, low, high, q):
        super().__init__(low, high, step=q)

    @property
    def q(self):
        return self.step


class IntUniformDistribution(IntDistribution):
    """Optuna's older name of a whole number."""

    def __init__(self, low, high, step=1):
        super().__init__(low, high, step=step)


class IntLogUniformDistribution(IntDistribution):
    """Optuna's older name of a whole number on a logarithmic scale."""

    def __init__(self, low, high, step=1):
        super().__init__(low, high, log=True, step=step)


DISTRIBUTION_CLASSES = (
    IntDistribution,
    IntLogUniformDistribution,
    IntUniformDistribution,
    FloatDistribution,
    UniformDistribution,
    LogUniformDistribution,
    DiscreteUniformDistribution,
    CategoricalDistribution,
)


def distribution_to_json(dist):
    """The distribution as Optuna's storages spell it."""
    return json.dumps({"name": type(dist).__name__, "attributes": dist._asdict()}, default=_plain)


def json_to_distribution(json_str):
    """The distribution that `distribution_to_json` spelled; also the short form of the command line."""
    form = json.loads(json_str)
    if "type" in form:
        kinds = {"float": FloatDistribution, "int": IntDistribution, "categorical": CategoricalDistribution}
        attributes = {key: value for key, value in form.items() if key != "type"}
        kind = kinds.get(form["type"])
        if kind is None:
            raise ValueError("Unknown distribution: %s" % json_str)
        return kind(**attributes)
    for kind in DISTRIBUTION_CLASSES:
        if kind.__name__ == form["name"]:
            return kind(**form["attributes"])
    raise ValueError("Unknown distribution class: %s" % form["name"])


def check_distribution_compatibility(dist_old, dist_new):
    """Refuses what a parameter may not become within a study."""
    kinds = (FloatDistribution, IntDistribution, CategoricalDistribution)
    if [isinstance(dist_old, kind) for kind in kinds] != [isinstance(dist_new, kind) for kind in kinds]:
        raise ValueError("Cannot set different distribution kind to the same parameter name.")
    if isinstance(dist_old, CategoricalDistribution):
        if dist_old != dist_new:
            raise ValueError("CategoricalDistribution does not support dynamic value space.")
    elif dist_old.log != dist_new.log:
        raise ValueError("Cannot set different log configuration to the same parameter name.")


def _plain(value):
    """NumPy's scalars as Python's own."""
    item = getattr(value, "item", None)
    return item() if callable(item) else value


def _as_json(name, choice):
    """The choice as the study keeps it: what a JSON text of it reads back as."""
    try:
        return json.loads(json.dumps(choice, default=_plain))
    except (TypeError, ValueError, RecursionError):
        raise TypeError(
            "parameter %r: the choice %r is not None, a Boolean, a number, a text, or a list or "
            "mapping of these; suggest a name or an index and look the object up" % (name, choice)
        ) from None


def _json_text(what, value):
    """A value that is kept with a trial or a study, as JSON."""
    try:
        text = json.dumps(value, default=_plain, ensure_ascii=False)
        text.encode()
        return text
    except UnicodeEncodeError:
        raise ValueError("%s has a text that is not Unicode" % what) from None
    except (TypeError, ValueError, RecursionError):
        raise TypeError("%s is %r, which JSON cannot spell; keep a text of it" % (what, value)) from None


def _is_same(a, b):
    """Whether the two are one choice; a not-a-number is itself, also inside of lists and mappings."""
    try:
        if json.dumps(a, sort_keys=True, default=_plain) == json.dumps(b, sort_keys=True, default=_plain):
            return True
    except (TypeError, ValueError, RecursionError):
        return a is b
    return bool(a == b) and isinstance(a, str) == isinstance(b, str)


# Trials


class TrialState(enum.IntEnum):
    """How a trial stands."""

    RUNNING = 0
    COMPLETE = 1
    PRUNED = 2
    FAIL = 3
    WAITING = 4

    def is_finished(self):
        return self not in (TrialState.RUNNING, TrialState.WAITING)


class StudyDirection(enum.IntEnum):
    """What is good."""

    NOT_SET = 0
    MINIMIZE = 1
    MAXIMIZE = 2


class BaseTrial:
    """What all trials have."""

    def suggest_uniform(self, name, low, high):
        return self.suggest_float(name, low, high)

    def suggest_loguniform(self, name, low, high):
        return self.suggest_float(name, low, high, log=True)

    def suggest_discrete_uniform(self, name, low, high, q):
        return self.suggest_float(name, low, high, step=q)

    def suggest_float(self, name, low, high, *, step=None, log=False):
        raise NotImplementedError


class _KnownTrial(BaseTrial):
    """A trial whose parameters are known: suggestions look them up."""

    _params = {}  # type: dict
    _distributions = {}  # type: dict

    def suggest_float(self, name, low, high, *, step=None, log=False):
        """The known value of the parameter."""
        return self._known(name, FloatDistribution(low, high, log=log, step=step))

    def suggest_int(self, name, low, high, *, step=1, log=False):
        """The known value of the parameter."""
        return int(self._known(name, IntDistribution(low, high, log=log, step=step)))

    def suggest_categorical(self, name, choices):
        """The known value of the parameter."""
        return self._known(name, CategoricalDistribution(choices))

    def _known(self, name, distribution):
        if name not in self._params:
            raise ValueError(
                "The value of the parameter '%s' is not found. Please set it at the construction of "
                "the trial." % name
            )
        value = self._params[name]
        if not distribution._contains(distribution.to_internal_repr(value)):
            warnings.warn(
                "The value %s of the parameter '%s' is out of the range of the distribution %s."
                % (value, name, distribution)
            )
        if name in self._distributions:
            check_distribution_compatibility(self._distributions[name], distribution)
        self._distributions[name] = distribution
        return value

    def report(self, value, step):
        """Nothing: what the trial is is known."""

    def should_prune(self):
        return False


class FixedTrial(_KnownTrial):
    """A trial whose parameters a program gives, to try its objective."""

    def __init__(self, params, number=0):
        self._params = params
        self._suggested = {}
        self._distributions = {}
        self._user_attrs = {}
        self._system_attrs = {}
        self._constraints = {}
        self._number = number
        self._datetime_start = datetime.datetime.now()

    def _known(self, name, distribution):
        self._suggested[name] = super()._known(name, distribution)
        return self._suggested[name]

    def set_user_attr(self, key, value):
        self._user_attrs[key] = value

    def set_constraint(self, key, value):
        self._constraints[key] = float(value)

    @property
    def params(self):
        return dict(self._suggested)

    @property
    def distributions(self):
        return dict(self._distributions)

    @property
    def user_attrs(self):
        return self._user_attrs

    @property
    def system_attrs(self):
        return self._system_attrs

    @property
    def constraints(self):
        return dict(self._constraints)

    @property
    def datetime_start(self):
        return self._datetime_start

    @property
    def number(self):
        return self._number


_CONSTRAINT = "constraints:"


class FrozenTrial(_KnownTrial):
    """What is known of a trial at one moment."""

    def __init__(
        self,
        number,
        state,
        value,
        datetime_start,
        datetime_complete,
        params,
        distributions,
        user_attrs,
        system_attrs,
        intermediate_values,
        trial_id,
        *,
        values=None
    ):
        if value is not None and values is not None:
            raise ValueError("Specify only one of `value` and `values`.")
        self.number = number
        self.state = state
        self.datetime_start = datetime_start
        self.datetime_complete = datetime_complete
        self.user_attrs = user_attrs
        self.system_attrs = system_attrs
        self.intermediate_values = intermediate_values
        self._params = params
        self._distributions = distributions
        self._trial_id = trial_id
        self._values = [value] if value is not None else None if values is None else list(values)

    @property
    def values(self):
        return self._values

    @values.setter
    def values(self, values):
        self._values = None if values is None else list(values)

    @property
    def value(self):
        if self._values is None:
            return None
        if len(self._values) > 1:
            raise RuntimeError("This attribute is not available during multi-objective optimization.")
        return self._values[0]

    @value.setter
    def value(self, value):
        self._values = None if value is None else [value]

    @property
    def params(self):
        return self._params

    @params.setter
    def params(self, params):
        self._params = params

    @property
    def distributions(self):
        return self._distributions

    @distributions.setter
    def distributions(self, distributions):
        self._distributions = distributions

    @property
    def constraints(self):
        return {
            key[len(_CONSTRAINT):]: value
            for key, value in self.system_attrs.items()
            if key.startswith(_CONSTRAINT)
        }

    @property
    def last_step(self):
        return max(self.intermediate_values, default=None)

    @property
    def duration(self):
        if self.datetime_start is None or self.datetime_complete is None:
            return None
        return self.datetime_complete - self.datetime_start

    def set_user_attr(self, key, value):
        self.user_attrs[key] = value

    def set_constraint(self, key, value):
        self.system_attrs[_CONSTRAINT + key] = float(value)

    def _is_feasible(self):
        return all(value <= 0 for value in self.constraints.values())

    def _validate(self):
        """Refuses what no trial is."""
        if self.state != TrialState.WAITING and self.datetime_start is None:
            raise ValueError("`datetime_start` is supposed to be set unless the trial is waiting.")
        if self.state.is_finished() != (self.datetime_complete is not None):
            raise ValueError("`datetime_complete` is supposed to be set if the trial is finished.")
        if self.state == TrialState.FAIL and self._values is not None:
            raise ValueError("values should be None for a failed trial, but got %s." % self._values)
        if self.state == TrialState.COMPLETE:
            if self._values is None:
                raise ValueError("values should be set for a complete trial.")
            if any(math.isnan(value) for value in self._values):
                raise ValueError("values should not contain NaN.")
        if set(self._params) != set(self._distributions):
            raise ValueError(
                "Inconsistent parameters %s and distributions %s."
                % (sorted(self._params), sorted(self._distributions))
            )
        for name, value in self._params.items():
            distribution = self._distributions[name]
            if not distribution._contains(distribution.to_internal_repr(value)):
                raise ValueError(
                    "The value %s of parameter '%s' isn't contained in the distribution %s."
                    % (value, name, distribution)
                )

    def _asdict(self):
        return dict(self.__dict__)

    def __eq__(self, other):
        if not isinstance(other, FrozenTrial):
            return NotImplemented
        return self._asdict() == other._asdict()

    def __lt__(self, other):
        if not isinstance(other, FrozenTrial):
            return NotImplemented
        return self.number < other.number

    def __le__(self, other):
        if not isinstance(other, FrozenTrial):
            return NotImplemented
        return self.number <= other.number

    def __hash__(self):
        return hash((self.number, self.state, self._trial_id, str(self._values), str(self._params)))

    def __repr__(self):
        names = ("number", "state", "values", "datetime_start", "datetime_complete", "params")
        more = ("user_attrs", "system_attrs", "intermediate_values", "distributions")
        members = ["%s=%r" % (name, getattr(self, name)) for name in names + more]
        return "FrozenTrial(%s, trial_id=%r)" % (", ".join(members), self._trial_id)

    def __deepcopy__(self, memo):
        from copy import deepcopy

        copied = FrozenTrial.__new__(FrozenTrial)
        copied.__dict__.update(self.__dict__)
        copied._params = dict(self._params)
        copied._distributions = dict(self._distributions)
        copied.intermediate_values = dict(self.intermediate_values)
        copied.user_attrs = deepcopy(self.user_attrs, memo) if self.user_attrs else {}
        copied.system_attrs = deepcopy(self.system_attrs, memo) if self.system_attrs else {}
        copied._values = None if self._values is None else list(self._values)
        return copied


def create_trial(
    *,
    state=TrialState.COMPLETE,
    value=None,
    values=None,
    params=None,
    distributions=None,
    user_attrs=None,
    system_attrs=None,
    intermediate_values=None,
    constraints=None
):
    """A trial that a program knows, to be added to a study."""
    now = datetime.datetime.now()
    attrs = dict(system_attrs or {})
    for key, number in (constraints or {}).items():
        attrs[_CONSTRAINT + key] = float(number)
    trial = FrozenTrial(
        -1,
        TrialState(state),
        None if value is None else float(value),
        None if state == TrialState.WAITING else now,
        now if TrialState(state).is_finished() else None,
        dict(params or {}),
        dict(distributions or {}),
        dict(user_attrs or {}),
        attrs,
        dict(intermediate_values or {}),
        -1,
        values=None if values is None else [float(v) for v in values],
    )
    trial._validate()
    return trial


# Logging

_log_lock = threading.Lock()
_log_handler = None


def _library_logger():
    """The logger of all that is said here; Python's logging is imported when it is needed first."""
    import logging as python_logging

    global _log_handler
    logger = python_logging.getLogger("needletail")
    if _log_handler is None:
        with _log_lock:
            if _log_handler is None:
                handler = python_logging.StreamHandler()
                handler.setFormatter(
                    python_logging.Formatter(
                        "[%(levelname).1s %(asctime)s,%(msecs)03d] %(message)s", "%Y-%m-%d %H:%M:%S"
                    )
                )
                # A trial's log has what its program prints; the trial itself is the runner's to tell.
                if not os.environ.get("NEEDLETAIL_CHANNEL"):
                    logger.addHandler(handler)
                logger.setLevel(python_logging.INFO)
                logger.propagate = False
                _log_handler = handler
    return logger


def get_logger(name="needletail"):
    """A logger; `optuna` and what is below it are those of Needletail."""
    import logging as python_logging

    _library_logger()
    first, dot, rest = str(name).partition(".")
    return python_logging.getLogger("needletail" + dot + rest if first == "optuna" else name)


def get_verbosity():
    return _library_logger().getEffectiveLevel()


def set_verbosity(verbosity):
    _library_logger().setLevel(verbosity)


def disable_default_handler():
    logger = _library_logger()
    if _log_handler is not None:
        logger.removeHandler(_log_handler)


def enable_default_handler():
    logger = _library_logger()
    if _log_handler is not None:
        logger.addHandler(_log_handler)


def disable_propagation():
    _library_logger().propagate = False


def enable_propagation():
    _library_logger().propagate = True


# Studies


class MaxTrialsCallback:
    """Stops a study at a number of trials."""

    def __init__(self, n_trials, states=(TrialState.COMPLETE,)):
        self._n_trials = n_trials
        self._states = states

    def __call__(self, study, trial):
        if len(study.get_trials(deepcopy=False, states=self._states)) >= self._n_trials:
            study.stop()


def _direction(given):
    """`minimize` or `maximize`, however a program spells it."""
    name = str(getattr(given, "name", given)).lower()
    if name not in ("minimize", "maximize"):
        raise ValueError(
            "`directions` must be a list of `minimize` or `maximize`, but got %r. For "
            "single-objective optimization, please use `direction` instead of `directions`." % (given,)
        )
    return name


def _directions(direction, directions):
    """What a program asks for, as a list of names; None when it does not say."""
    if direction is not None and directions is not None:
        raise ValueError("Specify only one of `direction` and `directions`.")
    if direction is not None:
        if isinstance(direction, (list, tuple)):
            raise ValueError("Use `directions` instead of `direction` for multi-objective optimization.")
        return [_direction(direction)]
    if directions is None:
        return None
    if len(directions) == 0:
        raise ValueError("The number of objectives must be greater than 0.")
    return [_direction(given) for given in directions]


def _is_several(values):
    return isinstance(values, (list, tuple)) or bool(getattr(values, "shape", ()))


def _checked_values(values, count):
    """The values as floats, or the sentence that says why they are none."""
    if values is None:
        return None, "The value None could not be cast to float."
    # A sequence, or an array of NumPy's with a dimension.
    several = list(values) if _is_several(values) else [values]
    numbers = []
    for value in several:
        try:
            number = float(value)
        except (TypeError, ValueError):
            return None, "The value %r could not be cast to float." % (value,)
        if math.isnan(number):
            return None, "The value %s is not acceptable." % number
        numbers.append(number)
    if len(numbers) != count:
        return None, (
            "The number of the values %d did not match the number of the objectives %d."
            % (len(numbers), count)
        )
    return numbers, None


class _BaseStudy:
    """What can be said of any study by its trials. A subclass says where these come from."""

    _metric_names = None  # type: object

    # The subclass: `_all_trials()` (FrozenTrials that are not to be changed), `directions`, `ask`, `tell`.

    def _all_trials(self):
        raise NotImplementedError

    @property
    def directions(self):
        raise NotImplementedError

    @property
    def direction(self):
        directions = self.directions
        if len(directions) > 1:
            raise RuntimeError(
                "A single direction cannot be retrieved from a multi-objective study. Consider "
                "using Study.directions to retrieve a list containing all directions."
            )
        return directions[0]

    @property
    def trials(self):
        return self.get_trials()

    def get_trials(self, deepcopy=True, states=None):
        """The trials, or those in certain states."""
        from copy import deepcopy as copied

        found = [t for t in self._all_trials() if states is None or t.state in states]
        return [copied(trial) for trial in found] if deepcopy else found

    @property
    def best_trial(self):
        """The best trial that is complete and feasible."""
        from copy import deepcopy

        if len(self.directions) > 1:
            raise RuntimeError(
                "A single best trial cannot be retrieved from a multi-objective study. Consider "
                "using Study.best_trials to retrieve a list containing the best trials."
            )
        complete = [t for t in self._all_trials() if t.state == TrialState.COMPLETE]
        if not complete:
            raise ValueError("No trials are completed yet.")
        feasible = [t for t in complete if t._is_feasible()]
        if not feasible:
            raise ValueError("No feasible trials are completed yet.")
        choose = max if self.directions[0] == StudyDirection.MAXIMIZE else min
        return deepcopy(choose(feasible, key=lambda t: t.values[0]))

    @property
    def best_value(self):
        return self.best_trial.value

    @property
    def best_params(self):
        return self.best_trial.params

    @property
    def best_trials(self):
        """The trials that no other one beats in all objectives."""
        from copy import deepcopy

        signs = [-1 if d == StudyDirection.MAXIMIZE else 1 for d in self.directions]
        found = [t for t in self._all_trials() if t.state == TrialState.COMPLETE and t._is_feasible()]
        points = [tuple(s * v for s, v in zip(signs, t.values)) for t in found]
        order = sorted(range(len(found)), key=lambda i: points[i])
        front = []  # type: list
        for i in order:
            # Whatever beats a point comes before it in this order.
            if not any(
                points[j] != points[i] and all(a <= b for a, b in zip(points[j], points[i])) for j in front
            ):
                front.append(i)
        return [deepcopy(found[i]) for i in sorted(front)]

    @property
    def metric_names(self):
        return self._metric_names

    def trials_dataframe(
        self,
        attrs=(
            "number",
            "value",
            "datetime_start",
            "datetime_complete",
            "duration",
            "params",
            "user_attrs",
            "system_attrs",
            "state",
        ),
        multi_index=False,
    ):
        """The trials as a table of pandas."""
        try:
            import pandas  # type: ignore[import-untyped]
        except ImportError as error:
            raise ImportError(
                "trials_dataframe needs pandas, which this Python (%s) does not have; install it: "
                "pip install pandas" % sys.executable
            ) from error
        trials = self._all_trials()
        table = {}  # type: dict
        for attr in attrs:
            rows = [self._cells(trial, attr) for trial in trials]  # type: list
            keys = {key for cells in rows for key in cells}
            for key in sorted(keys, key=lambda key: [str(part) for part in key]):
                table[key] = [cells.get(key) for cells in rows]
        frame = pandas.DataFrame(table)
        if table and multi_index:
            frame.columns = pandas.MultiIndex.from_tuples(list(table))
        elif table:
            frame.columns = ["_".join(str(part) for part in key if part != "") for key in table]
        return frame

    def _cells(self, trial, attr):
        """What a trial has in the columns of an attribute: by the two levels of their names."""
        if attr == "state":
            return {(attr, ""): trial.state.name}
        if attr in ("value", "values"):
            names = list(self.metric_names or ())  # type: ignore[call-overload]
            count = len(self.directions)
            values = trial.values or [None] * count
            if count == 1 and attr == "value":
                return {("value", names[0] if names else ""): values[0]}
            return {("values", names[i] if names else i): values[i] for i in range(count)}
        found = getattr(trial, attr)
        if isinstance(found, dict):
            return {(attr, key): value for key, value in found.items()}
        return {(attr, ""): found}


# Callbacks of training libraries


def _report(trial, value, step):
    trial.report(value, step=step)
    if trial.should_prune():
        raise TrialPruned("Trial was pruned at iteration %d." % step)


class LightGBMPruningCallback:
    """Reports a metric of LightGBM's after each round, and ends training where the pruner says so."""

    def __init__(self, trial, metric, valid_name="valid_0", report_interval=1):
        self._trial = trial
        self._metric = metric
        self._valid_name = valid_name
        self._interval = report_interval

    def __call__(self, env):
        if (env.iteration + 1) % self._interval:
            return
        for result in env.evaluation_result_list or ():
            data, metric, value = result[:3]
            # lightgbm.cv says "cv_agg", and "valid" before the metric.
            if data == "cv_agg":
                data, _, metric = metric.partition(" ")
                data = self._valid_name if data == "valid" else data
            if data == self._valid_name and metric == self._metric:
                _report(self._trial, value, env.iteration)
                return
        raise ValueError(
            "LightGBM evaluated no metric %r on %r; add them to its metric and valid_names"
            % (self._metric, self._valid_name)
        )


def _xgboost_callback():
    """XGBoost wants a class derived from its own."""
    from xgboost.callback import TrainingCallback  # type: ignore[import-not-found]

    class XGBoostPruningCallback(TrainingCallback):  # type: ignore[misc]
        """Reports a metric of XGBoost's after each round, and ends training as the pruner says."""

        def __init__(self, trial, observation_key):
            super().__init__()
            self._trial = trial
            self._data, _, self._metric = observation_key.partition("-")

        def after_iteration(self, model, epoch, evals_log):
            value = evals_log[self._data][self._metric][-1]
            _report(self._trial, value[0] if isinstance(value, tuple) else value, epoch)
            return False

    return XGBoostPruningCallback


# The trial that this program runs for


class _Watched(type(os.environ)):  # type: ignore[misc]
    """The environment, which takes note when a trial's own part of it is read outside of trials.

    A program that does so knows one trial's variables for as long as it runs; its process then serves
    that trial alone.
    """

    seen = False
    # How many calls of `optimize` run an objective.
    depth = 0
    # What is the same in all trials of a process.
    common = frozenset(
        "NEEDLETAIL_" + name for name in ("CHANNEL", "LEAVE", "LIBRARY", "SLOT", "STUDY", "WORKER")
    )

    def __getitem__(self, key):
        value = super().__getitem__(key)
        if not _Watched.depth and isinstance(key, str) and key.startswith("NEEDLETAIL_"):
            if key not in self.common:
                _Watched.seen = True
        return value


if os.environ.get("NEEDLETAIL_CHANNEL"):
    os.environ.__class__ = _Watched  # type: ignore[assignment]


class _Channel:
    """The line to the runner of the trial: a request and its answer at a time, as lines of JSON."""

    # How long a process waits for another trial, in seconds, before it ends.
    patience = 60

    def __init__(self):
        number = os.environ.get("NEEDLETAIL_CHANNEL")
        if not number:
            raise NeedletailError(
                "this program is not run by needletail; start it with: needletail run study.yaml"
            )
        self._descriptor = int(number)
        self._rest = b""
        self._lock = threading.Lock()
        # The trial that requests are about has ended, and they would be taken for another one's.
        self._is_over = False
        # How many requests were posted whose answers have not been read.
        self._owed = 0

    def post(self, _call, **members):
        """Sends a request whose answer the next call reads; says nothing of a trial that is over."""
        with self._lock:
            self._send(dict(members, call=_call))
            self._owed += 1

    def taken(self):
        """Says that the trial that `successor` brought is run."""
        with self._lock:
            self._send({"call": "taken"})

    def successor(self):
        """Asks for another trial: its line and what is said of it; None when there is none."""
        import select

        with self._lock:
            answer = self._exchange(
                {"call": "next"},
                lambda: select.select([self._descriptor], [], [], self.patience)[0],
            )
            if answer is None:
                # So that the runner knows.
                os.close(self._descriptor)
                self._descriptor = -1
            elif answer.get("ok") and not answer.get("done"):
                self._is_over = True
                line = _Channel.__new__(_Channel)
                line.__dict__.update(self.__dict__, _is_over=False, _lock=threading.Lock())
                return line, answer
        return None

    def call(self, _call, **members):
        """Sends a request and returns the answer."""
        with self._lock:
            if self._is_over:
                raise UpdateFinishedTrialError("the trial has ended, and this process runs another one")
            answer = self._exchange(dict(members, call=_call)) or {}
        if not answer.get("ok"):
            raise NeedletailError(answer.get("error", "refused without a reason"))
        return answer

    def _exchange(self, request, is_answered=lambda: True):
        self._send(request)
        while self._owed:
            answer = self._receive() or {}
            self._owed -= 1
            if not answer.get("ok"):
                raise NeedletailError(answer.get("error", "refused without a reason"))
        return self._receive(is_answered)

    def _send(self, request):
        # Not as escapes: a text that is not Unicode is an error here, and not another text there.
        line = json.dumps(request, ensure_ascii=False).encode() + b"\n"
        try:
            while line:
                line = line[os.write(self._descriptor, line) :]
        except OSError as error:
            raise self._broken(error) from error

    def _receive(self, is_answered=lambda: True):
        try:
            while b"\n" not in self._rest:
                if not is_answered():
                    return None
                received = os.read(self._descriptor, 65536)
                if not received:
                    raise NeedletailError("needletail is gone; its trial ends here")
                self._rest += received
        except OSError as error:
            raise self._broken(error) from error
        line, self._rest = self._rest.split(b"\n", 1)
        return json.loads(line)

    def _broken(self, error):
        return NeedletailError(
            "the trial channel (descriptor %d) is not open in this process: %s; "
            "call needletail from the process that needletail started" % (self._descriptor, error)
        )


class Trial(BaseTrial):
    """The trial that this program runs for; see Optuna's `Trial`."""

    def __init__(self, channel, about=None):
        self._channel = channel
        if about is None:
            about = channel.call("trial")
        else:
            channel.taken()
        self._number = about["number"]
        self._params = dict(about["params"])
        self._user_attrs = dict(about["user_attrs"])
        self._directions = about["directions"]
        self._asked = {}
        self._reports = {}
        self._constraints = {}
        self._datetime_start = datetime.datetime.now()
        # What came of it; None while it runs.
        self._end = None
        # How many trials the runner has for this process: "no" others, the "usual" number, "asked" for.
        self._reuse = about.get("reuse", "no")
        self.study = None
        self.study_name = about["study"]
        self.attempt = about["attempt"]
        self.seed = about["seed"]
        """A seed for this trial's random numbers, the same for each attempt at it; below 2**31."""

    @property
    def number(self):
        return self._number

    @property
    def params(self):
        return dict(self._params)

    @property
    def user_attrs(self):
        return dict(self._user_attrs)

    @property
    def constraints(self):
        return dict(self._constraints)

    @property
    def distributions(self):
        return {name: make() for name, make in self._asked.items()}

    @property
    def datetime_start(self):
        return self._datetime_start

    @property
    def relative_params(self):
        return {}

    def suggest_float(self, name, low, high, *, step=None, log=False):
        """A number from `low` to `high`, both included."""
        distribution = {
            "type": "float",
            "low": float(low),
            "high": float(high),
            "step": None if step is None else float(step),
            "log": bool(log),
        }
        value = float(self._suggest(name, distribution))
        self._asked[name] = lambda: FloatDistribution(low, high, log=log, step=step)
        return value

    def suggest_int(self, name, low, high, *, step=1, log=False):
        """A whole number from `low` to `high`, both included."""
        distribution = {
            "type": "int",
            "low": _whole(low, name),
            "high": _whole(high, name),
            "step": _whole(step, name),
            "log": bool(log),
        }
        value = int(self._suggest(name, distribution))
        self._asked[name] = lambda: IntDistribution(low, high, log=log, step=step)
        return value

    def suggest_categorical(self, name, choices):
        """One of `choices`: None, Booleans, numbers, texts, or lists and mappings of these.

        A tuple is kept as a list, as JSON has it; what is returned is the choice that was given.
        """
        choices = list(choices)
        plain = [_as_json(name, choice) for choice in choices]
        value = self._suggest(name, {"type": "categorical", "choices": plain})
        alike = [i for i, choice in enumerate(plain) if _is_same(choice, value)]
        exact = [i for i in alike if json.dumps(plain[i]) == json.dumps(value)]
        if not alike:
            raise NeedletailError("parameter %r got %r, which is no choice" % (name, value))
        chosen = choices[(exact or alike)[0]]
        self._params[name] = chosen
        self._asked[name] = lambda: CategoricalDistribution(choices)
        return chosen

    def _suggest(self, name, distribution):
        answer = self._channel.call("suggest", name=name, distribution=distribution)
        self._params[name] = answer["value"]
        return answer["value"]

    def report(self, value, step):
        """Records a value at a step; only the first report of a step counts."""
        self._channel.call("report", value=float(value), step=int(step))
        self._reports.setdefault(int(step), float(value))

    def should_prune(self):
        """Whether the trial is to end now, by raising `TrialPruned`."""
        return bool(self._channel.call("should_prune")["prune"])

    def set_user_attr(self, key, value):
        """Keeps a value that JSON can spell with the trial."""
        self._channel.call("set_user_attr", key=key, value=value)
        self._user_attrs[key] = value

    def set_constraint(self, key, value):
        """Sets a constraint: the trial is feasible if all its constraints are 0 or less."""
        self._channel.call("set_constraint", name=key, value=float(value))
        self._constraints[key] = float(value)

    def _frozen(self, values, state):
        """The trial as it has ended."""
        system = {_CONSTRAINT + key: value for key, value in self._constraints.items()}
        return FrozenTrial(
            self._number,
            state,
            None,
            self._datetime_start,
            datetime.datetime.now(),
            self.params,
            self.distributions,
            self.user_attrs,
            system,
            dict(self._reports),
            self._number,
            values=values or None,
        )


_trial = None


def _go_on():
    """Begins another trial in this process; False when there is none for it."""
    global _trial
    trial = current_trial()
    if trial._reuse == "no" or (trial._reuse == "usual" and _Watched.seen):
        return False
    # What the trial printed stands in its own log.
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    if "ctypes" in sys.modules:
        sys.modules["ctypes"].CDLL(None).fflush(None)
    found = trial._channel.successor()
    if found is None:
        return False
    channel, about = found
    environment = about["environment"]
    for name in list(os.environ):
        if name.startswith("NEEDLETAIL_PARAM_") and name not in environment:
            del os.environ[name]
    for name in about["unset"]:
        os.environ.pop(name, None)
    os.environ.update(environment)
    os.chdir(about["folder"])
    _trial = Trial(channel, about)
    return True


def current_trial():
    """The trial that this program runs for."""
    global _trial
    if _trial is None:
        _trial = Trial(_Channel())
    return _trial


def tell(values):
    """Ends the trial with its objective's value, or with a list of several objectives' values."""
    several = isinstance(values, (list, tuple))
    current_trial()._channel.call("tell", values=[float(v) for v in (values if several else [values])])


def run(objective):
    """Calls the objective with this program's trial, tells its value, and returns it.

    While the runner has further trials for this process, the objective is called for each, and what is
    returned is the last one's value: None when it raised `TrialPruned`. Another exception is told as
    the trial's failure and raised again.
    """
    study = Study()
    study.optimize(objective)
    return study._result


class Study(_BaseStudy):
    """Stands where a program for Optuna has its study: its trials are those of this process."""

    # Of all such objects in the program: they are one study.
    _ended = []  # type: list
    _user_attrs = {}  # type: dict

    def __init__(self, directions=None):
        self._result = None
        self._is_running = False
        self._is_stopped = False
        self._posts = False
        self.sampler = None
        self.pruner = None
        if directions is not None:
            wanted = current_trial()._directions
            if directions != wanted:
                raise NeedletailError(
                    "the program wants to %s, but the study file says %s; change one of them"
                    % (" and ".join(directions), " and ".join(wanted))
                )

    @property
    def study_name(self):
        return current_trial().study_name

    @property
    def directions(self):
        return [StudyDirection[name.upper()] for name in current_trial()._directions]

    @property
    def user_attrs(self):
        return dict(self._user_attrs)

    def _all_trials(self):
        return self._ended

    def optimize(
        self,
        func,
        n_trials=None,
        timeout=None,
        n_jobs=1,
        catch=(),
        callbacks=None,
        gc_after_trial=False,
        show_progress_bar=False,
    ):
        """Calls `func` for the trials of this process; the study file says how many there are."""
        if current_trial()._end is not None:
            return
        caught = catch if isinstance(catch, type) else tuple(catch)
        self._is_running = True
        self._is_stopped = False
        # Where nothing comes between a trial's end and the next one, both go at once.
        self._posts = not callbacks
        try:
            while True:
                _Watched.depth += 1
                try:
                    self._run(func, caught)
                    for callback in callbacks or ():
                        callback(self, self._ended[-1])
                finally:
                    _Watched.depth -= 1
                if gc_after_trial:
                    import gc

                    gc.collect()
                if self._is_stopped or not _go_on():
                    return
        finally:
            self._is_running = self._posts = False

    def _run(self, func, caught):
        trial = current_trial()
        trial.study = self  # type: ignore[assignment]
        self._result = None
        try:
            value = func(trial)
        except Exception as error:
            if _is_pruning(error):
                self.tell(trial, state=TrialState.PRUNED)
                return
            reason = "%s: %s" % (type(error).__name__, error)
            self.tell(trial, state=TrialState.FAIL, reason=reason)
            if not isinstance(error, caught):
                raise
        else:
            self._result = value
            self.tell(trial, value)

    def ask(self, fixed_distributions=None):
        """The trial of this program, with the parameters of `fixed_distributions` suggested.

        A program that asks for another one after its trial has ended has done its work, and exits.
        """
        trial = current_trial()
        if trial._end is not None:
            sys.exit(0)
        trial.study = self  # type: ignore[assignment]
        for name, distribution in (fixed_distributions or {}).items():
            if isinstance(distribution, CategoricalDistribution):
                trial.suggest_categorical(name, distribution.choices)
            elif isinstance(distribution, IntDistribution):
                trial.suggest_int(
                    name, distribution.low, distribution.high, step=distribution.step, log=distribution.log
                )
            else:
                trial.suggest_float(
                    name, distribution.low, distribution.high, step=distribution.step, log=distribution.log
                )
        return trial

    def tell(self, trial, values=None, state=None, skip_if_finished=False, reason=None):
        """Ends the trial."""
        known = current_trial()._end
        if known is not None:
            if skip_if_finished:
                return known
            raise ValueError("Cannot tell a %s trial." % known.state.name)
        channel = current_trial()._channel
        send = channel.post if self._posts else channel.call
        state = TrialState.COMPLETE if state is None else TrialState(state)
        several = list(values) if isinstance(values, (list, tuple)) else [values]
        numbers = []
        if state == TrialState.COMPLETE:
            try:
                numbers = [float(value) for value in several]  # type: ignore[arg-type]
            except (TypeError, ValueError):
                state = TrialState.FAIL
                reason = "the objective returned %r, which is not a number" % (values,)
        if state == TrialState.COMPLETE:
            send("tell", values=numbers)
            if any(math.isnan(number) for number in numbers):
                state, numbers = TrialState.FAIL, []
        elif state == TrialState.PRUNED:
            send("tell", state="pruned")
            reports = current_trial()._reports
            numbers = [reports[max(reports)]] if reports else []
        elif state == TrialState.FAIL:
            channel.call("tell", state="failed", reason=reason or "the program said that it failed")
        else:
            raise ValueError("a trial ends as COMPLETE, PRUNED or FAIL, not as %s" % state.name)
        ended = current_trial()._frozen(numbers, state)
        current_trial()._end = ended  # type: ignore[assignment]
        self._ended.append(ended)
        logger = _library_logger()
        if state == TrialState.COMPLETE:
            logger.info(
                "Trial %d finished with values: %s and parameters: %s.",
                ended.number,
                numbers,
                ended.params,
            )
        else:
            logger.info("Trial %d ended as %s.", ended.number, state.name)
        return ended

    def set_user_attr(self, key, value):
        """Sets an attribute of the study."""
        current_trial()._channel.call("set_study_attr", key=key, value=value)
        self._user_attrs[key] = value

    def set_metric_names(self, metric_names):
        """Names the objectives in this program; the study file has the names of the study."""
        if len(metric_names) != len(self.directions):
            raise ValueError("The number of objectives must match the length of the metric names.")
        self._metric_names = list(metric_names)

    def enqueue_trial(self, params, user_attrs=None, skip_if_exists=False):
        """Queues a trial, unless the study has one that was queued with these parameters.

        Each trial of the study runs this program; together they queue it once.
        """
        if not isinstance(params, dict):
            raise TypeError("params must be a dictionary.")
        plain = {name: _as_json(name, value) for name, value in params.items()}
        current_trial()._channel.call("enqueue", params=plain, user_attrs=user_attrs or {})

    def add_trial(self, trial):
        """Refused: what is known beforehand is imported with `needletail`."""
        raise NeedletailError(
            "a trial adds no finished trials to its study; import them: needletail study import"
        )

    def add_trials(self, trials):
        """Refused, as `add_trial` is."""
        for trial in trials:
            self.add_trial(trial)

    def stop(self):
        """Ends this call of `optimize` after its trial; the study itself goes on."""
        if not self._is_running:
            raise RuntimeError(
                "`Study.stop` is supposed to be invoked inside an objective function or a callback."
            )
        self._is_stopped = True
        warnings.warn(
            "study.stop() ends this program's call of optimize; other trials go on; to end the study: "
            "needletail study stop %s" % self.study_name,
            stacklevel=2,
        )


def create_study(
    *,
    storage=None,
    sampler=None,
    pruner=None,
    study_name=None,
    direction=None,
    load_if_exists=False,
    directions=None
):
    """The study of this program's trial; the study file says all else."""
    return Study(_directions(direction, directions))


def load_study(*, study_name=None, storage=None, sampler=None, pruner=None):
    """The study of this program's trial."""
    return Study()


def _elsewhere(name):
    def refused(*args, **kwargs):
        """Refused inside a trial."""
        raise NeedletailError("%s is not for the inside of a trial; use the command needletail" % name)

    refused.__name__ = name
    return refused


def _note(what):
    warnings.warn(
        "needletail ignores %s in the program; the study file decides" % what, stacklevel=3
    )


class _Ignored:
    """Takes the place of samplers, pruners, storages and plots: accepts everything, does nothing."""

    def __call__(self, *args, **kwargs):
        return self

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self


def _submodule(name, **members):
    module = types.ModuleType("needletail.%s" % name)
    module.__dict__.update(members)
    sys.modules[module.__name__] = module
    return module


def _ignored_submodule(name):
    module = _submodule(name)

    def get(attribute):
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        _note("optuna.%s" % name)
        return _Ignored()

    setattr(module, "__getattr__", get)
    return module


def _integration(name):
    if name == "XGBoostPruningCallback":
        return _xgboost_callback()
    if name.startswith("__"):
        raise AttributeError(name)
    raise NeedletailError(
        "needletail has no %s; report values with trial.report and ask trial.should_prune()" % name
    )


_EXCEPTIONS = (
    NeedletailError,
    TrialPruned,
    DuplicatedStudyError,
    StorageInternalError,
    UpdateFinishedTrialError,
    CLIUsageError,
    ExperimentalWarning,
)
_DISTRIBUTIONS = (BaseDistribution,) + DISTRIBUTION_CLASSES + (
    distribution_to_json,
    json_to_distribution,
    check_distribution_compatibility,
)
_TRIALS = (BaseTrial, FixedTrial, FrozenTrial, TrialState, create_trial)
_LOGGING = (
    get_logger,
    get_verbosity,
    set_verbosity,
    enable_propagation,
    disable_propagation,
    enable_default_handler,
    disable_default_handler,
)
_LEVELS = dict(CRITICAL=50, FATAL=50, ERROR=40, WARNING=30, WARN=30, INFO=20, DEBUG=10)


def _named(members):
    return {member.__name__: member for member in members}


# Where pickles and messages find these: at Optuna's places below `needletail`, which is this file or
# the package.
for _place, _members in (
    ("", (NeedletailError, TrialPruned)),
    (".exceptions", _EXCEPTIONS[2:]),
    (".distributions", _DISTRIBUTIONS),
    (".trial", _TRIALS),
    (".study", (MaxTrialsCallback, StudyDirection)),
    (".integration", (LightGBMPruningCallback,)),
):
    for _member in _members:
        _member.__module__ = "needletail" + _place


def _furnish(names):
    """Makes a module, this file or the package inside a trial, what programs import as `optuna`."""
    makers = dict(create_study=create_study, load_study=load_study)  # type: dict
    for name in ("copy_study", "delete_study", "get_all_study_names", "get_all_study_summaries"):
        makers[name] = _elsewhere(name)
    names.update(makers)
    names["exceptions"] = _submodule("exceptions", OptunaError=NeedletailError, **_named(_EXCEPTIONS))
    names["distributions"] = _submodule(
        "distributions", DISTRIBUTION_CLASSES=DISTRIBUTION_CLASSES, **_named(_DISTRIBUTIONS)
    )
    names["trial"] = _submodule("trial", Trial=Trial, **_named(_TRIALS))
    names["study"] = _submodule(
        "study", Study=Study, MaxTrialsCallback=MaxTrialsCallback, StudyDirection=StudyDirection, **makers
    )
    names["logging"] = _submodule("logging", **dict(_named(_LOGGING), **_LEVELS))
    names["version"] = _submodule("version", __version__=__version__)
    names["integration"] = _submodule("integration", LightGBMPruningCallback=LightGBMPruningCallback)
    setattr(names["integration"], "__getattr__", _integration)
    for name in ("samplers", "pruners", "storages", "visualization", "importance", "artifacts", "terminator"):
        names[name] = _ignored_submodule(name)


if __name__ == "needletail":
    _furnish(globals())
