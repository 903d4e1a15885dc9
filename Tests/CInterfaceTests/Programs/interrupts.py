"""Ctrl-C in the midst of ask, objective and tell: the trial is given back, and the store is sound."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

PROGRAM = """
import faulthandler
import signal
import sys
# The threads of what started the test may ignore and block it, which children inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
# Says where it is if it hangs.
faulthandler.dump_traceback_later(45, exit=True)
import needletail as optuna
optuna.logging.set_verbosity(optuna.logging.ERROR)
study = optuna.create_study(study_name="s", storage=sys.argv[1], load_if_exists=True)
print("ready", flush=True)
def objective(trial):
    x = trial.suggest_float("x", 0, 1)
    trial.report(x, 0)
    return x
try:
    study.optimize(objective, n_jobs=int(sys.argv[2]))
except KeyboardInterrupt:
    trials = study.get_trials(deepcopy=False)
    open_trials = [t.number for t in trials if t.state.name == "RUNNING"]
    study.optimize(objective, n_trials=len(open_trials) + 1)
    states = {t.state.name for t in study.get_trials(deepcopy=False)}
    assert states == {"COMPLETE"}, (states, open_trials)
    sys.exit(7)
"""

if __name__ == "__main__":
    chance = random.Random(2)
    folder = tempfile.mkdtemp()
    for round in range(8):
        path = f"{folder}/{round % 2}.db"
        child = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, f"sqlite:///{path}", str(1 + round % 2 * 2)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert child.stdout.readline() == b"ready\n"
        time.sleep(0.05 + chance.random() * 0.3)
        os.kill(child.pid, signal.SIGINT)
        _, errors = child.communicate(timeout=60)
        assert child.returncode == 7, (child.returncode, errors.decode())
        check = sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone()
        assert check == ("ok",), check
    print("done")
