"""Measures Optuna and Rustuna as our own benchmark programs measure Needletail.

  peers.py ask --peer optuna|rustuna --space f10 --n 100,1000 [--asks 20]
  peers.py single PATH|URL|needletail:PATH [--trials 100]
  peers.py workers URL|needletail:PATH [--workers 16] [--secs 10]
  peers.py proxy PATH [--workers 16] [--secs 10]
  peers.py raw PATH [--trials 1000]
  peers.py load PATH --trials 100000
  peers.py plot PATH
  peers.py whole PATH [--trials 100]
  peers.py study --peer optuna|rustuna --sampler tpe|nsga2|cmaes [--floats 10] [--objectives 1] [--trials 100]

Each figure is one line of JSON: bench, peer, version, params, seconds, n, per_trial_ms and more.
"""

import argparse
import json
import logging
import math
import os
import random
import resource
import socket
import statistics
import subprocess
import sys
import time
import warnings

clock = time.perf_counter
warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
PARAMETERS = 10
REPORTS = 10


def emit(bench, peer, version, params, seconds, n, per_trial_ms, **more):
    line = {"bench": bench, "peer": peer, "version": version, "params": params, "seconds": seconds,
            "n": n, "per_trial_ms": per_trial_ms, **more, "load1": os.getloadavg()[0]}
    print(json.dumps(line), flush=True)


# A parameter: (name, kind, low, high, log) or (name, "cat", choices).
def space(name):
    if name == "mix20":
        return ([(f"x{i}", "float", -5.0, 5.0, False) for i in range(8)]
                + [(f"l{i}", "float", 1e-5, 1e-1, True) for i in range(4)]
                + [(f"i{i}", "int", 1, 100, False) for i in range(4)]
                + [(f"c{i}", "cat", ["a", "b", "c", "d", "e"]) for i in range(4)])
    return [(f"x{i}", "float", -5.0, 5.0, False) for i in range(int(name[1:]))]


def draw(parameter, generator):
    name, kind, *rest = parameter
    if kind == "cat":
        return generator.choice(rest[0])
    low, high, log = rest
    if kind == "int":
        return generator.randint(low, high)
    return math.exp(generator.uniform(math.log(low), math.log(high))) if log else generator.uniform(low, high)


def objective(parameters, values):
    """A smooth bowl over the unit cube plus a step per category."""
    total = 0.0
    for k, (name, kind, *rest) in enumerate(parameters):
        value = values[name]
        if kind == "cat":
            place = rest[0].index(value) / len(rest[0])
        elif rest[2]:
            place = math.log(value / rest[0]) / math.log(rest[1] / rest[0])
        else:
            place = (value - rest[0]) / (rest[1] - rest[0])
        total += (place - 0.3 - 0.02 * (k % 10)) ** 2
    return total


def distributions(module, parameters):
    result = {}
    for name, kind, *rest in parameters:
        if kind == "float":
            result[name] = module.FloatDistribution(rest[0], rest[1], log=rest[2])
        elif kind == "int":
            result[name] = module.IntDistribution(rest[0], rest[1])
        else:
            result[name] = module.CategoricalDistribution(rest[0])
    return result


def suggest(trial, parameters):
    values = {}
    for name, kind, *rest in parameters:
        if kind == "float":
            values[name] = trial.suggest_float(name, rest[0], rest[1], log=rest[2])
        elif kind == "int":
            values[name] = trial.suggest_int(name, rest[0], rest[1])
        else:
            values[name] = trial.suggest_categorical(name, rest[0])
    return values


class OptunaAsk:
    def __init__(self, parameters, seed, sampler="tpe"):
        import optuna
        if sampler == "gp":
            import torch
            torch.set_num_threads(1)
        make = {"tpe": optuna.samplers.TPESampler, "gp": optuna.samplers.GPSampler}[sampler]
        self.version, self.trial, self.parameters = optuna.__version__, optuna.trial, parameters
        self.distributions = distributions(optuna.distributions, parameters)
        self.study = optuna.create_study(sampler=make(seed=seed))

    def preload(self, observations):
        self.study.add_trials([
            self.trial.create_trial(params=x, distributions=self.distributions, value=y)
            for x, y in observations])

    def ask(self):
        trial = self.study.ask(self.distributions)
        return trial, trial.params

    def tell(self, trial, value):
        self.study.tell(trial, value)


