"""Reports to Orion: an objective, once, and what stands beside it."""

import os

from orion.client import report_objective, report_results

x = float(os.environ["NEEDLETAIL_PARAM_X"])
try:
    report_results([{"name": "size", "type": "constraint", "value": 4}])
except RuntimeError as error:
    assert "objective" in str(error), error
report_results([
    {"name": "loss", "type": "objective", "value": x * 10 / 3}, {"name": "size", "type": "constraint", "value": 4},
])
try:
    report_objective(0)
except RuntimeError as error:
    assert "once" in str(error), error
else:
    raise SystemExit("results were taken twice")
