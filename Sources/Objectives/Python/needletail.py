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
line to `import needletail as optuna`. Each start of the program is one trial, so inside it
`study.optimize(objective, n_trials=100)` calls the objective once; how many trials there are, in which
direction, and with which sampler and pruner, stands in the study file. A direction that contradicts
the study file is an error; samplers, pruners and storages of the program are ignored with a note.
"""

import json
import os
import sys
import threading
import types
import warnings

__all__ = [
    "NeedletailError",
    "Study",
    "Trial",
    "TrialPruned",
    "create_study",
    "current_trial",
    "load_study",
    "run",
    "tell",
]


class NeedletailError(Exception):
    """A request that the trial refused, or a program that no trial runs."""


class TrialPruned(NeedletailError):
    """Raised by an objective to end its trial early."""


class _Channel:
    """The line to whoever runs the trial: a request and its answer at a time, as lines of JSON."""

    def __init__(self):
        number = os.environ.get("NEEDLETAIL_CHANNEL")
        if not number:
            raise NeedletailError(
                "this program is not run by needletail; start it with: needletail run study.yaml"
            )
        self._descriptor = int(number)
        self._rest = b""
        self._lock = threading.Lock()

    def call(self, _call, **members):
        """Sends a request and returns the answer."""
        line = json.dumps(dict(members, call=_call)).encode() + b"\n"
        with self._lock:
            try:
                while line:
                    line = line[os.write(self._descriptor, line) :]
                while b"\n" not in self._rest:
                    received = os.read(self._descriptor, 65536)
                    if not received:
                        raise NeedletailError("needletail is gone; its trial ends here")
                    self._rest += received
            except OSError as error:
                raise NeedletailError(
                    "the trial channel (descriptor %d) is not open in this process: %s; "
                    "call needletail from the process that needletail started"
                    % (self._descriptor, error)
                ) from error
            line, self._rest = self._rest.split(b"\n", 1)
        answer = json.loads(line)
        if not answer.get("ok"):
            raise NeedletailError(answer.get("error", "refused without a reason"))
        return answer


class Trial:
    """The trial that this program runs for; see Optuna's `Trial`."""

    def __init__(self, channel):
        self._channel = channel
        about = channel.call("trial")
        self._number = about["number"]
        self._params = dict(about["params"])
        self._user_attrs = dict(about["user_attrs"])
        self._directions = about["directions"]
        self._distributions = {}
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
    def distributions(self):
        return dict(self._distributions)

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
        return float(self._suggest(name, distribution))

    def suggest_int(self, name, low, high, *, step=1, log=False):
        """A whole number from `low` to `high`, both included."""
        for bound in (low, high, step):
            if int(bound) != bound:
                raise ValueError("parameter %r: %r is not a whole number" % (name, bound))
        distribution = {
            "type": "int",
            "low": int(low),
            "high": int(high),
            "step": int(step),
            "log": bool(log),
        }
        return int(self._suggest(name, distribution))

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
        return chosen

    def suggest_uniform(self, name, low, high):
        return self.suggest_float(name, low, high)

    def suggest_loguniform(self, name, low, high):
        return self.suggest_float(name, low, high, log=True)

    def suggest_discrete_uniform(self, name, low, high, q):
        return self.suggest_float(name, low, high, step=q)

    def _suggest(self, name, distribution):
        answer = self._channel.call("suggest", name=name, distribution=distribution)
        self._params[name] = answer["value"]
        self._distributions[name] = distribution
        return answer["value"]

    def report(self, value, step):
        """Records a value at a step; only the first report of a step counts."""
        self._channel.call("report", value=float(value), step=int(step))

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


def _is_same(a, b):
    """Whether the two are one choice; a not-a-number is itself, also inside of lists and mappings."""
    return json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True) or (
        a == b and isinstance(a, str) == isinstance(b, str)
    )


