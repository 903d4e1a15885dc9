"""Reports to NNI; a poor trial waits until it is stopped."""

import signal

import nni

given = nni.get_next_parameter()
assert nni.get_current_parameter("x") == given["x"]
assert nni.get_trial_id() and nni.get_experiment_id() and nni.get_sequence_id() >= 0
for epoch in range(3):
    nni.report_intermediate_result({"default": given["x"] * 10 / (epoch + 1), "epoch": epoch})
if given["x"] > 0.5:
    signal.pause()
nni.report_final_result(given["x"] * 10 / 3)
