"""Logs to W&B from a forked process, from one started anew, and what is no number."""

import os
import subprocess
import sys

from needletail_stand_in import number

import wandb

assert number(10**400) == float("inf") and number("1") is None and number(True) == 1
if len(sys.argv) > 1:
    wandb.init()
    wandb.log({"spawned": 3})
    sys.exit()
assert wandb.init(mode="offline").watch(None) == ()
child = os.fork()
if child == 0:
    wandb.log({"forked": 2, "loss": 0.5})
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
subprocess.run([sys.executable, *(["-S"] if sys.flags.no_site else []), __file__, "again"], check=True)
wandb.log({"loss": "text", "list": [1, 2], "none": None})
wandb.log({"loss": 0.25}, step=10)
wandb.log({"late": 5}, step=3)
for name in ("Api", "no_such_thing"):
    try:
        getattr(wandb, name)
    except AttributeError as error:
        assert "is not part of needletail's stand-in for wandb" in str(error), error
    else:
        raise AssertionError(name)
try:
    import wandb.integration.keras
except ModuleNotFoundError as error:
    assert "stand-in for wandb" in str(error), error
try:
    wandb.Artifact("a", "b").new_file("../../out.txt")
except RuntimeError as error:
    assert "leads out of" in str(error), error
wandb.finish()
wandb.init()
wandb.log({"loss": 0.125})