_trial = None


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

    Returns None when the objective raised `TrialPruned`. Another exception is told as the trial's
    failure and raised again.
    """
    study = Study()
    study.optimize(objective)
    return study._result


class _TrialState:
    """The ends of a trial for `Study.tell`."""

    COMPLETE = "complete"
    PRUNED = "pruned"
    FAIL = "fail"
    RUNNING = "running"
    WAITING = "waiting"


class _FinishedTrial:
    """What is left of the trial when it has ended."""

    def __init__(self, trial, values, state):
        self.number = trial.number
        self.params = trial.params
        self.user_attrs = trial.user_attrs
        self.distributions = trial.distributions
        self.values = values
        self.state = state

    @property
    def value(self):
        return self.values[0] if self.values else None


class Study:
    """Stands where a program for Optuna has its study: its one trial is that of this program."""

    def __init__(self, directions=None):
        self.trials = []
        self.user_attrs = {}
        self._result = None
        if directions is not None:
            wanted = current_trial()._directions
            given = [str(getattr(d, "name", d)).lower() for d in directions]
            if given != wanted:
                raise NeedletailError(
                    "the program wants to %s, but the study file says %s; change one of them"
                    % (" and ".join(given), " and ".join(wanted))
                )

    @property
    def study_name(self):
        return current_trial().study_name

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
        """Calls `func` once, for the trial of this program; the study file says how many there are."""
        if self.trials:
            return
        trial = current_trial()
        try:
            value = func(trial)
        except TrialPruned:
            self.tell(trial, state=_TrialState.PRUNED)
        except Exception as error:
            self.tell(trial, state=_TrialState.FAIL, reason="%s: %s" % (type(error).__name__, error))
            if not isinstance(error, catch if isinstance(catch, type) else tuple(catch)):
                raise
        else:
            self._result = value
            self.tell(trial, value)
        for callback in callbacks or ():
            callback(self, self.trials[-1])

    def ask(self, fixed_distributions=None):
        return current_trial()

    def tell(self, trial, values=None, state=None, skip_if_finished=False, reason=None):
        """Ends the trial."""
        channel = current_trial()._channel
        name = str(getattr(state, "name", state or _TrialState.COMPLETE)).lower()
        several = list(values) if isinstance(values, (list, tuple)) else [values]
        numbers = []
        if name == _TrialState.COMPLETE:
            try:
                numbers = [float(value) for value in several]
            except (TypeError, ValueError):
                name = _TrialState.FAIL
                reason = "the objective returned %r, which is not a number" % (values,)
        if name == _TrialState.COMPLETE:
            channel.call("tell", values=numbers)
        elif name == _TrialState.PRUNED:
            channel.call("tell", state="pruned")
        else:
            channel.call("tell", state="failed", reason=reason or "the program said that it failed")
        self.trials.append(_FinishedTrial(current_trial(), numbers, name))

    @property
    def best_trial(self):
        for trial in self.trials:
            if trial.state == _TrialState.COMPLETE:
                return trial
        raise ValueError("No trials are completed yet.")

    @property
    def best_trials(self):
        return [trial for trial in self.trials if trial.state == _TrialState.COMPLETE]

    @property
    def best_params(self):
        return self.best_trial.params

    @property
    def best_value(self):
        return self.best_trial.value

    def get_trials(self, deepcopy=True, states=None):
        return list(self.trials)

    def set_user_attr(self, key, value):
        self.user_attrs[key] = value

    def set_metric_names(self, names):
        """Nothing: the study file names the metrics."""

    def enqueue_trial(self, params, user_attrs=None, skip_if_exists=False):
        """Nothing: trials are queued with `needletail trial enqueue`."""
        _note("queued trials")

    def stop(self):
        """Nothing: there is only this trial."""


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
    if directions is None and direction is not None:
        directions = [direction]
    return Study(directions)


def load_study(*, study_name=None, storage=None, sampler=None, pruner=None):
    """The study of this program's trial."""
    return Study()


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
    module = types.ModuleType("%s.%s" % (__name__, name))
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

    module.__getattr__ = get
    return module


def _nothing(*args, **kwargs):
    return None


# The parts of Optuna that programs name around their objectives.
exceptions = _submodule("exceptions", TrialPruned=TrialPruned, OptunaError=NeedletailError)
trial = _submodule("trial", Trial=Trial, TrialState=_TrialState, FrozenTrial=_FinishedTrial)
study = _submodule("study", Study=Study, create_study=create_study, load_study=load_study)
logging = _submodule(
    "logging",
    set_verbosity=_nothing,
    get_verbosity=_nothing,
    enable_propagation=_nothing,
    disable_propagation=_nothing,
    enable_default_handler=_nothing,
    disable_default_handler=_nothing,
    CRITICAL=50,
    FATAL=50,
    ERROR=40,
    WARNING=30,
    WARN=30,
    INFO=20,
    DEBUG=10,
)
samplers = _ignored_submodule("samplers")
pruners = _ignored_submodule("pruners")
storages = _ignored_submodule("storages")
visualization = _ignored_submodule("visualization")
importance = _ignored_submodule("importance")
