"""Exports studies to a real MLflow server and to a folder, and reads them back through MLflow's own client.

    python check_export.py NEEDLETAIL FOLDER

Prints a line per check; ends with 1 and a line on stderr at the first difference.
"""

import base64
import datetime
import json
import math
import os
import pathlib
import subprocess
import sys
import warnings

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
warnings.simplefilter("ignore")

import mlflow
import optuna
from mlflow.entities import ViewType
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial

from tracking_server import Proxy, server

optuna.logging.set_verbosity(optuna.logging.ERROR)
needletail, folder = sys.argv[1], pathlib.Path(sys.argv[2])
store = f"sqlite:///{folder}/optuna.db"
STATUS = {TrialState.COMPLETE: "FINISHED", TrialState.PRUNED: "KILLED", TrialState.FAIL: "FAILED"}


def check(what, ours, theirs):
    if ours != theirs:
        sys.exit(f"{what}: {ours!r} instead of {theirs!r}")
    print(what)


def export(study, place, *options, code=0, **environment):
    values = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_TRACKING")}
    result = subprocess.run(
        [needletail, "export", "mlflow", study, "--store", f"{folder}/optuna.db", "--json", *options]
        + (["--to", str(place)] if place else []), capture_output=True, text=True, timeout=400, env=values | environment)
    if result.returncode != code:
        sys.exit(f"export to {place} ended with {result.returncode}: {result.stderr}")
    return json.loads(result.stdout) if code == 0 else result.stderr


def add(study, count, start=0):
    """Trials of every state, with reports that no JSON number can be."""
    distributions = {
        "rate": FloatDistribution(1e-5, 1e-1, log=True), "depth": IntDistribution(1, 6),
        "kind": CategoricalDistribution(["net", "tree", None]), "model/width": IntDistribution(1, 512),
        "why? \u00e4 \u4e2d": FloatDistribution(0, 1),
    }
    for number in range(start, start + count):
        state = [TrialState.COMPLETE, TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL][number % 4]
        odd = [math.nan, math.inf, -math.inf, 5e-324][number % 4]
        study.add_trial(create_trial(
            state=state, value=1 / (number + 1) if state == TrialState.COMPLETE else None,
            params={"rate": 10 ** -(1 + number % 4), "depth": 1 + number % 6, "kind": ["net", "tree", None][number % 3],
                    "model/width": 64, "why? \u00e4 \u4e2d": 0.1 * (number % 10)},
            distributions=distributions, intermediate_values={0: 1.5, 1: odd, 7: number + 0.25},
            user_attrs={"host": f"n{number}", "note <script>": ["a", 1]}))


def same(a, b, clamps):
    limit = sys.float_info.max
    if clamps:
        a, b = (max(-limit, min(limit, v)) for v in (a, b))
    return a == b or (math.isnan(a) and math.isnan(b))


def snapshot(client, name):
    # MLflow's own search by name does not take every name.
    experiment = next(e for e in client.search_experiments() if e.name == name)
    found, token = [], None
    while True:
        page = client.search_runs(
            [experiment.experiment_id], run_view_type=ViewType.ALL, max_results=500, page_token=token)
        found += page
        token = page.token
        if not token:
            return found


