"""Logs to Comet; a poor trial waits until it is stopped."""

import signal

import comet_ml

optimizer = comet_ml.Optimizer({"algorithm": "bayes"})
for experiment in optimizer.get_experiments(project_name="lines"):
    x = experiment.get_parameter("x")
    for epoch in range(3):
        experiment.log_metric("loss", x * 10 / (epoch + 1), step=epoch)
        with experiment.train():
            experiment.log_metrics({"accuracy": 1 - x}, epoch=epoch)
    experiment.log_other("kind", "line")
    if x > 0.5:
        signal.pause()
    experiment.end()
