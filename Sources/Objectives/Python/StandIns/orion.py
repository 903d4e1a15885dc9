"""A stand-in for Orion's module: `orion.client` inside trials.

`report_objective` and `report_results` report here; results of the type `constraint` and `statistic` are
kept beside the objective. A study file names this with `stand_ins: [orion]`. What it does not know is the
installed package's.
"""

import sys

from needletail_stand_in import Installed, StandInError, number, report

_installed = Installed("orion")
__version__ = "0.2.7"
_TYPES = ("objective", "constraint", "gradient", "statistic", "lie")
_reported = []


def report_objective(objective, name="objective"):
    """Reports the trial's objective, once."""
    report_results([{"name": name, "type": "objective", "value": objective}])


def report_results(data):
    """Reports results with names and types, once."""
    if _reported:
        raise StandInError("results have been reported already; report them once, at the end of the program")
    values = {}
    for result in data:
        if result["type"] not in _TYPES:
            raise StandInError("the type %r is none of Orion's; give one of %s" % (result["type"], ", ".join(_TYPES)))
        if number(result["value"]) is not None:
            # There is one objective, whatever a program calls it.
            values["objective" if result["type"] == "objective" else result["name"]] = result["value"]
    if "objective" not in values:
        raise StandInError("there is no result of the type 'objective' with a number; report one")
    _reported.append(values)
    report(values)


def report_bad_trial(objective=1e10, name="objective", data=None):
    """Reports a poor objective, and further results."""
    report_results([{"name": name, "type": "objective", "value": objective}] + list(data or []))


def interrupt_trial():
    """Ends the program as one that was interrupted."""
    sys.exit(130)


client = _installed.module(
    "client", report_objective=report_objective, report_results=report_results,
    report_bad_trial=report_bad_trial, interrupt_trial=interrupt_trial)


def __getattr__(name):
    return _installed.attribute(name)
