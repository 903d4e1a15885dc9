"""Imports trials from tables of Needletail, Optuna, Weights & Biases and others, and from a real MLflow server and folder.

    python check_import.py NEEDLETAIL FOLDER

Prints a line per check; ends with 1 and a line on stderr at the first difference.
"""

import json
import math
import os
import pathlib
import subprocess
import sys
import warnings

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"
warnings.simplefilter("ignore")

import mlflow
import optuna
from optuna.trial import TrialState

from tracking_server import server

optuna.logging.set_verbosity(optuna.logging.ERROR)
needletail, folder = sys.argv[1], pathlib.Path(sys.argv[2])
store = folder / "import.db"


def check(what, ours, theirs):
    if ours != theirs:
        sys.exit(f"{what}: {ours!r} instead of {theirs!r}")
    print(what)


def call(*words, code=0, db=store):
    result = subprocess.run(
        [needletail, *map(str, words), "--store", str(db)], capture_output=True, text=True, timeout=300, cwd=folder)
    if result.returncode != code:
        sys.exit(f"{words} ended with {result.returncode}: {result.stderr}")
    return result.stdout if code == 0 else result.stderr


def bring(kind, study, *words, **options):
    text = call("import", kind, study, *words, "--json", **options)
    return json.loads(text) if not options.get("code") else text


def counts(answer):
    return answer["imported"], answer["present"], answer["skipped"], answer["unfinished"]


def trials(study):
    return optuna.load_study(study_name=study, storage=f"sqlite:///{store}").trials


def content(trials):
    return [(t.state, t.value if t.state == TrialState.COMPLETE else None, dict(sorted(t.params.items()))) for t in trials if t.state.is_finished()]


def objective(trial):
    rate = trial.suggest_float("rate", 1e-5, 1e-1, log=True)
    depth = trial.suggest_int("depth", 1, 6)
    kind = trial.suggest_categorical("kind", ["net", "tree"])
    drop = trial.suggest_float("drop", 0, 0.5) if kind == "net" else 0
    trial.set_user_attr("host, \"n\"", "line\nbreak")
    trial.report(1.0, 1)
    if trial.number % 7 == 3:
        raise optuna.TrialPruned()
    if trial.number % 11 == 5:
        raise ValueError("on purpose")
    return (math.log10(rate) + 3) ** 2 + depth + drop


source = optuna.create_study(
    study_name="source", storage=f"sqlite:///{folder}/source.db", sampler=optuna.samplers.RandomSampler(seed=1))
source.optimize(objective, n_trials=40, catch=(ValueError,))
source.enqueue_trial({"depth": 1})
(folder / "space.yaml").write_text("""
name: given
metric: loss
sampler: {name: tpe, startup_trials: 10}
parameters:
  rate: {low: 1.0e-5, high: 1.0e-1, log: true}
  depth: {low: 1, high: 6}
  kind: [net, tree]
  drop: {low: 0.0, high: 0.5, when: {kind: net}}
command: [echo, "loss={rate}"]
""")

# Optuna's own table, our own, and both into one study.
source.trials_dataframe().to_csv(folder / "optuna.csv")
answer = bring("csv", "a", "optuna.csv")
check("Optuna's table", (answer["format"], *counts(answer)), ("optuna", 40, 0, 0, 1))
check("its trials", content(trials("a")), content(source.trials))
check("its times", [t.datetime_start for t in trials("a")], [t.datetime_start for t in source.trials[:40]])
check("its attributes", trials("a")[0].user_attrs, source.trials[0].user_attrs)
check("the space that is inferred", {k: v["name"] for k, v in answer["parameters"].items()}, {
    "rate": "FloatDistribution", "depth": "IntDistribution", "kind": "CategoricalDistribution", "drop": "FloatDistribution"})
check("on a logarithmic scale", [answer["parameters"][k]["attributes"]["log"] for k in ("rate", "depth", "drop")],
      [True, False, False])
