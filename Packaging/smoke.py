"""Uses an installed wheel in all its ways; raises what it finds wrong. The standard library alone."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

# The command beside this Python.
COMMAND = os.path.join(os.path.dirname(os.path.abspath(sys.executable)), "needletail")

PROGRAM = """
import needletail as optuna

def objective(trial):
    x = trial.suggest_float("x", -10, 10)
    return (x - 2) ** 2

study = optuna.create_study()
study.optimize(objective, n_trials=20)
"""


def run(*words, code=0, **options):
    done = subprocess.run([COMMAND, *words], text=True, capture_output=True, timeout=120, **options)
    if done.returncode != code:
        raise AssertionError(f"{words} exited with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def objective(trial):
    return (trial.suggest_float("x", -10, 10) - 2) ** 2


def in_the_process():
    import needletail

    needletail.logging.set_verbosity(needletail.logging.WARNING)
    for storage in (None, "sqlite:///whole.db"):
        study = needletail.create_study(storage=storage, sampler=needletail.samplers.TPESampler(seed=1))
        study.optimize(objective, n_trials=40)
        assert study.best_value < 4, study.best_value
    gp = needletail.create_study(sampler=needletail.samplers.GPSampler(seed=1))
    gp.optimize(objective, n_trials=15)
    child = os.fork()
    if child == 0:
        # A copy of the engine, which has to find what it opens.
        code = 1
        try:
            study.optimize(objective, n_trials=3)
            code = without_server(needletail)
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert status == 0, status
    assert without_server(needletail) == 0


def without_server(needletail):
    """Opens libcurl and libpq: 0 when the errors are of what they met."""
    for storage in ("http://127.0.0.1:9", "postgresql://127.0.0.1:9/none"):
        try:
            needletail.create_study(storage=storage, study_name="s")
        except Exception as error:
            if ".so" in str(error) or "refused" not in str(error).lower():
                raise
        else:
            return 1
    return 0


def under_run():
    with open("program.py", "w") as file:
        file.write(PROGRAM)
    with open("study.yaml", "w") as file:
        file.write(f"trials: 20\nworkers: 2\ncommand: ['{sys.executable}', program.py]\n")
    run("run", "study.yaml", "--quiet")
    trials = json.loads("[" + ",".join(run("trial", "list", "study", "--json").splitlines()) + "]")
    flat = trials[0] if isinstance(trials[0], list) else trials
    assert len(flat) == 20, len(flat)
    for picture in ("history.html", "history.svg"):
        run("plot", "history", "study", "-o", picture)


def under_serve():
    with open("study.yaml") as given, open("served.yaml", "w") as file:
        file.write(given.read())
    served = subprocess.Popen(
        [COMMAND, "serve", "served.yaml", "--listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )
    try:
        said = ""
        for line in served.stdout:
            said += line
            found = re.search(r"http://127[.]0[.]0[.]1:\d+", said)
            if found:
                break
        assert found, said
        address = found[0]
        run("worker", address, "--until-done")
    finally:
        served.send_signal(signal.SIGTERM)
        served.communicate(timeout=60)


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["XDG_CACHE_HOME"] = os.environ["XDG_STATE_HOME"] = folder
        os.environ["HOME"] = folder
        started = time.monotonic()
        print(run("--version").strip())
        in_the_process()
        under_run()
        under_serve()
        print(f"all ways work, {time.monotonic() - started:.1f} s")
        os.chdir("/")


if __name__ == "__main__":
    main()
