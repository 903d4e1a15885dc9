"""A stand-in for Comet's module: metrics are reported here, nothing is sent.

An optimizer gives one experiment, the trial's, whose `get_parameter` has the trial's parameters. A study
file names this with `stand_ins: [comet_ml]`. What it does not know is the installed package's.
"""

import contextlib
import json
import os

from needletail_stand_in import (
    Counter, Installed, copy, file_name, flat, folder, inner_path, parameters, report, study_name, trial_number,
)

_installed = Installed("comet_ml")
__version__ = "3.58.8"
_steps = Counter()
_experiment = None


class Experiment:
    """The experiment of the trial."""

    def __init__(self, api_key=None, project_name=None, workspace=None, **named):
        global _experiment
        _experiment = self
        self.id = "%s-%d" % (study_name(), trial_number())
        self.name, self.project_name = "trial-%d" % trial_number(), project_name or study_name()
        self.workspace, self.url, self.alive, self.ended = workspace, None, True, False
        self.params, self.metrics, self.others, self.tags = dict(parameters()), {}, {}, []
        self.curr_step = self.curr_epoch = self.context = None

    def log_metric(self, name, value, step=None, epoch=None, include_context=True):
        """Reports a value."""
        self.log_metrics({name: value}, step=step, epoch=epoch)

    def log_metrics(self, dic, prefix=None, step=None, epoch=None):
        """Reports values."""
        given = [one for one in (step, self.curr_step, epoch, self.curr_epoch) if one is not None]
        names = {name: "_".join([part for part in (self.context, prefix, name) if part]) for name in dic}
        by_step = {}  # type: dict
        for name, value in dic.items():
            self.metrics[names[name]] = value
            one = _steps.step(names[name], given[0] if given else None)
            by_step.setdefault(one, {})[names[name]] = value
        for one, values in by_step.items():
            report(values, one)

    __internal_api__log_metric__ = log_metric

    def get_metric(self, name):
        return self.metrics[name]

    def get_parameter(self, name):
        return self.params[name]

    def log_parameter(self, name, value, step=None):
        self.params.setdefault(name, value)

    def log_parameters(self, parameters, prefix=None, nested_support=True, step=None):
        for name, value in flat(dict(parameters), "|").items():
            self.log_parameter("%s_%s" % (prefix, name) if prefix else name, value)

    def log_other(self, key, value, include_context=True):
        self.others[key] = value

    def log_others(self, dictionary):
        self.others.update(dictionary)

    def get_other(self, name):
        return self.others[name]

    def log_text(self, text, step=None, metadata=None):
        print(text)

    def log_html(self, html, clear=False, timestamp=None):
        self._write("page.html", str(html))

    def _write(self, name, text):
        path = os.path.join(folder("assets"), file_name(name))
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return {"assetId": name, "web": "file://" + path}

    def log_asset(self, file_data, file_name=None, overwrite=None, copy_to_tmp=True, step=None, metadata=None):
        if hasattr(file_data, "read"):
            content = file_data.read()
            mode = "w" if isinstance(content, str) else "wb"
            path = inner_path(folder("assets"), file_name or "asset")
            with open(path, mode) as file:
                file.write(content)
        else:
            path = inner_path(folder("assets"), file_name or os.path.basename(os.fspath(file_data)))
            copy(file_data, path)
        return {"assetId": os.path.basename(path), "web": "file://" + path}

    log_code = log_tensorflow_folder = log_asset

    def log_asset_data(self, data, name=None, overwrite=False, step=None, metadata=None, epoch=None):
        return self._write(name or "data.json", data if isinstance(data, str) else json.dumps(data, default=str))

    def log_asset_folder(self, folder, step=None, log_file_name=None, recursive=False):
        return [self.log_asset(os.path.join(folder, name)) for name in sorted(os.listdir(folder))]

    def log_model(self, name, file_or_folder, file_name=None, **named):
        inner = file_name or os.path.basename(os.path.normpath(os.fspath(file_or_folder)))
        return copy(file_or_folder, inner_path(folder("models"), os.path.join(name, inner)))

    def log_figure(self, figure_name=None, figure=None, overwrite=False, step=None):
        figure = figure.gcf() if hasattr(figure, "gcf") else figure
        figure.savefig(os.path.join(folder("assets"), file_name(figure_name or "figure") + ".png"))

    def log_image(self, image_data, name=None, **named):
        if isinstance(image_data, (str, os.PathLike)):
            return self.log_asset(image_data, name)
        if hasattr(image_data, "save"):
            image_data.save(os.path.join(folder("assets"), file_name(name or "image") + ".png"))
            return None
        return self.log_asset_data(image_data.tolist() if hasattr(image_data, "tolist") else image_data, name)

    def log_table(self, filename, tabular_data=None, headers=False, **named):
        if hasattr(tabular_data, "to_csv"):
            tabular_data.to_csv(os.path.join(folder("assets"), file_name(filename)))
        else:
            self._write(filename, json.dumps([list(row) for row in tabular_data or ()], default=str))

    def log_confusion_matrix(self, y_true=None, y_predicted=None, matrix=None, file_name="confusion-matrix.json", **named):
        rows = matrix.tolist() if hasattr(matrix, "tolist") else matrix
        self._write(file_name, json.dumps(
            {"matrix": rows, "true": y_true, "predicted": y_predicted},
            default=lambda value: value.tolist() if hasattr(value, "tolist") else str(value)))

    log_curve = log_histogram_3d = lambda self, name, *values, **named: self._write(
        "%s.json" % name, json.dumps(values, default=lambda value: value.tolist() if hasattr(value, "tolist") else str(value)))

    def add_tag(self, tag):
        self.tags.append(tag)

    def add_tags(self, tags):
        self.tags += list(tags)

    def get_tags(self):
        return list(self.tags)

    def set_name(self, name):
        self.name = name

    def get_name(self):
        return self.name

    def get_key(self):
        return self.id

    def get_workspace(self):
        return self.workspace

    def get_project_name(self):
        return self.project_name

    def set_step(self, step):
        self.curr_step = step

    def set_epoch(self, epoch):
        self.curr_epoch = epoch

    def log_current_epoch(self, value):
        self.curr_epoch = value

    def log_epoch_end(self, epoch_cnt, step=None):
        self.curr_epoch, self.curr_step = epoch_cnt, step

    @contextlib.contextmanager
    def context_manager(self, context):
        before, self.context = self.context, context
        try:
            yield self
        finally:
            self.context = before

    def train(self):
        return self.context_manager("train")

    def validate(self):
        return self.context_manager("validate")

    def test(self):
        return self.context_manager("test")

    def set_model_graph(self, *arguments, **named):
        return None

    set_code = set_filename = log_system_info = log_dependency = log_env_details = set_model_graph
    disable_mp = display = log_dataset_hash = log_dataset_info = watch = clean = set_model_graph

    def flush(self):
        return True

    def end(self):
        global _experiment
        self.alive, self.ended = False, True
        if _experiment is self:
            _experiment = None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.end()
        return False

    def __getattr__(self, name):
        raise AttributeError("Comet's experiment has no %r in needletail's stand-in" % name)


