"""Optimizes through a service with several processes at once, and says what does not hold.

    python optimize_proxy.py HOST PORT PROCESSES TRIALS
"""

import multiprocessing
import sys
import warnings

import optuna
from optuna.trial import TrialState

warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)
QUEUED = 30


def objective(trial):
    x = trial.suggest_float("x", -5, 5)
    kind = trial.suggest_categorical("kind", ["a", 1, None])
    for step in range(3):
        trial.report(x * x + step, step)
    trial.set_user_attr("process", multiprocessing.current_process().name)
    if trial.should_prune():
        raise optuna.TrialPruned()
    return x * x + (kind == "a")


def work(host, port, trials):
    storage = optuna.storages.GrpcStorageProxy(host=host, port=port)
    study = optuna.load_study(study_name="many", storage=storage, sampler=optuna.samplers.RandomSampler())
    study.optimize(objective, n_trials=trials)


def main():
    host, port, processes, trials = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    storage = optuna.storages.GrpcStorageProxy(host=host, port=port)
    study = optuna.create_study(study_name="many", storage=storage)
    for number in range(QUEUED):
        study.enqueue_trial({"x": number / 10, "kind": 1})
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=work, args=(host, port, trials)) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0, worker.exitcode
    done = study.get_trials()
    assert [t.number for t in done] == list(range(len(done)))
    # Each took as many, and no queued one was taken twice.
    assert len(done) == processes * trials, len(done)
    assert all(t.state in (TrialState.COMPLETE, TrialState.PRUNED) for t in done), [t.state for t in done]
    taken = {}
    for t in done:
        assert len(t.intermediate_values) == 3 and len(t.params) == 2
        taken[t.user_attrs["process"]] = taken.get(t.user_attrs["process"], 0) + 1
    assert sorted(taken.values()) == [trials] * processes, taken
    assert [t.params["x"] for t in done[:QUEUED]] == [number / 10 for number in range(QUEUED)]
    print("all hold")


if __name__ == "__main__":
    main()
