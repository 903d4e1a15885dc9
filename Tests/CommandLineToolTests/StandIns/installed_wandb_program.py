"""Logs to W&B, and uses what only the package has."""

import signal

import numpy
import wandb
from wandb.sdk.lib import runid

run = wandb.init(project="p", config={"x": 9, "width": 4}, settings=wandb.Settings(console="off"))
assert wandb.config.x < 1 and len(runid.generate_id()) == 8 and wandb.Api
wandb.define_metric("accuracy", summary="max")
for epoch in range(3):
    wandb.log({"loss": wandb.config.x * 10 / (epoch + 1), "accuracy": epoch})
wandb.log({"picture": wandb.Image(numpy.zeros((2, 2))), "table": wandb.Table(columns=["a"], data=[[1]])})
artifact = wandb.Artifact("model", type="model")
with artifact.new_file("weights.txt") as file:
    file.write("1 2 3")
run.log_artifact(artifact)
run.summary["size"] = 7
if wandb.config.x > 0.5:
    signal.pause()
wandb.finish()
