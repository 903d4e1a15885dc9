"""Fits a line by gradient descent; finds its hyperparameters in the cluster's information and reports by the Core API."""

import determined as det

with det.core.init() as core:
    options = det.get_cluster_info().trial.hparams
    points = [(x / 10, 3 * x / 10 + 1) for x in range(20)]
    slope = intercept = speed_slope = speed_intercept = 0.0
    for step in range(options["steps"]):
        ahead = options["momentum"] if options["nesterov"] else 0.0
        a, b = slope + ahead * speed_slope, intercept + ahead * speed_intercept
        errors = [(a * x + b - y, x) for x, y in points]
        speed_slope = options["momentum"] * speed_slope - options["lr"] * sum(e * x for e, x in errors) / 20
        speed_intercept = options["momentum"] * speed_intercept - options["lr"] * sum(e for e, _ in errors) / 20
        slope, intercept = slope + speed_slope, intercept + speed_intercept
        loss = min(1e6, sum((slope * x + intercept - y) ** 2 for x, y in points) / 20)
        core.train.report_validation_metrics(steps_completed=step + 1, metrics={"loss": loss})
        if core.preempt.should_preempt():
            break
