"""A stand-in for NNI's module inside trials: its reports go to the runner.

The metric is `default`: a number that is reported, or that item of a mapping. A study file names this
with `stand_ins: [nni]`. What it does not know is the installed package's.
"""

import json
import os

from needletail_stand_in import (
    Installed, Nothing, nested, number, parameters, report, study_name, trial_number,
)

_installed = Installed("nni")
__version__ = "3.0"

_sequence = 0
_current = Nothing  # type: object


class NoMoreTrialError(Exception):
    """There is no other trial for this process."""


def get_next_parameter():
    """The trial's parameters."""
    global _current
    path = os.path.join(os.environ.get("NNI_SYS_DIR", ""), "parameter.cfg")
    if os.environ.get("NNI_SYS_DIR") and os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            _current = json.load(file)["parameters"]
    else:
        _current = nested(parameters())
    return _current


def get_current_parameter(tag=None):
    """What `get_next_parameter` returned last, or one of its items."""
    if _current is Nothing:
        return None
    return _current if tag is None else _current[tag]  # type: ignore[index]


def get_experiment_id():
    """The study's name."""
    return os.environ.get("NNI_EXP_ID") or study_name()


def get_trial_id():
    """The trial's number, as a text."""
    return os.environ.get("NNI_TRIAL_JOB_ID") or str(trial_number())


def get_sequence_id():
    """The trial's number."""
    return trial_number()


def _values(metric):
    if isinstance(metric, dict):
        if number(metric.get("default")) is None:
            raise ValueError("the metric %r has no number 'default'; NNI compares trials by it" % (metric,))
        return metric
    if number(metric) is None:
        raise ValueError("the metric is %r; give a number, or a mapping with 'default'" % (metric,))
    return {"default": metric}


def _line(kind):
    def say(values, step):
        data = {
            "parameter_id": 0, "trial_job_id": get_trial_id(), "type": kind, "sequence": step or 0,
            "value": json.dumps(values),
        }
        return "NNISDK_ME%s" % json.dumps(data).encode()

    return say


def report_intermediate_result(metric):
    """Reports a value; the trial may end here by a signal."""
    global _sequence
    step, _sequence = _sequence, _sequence + 1
    report(_values(metric), step, say=_line("PERIODICAL"))


def report_final_result(metric):
    """Says what the trial's value is."""
    report(_values(metric), say=_line("FINAL"))


def __getattr__(name):
    return _installed.attribute(name)