check("the same again", counts(bring("csv", "a", "optuna.csv")), (0, 40, 0, 1))
(folder / "ours.csv").write_text(call("study", "export", "source", db=folder / "source.db"))
check("our table of the same trials", counts(bring("csv", "a", "ours.csv")), (0, 40, 0, 1))
answer = bring("csv", "b", "ours.csv", "--study-file", "space.yaml")
check("our table, into a space that is given", (answer["format"], *counts(answer)), ("needletail", 40, 0, 0, 1))
check("its trials", content(trials("b")), content(source.trials))
check("the bounds are the file's", trials("b")[0].distributions["rate"].low, 1e-5)
check("its own table", counts(bring("csv", "source", "ours.csv", db=folder / "source.db")), (0, 40, 0, 1))

# A table that grew, and one without times.
lines = (folder / "ours.csv").read_text().splitlines()
plain = "rate;depth;kind;drop;value\n" + "\n".join(f"1e-{1 + i % 4};{1 + i % 6};net;0.1;{i}" for i in range(30))
(folder / "plain.csv").write_text(plain)
check("a plain table", counts(bring("csv", "b", "plain.csv")), (30, 0, 0, 0))
(folder / "plain.csv").write_text(plain + "\n0.01;2;tree;;inf\n0.01;2;tree;;inf\n")
check("a table that has grown", counts(bring("csv", "b", "plain.csv")), (2, 30, 0, 0))
check("and again", counts(bring("csv", "b", "plain.csv")), (0, 32, 0, 0))
check("two columns of values", counts(bring("csv", "two", "plain.csv", "--value", "value,drop", "--direction",
      "minimize,maximize", "--parameters", "rate,depth", "--skip-bad")), (30, 0, 2, 0))

# Weights & Biases.
(folder / "sweep.csv").write_text(
    '"Name","State","Notes","User","Tags","Created","Runtime","Sweep","rate","depth","kind","drop","epoch","val_loss"\n'
    '"dry-sweep-1","finished","-","me","","2026-11-01T10:00:00.000Z","63","abc","0.01","3","net","0.2","9","0.5"\n'
    '"odd-sweep-2","crashed","-","me","","2026-11-01T10:01:00.000Z","3","abc","0.001","2","tree","","",""\n'
    '"new-sweep-3","running","-","me","","2026-11-01T10:02:00.000Z","1","abc","0.001","2","tree","","1","0.7"\n'
    '"far-sweep-4","finished","-","me","","2026-11-01T10:03:00.000Z","5","abc","0.001","2","tree","","9","0.25"\n')
check("a sweep needs names", "name the parameters" in bring("csv", "w", "sweep.csv", "--value", "val_loss", code=2), True)
answer = bring("csv", "w", "sweep.csv", "--value", "val_loss", "--study-file", "space.yaml")
check("a sweep", (answer["format"], *counts(answer)), ("wandb", 3, 0, 0, 1))
check("its values", [t.value for t in trials("w")], [0.5, None, 0.25])
check("its times", (trials("w")[0].duration.total_seconds(), str(trials("w")[0].datetime_start)), (63.0, "2026-11-01 10:00:00"))
check("again", counts(bring("csv", "w", "sweep.csv", "--value", "val_loss", "--study-file", "space.yaml")), (0, 3, 0, 1))

# Rows that do not fit: none is imported, unless that is wanted.
(folder / "bad.csv").write_text(
    "rate,depth,kind,drop,value\n0.01,3,net,0.2,1\n9,3,net,0.2,1\n0.01,3.5,net,0.2,1\n0.01,3,forest,0.2,1\n0.01,3,net,,1\n"
    "0.01,3,tree,,\n0.01,3,tree,,nan\n0.01,3,tree,,1e999\n0.01,3,tree\n\"0.02\",3,tree,\"\",2\n")
said = bring("csv", "bad", "bad.csv", "--study-file", "space.yaml", code=2)
check("bad rows are told by line", [line.split(":")[2].strip() for line in said.splitlines()[:-1]],
      [f"line {n}" for n in (10, 3, 4, 5, 6, 7, 8, 9)])