class RustunaAsk:
    def __init__(self, parameters, seed):
        import importlib.metadata
        import rustuna
        import rustuna.distributions
        import rustuna.samplers
        self.version, self.rustuna = importlib.metadata.version("rustuna"), rustuna
        self.parameters = parameters
        self.distributions = distributions(rustuna.distributions, parameters)
        self.study = rustuna.create_study(
            sampler=rustuna.samplers.TPESampler(seed=seed, multivariate=True))

    def preload(self, observations):
        for x, y in observations:
            self.study.add_trial(self.rustuna.create_trial(
                params=x, distributions=self.distributions, value=y))

    def ask(self):
        trial = self.study.ask()
        return trial, suggest(trial, self.parameters)

    def tell(self, trial, value):
        self.study.tell(trial.number, value)


def ask(o):
    """One ask and tell after n finished random trials in memory; the first, which is cold, is left out."""
    parameters = space(o.space)
    for n in map(int, o.n.split(",")):
        generator = random.Random(1)
        peer = (
            OptunaAsk(parameters, 1, o.sampler) if o.peer == "optuna" else RustunaAsk(parameters, 1))
        drawn = [{p[0]: draw(p, generator) for p in parameters} for _ in range(n)]
        peer.preload([(x, objective(parameters, x)) for x in drawn])
        rounds = []
        for _ in range(o.asks):
            start = clock()
            trial, values = peer.ask()
            peer.tell(trial, objective(parameters, values))
            rounds.append(1e3 * (clock() - start))
        rest = rounds[1:]
        emit("sampler_ask", f"{o.peer}-{o.sampler}", peer.version,
             {"space": o.space, "d": len(parameters), "history": n}, sum(rounds) / 1e3, len(rest),
             statistics.median(rest), min_ms=min(rest), max_ms=max(rest), first_ms=rounds[0])


def remove(path):
    for tail in ("", "-journal", "-wal", "-shm"):
        if os.path.exists(path + tail):
            os.unlink(path + tail)


def storage_of(o):
    """The storage's name, and it or its URL: one of ours for `needletail:PATH`, Optuna's of a file for `sqlite:///PATH`.

    The file of a bare path is removed first, everything else is left as it is.
    """
    if o.path.startswith("grpc:"):
        import optuna
        return "grpc", optuna.storages.GrpcStorageProxy(host="127.0.0.1", port=int(o.path[5:]))
    if o.path.startswith("needletail:"):
        import needletail.optuna
        return "needletail", needletail.optuna.Storage(o.path.removeprefix("needletail:"))
    if o.path.startswith("sqlite:"):
        return "sqlite", o.path
    if "://" in o.path:
        return "postgresql", o.path.replace("postgresql:", "postgresql+psycopg2:", 1)
    remove(o.path)
    return "sqlite", "sqlite:///" + o.path


def one_trial(study):
    trial = study.ask()
    y = sum(trial.suggest_float(f"x{i}", -5.0, 5.0) ** 2 for i in range(PARAMETERS))
    for step in range(REPORTS):
        trial.report(y + step, step)
    study.tell(trial, y)


def single(o):
    """Trials of 10 parameters and 10 reports in a storage, one process, random search."""
    import optuna
    kind, url = storage_of(o)
    study = optuna.create_study(
        storage=url, study_name=f"single-{os.getpid()}", sampler=optuna.samplers.RandomSampler(seed=1))
    one_trial(study)
    start = clock()
    for _ in range(o.trials):
        one_trial(study)
    seconds = clock() - start
    emit("storage_single", "optuna-" + kind, optuna.__version__,
         {"storage": kind, "params": PARAMETERS, "reports": REPORTS}, seconds, o.trials,
         1e3 * seconds / o.trials, trials_per_s=o.trials / seconds)


