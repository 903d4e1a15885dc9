"""A stand-in for Ray's module: `ray.tune` and `ray.train` inside trials, without a cluster.

`tune.report`, `train.report` and `session.report` report here; a trial that is to stop ends by
`SystemExit`, as under Ray, so that what stands under `finally` runs. Checkpoints are files that all
attempts at the trial share. A `Tuner` calls its trainable once, with the trial's parameters. A study
file names this with `stand_ins: [ray]`.
What it does not know is the installed package's.
"""

import contextlib
import functools
import inspect
import itertools
import json
import os
import pickle
import shutil
import signal
import tempfile
import threading

from needletail_stand_in import (
    Installed, Settings, StandInError, checkpoint_folder, folder, nested, parameters, report as _report,
    study_name, trial_number,
)

__version__ = "2.60.0"
_installed = Installed("ray")

# Checkpoints


class Checkpoint:
    """A folder with a program's state."""

    def __init__(self, path, filesystem=None):
        self.path = os.fspath(path)
        self.filesystem = filesystem

    @classmethod
    def from_directory(cls, path):
        return cls(path)

    @classmethod
    def from_dict(cls, data):
        made = cls(tempfile.mkdtemp(dir=folder()))
        with open(os.path.join(made.path, "dict_checkpoint.pkl"), "wb") as file:
            pickle.dump(data, file)
        return made

    def to_dict(self):
        with open(os.path.join(self.path, "dict_checkpoint.pkl"), "rb") as file:
            return pickle.load(file)

    def to_directory(self, path=None):
        path = path or tempfile.mkdtemp(dir=folder())
        shutil.copytree(self.path, path, dirs_exist_ok=True)
        return os.fspath(path)

    @contextlib.contextmanager
    def as_directory(self):
        yield self.path

    def _notes(self):
        return os.path.join(self.path, ".metadata.json")

    def get_metadata(self):
        if not os.path.exists(self._notes()):
            return {}
        with open(self._notes(), encoding="utf-8") as file:
            return json.load(file)

    def set_metadata(self, metadata):
        with open(self._notes(), "w", encoding="utf-8") as file:
            json.dump(metadata, file)

    def update_metadata(self, metadata):
        self.set_metadata(dict(self.get_metadata(), **metadata))


def _keep(checkpoint):
    """Copies a checkpoint, and makes the copy the latest in one step."""
    base = checkpoint_folder()
    kept = sorted(int(name[4:]) for name in os.listdir(base) if name[:4] == "ray-" and name[4:].isdigit())
    number = kept[-1] + 1 if kept else 0
    place = os.path.join(base, "ray-%d" % number)
    shutil.copytree(checkpoint.path, place)
    with open(os.path.join(base, ".ray-latest"), "w", encoding="utf-8") as file:
        file.write("ray-%d" % number)
    os.replace(os.path.join(base, ".ray-latest"), os.path.join(base, "ray-latest"))
    for old in kept[:-1]:
        shutil.rmtree(os.path.join(base, "ray-%d" % old), ignore_errors=True)
    return Checkpoint(place)


def get_checkpoint():
    """The latest checkpoint of this attempt or an earlier one; None without one."""
    base = checkpoint_folder()
    try:
        with open(os.path.join(base, "ray-latest"), encoding="utf-8") as file:
            return Checkpoint(os.path.join(base, file.read()))
    except FileNotFoundError:
        return None


# Reports

_iterations = itertools.count(1)
_last = {"metrics": {}, "checkpoint": None}  # type: dict


def report(metrics=None, *, checkpoint=None, checkpoint_dir_name=None, _metric=None, **named):
    """Reports."""
    values = dict(metrics or {}) if isinstance(metrics, dict) or metrics is None else {"_metric": metrics}
    values.update(named)
    if _metric is not None:
        values["_metric"] = _metric
    iteration = next(_iterations)
    step = values.setdefault("training_iteration", iteration)
    if checkpoint is not None:
        _last["checkpoint"] = _keep(checkpoint)
    _last["metrics"] = values
    _report({name: value for name, value in values.items() if name != "training_iteration"}, step)


def _end(number, frame):
    """Ends the trial when the runner asks for it, as Ray ends a trainable."""
    raise SystemExit(128 + number)


