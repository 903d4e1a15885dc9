"""A stand-in for MLflow's module: metrics are reported here, files are kept with the trial.

It is a module and no tracking server, since a call then costs microseconds and no port, and a program
needs no package. Once a program wants what only the package has, such as `autolog`, the package goes
on with the run, in a store in the trial's folder, and what reaches its client is reported. A study file
names this with `stand_ins: [mlflow]`, or `{mlflow: forward}` to have the package from the start with the
store of `MLFLOW_TRACKING_URI`.
"""

import functools
import json
import os
import time
import uuid

from needletail_stand_in import (
    Counter, Installed, Settings, copy, folder, inner_path, number, report, study_name, trial_number,
)

__version__ = "3.0.0"
_steps = Counter()


class MlflowException(Exception):
    """A call that cannot be done."""


class ActiveRun:
    """What `start_run` returns."""

    def __init__(self, name, tags, is_nested):
        self.info = Settings(
            run_id=uuid.uuid4().hex, run_uuid=None, run_name=name or "trial-%d" % trial_number(),
            experiment_id="0", status="RUNNING", start_time=int(time.time() * 1000), end_time=None,
            artifact_uri=folder("artifacts"), lifecycle_stage="active", user_id="",
        )
        self.data = Settings(metrics={}, params={}, tags=dict(tags or {}))
        self.is_nested = is_nested

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        end_run("FINISHED" if kind is None else "FAILED")
        return False


Run = ActiveRun
_runs = []  # type: list
_last = None
_chosen = {}  # type: dict


def _go_on(theirs):
    """Lets the package go on with the run, and reports what its client gets."""
    client = theirs.MlflowClient
    log_metric_before, log_batch_before = client.log_metric, client.log_batch

    @functools.wraps(log_metric_before)
    def log_one(self, run_id, key, value, *arguments, **named):
        given = named.get("step", arguments[1] if len(arguments) > 1 else None)
        _say({key: value}, given)
        return log_metric_before(self, run_id, key, value, *arguments, **named)

    @functools.wraps(log_batch_before)
    def log_several(self, run_id, metrics=(), *arguments, **named):
        for metric in metrics:
            _say({metric.key: metric.value}, metric.step)
        return log_batch_before(self, run_id, metrics, *arguments, **named)

    if not _installed.is_forwarded_to:
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
        theirs.set_tracking_uri("file://" + folder("mlruns"))
        theirs.set_experiment(_chosen.get("experiment") or study_name())
    for run in _runs:
        theirs.start_run(run_name=run.info.run_name, nested=run.is_nested, tags=run.data.tags)
        theirs.log_params(run.data.params)
        theirs.log_metrics({name: value for name, value in run.data.metrics.items() if value == value})
    client.log_metric, client.log_batch = log_one, log_several


_installed = Installed("mlflow", on_load=_go_on)


def _fluent(function):
    """A function that is the package's once that has gone on."""

    @functools.wraps(function)
    def call(*arguments, **named):
        if _installed.is_loaded:
            return getattr(_installed.load(), function.__name__)(*arguments, **named)
        return function(*arguments, **named)

    return call


def _run():
    return _runs[-1] if _runs else start_run()


def _say(values, step):
    """Reports; MLflow's step of what has none is 0, always."""
    by_step = {}  # type: dict
    for name, value in values.items():
        by_step.setdefault(_steps.step(name, step), {})[name] = value
    for one, together in by_step.items():
        report(together, one)


@_fluent
def start_run(run_id=None, experiment_id=None, run_name=None, nested=False, parent_run_id=None,
              tags=None, description=None, log_system_metrics=None):
    """Begins the run, or one inside it."""
    if _runs and not nested:
        raise Exception(
            "Run with UUID %s is already active. To start a new run, first end the current run with "
            "mlflow.end_run(). To start a nested run, call start_run with nested=True" % _runs[-1].info.run_id
        )
    run = ActiveRun(run_name, tags, nested)
    _runs.append(run)
    return run


@_fluent
def end_run(status="FINISHED"):
    """Ends the run."""
    global _last
    if _runs:
        _last = _runs.pop()
        _last.info.status, _last.info.end_time = status, int(time.time() * 1000)


@_fluent
def active_run():
    """The run, if there is one."""
    return _runs[-1] if _runs else None


