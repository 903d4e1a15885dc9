"""Studies in children of a fork and in processes that are spawned."""

import multiprocessing
import os
import tempfile
import time

import needletail as optuna

optuna.logging.set_verbosity(optuna.logging.WARNING)


def objective(trial):
    x = trial.suggest_float("x", -5, 5)
    trial.report(x, 0)
    trial.should_prune()
    return x * x


def load_and_run(url, trials):
    optuna.load_study(study_name="s", storage=url).optimize(objective, n_trials=trials, n_jobs=2)


def run_inherited(study, trials):
    study.optimize(objective, n_trials=trials)


if __name__ == "__main__":
    url = f"sqlite:///{tempfile.mkdtemp()}/s.db"
    study = optuna.create_study(study_name="s", storage=url)
    study.optimize(objective, n_trials=5)
    for method, total in (("fork", 26), ("spawn", 47)):
        context = multiprocessing.get_context(method)
        children = [context.Process(target=load_and_run, args=(url, 7)) for _ in range(2)]
        children.append(context.Process(target=run_inherited, args=(study, 7)))
        for child in children:
            child.start()
        for child in children:
            child.join(60)
        assert [child.exitcode for child in children] == [0, 0, 0], children
        assert len(study.trials) == total and {t.state.name for t in study.trials} == {"COMPLETE"}

    # What a child reports is seen by others while its trial runs: its library has threads of its own.
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:

        def slow(trial):
            trial.report(trial.suggest_float("x", -5, 5), 3)
            os.write(writing, b"x")
            os.read(waiting, 1)
            return 1.0

        waiting, _ = os.pipe()
        study.optimize(slow, n_trials=1)
        os._exit(0)
    os.read(reading, 1)
    deadline = time.monotonic() + 30
    while not study.trials[-1].intermediate_values:
        assert time.monotonic() < deadline, "the report of a forked child was not written"
        time.sleep(0.02)
    os.kill(child, 9)
    os.waitpid(child, 0)

    # A study in memory stays with its process, and says so.
    in_memory = optuna.create_study()
    child = os.fork()
    if child == 0:
        try:
            in_memory.optimize(objective, n_trials=1)
        except RuntimeError as error:
            os._exit(0 if "storage" in str(error) else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    in_memory.optimize(objective, n_trials=1)
    print("done")
