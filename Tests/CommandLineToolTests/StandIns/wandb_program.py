"""Logs to W&B once per epoch; a poor trial waits until it is stopped."""

import signal
import threading

import wandb

with wandb.init(project="p", config={"x": 9, "own": 3}) as run:
    assert wandb.config.own == 3 and wandb.config["x"] == run.config.x < 1
    wandb.config.update({"x": 7, "width": 4}, allow_val_change=True)
    assert wandb.config.x < 1 and run.config.get("width") == 4
    run.define_metric("accuracy", summary="max")
    for epoch in range(3):
        loss = wandb.config.x * 10 / (epoch + 1)
        wandb.log({"epoch": epoch, "loss": loss, "accuracy": -abs(epoch - 1), "deep": {"part": epoch}})
    wandb.log({"picture": wandb.Image([[0, 255], [128, 0]]), "spread": wandb.Histogram([1, 2, 3])})
    table = wandb.Table(columns=["a", "b"], data=[[1, 2]])
    table.add_data(3, 4)
    run.log({"chart": wandb.plot.line(table, "a", "b"), "table": table, "broken": float("nan"), "word": "text"})
    artifact = wandb.Artifact("model", type="model", metadata={"kind": "line"})
    with artifact.new_file("weights.txt") as file:
        file.write("1 2 3")
    run.log_artifact(artifact).wait()
    threads = [threading.Thread(target=lambda: [wandb.log({"steps": 1}) for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run.summary["size"] = 7
    if wandb.config.x > 0.5:
        signal.pause()
try:
    wandb.log({"loss": 0})
except wandb.Error as error:
    assert "wandb.init()" in str(error)
else:
    raise AssertionError("a log after the end went unnoticed")
assert wandb.run is None