if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
    signal.signal(signal.SIGTERM, _end)


class Context:
    """What `get_context` returns: one worker, the trial's."""

    def get_trial_name(self):
        return "trial-%d" % trial_number()

    def get_trial_id(self):
        return str(trial_number())

    def get_trial_dir(self):
        return folder()

    get_storage = get_local_trial_dir = get_trial_dir

    def get_experiment_name(self):
        return study_name()

    def get_trial_resources(self):
        return {}

    def get_metadata(self):
        return {}

    def get_world_size(self):
        return 1

    get_local_world_size = get_world_size

    def get_world_rank(self):
        return 0

    get_local_rank = get_node_rank = get_world_rank


def get_context():
    """Where the trial runs."""
    return Context()


# Spaces: what the program says of them gives way to the study file


class _Domain:
    """A range; the study file says what is tried."""

    def __init__(self, *arguments, **named):
        pass


def _choose(config, given, path=()):
    """The configuration with the trial's values where ranges stand."""
    made = {}
    for name, value in config.items():
        here = path + (str(name),)
        spellings = (".".join(here), "/".join(here), here[-1])
        known = next((one for one in spellings if one in given), None)
        if isinstance(value, dict) and set(value) != {"grid_search"}:
            made[name] = _choose(value, given, here)
        elif known is not None and (len(here) == 1 or known != here[-1] or _is_open(value)):
            made[name] = given[known]
        elif _is_open(value):
            raise StandInError("the space has %r, and the study file has no such parameter; add it" % ".".join(here))
        else:
            made[name] = value
    return made


def _is_open(value):
    return isinstance(value, _Domain) or isinstance(value, dict) and set(value) == {"grid_search"}


def _configuration(config):
    # In a file of Ray's they stand below `config`.
    given = {name[7:] if name.startswith("config.") else name: value for name, value in parameters().items()}
    made = _choose(config or {}, given)
    for name, value in nested(given).items():
        if "." not in name and "/" not in name:
            made.setdefault(name, value)
    return made


class Result:
    """What came of the one trial."""

    def __init__(self, config, error=None):
        self.config, self.error = config, error
        self.metrics, self.checkpoint, self.path = _last["metrics"], _last["checkpoint"], folder()


class ResultGrid:
    """The one trial's result, as of several."""

    def __init__(self, result):
        self._results = [result]
        self.errors, self.num_errors, self.num_terminated = [], 0, 1

    def __len__(self):
        return 1

    def __iter__(self):
        return iter(self._results)

    def __getitem__(self, place):
        return self._results[place]

    def get_best_result(self, metric=None, mode=None, **named):
        return self._results[0]

    def get_best_config(self, metric=None, mode=None, **named):
        return self._results[0].config

    def get_best_trial(self, *arguments, **named):
        return Settings(config=self.best_config, last_result=self._results[0].metrics, checkpoint=self._results[0].checkpoint)

    @property
    def best_config(self):
        return self._results[0].config

    @property
    def best_result(self):
        return self._results[0].metrics

    @property
    def best_checkpoint(self):
        return self._results[0].checkpoint


class Trainable:
    """A program as a class with `setup` and `step`."""

    def __init__(self, config=None):
        self.config = config or {}
        self.iteration = self.training_iteration = 0
        self.logdir = folder()
        self.setup(self.config)

    def setup(self, config):
        """Prepares; for the program."""

    def step(self):
        """One step's metrics; for the program."""
        raise NotImplementedError

    def save_checkpoint(self, checkpoint_dir):
        """Keeps the state; for the program."""

    def load_checkpoint(self, checkpoint):
        """Takes the state; for the program."""

    def cleanup(self):
        """Ends; for the program."""


def _run_class(kind, config):
    made = kind(config)
    try:
        while True:
            result = made.step()
            made.iteration = made.training_iteration = made.iteration + 1
            report(result)
            if result.get("done") or made.iteration >= int(_stop.get("training_iteration", 1 << 62)):
                return
    finally:
        made.cleanup()


_stop = {}  # type: dict


