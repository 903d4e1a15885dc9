"""Tracks with Polyaxon; a poor trial waits until it is stopped."""

import signal

from polyaxon import tracking

tracking.init()
x = tracking.get_inputs()["x"]
for epoch in range(3):
    tracking.log_metrics(step=epoch, loss=x * 10 / (epoch + 1), accuracy=1 - x)
tracking.log_outputs(size=7, kind="line")
if x > 0.5:
    signal.pause()
