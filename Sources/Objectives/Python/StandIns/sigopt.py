"""A stand-in for SigOpt's module: its runs inside trials.

`sigopt.params` has the trial's parameters, over the defaults of the program; metrics and checkpoints are
reported. A study file names this with `stand_ins: [sigopt]`. What it does not know is the installed
package's.
"""

import json
import os
import sys

from needletail_stand_in import (
    Counter, Installed, Settings, file_name, folder, keep, nested, parameters, report, study_name, tell,
    trial_number,
)

_installed = Installed("sigopt")
__version__ = "8.8.3"
_steps = Counter()


class Parameters(dict):
    """The parameters, as keys and as attributes; those of the trial stay as they are."""

    def __init__(self):
        super().__init__(nested(parameters()) if os.environ.get("NEEDLETAIL_PARAMS") else {})
        self.__dict__["_locked"] = set(self)

    def __setitem__(self, name, value):
        if name not in self._locked:
            super().__setitem__(name, value)

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError("no parameter has the name %r" % name) from None

    def __setattr__(self, name, value):
        self[name] = value

    def setdefault(self, name, default=None):
        if name not in self:
            self[name] = default
        return self[name]

    def setdefaults(self, values):
        for name, value in dict(values).items():
            self.setdefault(name, value)
        return self

    def update(self, *others, **more):
        for other in others + (more,):
            for name, value in dict(other).items():
                self[name] = value


params = Parameters()


class RunContext:
    """The run of the trial."""

    def __init__(self, name=None, **named):
        self.id, self.name, self.params = str(trial_number()), name, params

    def log_metric(self, name, value, stddev=None):
        """Says a metric of the run."""
        report({name: value} if stddev is None else {name: value, "%s.stddev" % name: stddev})

    def log_metrics(self, *arguments, **named):
        """Says metrics of the run."""
        for given in arguments + (named,):
            for name, value in dict(given).items():
                self.log_metric(name, value["value"] if isinstance(value, dict) else value)

    def log_checkpoint(self, metrics):
        """Reports values while the run goes on."""
        step = _steps.step("")
        report(metrics, step)

    def log_metadata(self, key, value):
        keep(key, value)

    def log_parameter(self, name, value, *arguments, **named):
        params.setdefault(name, value)

    def log_model(self, type=None):
        keep("model", type)

    def log_dataset(self, name):
        keep("dataset", name)

    def log_failure(self):
        """Says that the parameters cannot be evaluated, and ends the trial."""
        sys.exit(80)

    def log_image(self, image, name=None):
        path = os.path.join(folder("images"), file_name(name or "image"))
        if hasattr(image, "savefig"):
            image.savefig(path + ".png")
        elif hasattr(image, "save"):
            image.save(path + ".png")
        else:
            with open(path + ".json", "w", encoding="utf-8") as file:
                json.dump(image.tolist() if hasattr(image, "tolist") else image, file, default=str)

    def log_artifact(self, filename, name=None):
        from needletail_stand_in import copy

        copy(filename, os.path.join(folder("artifacts"), name or os.path.basename(filename)))

    def set_parameters(self, parameters):
        params.update(parameters)

    def end(self, exception=None):
        return None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        return False

    def __getattr__(self, name):
        raise AttributeError("SigOpt's run has no %r in needletail's stand-in" % name)


_run = RunContext()
log_metric, log_metrics, log_checkpoint = _run.log_metric, _run.log_metrics, _run.log_checkpoint
log_metadata, log_model, log_dataset = _run.log_metadata, _run.log_model, _run.log_dataset
log_failure, log_image = _run.log_failure, _run.log_image


def create_run(name=None, **named):
    """The run of the trial."""
    return RunContext(name)


class Experiment:
    """Gives the one run of the trial."""

    def __init__(self, **named):
        self.id, self.name = study_name(), named.get("name")
        self._is_given = False

    def loop(self, name=None):
        if not self._is_given:
            self._is_given = True
            yield RunContext(name)

    def create_run(self, name=None):
        self._is_given = True
        return RunContext(name)

    def is_finished(self):
        return self._is_given

    def get_best_runs(self):
        return iter(())

    def refresh(self):
        return self


def create_experiment(**named):
    """The study, which the study file describes."""
    return Experiment(**named)


create_aiexperiment = create_experiment


def get_experiment(experiment_id):
    """The study."""
    return Experiment()


def set_project(project):
    """Takes note of nothing."""
    return project


class _Observations:
    """What the older interface calls: one suggestion, one observation."""

    def create(self, values=None, value=None, failed=False, **named):
        if failed:
            sys.exit(80)
        if value is not None:
            tell([value])
        else:
            report({one["name"]: one["value"] for one in values or ()})
        return Settings(id="0")


class _Experiments:
    def __call__(self, id=None):
        return self

    def create(self, **named):
        return Settings(id=study_name(), progress=Settings(observation_budget_consumed=0), **named)

    def fetch(self):
        return self.create()

    def suggestions(self):
        return Settings(create=lambda **named: Settings(id="0", assignments=params))

    def observations(self):
        return _Observations()


class Connection:
    """The older interface, of this trial alone."""

    def __init__(self, *arguments, **named):
        self.experiments = _Experiments()

    def set_api_url(self, url):
        return None


def __getattr__(name):
    return _installed.attribute(name)
