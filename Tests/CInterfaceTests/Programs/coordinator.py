"""A study that a coordinator keeps: this process is one of its workers."""

import re
import signal
import subprocess
import sys
import tempfile

import needletail as optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)


def objective(trial):
    x = trial.suggest_float("x", -2, 2)
    kind = trial.suggest_categorical("kind", ["a", None])
    trial.set_user_attr("kind", kind)
    for step in range(3):
        trial.report(x * x + step, step)
        trial.should_prune()
    return x * x


if __name__ == "__main__":
    # The threads of what started the test may block signals, which children inherit.
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    folder = tempfile.mkdtemp()
    server = subprocess.Popen(
        [sys.argv[1], "serve", "--listen", "127.0.0.1:0", "--store", f"{folder}/s.db"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
    )
    try:
        said = ""
        while not (found := re.search(r"http://127\.0\.0\.1:\d+", said)):
            line = server.stdout.readline()
            assert line, said
            said += line
        url = found[0]
        study = optuna.create_study(study_name="far", storage=url, direction="minimize")
        study.enqueue_trial({"x": 1.5})
        study.optimize(objective, n_trials=5, n_jobs=2)
        trials = study.trials
        assert [t.state.name for t in trials] == ["COMPLETE"] * 5, trials
        assert trials[0].params["x"] == 1.5 and len(trials[0].intermediate_values) == 3
        assert study.best_value == min(t.value for t in trials)
        assert optuna.get_all_study_names(url) == ["far"]
        assert optuna.get_all_study_summaries(url)[0].n_trials == 5
        asked = study.ask()
        assert study.tell(asked, 0.5).value == 0.5
        for refused in (
            lambda: study.set_user_attr("k", 1),
            lambda: study.add_trial(optuna.create_trial(value=1)),
            lambda: optuna.load_study(study_name="none", storage=url),
        ):
            try:
                refused()
            except (optuna.exceptions.OptunaError, NotImplementedError, KeyError) as error:
                assert str(error)
            else:
                raise AssertionError("not refused")
        del study, asked
        optuna.delete_study(study_name="far", storage=url)
        assert optuna.get_all_study_names(url) == []
    finally:
        server.terminate()
        server.wait(30)
    print("done")
