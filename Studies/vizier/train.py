"""Fits a line by gradient descent; takes its parameters as Vertex AI gives them and reports by hypertune."""

import argparse

import hypertune

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, required=True)
parser.add_argument("--momentum", type=float, required=True)
parser.add_argument("--nesterov", choices=["true", "false"], required=True)
parser.add_argument("--steps", type=float, required=True)
options = parser.parse_args()
tuner = hypertune.HyperTune()

points = [(x / 10, 3 * x / 10 + 1) for x in range(20)]
slope = intercept = speed_slope = speed_intercept = 0.0
for step in range(int(options.steps)):
    ahead = options.momentum if options.nesterov == "true" else 0.0
    a, b = slope + ahead * speed_slope, intercept + ahead * speed_intercept
    errors = [(a * x + b - y, x) for x, y in points]
    speed_slope = options.momentum * speed_slope - options.lr * sum(e * x for e, x in errors) / 20
    speed_intercept = options.momentum * speed_intercept - options.lr * sum(e for e, _ in errors) / 20
    slope, intercept = slope + speed_slope, intercept + speed_intercept
    loss = min(1e6, sum((slope * x + intercept - y) ** 2 for x, y in points) / 20)
    tuner.report_hyperparameter_tuning_metric(
        hyperparameter_metric_tag="loss", metric_value=loss, global_step=step)