def workers(o):
    """The same by many processes at once, each for some seconds."""
    import optuna
    kind, url = storage_of(o)
    name = f"workers-{os.getpid()}"
    optuna.create_study(storage=url, study_name=name)
    words = [sys.executable, __file__, "_worker", o.path, "--study", name, "--secs", str(o.secs)]
    processes = [subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
                 for _ in range(o.workers)]
    for process in processes:
        process.stdout.readline()
    start = clock()
    for process in processes:
        process.stdin.close()
    done = sum(int(process.stdout.read()) for process in processes)
    seconds = clock() - start
    emit("storage_workers", "optuna-" + kind, optuna.__version__,
         {"storage": kind, "params": PARAMETERS, "reports": REPORTS, "workers": o.workers, "secs": o.secs},
         seconds, done, 1e3 * seconds / max(1, done), trials_per_s=done / seconds)


def worker(o):
    import optuna
    _, url = storage_of(o)
    study = optuna.load_study(study_name=o.study, storage=url, sampler=optuna.samplers.RandomSampler())
    print("ready", flush=True)
    sys.stdin.read()
    start, done = clock(), 0
    while clock() - start < o.secs:
        try:
            one_trial(study)
        except optuna.exceptions.StorageInternalError:
            # Optuna gives up a file that others kept locked for five seconds; the trial stays running.
            continue
        done += 1
    print(done)


def proxy(o):
    """The same over Optuna's gRPC proxy, which has the SQLite file for itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen([sys.executable, __file__, "_proxy", o.path, "--port", str(port)])
    try:
        deadline = clock() + 60
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if clock() > deadline or server.poll() is not None:
                sys.exit("Optuna's proxy did not start")
            time.sleep(0.1)
        o.path = f"grpc:{port}"
        workers(o)
    finally:
        server.terminate()
        server.wait()


def serve_proxy(o):
    import optuna
    _, url = storage_of(o)
    storage = optuna.storages.RDBStorage(url)
    optuna.storages.run_grpc_proxy_server(storage, host="127.0.0.1", port=o.port)


def raw(o):
    """The rows of such a trial by Python's sqlite3 alone, in WAL, one durable transaction a trial."""
    import sqlite3
    remove(o.path)
    database = sqlite3.connect(o.path, isolation_level=None)
    run = database.execute
    run("PRAGMA journal_mode = WAL")
    run("PRAGMA synchronous = FULL")
    run("CREATE TABLE trials (id INTEGER PRIMARY KEY, study INT, number INT, state INT, start TEXT, stop TEXT)")
    run("CREATE TABLE params (trial INT, name TEXT, value REAL, dist TEXT, UNIQUE (trial, name))")
    run("CREATE TABLE inter (trial INT, step INT, value REAL, UNIQUE (trial, step))")
    run("CREATE TABLE vals (trial INT, objective INT, value REAL, UNIQUE (trial, objective))")
    start = clock()
    for trial in range(o.trials):
        run("BEGIN IMMEDIATE")
        run("INSERT INTO trials VALUES (?, 1, ?, 0, '2026-01-01T00:00:00', NULL)", (trial, trial))
        for k in range(PARAMETERS):
            run("INSERT INTO params VALUES (?, ?, ?, ?)", (trial, f"x{k}", 0.5, '{"name": "FloatDistribution"}'))
        for step in range(REPORTS):
            run("INSERT INTO inter VALUES (?, ?, ?)", (trial, step, 0.5))
        run("INSERT INTO vals VALUES (?, 0, ?)", (trial, 0.5))
        run("UPDATE trials SET state = 1, stop = '2026-01-01T00:00:01' WHERE id = ?", (trial,))
        run("COMMIT")
    seconds = clock() - start
    emit("limit_sqlite", "sqlite3 from Python", sqlite3.sqlite_version,
         {"journal": "wal", "synchronous": "FULL", "transactions_per_trial": 1}, seconds, o.trials,
         1e3 * seconds / o.trials, trials_per_s=o.trials / seconds)


