"""Fits a line by gradient descent; takes overrides such as lr=0.1, as a Hydra program does."""

import sys

options = dict(word.split("=", 1) for word in sys.argv[1:])
lr, momentum = float(options["lr"]), float(options["momentum"])
nesterov = options["nesterov"] == "True"

points = [(x / 10, 3 * x / 10 + 1) for x in range(20)]
slope = intercept = speed_slope = speed_intercept = 0.0
for step in range(int(options["steps"])):
    ahead = momentum if nesterov else 0.0
    a, b = slope + ahead * speed_slope, intercept + ahead * speed_intercept
    errors = [(a * x + b - y, x) for x, y in points]
    speed_slope = momentum * speed_slope - lr * sum(e * x for e, x in errors) / 20
    speed_intercept = momentum * speed_intercept - lr * sum(e for e, _ in errors) / 20
    slope, intercept = slope + speed_slope, intercept + speed_intercept
    loss = min(1e6, sum((slope * x + intercept - y) ** 2 for x, y in points) / 20)
    print(f"step={step} loss={loss:.6g}", flush=True)
