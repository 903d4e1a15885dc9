"""A program for Determined's Core API, which ends itself when it is preempted."""

import determined as det

with det.core.init() as context:
    x = det.get_cluster_info().trial.hparams["x"]
    for epoch in range(3):
        context.train.report_training_metrics(steps_completed=epoch, metrics={"loss": 1})
        context.train.report_validation_metrics(steps_completed=epoch, metrics={"loss": x * 10 / (epoch + 1)})
        with context.checkpoint.store_path({"steps_completed": epoch}) as (path, name):
            (path / "state.txt").write_text(str(epoch))
        if context.preempt.should_preempt():
            break
    else:
        assert x <= 0.5, "a poor trial has gone on"
with context.checkpoint.restore_path(det.get_cluster_info().latest_checkpoint) as path:
    assert (path / "state.txt").read_text() == str(epoch)
