"""Tracks with MLflow, and goes on with what only the package has."""

import json
import os

import mlflow

with open(os.environ["NEEDLETAIL_PARAMS"]) as file:
    x = json.load(file)["x"]
with mlflow.start_run(run_name="first"):
    mlflow.log_param("x", x)
    mlflow.log_metric("loss", x * 10, step=0)
    client = mlflow.MlflowClient()
    run = mlflow.active_run()
    client.log_metric(run.info.run_id, "loss", x * 5, step=1)
    mlflow.log_metric("loss", x * 10 / 3, step=2)
    history = [metric.value for metric in client.get_metric_history(run.info.run_id, "loss")]
    assert len(history) == 3, history
    assert client.get_run(run.info.run_id).data.params == {"x": str(x)}