@_fluent
def last_active_run():
    """The run, or the one before."""
    return _runs[-1] if _runs else _last


@_fluent
def log_metric(key, value, step=None, synchronous=None, timestamp=None, run_id=None, model_id=None, dataset=None):
    """Reports a value."""
    log_metrics({key: value}, step)


@_fluent
def log_metrics(metrics, step=None, synchronous=None, run_id=None, timestamp=None, model_id=None, dataset=None):
    """Reports values."""
    run = _run()
    for name, value in metrics.items():
        if number(value) is None:
            raise MlflowException("the metric %r is %r; give a number" % (name, value))
        run.data.metrics[name] = number(value)
    _say(metrics, step)


@_fluent
def log_param(key, value, synchronous=None):
    """Keeps a parameter of the run."""
    _run().data.params[key] = str(value)
    return value


@_fluent
def log_params(params, synchronous=None, run_id=None):
    """Keeps parameters of the run."""
    for name, value in params.items():
        _run().data.params[name] = str(value)


@_fluent
def set_tag(key, value, synchronous=None):
    """Keeps a tag of the run."""
    _run().data.tags[key] = str(value)


@_fluent
def set_tags(tags, synchronous=None):
    """Keeps tags of the run."""
    for name, value in tags.items():
        _run().data.tags[name] = str(value)


@_fluent
def set_experiment(experiment_name=None, experiment_id=None, **named):
    """Takes note of the name; the study has its own."""
    _chosen["experiment"] = experiment_name
    return Settings(experiment_id="0", name=experiment_name, artifact_location=folder("artifacts"))


@_fluent
def create_experiment(name, artifact_location=None, tags=None, **named):
    """The number of the one experiment."""
    _chosen["experiment"] = name
    return "0"


@_fluent
def get_experiment_by_name(name):
    """The experiment, if it was set."""
    if name != _chosen.get("experiment"):
        return None
    return Settings(experiment_id="0", name=name, artifact_location=folder("artifacts"))


@_fluent
def set_experiment_tag(key, value):
    """Takes note of nothing."""


@_fluent
def set_tracking_uri(uri):
    """Takes note of the address; nothing is sent there."""
    _chosen["uri"] = uri


@_fluent
def get_tracking_uri():
    """The address that was set."""
    return _chosen.get("uri") or os.environ.get("MLFLOW_TRACKING_URI") or "file://" + folder("mlruns")


@_fluent
def get_artifact_uri(artifact_path=None):
    """The folder of the trial's artifacts."""
    return folder("artifacts", *([artifact_path] if artifact_path else []))


@_fluent
def log_artifact(local_path, artifact_path=None, run_id=None):
    """Copies a file or a folder into the trial's."""
    name = os.path.basename(os.path.normpath(os.fspath(local_path)))
    copy(local_path, inner_path(folder("artifacts"), os.path.join(artifact_path or "", name)))


@_fluent
def log_artifacts(local_dir, artifact_path=None, run_id=None):
    """Copies a folder's contents into the trial's folder."""
    for name in sorted(os.listdir(local_dir)):
        log_artifact(os.path.join(local_dir, name), artifact_path)


@_fluent
def log_text(text, artifact_file, run_id=None):
    """Writes a text into a file of the trial."""
    with open(inner_path(folder("artifacts"), artifact_file), "w", encoding="utf-8") as file:
        file.write(text)


@_fluent
def log_dict(dictionary, artifact_file, run_id=None):
    """Writes JSON into a file of the trial."""
    log_text(json.dumps(dictionary, indent=2, default=str), artifact_file)


@_fluent
def log_figure(figure, artifact_file, save_kwargs=None):
    """Draws a figure into a file of the trial."""
    path = inner_path(folder("artifacts"), artifact_file)
    if hasattr(figure, "savefig"):
        figure.savefig(path, **(save_kwargs or {}))
    else:
        figure.write_html(path, **(save_kwargs or {}))


@_fluent
def log_input(dataset=None, context=None, tags=None, model=None):
    """Takes note of nothing."""


@_fluent
def flush_async_logging():
    """Nothing waits."""


def __getattr__(name):
    return _installed.attribute(name)


if _installed.is_forwarded_to:
    _installed.load()
