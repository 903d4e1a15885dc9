"""A stand-in for ClearML's module: scalars are reported here, nothing is sent.

A scalar is the metric `TITLE/SERIES`, and `TITLE` where both are one; a single value is its name.
`task.connect` and the program's `argparse` get the trial's parameters, with or without ClearML's
`General/` or `Args/`. A study file names this with `stand_ins: [clearml]`. What it does not know is the
installed package's.
"""

import argparse
import json
import os
import pickle

from needletail_stand_in import (
    Counter, Installed, Settings, copy, file_name, flat, folder, keep, number, parameters, report, study_name,
    trial_number,
)

_installed = Installed("clearml")
__version__ = "2.1.12"
_steps = Counter()
_task = None
_logger = None


def _given(section=None):
    """The trial's parameters by their names in a section."""
    found = {}
    for name, value in parameters().items():
        head, slash, rest = name.partition("/")
        if slash and head in ("General", "Args", "Hydra", section):
            found[rest] = value
        else:
            found[name] = value
    return found


def _is_same_kind(value, like):
    return type(like) in (int, float, bool, str) and type(value) is not type(like)


def _cast(value, like):
    """A value as a program's own one is: `1.0` for an int is 1."""
    if not _is_same_kind(value, like) or value is None:
        return value
    if isinstance(like, bool):
        return str(value).lower() in ("1", "true", "yes")
    if isinstance(like, int) and isinstance(value, float) and value != int(value):
        return value
    return type(like)(value)


class Logger:
    """What `task.get_logger` returns."""

    @classmethod
    def current_logger(cls):
        return _the_logger()

    @classmethod
    def tensorboard_auto_group_scalars(cls, group_scalars=False):
        return None

    def report_scalar(self, title, series, value, iteration=None):
        """Reports a value."""
        name = "%s/%s" % (title, series)
        values = {name: value, title: value} if not series or series == title else {name: value}
        report(values, _steps.step(name, iteration))

    def report_single_value(self, name, value):
        """Says a value that has no iterations."""
        report({name: value, "Summary/%s" % name: value})

    def report_text(self, msg, level=20, print_console=True, *arguments, **named):
        if print_console:
            print(msg)

    def _report_plot(self, title, series, iteration, ending, write):
        name = "%s_%s_%s" % (file_name(title), file_name(series), iteration or 0)
        write(os.path.join(folder("plots"), name + ending))

    def _report_json(self, title, series, iteration, **content):
        def write(path):
            with open(path, "w", encoding="utf-8") as file:
                json.dump(content, file, default=lambda value: value.tolist() if hasattr(value, "tolist") else str(value))

        self._report_plot(title, series, iteration, ".json", write)

    def report_histogram(self, title, series, values, iteration=None, labels=None, xlabels=None, **named):
        self._report_json(title, series, iteration, values=values, labels=labels, xlabels=xlabels)

    def report_vector(self, title, series, values, iteration=None, **named):
        self._report_json(title, series, iteration, values=values)

    def report_line_plot(self, title, series, xaxis, yaxis, iteration=None, **named):
        self._report_json(title, "plot", iteration, series=[
            {"name": one.get("name"), "data": one.get("data")} if isinstance(one, dict)
            else {"name": getattr(one, "name", None), "data": getattr(one, "data", None)} for one in series])

    def report_scatter2d(self, title, series, scatter, iteration=None, **named):
        self._report_json(title, series, iteration, scatter=scatter)

    report_scatter3d = report_scatter2d

    def report_confusion_matrix(self, title, series, matrix, iteration=None, **named):
        self._report_json(title, series, iteration, matrix=matrix)

    report_matrix = report_surface = report_confusion_matrix

    def report_table(self, title, series, iteration=None, table_plot=None, csv=None, url=None, **named):
        if csv is not None:
            self._report_plot(title, series, iteration, ".csv", lambda path: copy(csv, path))
        elif hasattr(table_plot, "to_csv"):
            self._report_plot(title, series, iteration, ".csv", table_plot.to_csv)
        else:
            self._report_json(title, series, iteration, rows=table_plot, url=url)

    def report_image(self, title, series, iteration=None, local_path=None, image=None, **named):
        if local_path is not None:
            ending = os.path.splitext(os.fspath(local_path))[1]
            self._report_plot(title, series, iteration, ending, lambda path: copy(local_path, path))
        elif hasattr(image, "save"):
            self._report_plot(title, series, iteration, ".png", image.save)
        else:
            self._report_json(title, series, iteration, image=image)

    def report_media(self, title, series, iteration=None, local_path=None, **named):
        self.report_image(title, series, iteration, local_path=local_path)

    def report_matplotlib_figure(self, title, series, figure, iteration=None, **named):
        drawn = figure if hasattr(figure, "savefig") else figure.gcf()
        self._report_plot(title, series, iteration, ".png", drawn.savefig)

    def report_plotly(self, title, series, figure, iteration=None, **named):
        content = figure if isinstance(figure, dict) else figure.to_dict()
        self._report_json(title, series, iteration, **content)

    def set_default_upload_destination(self, uri):
        return None

    def get_default_upload_destination(self):
        return folder()

    def flush(self, wait=False):
        return True

    def __getattr__(self, name):
        raise AttributeError("ClearML's logger has no %r in needletail's stand-in" % name)


