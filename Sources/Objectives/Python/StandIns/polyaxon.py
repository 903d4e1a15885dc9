"""A stand-in for Polyaxon's module: `polyaxon.tracking` inside trials.

Metrics are reported, and artifacts are files of the trial. A study file names this with
`stand_ins: [polyaxon]`. What it does not know is the installed package's.
"""

import json
import os

from needletail_stand_in import (
    Counter, Installed, copy, file_name, folder, inner_path, keep, parameters, report, study_name, trial_number,
)

_installed = Installed("polyaxon")
__version__ = "2.18.0"
_steps = Counter()


class Run:
    """The run of the trial."""

    def __init__(self, *arguments, **named):
        self.run_uuid = "%s-%d" % (study_name(), trial_number())
        self.name, self.project, self.owner = "trial-%d" % trial_number(), study_name(), ""

    def log_metric(self, name, value, step=None, timestamp=None):
        """Reports a value."""
        report({name: value}, _steps.step(name, step))

    def log_metrics(self, step=None, timestamp=None, **metrics):
        """Reports values."""
        by_step = {}  # type: dict
        for name, value in metrics.items():
            by_step.setdefault(_steps.step(name, step), {})[name] = value
        for one, values in by_step.items():
            report(values, one)

    def log_inputs(self, reset=False, **inputs):
        return None

    def log_outputs(self, reset=False, **outputs):
        """Says values of the run; what is no number is kept as an attribute."""
        report(outputs)
        for name, value in outputs.items():
            if isinstance(value, (str, list, dict)):
                keep(name, value)

    def get_inputs(self):
        return dict(parameters())

    get_params = get_inputs

    def log_artifact(self, path=None, name=None, kind=None, **named):
        name = name or os.path.basename(os.path.normpath(os.fspath(path)))
        return copy(path, inner_path(folder("artifacts"), name))

    def log_model(self, path=None, name=None, framework=None, **named):
        return self.log_artifact(path, name)

    log_file_ref = log_dir_ref = log_artifact_ref = log_file = log_artifact

    def log_image(self, data=None, name=None, step=None, **named):
        if isinstance(data, (str, os.PathLike)):
            return self.log_artifact(data, name)
        return self.log_json(name or "image", data.tolist() if hasattr(data, "tolist") else data)

    def log_json(self, name, content):
        path = os.path.join(folder("artifacts"), file_name(name) + ".json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(content, file, default=lambda value: value.tolist() if hasattr(value, "tolist") else str(value))
        return path

    def log_text(self, name, text, step=None, **named):
        return self.log_json(name, text)

    def log_mpl_image(self, data, name=None, step=None, **named):
        figure = data.gcf() if hasattr(data, "gcf") else data
        figure.savefig(os.path.join(folder("artifacts"), file_name(name or "figure") + ".png"))

    def log_dataframe(self, df, name, **named):
        df.to_csv(os.path.join(folder("artifacts"), file_name(name) + ".csv"))

    def log_confusion_matrix(self, name, x, y, z, **named):
        self.log_json(name, {"x": x, "y": y, "z": z})

    def log_curve(self, name, x, y, **named):
        self.log_json(name, {"x": x, "y": y})

    def get_outputs_path(self, rel_path=None, *arguments, **named):
        return inner_path(folder("outputs"), rel_path) if rel_path else folder("outputs")

    get_artifacts_path = get_outputs_path

    def set_name(self, name, **named):
        self.name = name

    def log_tags(self, tags, **named):
        keep("tags", tags)

    def log_meta(self, reset=False, **meta):
        for name, value in meta.items():
            keep(name, value)

    def _ignored(self, *arguments, **named):
        return None

    set_description = log_status = log_succeeded = log_stopped = log_progress = log_env = log_code_ref = _ignored
    log_data_ref = log_run_env = add_ref = flush = end = log_failed = _ignored

    def __getattr__(self, name):
        raise AttributeError("Polyaxon's run has no %r in needletail's stand-in" % name)


_run = Run()


def init(*arguments, **named):
    """The run of the trial."""
    return _run


def get_or_create_run(*arguments, **named):
    """The run of the trial."""
    return _run


tracking = _installed.module(
    "tracking", Run=Run, TRACKING_RUN=_run, init=init, get_or_create_run=get_or_create_run,
    **{name: getattr(_run, name) for name in dir(Run) if not name.startswith("_")}
)


def __getattr__(name):
    return _installed.attribute(name)