OfflineExperiment = ExistingExperiment = ExistingOfflineExperiment = CometExperiment = BaseExperiment = Experiment


class Optimizer:
    """Gives the one experiment of the trial."""

    def __init__(self, config=None, **named):
        self.id, self._config, self._is_given = study_name(), config, False

    def get_id(self):
        return self.id

    def next(self, **named):
        if self._is_given:
            return None
        self._is_given = True
        return Experiment(**named)

    def get_experiments(self, **named):
        experiment = self.next(**named)
        if experiment is not None:
            yield experiment

    def get_parameters(self, **named):
        if not self._is_given:
            self._is_given = True
            yield {"parameters": dict(parameters())}

    def next_data(self, **named):
        return next(self.get_parameters(), None)

    def end(self, experiment):
        experiment.end()

    def status(self):
        return {"optimizer": self.id, "status": "running"}


def start(*arguments, project_name=None, workspace=None, **named):
    """The experiment of the trial."""
    return _experiment or Experiment(project_name=project_name, workspace=workspace)


def get_global_experiment():
    """The experiment, if there is one."""
    return _experiment


get_running_experiment = get_global_experiment


def init(*arguments, **named):
    """Nothing to log in to."""


login = init


def end():
    """Ends the experiment."""
    if _experiment is not None:
        _experiment.end()


class ExperimentConfig:
    """Takes any settings; they concern the service."""

    def __init__(self, *arguments, **named):
        self.__dict__.update(named)


def __getattr__(name):
    return _installed.attribute(name)