def load(o):
    """A fresh process opens the study that is there and asks TPE for a suggestion."""
    if not o.child:
        subprocess.run([sys.executable, __file__, *sys.argv[1:], "--child"], check=True)
        return
    import optuna
    start = clock()
    [name] = optuna.get_all_study_names("sqlite:///" + o.path)
    study = optuna.load_study(
        study_name=name, storage="sqlite:///" + o.path, sampler=optuna.samplers.TPESampler(seed=1))
    study.ask({f"x{k}": optuna.distributions.FloatDistribution(-5.0, 5.0) for k in range(PARAMETERS)})
    seconds = clock() - start
    emit("storage_load", "optuna-sqlite", optuna.__version__,
         {"storage": "sqlite", "trials": o.trials, "params": PARAMETERS, "what": "tpe_ask"}, seconds, 1,
         1e3 * seconds / o.trials,
         peak_rss_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def plot(o):
    """A whole process: the optimization history of the study that is there as a web page."""
    import optuna
    [name] = optuna.get_all_study_names("sqlite:///" + o.path)
    study = optuna.load_study(study_name=name, storage="sqlite:///" + o.path)
    optuna.visualization.plot_optimization_history(study).write_html(o.path + ".html")


def whole(o):
    """A whole process: a study of a trivial objective with five parameters, TPE, SQLite."""
    import optuna
    study = optuna.create_study(
        storage="sqlite:///" + o.path, sampler=optuna.samplers.TPESampler(seed=1))
    study.optimize(
        lambda t: sum((t.suggest_float(f"x{i}", -5.0, 5.0) - 0.3 * i) ** 2 for i in range(5)),
        n_trials=o.trials)


def study(o):
    """Ask, suggest and tell in memory; the objectives are bowls around different points."""
    import importlib
    import importlib.metadata
    module = importlib.import_module(o.peer)
    samplers = importlib.import_module(o.peer + ".samplers")
    make = {"tpe": samplers.TPESampler, "nsga2": samplers.NSGAIISampler, "cmaes": samplers.CmaEsSampler}
    more = {"multivariate": True} if o.sampler == "tpe" and o.objectives == 1 else {}
    study = module.create_study(
        directions=["minimize"] * o.objectives, sampler=make[o.sampler](seed=1, **more))
    names = [f"x{i}" for i in range(o.floats)]
    start = clock()
    for _ in range(o.trials):
        trial = study.ask()
        x = [trial.suggest_float(name, -5.0, 5.0) for name in names]
        values = [sum((v - k) ** 2 for v in x) for k in range(o.objectives)]
        study.tell(trial.number, values if o.objectives > 1 else values[0])
    seconds = clock() - start
    emit("whole_study", f"{o.peer}-{o.sampler}", importlib.metadata.version(o.peer),
         {"sampler": o.sampler, "floats": o.floats, "objectives": o.objectives, "trials": o.trials},
         seconds, o.trials, 1e3 * seconds / o.trials,
         peak_rss_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode", choices=[
        "ask", "single", "workers", "_worker", "proxy", "_proxy", "raw", "load", "plot", "whole",
        "study"])
    parser.add_argument("path", nargs="?")
    parser.add_argument("--peer", default="optuna")
    parser.add_argument("--sampler", default="tpe", choices=["tpe", "gp", "nsga2", "cmaes"])
    parser.add_argument("--space", default="f10")
    parser.add_argument("--n", default="100,1000")
    parser.add_argument("--asks", type=int, default=20)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--floats", type=int, default=10)
    parser.add_argument("--objectives", type=int, default=1)
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--secs", type=float, default=10)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--study")
    parser.add_argument("--child", action="store_true")
    o = parser.parse_args()
    {"ask": ask, "single": single, "workers": workers, "_worker": worker, "proxy": proxy,
     "_proxy": serve_proxy, "raw": raw, "load": load, "plot": plot, "whole": whole, "study": study}[o.mode](o)


if __name__ == "__main__":
    main()