def _the_logger():
    global _logger
    if _logger is None:
        _logger = Logger()
    return _logger


class Task:
    """The task of the trial."""

    class TaskTypes:
        """The kinds of tasks, by their own names."""

        (training, testing, inference, data_processing, application, monitor, controller, optimizer, service,
         qc, custom) = (
            "training", "testing", "inference", "data_processing", "application", "monitor", "controller",
            "optimizer", "service", "qc", "custom")

    def __init__(self, project_name=None, task_name=None, tags=None):
        self.id = self.task_id = "%s-%d" % (study_name(), trial_number())
        self.name, self.project = task_name or "trial-%d" % trial_number(), project_name or study_name()
        self.artifacts = {}
        self.status = "in_progress"
        self.output_uri = None
        self._tags = list(tags or ())
        self._parameters = {}

    @classmethod
    def init(cls, project_name=None, task_name=None, task_type=None, tags=None, **named):
        """The task; there is one."""
        global _task
        if _task is None:
            _task = cls(project_name, task_name, tags)
        return _task

    create = init

    @classmethod
    def current_task(cls):
        return _task

    @classmethod
    def get_task(cls, task_id=None, project_name=None, task_name=None, **named):
        return cls.init(project_name, task_name)

    @classmethod
    def set_credentials(cls, *arguments, **named):
        return None

    @classmethod
    def set_offline(cls, offline_mode=False):
        return None

    @classmethod
    def running_locally(cls):
        return True

    @classmethod
    def add_requirements(cls, *arguments, **named):
        return None

    force_requirements_env_freeze = ignore_requirements = force_store_standalone_script = add_requirements

    def connect(self, mutable, name=None, ignore_remote_overrides=False):
        """Puts the trial's parameters into a mapping, a namespace or an object, and returns it."""
        given = _given(name)
        if isinstance(mutable, argparse.ArgumentParser):
            return mutable  # Its values are set when it parses.
        if isinstance(mutable, dict):
            _connect(mutable, given)
            self._parameters.update(("%s/%s" % (name or "General", key), value) for key, value in flat(mutable, "/").items())
            return mutable
        own = vars(mutable) if hasattr(mutable, "__dict__") else {}
        for key in [key for key in dir(mutable) if not key.startswith("_")] if isinstance(mutable, type) or own or True else ():
            value = getattr(mutable, key)
            if key in given and not callable(value):
                setattr(mutable, key, _cast(given[key], value))
                self._parameters["%s/%s" % (name or "General", key)] = getattr(mutable, key)
        return mutable

    def connect_configuration(self, configuration, name=None, description=None, **named):
        return configuration

    def connect_label_enumeration(self, enumeration, **named):
        return enumeration

    def get_parameters(self, backwards_compatibility=True, cast=False):
        found = {name if "/" in name else "General/%s" % name: value for name, value in parameters().items()}
        found = dict(self._parameters, **found)
        return found if cast else {name: str(value) for name, value in found.items()}

    def get_parameters_as_dict(self, cast=False):
        made = {}  # type: dict
        for name, value in self.get_parameters(cast=cast).items():
            inner = made
            *path, last = name.split("/")
            for part in path:
                inner = inner.setdefault(part, {})
            inner[last] = value
        return made

    def get_parameter(self, name, default=None, cast=False):
        return self.get_parameters(cast=cast).get(name if "/" in name else "General/%s" % name, default)

    def set_parameters(self, *arguments, **named):
        for given in arguments + (named,):
            self._parameters.update(flat(dict(given), "/"))

    set_parameters_as_dict = update_parameters = set_parameters

    def set_parameter(self, name, value, *arguments, **named):
        self._parameters[name] = value

    def get_logger(self):
        return _the_logger()

    def upload_artifact(self, name, artifact_object, metadata=None, **named):
        """Keeps an artifact as a file of the trial."""
        base = os.path.join(folder("artifacts"), file_name(name))
        kept = artifact_object
        if isinstance(kept, (str, os.PathLike)) and os.path.exists(kept):
            place = copy(kept, base + os.path.splitext(os.fspath(kept))[1])
        elif hasattr(kept, "to_csv"):
            place = base + ".csv"
            kept.to_csv(place)
        elif isinstance(kept, (dict, list, str, int, float)):
            place = base + ".json"
            with open(place, "w", encoding="utf-8") as file:
                json.dump(kept, file, default=str)
        else:
            place = base + ".pkl"
            with open(place, "wb") as file:
                pickle.dump(kept, file)
        self.artifacts[name] = Settings(
            name=name, url="file://" + place, metadata=metadata, get=lambda: kept, get_local_copy=lambda *_, **__: place)
        return True

    def update_output_model(self, model_path, name=None, **named):
        return copy(model_path, os.path.join(folder("models"), os.path.basename(os.fspath(model_path))))

    def add_tags(self, tags):
        self._tags += [tags] if isinstance(tags, str) else list(tags)

    def get_tags(self):
        return list(self._tags)

    def set_tags(self, tags):
        self._tags = list(tags)

    def get_last_iteration(self):
        return 0

    set_initial_iteration = get_initial_iteration = lambda self, offset=0: 0

    def get_project_name(self):
        return self.project

    def get_output_log_web_page(self):
        return ""

    def get_status(self):
        return self.status

    def set_name(self, name):
        self.name = name

    def set_comment(self, comment):
        keep("comment", comment)

    def set_user_properties(self, *arguments, **named):
        for name, value in named.items():
            keep(name, value)

    def _ignored(self, *arguments, **named):
        return None

    execute_remotely = set_base_docker = set_script = set_progress = set_resource_monitor_iteration_timeout = _ignored
    set_packages = set_project = set_parent = reload = wait_for_status = _ignored

    def flush(self, wait_for_uploads=False):
        return True

    def close(self):
        global _task
        self.status = "completed"
        if _task is self:
            _task = None

    def mark_completed(self, *arguments, **named):
        self.status = "completed"

    def mark_failed(self, *arguments, status_message=None, **named):
        self.status = "failed"
        raise SystemExit(status_message or "the task was marked as failed")

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.close()
        return False

    def __getattr__(self, name):
        raise AttributeError("ClearML's task has no %r in needletail's stand-in" % name)