def compare(client, study, name, what, clamps):
    """That MLflow has the study, once; returns all that can be seen of it."""
    runs = snapshot(client, name)
    parents = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    check(f"{what}: one run of the study", len(parents), 1)
    parent = parents[0]
    check(f"{what}: its name", parent.info.run_name, study.study_name)
    check(f"{what}: its status", parent.info.status, "FINISHED")
    check(f"{what}: directions", parent.data.tags["needletail.directions"], "minimize")
    check(f"{what}: the best", int(parent.data.tags["needletail.best_trial"]), study.best_trial.number)
    check(f"{what}: the best value", parent.data.metrics["best_value"], study.best_value)
    children = {int(run.data.tags["needletail.number"]): run for run in runs if run is not parent}
    check(f"{what}: a run per trial", (sorted(children), len(runs)),
          (list(range(len(study.trials))), len(study.trials) + 1))
    seen = []
    for trial in study.trials:
        run = children[trial.number]
        tags = run.data.tags
        expected = {
            "mlflow.parentRunId": parent.info.run_id, "needletail.state": {"COMPLETE": "completed", "PRUNED": "pruned",
            "FAIL": "failed"}[trial.state.name], "needletail.pruned": str(trial.state == TrialState.PRUNED).lower(),
            "attribute.host": trial.user_attrs["host"], "attribute.note _script_": '["a", 1]',
            "needletail.study": study.study_name, "mlflow.runName": f"trial {trial.number}"}
        got = {key: tags.get(key) for key in expected}
        values = {k: "null" if v is None else str(v) for k, v in trial.params.items()}
        values["why_ \u00e4 \u4e2d"] = values.pop("why? \u00e4 \u4e2d")
        times = [int(t.replace(tzinfo=datetime.timezone.utc).timestamp() * 1_000)
                 for t in (trial.datetime_start, trial.datetime_complete)]
        history = client.get_metric_history(run.info.run_id, "intermediate_value")
        steps = sorted((m.step, m.value) for m in history)
        reports = sorted(trial.intermediate_values.items())
        final = client.get_metric_history(run.info.run_id, "value") if trial.state == TrialState.COMPLETE else []
        ok = (
            got == expected and run.data.params.keys() == values.keys()
            and all(a == b or float(a) == float(b) for a, b in ((run.data.params[k], values[k]) for k in values))
            and run.info.status == STATUS[trial.state]
            and len(steps) == len(reports) and all(a[0] == b[0] and same(a[1], b[1], clamps) for a, b in zip(steps, reports))
            and [(m.step, m.value) for m in final] == ([(7, trial.value)] if final else [])
            and ("value" in run.data.metrics) == (trial.state == TrialState.COMPLETE)
            and abs(run.info.start_time - times[0]) <= 1 and abs(run.info.end_time - times[1]) <= 1)
        if not ok:
            sys.exit(f"{what}: trial {trial.number} differs: {run.to_dictionary()}, {steps}, {trial}, {times}")
        seen.append((trial.number, run.info.run_id, repr(steps), tuple(sorted(run.data.params.items()))))
    print(f"{what}: parameters, metrics, tags, times and states of {len(seen)} trials")
    return parent.info.run_id, seen


def names_beyond_limits(place, client, what):
    """A study whose name, parameters and attributes are as long and odd as can be."""
    name = "<script>'\"\u202e" + "n" * 300
    study = optuna.create_study(study_name=name, storage=store)
    params = {"p" * 400: 1.0, "a": 2.0, "a/b": 3.0, "../up": 4.0, "": 5.0} | {f"many {i:03}": 6.0 for i in range(250)}
    study.add_trial(create_trial(
        value=1.0, params=params | {"text": "x"},
        distributions={k: FloatDistribution(0, 10) for k in params}
        | {"text": CategoricalDistribution(["x", "y" * 7000])},
        user_attrs={"long": "z" * 9000} | {f"attribute {i}": i for i in range(150)},
        intermediate_values={i: i / 7 for i in range(2500)}))
    for _ in range(2):
        export(name, place)
        runs = snapshot(client, name)
        check(f"{what}: two runs of a study with odd names", len(runs), 2)
        run = next(r for r in runs if "needletail.number" in r.data.tags)
        check(f"{what}: its parameters", len(run.data.params), 256)
        check(f"{what}: its reports", len(client.get_metric_history(run.info.run_id, "intermediate_value")), 2500)
        check(f"{what}: its attributes", sum(k.startswith("attribute.") for k in run.data.tags), 151)
        check(f"{what}: a long text is cut", run.data.tags["attribute.long"][-1], "\u2026")
        check(f"{what}: a value", run.data.params["a_b"], "3.0")


study = optuna.create_study(study_name="digits", storage=store)
add(study, 12)

