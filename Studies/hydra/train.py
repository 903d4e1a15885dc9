"""Fits a line by gradient descent; a Hydra program, whose value is what its task returns."""

import hydra


@hydra.main(config_path=".", config_name="config", version_base=None)
def main(cfg):
    points = [(x / 10, 3 * x / 10 + 1) for x in range(20)]
    slope = intercept = speed_slope = speed_intercept = 0.0
    for step in range(cfg.steps):
        ahead = cfg.momentum if cfg.nesterov else 0.0
        a, b = slope + ahead * speed_slope, intercept + ahead * speed_intercept
        errors = [(a * x + b - y, x) for x, y in points]
        speed_slope = cfg.momentum * speed_slope - cfg.lr * sum(e * x for e, x in errors) / 20
        speed_intercept = cfg.momentum * speed_intercept - cfg.lr * sum(e for e, _ in errors) / 20
        slope, intercept = slope + speed_slope, intercept + speed_intercept
        loss = min(1e6, sum((slope * x + intercept - y) ** 2 for x, y in points) / 20)
    return loss


if __name__ == "__main__":
    main()
