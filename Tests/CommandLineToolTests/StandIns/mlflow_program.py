"""Tracks with MLflow; a poor trial waits until it is stopped."""

import json
import os
import signal

import mlflow

with open(os.environ["NEEDLETAIL_PARAMS"]) as file:
    x = json.load(file)["x"]
mlflow.set_experiment("line")
with mlflow.start_run(run_name="first") as run:
    mlflow.log_param("x", x)
    mlflow.log_params({"width": 4})
    mlflow.set_tag("kind", "line")
    for epoch in range(3):
        mlflow.log_metric("loss", x * 10 / (epoch + 1), step=epoch)
        mlflow.log_metrics({"epoch": epoch, "accuracy": 1 - x}, step=epoch)
    mlflow.log_text("1 2 3", "model/weights.txt")
    assert mlflow.active_run().info.run_id == run.info.run_id
    if x > 0.5:
        signal.pause()
assert mlflow.active_run() is None and mlflow.last_active_run().info.status == "FINISHED"
