"""Logs to W&B's own client, which writes a file."""

import wandb

run = wandb.init(project="p", config={"x": 9})
for epoch in range(3):
    run.log({"loss": run.config.x * 10 / (epoch + 1), "accuracy": epoch, "deep": {"part": 7}})
run.summary["size"] = 7
run.finish()
