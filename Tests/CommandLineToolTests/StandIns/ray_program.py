"""A trainable of Ray Tune with checkpoints; a poor trial waits until Ray ends it."""

import os
import signal
import tempfile

from ray import train, tune
from ray.tune import Checkpoint
from ray.tune.schedulers import ASHAScheduler


def run(config):
    for epoch in range(3):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "state.txt"), "w") as file:
                file.write(str(epoch))
            tune.report({"loss": config["x"] * 10 / (epoch + 1), "epoch": epoch}, checkpoint=Checkpoint.from_directory(folder))
        with train.get_checkpoint().as_directory() as folder, open(os.path.join(folder, "state.txt")) as file:
            assert file.read() == str(epoch)
    while config["x"] > 0.5:
        signal.pause()


def trainable(config):
    assert config["width"] == 4 and tune.get_checkpoint() is None
    try:
        run(config)
    finally:
        with open("ended.txt", "a") as file:
            file.write("%s\n" % config["x"])


tuner = tune.Tuner(
    trainable,
    param_space={"x": tune.uniform(0, 1), "width": 4},
    tune_config=tune.TuneConfig(num_samples=10, scheduler=ASHAScheduler(metric="loss", mode="min")),
)
assert tuner.fit().get_best_result().metrics["epoch"] == 2