def _connect(mutable, given, path=""):
    for key, value in list(mutable.items()):
        full = path + str(key)
        if isinstance(value, dict):
            _connect(value, given, full + "/")
            continue
        for name in (full, full.replace("/", ".")):
            if name in given:
                mutable[key] = _cast(given[name], value)


def _parse(self, *arguments, **named):
    """Parses, and puts the trial's parameters over what was given, as ClearML's agent does."""
    namespace, rest = _parse_before(self, *arguments, **named)
    if _task is not None or os.environ.get("NEEDLETAIL_PARAMS"):
        given = _given()
        for action in self._actions:
            for name in {action.dest, action.dest.replace("_", "-")} & set(given):
                value = given[name]
                if action.type is not None and isinstance(value, (str, int, float)) and not isinstance(value, bool):
                    value = action.type(value if number(value) is None or action.type is not str else str(value))
                setattr(namespace, action.dest, value)
    return namespace, rest


_parse_before = argparse.ArgumentParser.parse_known_args
argparse.ArgumentParser.parse_known_args = _parse  # type: ignore[assignment,method-assign]


class OutputModel:
    """A model's weights, which become a file of the trial."""

    def __init__(self, task=None, name=None, **named):
        self.name, self.id = name or "model", "model"

    def update_weights(self, weights_filename=None, **named):
        if weights_filename is not None:
            return copy(weights_filename, os.path.join(folder("models"), os.path.basename(os.fspath(weights_filename))))
        return None

    def update_labels(self, labels):
        return None

    def update_design(self, config_text=None, config_dict=None):
        return None


def __getattr__(name):
    return _installed.attribute(name)
