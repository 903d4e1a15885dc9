"""Fits a line by gradient descent in a trainable of Ray Tune."""

from ray import tune


def train(config):
    """Reports the loss of each step to Ray."""
    points = [(x / 10, 3 * x / 10 + 1) for x in range(20)]
    slope = intercept = speed_slope = speed_intercept = 0.0
    for step in range(30):
        ahead = config["momentum"] if config["nesterov"] else 0.0
        a, b = slope + ahead * speed_slope, intercept + ahead * speed_intercept
        errors = [(a * x + b - y, x) for x, y in points]
        speed_slope = config["momentum"] * speed_slope - config["lr"] * sum(e * x for e, x in errors) / 20
        speed_intercept = config["momentum"] * speed_intercept - config["lr"] * sum(e for e, _ in errors) / 20
        slope, intercept = slope + speed_slope, intercept + speed_intercept
        loss = min(1e6, sum((slope * x + intercept - y) ** 2 for x, y in points) / 20)
        tune.report({"loss": loss})


tune.Tuner(train, tune_config=tune.TuneConfig(metric="loss", mode="min")).fit()