with server(folder) as address:
    client = mlflow.tracking.MlflowClient(address)
    check("a first export", export("digits", address)["added"], 12)
    first = compare(client, study, "digits", "server", True)
    again = export("digits", address)
    check("the same again", (again["added"], again["present"]), (0, 12))
    check("nothing was added", compare(client, study, "digits", "server again", True), first)

    add(study, 8, 12)
    study.ask()
    grown = export("digits", address)
    check("a study that has grown", (grown["added"], grown["present"], grown["unfinished"]), (8, 12, 1))
    check("its run goes on", next(r for r in snapshot(client, "digits") if r.info.run_id == first[0]).info.status, "RUNNING")
    study.tell(20, state=TrialState.FAIL)

    # A connection that fails in every way, and a process that is killed in the middle.
    second = optuna.create_study(study_name="shaky", storage=store)
    add(second, 24)
    proxy = Proxy(address)
    proxy.decide = lambda number, path: {3: 503, 5: 429, 6: "drop", 8: 500, 11: "drop", 17: "drop", 19: 502, 23: "drop"}.get(number % 29)
    check("export over a bad connection", export("shaky", proxy.address, MLFLOW_TRACKING_TOKEN="se-cret")["added"], 24)
    shaky = compare(client, second, "shaky", "bad connection", True)
    check("the token went along", {r[3] for r in proxy.requests}, {"Bearer se-cret"})

    third = optuna.create_study(study_name="killed", storage=store)
    add(third, 24)
    words = [needletail, "export", "mlflow", "killed", "--store", f"{folder}/optuna.db", "--to", proxy.address]
    proxy.count = 0
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    proxy.decide = lambda number, path: process.kill() if number == 37 else None
    check("killed in the middle", process.wait(timeout=300), -9)
    rest = export("killed", proxy.address)
    check("what was missing was added", 0 < rest["added"] < 24, True)
    compare(client, third, "killed", "after an interruption", True)
    credentials = base64.b64encode(b"me:p w\xc3\xa4").decode()
    proxy.requests.clear()
    check("user and password win", export(
        "killed", proxy.address, MLFLOW_TRACKING_USERNAME="me", MLFLOW_TRACKING_PASSWORD="p w\u00e4",
        MLFLOW_TRACKING_TOKEN="se-cret")["added"], 0)
    check("as the client sends them", {r[3] for r in proxy.requests}, {f"Basic {credentials}"})
    check("limits were kept", max(len(r[2]) for r in proxy.requests) <= 1_000_000, True)
    names_beyond_limits(address, client, "server")

    # Refusals, each in one sentence without a secret.
    proxy.decide = lambda number, path: 401
    for place, code, words, values in [
        (proxy.address, 2, "refuses access (401); set MLFLOW_TRACKING_USERNAME", {"MLFLOW_TRACKING_TOKEN": "se-cret"}),
        ("http://127.0.0.1:1", 75, "connection refused", {}),
        ("http://user:se-cret@127.0.0.1:1", 2, "leave out the user and password", {}),
        ("http://tracking.example", 2, "in plain text", {"MLFLOW_TRACKING_TOKEN": "se-cret"}),
        (f"{address}/nowhere", 2, "no MLflow server", {}), ("databricks://se-cret@x", 2, "or a folder", {}),
        (folder / "mlflow.db", 2, "no folder", {}), ("/proc/nowhere", 2, "cannot be made", {}), (None, 64, "--to", {}),
    ]:
        said = export("digits", place, code=code, **values)
        check(f"{place} is refused", (words in said, said.count("\n"), "se-cret" in said), (True, 1, False))
    other = optuna.create_study(study_name="other", storage=store)
    add(other, 1)
    client.delete_experiment(client.get_experiment_by_name("shaky").experiment_id)
    check("a deleted experiment", "is deleted there; restore it" in export("shaky", address, code=2), True)
    check("two studies in one experiment", export("other", address, "--experiment", "digits")["added"], 1)
    optuna.delete_study(study_name="other", storage=store)
    add(optuna.create_study(study_name="other", storage=store), 1)
    check("another study of that name", "of another study" in export("other", address, "--experiment", "digits", code=2), True)

mlruns = folder / "sub/ml runs"
study = optuna.load_study(study_name="killed", storage=store)
check("to a folder", export("killed", mlruns)["added"], 24)
client = mlflow.tracking.MlflowClient(f"file://{mlruns}".replace(" ", "%20"))
first = compare(client, study, "killed", "folder", False)
before = {p: p.read_bytes() for p in mlruns.rglob("*") if p.is_file()}
check("to the folder again", export("killed", None, MLFLOW_TRACKING_URI=f"file://{mlruns}")["added"], 0)
check("nothing changed", {p: p.read_bytes() for p in mlruns.rglob("*") if p.is_file()}, before)
# As after an interruption: a run that is not complete, and one that is missing.
(mlruns / client.get_experiment_by_name("killed").experiment_id / first[1][3][1] / "meta.yaml").unlink()
check("an incomplete run is none", len(snapshot(client, "killed")), 24)
check("it is written again", export("killed", mlruns)["added"], 1)
add(study, 4, 24)
check("the new ones are added", export("killed", mlruns)["added"], 4)
compare(client, study, "killed", "the folder after all", False)
names_beyond_limits(mlruns, client, "folder") if optuna.delete_study(
    study_name=next(s for s in optuna.get_all_study_names(store) if s.startswith("<")), storage=store) is None else None
client.log_metric(first[1][0][1], "mine", 1.0)
check("MLflow writes into it, too", client.get_run(first[1][0][1]).data.metrics["mine"], 1.0)