def _run(trainable, config, stop=None):
    config = _configuration(config)
    if isinstance(stop, dict):
        _stop.update(stop)
    if isinstance(trainable, str):
        raise StandInError("%r is no program of yours; Ray's own algorithms need Ray" % trainable)
    if inspect.isclass(trainable):
        _run_class(trainable, config)
    else:
        result = trainable(config)
        if isinstance(result, dict):
            report(result)
    return ResultGrid(Result(config))


class Tuner:
    """Calls a trainable with the trial's parameters; once, since each trial is a process of its own."""

    def __init__(self, trainable=None, *, param_space=None, tune_config=None, run_config=None, **named):
        self._trainable, self._space = trainable, param_space
        self._stop = getattr(run_config, "stop", None)

    def fit(self):
        return _run(self._trainable, self._space, self._stop)

    def get_results(self):
        return ResultGrid(Result(_configuration(self._space)))


def run(run_or_experiment, *, config=None, stop=None, **named):
    """Calls a trainable with the trial's parameters, as `Tuner` does."""
    return _run(run_or_experiment, config, stop)


def with_parameters(trainable, **named):
    """A trainable with further arguments."""
    if inspect.isclass(trainable):
        made = type(trainable.__name__, (trainable,), {})
        made.setup = functools.partialmethod(trainable.setup, **named)  # type: ignore[assignment]
        return made
    return functools.partial(trainable, **named)


def with_resources(trainable, resources):
    """The trainable; the study file says how many run at once."""
    return trainable


def grid_search(values):
    """A list of values in a space."""
    return {"grid_search": list(values)}


def init(*arguments, **named):
    """Starts no cluster; what needs one starts the package's."""


def shutdown(*arguments, **named):
    """Ends the package's cluster, if it has one."""
    if _installed.is_loaded:
        _installed.load().shutdown(*arguments, **named)


def is_initialized():
    """Whether the package has a cluster."""
    return _installed.is_loaded and _installed.load().is_initialized()


def __getattr__(name):
    return _installed.attribute(name)


def _ignored(module):
    """Makes names that a program gives to `Tuner`, which does not need them."""
    before = module.__getattr__

    def get(name):
        return Settings if name[:1].isupper() else before(name)

    module.__getattr__ = get
    return module


_configs = {name: type(name, (Settings,), {}) for name in (
    "CheckpointConfig", "FailureConfig", "RunConfig", "ScalingConfig", "SyncConfig", "TuneConfig")}
_domains = {name: _Domain for name in (
    "choice", "lograndint", "loguniform", "qlograndint", "qloguniform", "qrandint", "qrandn", "quniform",
    "randint", "randn", "sample_from", "uniform")}
_shared = dict(_configs, Checkpoint=Checkpoint, get_checkpoint=get_checkpoint, get_context=get_context, report=report)
tune = _installed.module(
    "tune", Result=Result, ResultGrid=ResultGrid, Trainable=Trainable, Tuner=Tuner, grid_search=grid_search,
    run=run, with_parameters=with_parameters, with_resources=with_resources,
    CLIReporter=Settings, JupyterNotebookReporter=Settings, Callback=Settings, Stopper=Settings,
    **dict(_shared, **_domains)
)
tune.get_trial_id = Context().get_trial_id  # type: ignore[attr-defined]
tune.get_trial_name = Context().get_trial_name  # type: ignore[attr-defined]
tune.get_trial_dir = Context().get_trial_dir  # type: ignore[attr-defined]
train = _installed.module("train", Result=Result, **_shared)
air = _installed.module("air", Result=Result, **_configs)
session = _installed.module(
    "air.session", get_checkpoint=get_checkpoint, report=report, get_world_rank=Context().get_world_rank,
    get_world_size=Context().get_world_size, get_local_rank=Context().get_local_rank,
    get_trial_name=Context().get_trial_name, get_trial_id=Context().get_trial_id,
    get_trial_dir=Context().get_trial_dir,
)
_installed.module("air.config", **_configs)
_installed.module("air.checkpoint", Checkpoint=Checkpoint)
for _name in ("schedulers", "search", "search.optuna", "search.hyperopt", "search.bayesopt", "search.hebo",
              "search.nevergrad", "search.ax", "search.bohb", "search.basic_variant", "stopper", "logger"):
    _ignored(_installed.module("tune." + _name))
