"""Reports to SigOpt; a poor trial waits until it is stopped."""

import signal

import sigopt

sigopt.params.setdefaults({"x": 9, "width": 4})
assert sigopt.params.x < 1 and sigopt.params.width == 4
for epoch in range(3):
    sigopt.log_checkpoint({"loss": sigopt.params.x * 10 / (epoch + 1)})
if sigopt.params["x"] > 0.5:
    signal.pause()
sigopt.log_metric("loss", sigopt.params.x * 10 / 3)
