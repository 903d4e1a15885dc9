"""Reports by hypertune; a poor trial waits until it is stopped."""

import os
import signal

import hypertune

x = float(os.environ["NEEDLETAIL_PARAM_X"])
tuner = hypertune.HyperTune()
for epoch in range(3):
    tuner.report_hyperparameter_tuning_metric(
        hyperparameter_metric_tag="loss", metric_value=x * 10 / (epoch + 1), global_step=epoch)
if x > 0.5:
    signal.pause()
