"""Reports to ClearML; a poor trial waits until it is stopped."""

import argparse
import signal

from clearml import Logger, Task

parser = argparse.ArgumentParser()
parser.add_argument("--x", type=float, default=9)
task = Task.init(project_name="lines", task_name="line")
options = parser.parse_args()
given = task.connect({"x": 9.0, "width": 4})
assert options.x == given["x"] < 1 and given["width"] == 4
logger = task.get_logger()
for epoch in range(3):
    logger.report_scalar("loss", "validation", value=given["x"] * 10 / (epoch + 1), iteration=epoch)
Logger.current_logger().report_single_value("size", 7)
task.upload_artifact("weights", {"w": [1, 2, 3]})
if given["x"] > 0.5:
    signal.pause()
task.close()