check("and nothing is imported", "8 of 10 rows do not fit, and nothing was imported" in said, True)
check("nor is there a study", "no study" in call("study", "show", "bad", code=2), True)
check("the others are, when told", counts(bring("csv", "bad", "bad.csv", "--study-file", "space.yaml", "--skip-bad")), (2, 0, 8, 0))
for name, text, words in [
    ("empty", "", "it is empty"), ("nul", "a,b\0", "no text"), ("twice", "x,x,value\n1,2,3\n", "two columns"),
    ("open", 'x,value\n"1,2\n', "line 2: a quote is never closed"), ("after", 'x,value\n"1"2,2\n', "line 2: text stands behind"),
    ("none", "x,y\n1,2\n", "no column is known to be the value"), ("when", "x,value,started_at\n1,2,yesterday\n", "line 2"),
    ("state", "x,value,state\n1,2,odd\n", "'odd' is no state")]:
    (folder / f"{name}.csv").write_text(text)
    check(f"a table that is {name}", words in bring("csv", "x", f"{name}.csv", code=2), True)
check("no file", "no such file" in bring("csv", "x", "nowhere.csv", code=2), True)
(folder / "bare.csv").write_text("x,value\n")
check("no row", "no finished trial" in bring("csv", "x", "bare.csv", code=1), True)
check("another direction", "maximize" in bring("csv", "a", "ours.csv", "--direction", "maximize", code=2), True)

# Samplers start from them: without a random start, and elsewhere than without them.
rows = [f"{10 ** (-1 - 4 * i / 60)},{1 + i % 6},tree,,{(10 ** (-1 - 4 * i / 60) - 1e-4) ** 2}" for i in range(60)]
(folder / "warm.csv").write_text("rate,depth,kind,drop,loss\n" + "\n".join(rows) + "\n")
bring("csv", "warm", "warm.csv", "--study-file", "space.yaml")
call("study", "create", "cold")
space = json.dumps({"rate": {"type": "float", "low": 1e-5, "high": 1e-1, "log": True}})
asked = [json.loads(call("trial", "ask", s, "--space", space, "--sampler", "tpe", "--seed", "1", "--json"))["parameters"]["rate"]
         for s in ("cold", "warm")]
check("TPE suggests something else", asked[0] != asked[1], True)
near = [json.loads(call("trial", "ask", "warm", "--space", space, "--sampler", "tpe", "--seed", "1", "--json"))["parameters"]["rate"]
        for _ in range(5)]
check("near what was best", sum(1e-5 <= rate < 3e-3 for rate in near) >= 4, True)

# MLflow: runs of others, and an export brought back.
with server(folder) as address:
    for place in (address, folder / "mlruns"):
        uri = address if place == address else f"file://{place}"
        mlflow.set_tracking_uri(uri)
        mlflow.set_experiment("theirs")
        with mlflow.start_run():
            for i in range(6):
                with mlflow.start_run(nested=True):
                    mlflow.log_params({"rate": 10.0 ** -(1 + i % 4), "depth": 1 + i, "kind": "tree", "seed": 7})
                    for step in range(3):
                        mlflow.log_metric("val_loss", (10 - i) / (step + 1), step)
        what = "a server" if place == address else "a folder"
        name = f"from {what}"
        check(f"{what} needs the metric's name", "'val_loss'" in bring(
            "mlflow", name, "--from", place, "--experiment", "theirs", code=2), True)
        words = [name, "--from", place, "--experiment", "theirs", "--value", "val_loss", "--parameters", "rate,depth,kind"]
        check(f"runs of {what}", counts(bring("mlflow", *words)), (6, 0, 0, 0))
        check("their latest values", sorted(t.value for t in trials(name)), [(10 - i) / 3 for i in (5, 4, 3, 2, 1, 0)])
        check("their parameters", sorted(t.params["depth"] for t in trials(name)), [1, 2, 3, 4, 5, 6])
        check("again", counts(bring("mlflow", *words)), (0, 6, 0, 0))
        call("export", "mlflow", "source", "--to", place, db=folder / "source.db")
        bring("mlflow", f"back {what}", "--from", place, "--experiment", "source")
        check(f"an export to {what} comes back", sorted(map(repr, content(trials(f"back {what}")))),
              sorted(map(repr, content(source.trials))))
        check("to where it was", counts(bring("mlflow", "source", "--from", place, db=folder / "source.db")), (0, 40, 0, 0))
        check("no such experiment", "there is no experiment 'none' there; there are" in bring(
            "mlflow", "x", "--from", place, "--experiment", "none", code=2), True)
