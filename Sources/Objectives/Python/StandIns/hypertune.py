"""A stand-in for the module of cloudml-hypertune, by which programs report to Vertex AI.

A study file names this with `stand_ins: [hypertune]`. What it does not know is the installed package's.
"""

from needletail_stand_in import Installed, report

_installed = Installed("hypertune")


class HyperTune:
    """Takes the metrics."""

    def report_hyperparameter_tuning_metric(
            self, hyperparameter_metric_tag, metric_value, global_step=None, checkpoint_path=""):
        """Reports a value, at a step if there is one."""
        report({hyperparameter_metric_tag or "training/hptuning/metric": metric_value}, global_step)


def __getattr__(name):
    return _installed.attribute(name)
