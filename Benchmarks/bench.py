"""Prints Needletail's figures beside its peers', measured in the same run; `make bench` calls it.

  bench.py [GROUP ...] [--lines FILE]    groups: ask gp cold single many postgres coordinator proxy load plot dashboard whole
                                           studies python stand_ins run services containers workers stop

Wall times differ from machine to machine; the ratios are what to look at. Every measurement is also
appended to FILE as a line of JSON, with the commit and the machine.
"""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
OURS = HERE / ".build/release"
NEEDLETAIL = ROOT / ".build/release/needletail"
PEERS = [sys.executable, str(HERE / "peers/peers.py")]
SIZES = [100, 1_000, 5_000, 10_000]
LONG = 100_000


class Bench:
    def __init__(self, folder, lines):
        self.folder, self.lines, self.rows, self.missed = folder, lines, [], 0
        commit = subprocess.run(
            ["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True)
        self.about = {"commit": commit.stdout.strip(), "host": platform.node(), "cpu": cpu(),
                      "cores": os.cpu_count(), "date": time.strftime("%Y-%m-%d")}

    def path(self, name):
        return os.path.join(self.folder, name)

    def measure(self, *command, environment=None):
        """The lines of JSON that a command prints."""
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, env=environment)
        if done.returncode:
            sys.exit(f"{command} failed:\n{done.stderr}")
        found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        for line in found:
            self.keep(line)
        return found

    def keep(self, line):
        if self.lines:
            with open(self.lines, "a") as file:
                file.write(json.dumps({**line, **self.about}) + "\n")

    def row(self, what, ours, peer, ratio, wanted, is_met):
        self.missed += not is_met
        print(f"| {what} | {ours} | {peer} | {ratio} | {wanted}{'' if is_met else ' – missed'} |", flush=True)

    def head(self, title):
        print(f"\n### {title}\n\n| figure | Needletail | peer | ratio | asked |\n|---|---|---|---|---|", flush=True)


def cpu():
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor()
    return next((l.split(":")[1].strip() for l in text.splitlines() if l.startswith("model name")), "")


def ask(bench):
    bench.head("TPE: one ask and tell after n trials, ms")
    for space in ("f10", "f30", "mix20"):
        for n in SIZES:
            ours = bench.measure(OURS / "sampler-ask", "--space", space, "--n", n)[0]["per_trial_ms"]
            optuna, rustuna = (
                bench.measure(*PEERS, "ask", "--peer", peer, "--space", space, "--n", n)[0]["per_trial_ms"]
                for peer in ("optuna", "rustuna"))
            least = {100: 0, 1_000: 50}.get(n, 100)
            bench.row(f"{space}, n = {n:,}", f"{ours:.3f}", f"Optuna {optuna:.1f}", f"{optuna / ours:.0f} ×",
                      f"≥ {least} ×" if least else "", optuna / ours >= least)
            bench.row(f"{space}, n = {n:,}", f"{ours:.3f}", f"Rustuna {rustuna:.3f}", f"{rustuna / ours:.1f} ×",
                      "≥ 3 ×", rustuna / ours >= 3)


def gp(bench):
    """The Gaussian process beside Optuna's, one thread of BLAS with the same kernels on both sides."""
    flags = pathlib.Path("/proc/cpuinfo")
    if flags.exists() and " avx2 " in flags.read_text():
        os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")
    print(f"\nOPENBLAS_NUM_THREADS={os.environ['OPENBLAS_NUM_THREADS']}, "
          f"OPENBLAS_CORETYPE={os.environ.get('OPENBLAS_CORETYPE', '(detected)')}, on both sides")
    bench.head("Gaussian process: one ask and tell after n trials, ms")
    for space, n, least in (
            ("f10", 100, 0), ("f10", 200, 25), ("f10", 500, 0), ("f10", 1_000, 40), ("f10", 5_000, 0),
            ("mix20", 200, 25)):
        lines = bench.measure(
            OURS / "sampler-ask", "--sampler", "gp", "--space", space, "--n", n, "--asks", 20)
        ours = next(l["per_trial_ms"] for l in lines if l["bench"] == "sampler_ask")
        if n == 5_000:
            bench.row(f"{space}, n = {n:,}", f"{ours:.1f}", "", "", "< 1,000", ours < 1_000)
        else:
            peer = bench.measure(*PEERS, "ask", "--sampler", "gp", "--space", space, "--n", n,
                                 "--asks", 6)[0]["per_trial_ms"]
            bench.row(f"{space}, n = {n:,}", f"{ours:.1f}", f"Optuna {peer:,.0f}", f"{peer / ours:.0f} ×",
                      f"≥ {least} ×" if least else "", peer / ours >= least)
        for line in lines:
            if line["bench"] == "gp_likelihood" and space == "f10" and n <= 1_000:
                bench.row(f"likelihood with gradient, n = {n:,}", f"{line['per_trial_ms']:.2f}",
                          f"dpotrf {line['dpotrf_ms']:.2f}", f"{line['multiple']:.1f} of it", "≤ 5",
                          line["multiple"] <= 5)


def cold(bench):
    bench.head("One suggestion from a cold process on 10,000 trials in SQLite")
    path = bench.path("cold.db")
    bench.measure(OURS / "storage", "single", path, "--trials", 10_000, "--runs", 1)
    listed = subprocess.run(
        [NEEDLETAIL, "study", "list", "--store", path, "--json"], capture_output=True, text=True)
    name = json.loads(listed.stdout.splitlines()[0])["name"]
    space = json.dumps({f"x{i}": {"type": "float", "low": -5, "high": 5} for i in range(10)})
    for sampler in ("auto", "gp", "tpe", "cmaes", "nsga2", "qmc", "random"):
        line = processes([NEEDLETAIL, "trial", "ask", name, "--store", path, "--space", space,
                          "--sampler", sampler], 5)
        bench.keep({"bench": "cold_ask", "peer": "needletail", "params": {"sampler": sampler}, **line})
        bench.row(f"{sampler}, s", f"{line['seconds']:.2f}", "", "", "< 1", line["seconds"] < 1)


def rate(lines):
    return statistics.median(line["trials_per_s"] for line in lines)


def single(bench):
    bench.head("SQLite: 10 parameters and 10 reports a trial, one process, trials/s")
    rounds = []
    for _ in range(5):  # in turn, since the disk's speed drifts
        rounds.append([rate(bench.measure(*words)) for words in (
            (OURS / "storage", "single", bench.path("single.db"), "--trials", 2_000, "--runs", 1),
            (*PEERS, "raw", bench.path("python.db"), "--trials", 2_000),
            (OURS / "storage", "raw", bench.path("raw.db"), "--trials", 2_000, "--runs", 1))])
    ours, python, raw = (statistics.median(column) for column in zip(*rounds))
    to_python = statistics.median(one / two for one, two, _ in rounds)
    to_raw = statistics.median(one / three for one, _, three in rounds)
    optuna = rate(bench.measure(*PEERS, "single", bench.path("optuna.db")))
    bench.row("one process", f"{ours:,.0f}", f"Optuna {optuna:.1f}", f"{ours / optuna:.0f} ×", "≥ 80 ×",
              ours / optuna >= 80)
    bench.row("one process", f"{ours:,.0f}", f"raw SQLite, from Python {python:,.0f}", f"{to_python:.2f} ×",
              "≥ 0.5 ×", to_python >= 0.5)
    bench.row("one process", f"{ours:,.0f}", f"raw SQLite, from C {raw:,.0f}", f"{to_raw:.2f} ×", "", True)


def many(bench):
    alone = rate(bench.measure(OURS / "storage", "single", bench.path("single.db"), "--runs", 1))
    bench.head("SQLite: 64 processes on one file")
    line = bench.measure(
        OURS / "storage", "workers", bench.path("workers.db"), "--workers", 64, "--trials", LONG)[0]
    bench.row(f"{line['n']:,} trials, trials/s", f"{line['trials_per_s']:,.0f}", f"one process {alone:,.0f}",
              f"{line['trials_per_s'] / alone:.2f} ×", "≥ 1/3", line["trials_per_s"] >= alone / 3)
    for what in ("errors", "lost", "duplicate_numbers"):
        bench.row(what.replace("_", " "), line[what], "", "", "0", line[what] == 0)


def postgres(bench):
    """A private server, with the disk's confirmation, that both use in turn."""
    bench.head("PostgreSQL: 10 parameters and 10 reports a trial, trials/s")
    words = [sys.executable, str(ROOT / "Tests/PostgresTesting/postgres_server.py")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        def database(name):
            server.stdin.write(f"database {name}\n")
            server.stdin.flush()
            return server.stdout.readline().strip()

        if not server.stdout.readline().startswith("ready"):
            sys.exit("the PostgreSQL server did not start")
        ours, peer = database("needletail"), database("optuna")
        for title, least, words, peer_words in (
                ("one process", 20, ("single", ours, "--trials", 2_000), ("single", peer, "--trials", 200)),
                ("16 processes", 50, ("workers", ours, "--workers", 16), ("workers", peer, "--workers", 16))):
            mine = rate(bench.measure(OURS / "storage", *words))
            other = rate(bench.measure(*PEERS, *peer_words))
            bench.row(title, f"{mine:,.0f}", f"Optuna {other:.1f}", f"{mine / other:.0f} ×", f"≥ {least} ×",
                      mine / other >= least)
        server.stdin.close()


def coordinator(bench):
    bench.head("`needletail serve` on SQLite: 10 parameters and 10 reports a trial")
    ours, path = [OURS / "coordinator", NEEDLETAIL], bench.path("serve.db")

    def trials(*words):
        return bench.measure(*ours, "trials", "--store", path, *words)[0]

    peers = {clients: bench.measure(*PEERS, "proxy", bench.path("proxy.db"), "--workers", clients)[0]["trials_per_s"]
             for clients in (1, 32)}
    one = trials("--clients", 1, "--trials", 3_000)["trials_per_s"]
    bench.row("1 client, trials/s", f"{one:,.0f}", f"Optuna's proxy {peers[1]:.1f}", f"{one / peers[1]:.0f} ×", "", True)
    for title, least, words in (
            ("64 clients, reports with the result, trials/s", 1_500, ("--trials", 30_000)),
            ("64 clients, each report by itself, trials/s", 400, ("--trials", 10_000, "--reports", "single"))):
        line = trials(*words)
        bench.row(title, f"{line['trials_per_s']:,.0f}", f"Optuna's proxy, 32 clients {peers[32]:.1f}",
                  f"{line['trials_per_s'] / peers[32]:.0f} ×", f"≥ {least:,}",
                  line["trials_per_s"] >= least and line["lost"] == 0)
    line = trials("--trials", 10_000, "--think", 100)
    bench.row("claims of 64 clients whose trials take 100 ms, p50 and p99, ms",
              f"{line['claim_p50_ms']:.1f} and {line['claim_p99_ms']:.1f}", "", "", "p99 < 20", line["claim_p99_ms"] < 20)
    line = bench.measure(*ours, "requests", "--store", path, "--requests", 1_000_000)[0]
    early, late = line["rss_mb_at_a_tenth"], line["rss_mb_at_the_end"]
    bench.row("memory after 100,000 and 1,000,000 requests, MB", f"{early:.1f} and {late:.1f}", "", "", "flat",
              late < early + 5)
    line = bench.measure(*ours, "idle", "--store", path, "--clients", 1_000)[0]
    bench.row("1,000 workers that wait: % of a core", f"{100 * line['server_cores']:.1f}", "", "", "< 5",
              line["server_cores"] < 0.05)
    bench.row("and memory, MB", f"{line['server_rss_mb']:.0f}", "", "", "< 200", line["server_rss_mb"] < 200)


def proxy(bench):
    """Programs with Optuna's own client, at our service and at Optuna's."""
    bench.head("Optuna's GrpcStorageProxy on SQLite: 10 parameters and 10 reports a trial, trials/s")
    for clients, least in ((1, 0), (32, 15)):
        peer = bench.measure(*PEERS, "proxy", bench.path("proxy.db"), "--workers", clients)[0]["trials_per_s"]
        server = subprocess.Popen(
            [NEEDLETAIL, "serve", "--store", bench.path(f"optuna-{clients}.db"), "--listen", "127.0.0.1:0",
             "--optuna-grpc", "127.0.0.1:0", "--json"], stdout=subprocess.PIPE, text=True)
        try:
            port = json.loads(server.stdout.readline())["optuna_grpc"].rsplit(":", 1)[1]
            ours = bench.measure(*PEERS, "workers", f"grpc:{port}", "--workers", clients)[0]["trials_per_s"]
        finally:
            server.terminate()
            server.wait(30)
        bench.row(f"{clients} client{'s' if clients > 1 else ''}", f"{ours:,.0f}", f"Optuna's service {peer:.1f}",
                  f"{ours / peer:.1f} ×", f"≥ {least} ×" if least else "", ours / peer >= least)


def load(bench):
    bench.head(f"A study of {LONG:,} trials with 10 parameters")
    path = bench.path("load.db")
    bench.measure(OURS / "storage", "load", path, "--trials", LONG, "--build", "--what", "best")
    shutil.copy(path, bench.path("optuna-load.db"))
    ours = bench.measure(OURS / "whole-study", "join", path, "--trials", LONG)[0]
    optuna = bench.measure(*PEERS, "load", bench.path("optuna-load.db"), "--trials", LONG)[0]
    ratio = optuna["seconds"] / ours["seconds"]
    bench.row("open and ask TPE, s", f"{ours['seconds']:.2f}", f"Optuna {optuna['seconds']:.1f}", f"{ratio:.0f} ×",
              "≥ 40 ×", ratio >= 40)
    bench.row("its memory, MB", f"{ours['peak_rss_mb']:.0f}", f"Optuna {optuna['peak_rss_mb']:.0f}", "", "< 300",
              ours["peak_rss_mb"] < 300)
    best = processes([NEEDLETAIL, "study", "best", f"load{LONG}", "--store", path], 5)
    bench.keep({"bench": "study_best", "peer": "needletail", "params": {"trials": LONG}, **best})
    bench.row("`study best`, ms", f"{1e3 * best['seconds']:.0f}", "", "", "< 100", best["seconds"] < 0.1)


def plot(bench):
    bench.head("`plot history` as a web page, whole processes")
    few = LONG // 10
    for trials in (few, LONG):
        path = bench.path(f"plot{trials}.db")
        page = bench.path(f"plot{trials}.html")
        bench.measure(OURS / "storage", "load", path, "--trials", trials, "--build", "--what", "best")
        ours = processes(
            [NEEDLETAIL, "plot", "history", f"load{trials}", "--store", path, "-o", page], 5)
        megabytes = os.path.getsize(page) / 1e6
        bench.keep({"bench": "plot_history", "peer": "needletail", "params": {"trials": trials},
                    "megabytes": megabytes, **ours})
        if trials == LONG:
            bench.row(f"{trials:,} trials, s", f"{ours['seconds']:.2f}", "", "", "< 2", ours["seconds"] < 2)
        else:
            optuna = processes([*PEERS, "plot", path], 3)
            bench.keep({"bench": "plot_history", "peer": "optuna", "params": {"trials": trials}, **optuna})
            ratio = optuna["seconds"] / ours["seconds"]
            bench.row(f"{trials:,} trials, s", f"{ours['seconds']:.3f}", f"Optuna {optuna['seconds']:.2f}",
                      f"{ratio:.0f} ×", "≥ 20 ×", ratio >= 20)
        bench.row("its page, MB", f"{megabytes:.2f}", "", "", "< 1.5", megabytes < 1.5)


def dashboard(bench):
    import pages  # the browser's driver is only needed here
    path = bench.path("pages.db")
    bench.measure(OURS / "storage", "load", path, "--trials", 10_000, "--build", "--what", "best")
    # Without its 100,000 reports: optuna-dashboard draws them all, and shows nothing for minutes.
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("DELETE FROM trial_intermediate_values")
    pages.measure(bench, NEEDLETAIL, path, "load10000")


def processes(command, runs, fresh=()):
    """Median wall time and peak memory of a command as a whole process."""
    times, peaks = [], []
    silence = os.open(os.devnull, os.O_WRONLY)
    for _ in range(runs):
        for path in fresh:
            for tail in ("", "-wal", "-shm", "-lock", "-journal"):
                if os.path.exists(path + tail):
                    os.unlink(path + tail)
        start = time.perf_counter()
        words = [str(word) for word in command]
        child = os.posix_spawnp(words[0], words, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, silence, 1)])
        _, status, usage = os.wait4(child, 0)
        times.append(time.perf_counter() - start)
        if status:
            sys.exit(f"{command} ended with {os.waitstatus_to_exitcode(status)}")
        # What the kernel accounts cannot be less than this process's own size, about 15 MB.
        peaks.append(usage.ru_maxrss / 1024)
    os.close(silence)
    return {"seconds": statistics.median(times), "n": runs, "peak_rss_mb": statistics.median(peaks)}


def whole(bench):
    bench.head("Whole processes")
    path = bench.path("whole.db")
    ours = processes([OURS / "whole-study", "run", path], 5, [path])
    optuna = processes([*PEERS, "whole", path], 3, [path])
    for peer, line in (("needletail", ours), ("optuna", optuna)):
        bench.keep({"bench": "whole_process", "peer": peer, "params": {"trials": 100}, **line})
    ratio = optuna["seconds"] / ours["seconds"]
    bench.row("100 trials with TPE on SQLite, s", f"{ours['seconds']:.3f}", f"Optuna {optuna['seconds']:.2f}",
              f"{ratio:.0f} ×", "≥ 30 ×", ratio >= 30)
    bench.row("their memory, MB", f"{ours['peak_rss_mb']:.1f}", f"Optuna {optuna['peak_rss_mb']:.0f}", "", "< 30",
              ours["peak_rss_mb"] < 30)
    version = processes([NEEDLETAIL, "--version"], 20)
    bench.keep({"bench": "version", "peer": "needletail", "params": {}, **version})
    bench.row("`needletail --version`, ms", f"{1e3 * version['seconds']:.1f}", "", "", "< 20",
              version["seconds"] < 0.02)


def python(bench):
    bench.head("Whole studies in Python, in one process")
    # Bytecode is kept, as pip leaves it beside an installed module; the checkout stays as it is.
    environment = dict(os.environ, PYTHONPATH=str(ROOT / "Python"),
                       PYTHONPYCACHEPREFIX=bench.path("bytecode"),
                       NEEDLETAIL_LIBRARY=str(ROOT / ".build/release/libneedletail.so"))
    environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def study(module, case, trials, *storage):
        done = subprocess.run(
            [sys.executable, str(HERE / "peers/python_study.py"), module, case, str(trials), *storage],
            capture_output=True, text=True, env=environment)
        if done.returncode:
            sys.exit(f"{module}, {case} failed:\n{done.stderr}")
        line = json.loads(done.stdout.splitlines()[-1])
        bench.keep(line)
        return line

    def compare(what, peer, case, trials, wanted, *, storage=False):
        places = [(f"sqlite:///{bench.path(f'{case}-{peer}-{module}.db')}",) if storage else ()
                  for module in ("needletail", peer)]
        ours, theirs = study("needletail", case, trials, *places[0]), study(peer, case, trials, *places[1])
        ratio = theirs["seconds"] / ours["seconds"]
        bench.row(f"{what}, {trials:,} trials, s", f"{ours['seconds']:.2f}",
                  f"{peer.capitalize()} {theirs['seconds']:.2f}", f"{ratio:.1f} ×", f"≥ {wanted} ×",
                  ratio >= wanted)

    compare("TPE, 10 floats", "rustuna", "tpe", 10_000, 4)
    compare("TPE, 10 floats", "optuna", "tpe", 2_000, 60)
    compare("CMA-ES, 40 floats", "rustuna", "cmaes", 10_000, 4.5)
    compare("random, 10 floats, SQLite", "optuna", "random", 500, 60, storage=True)
    empty, ten = study("needletail", "empty", 20_000), study("needletail", "random", 20_000)
    each = 1e6 * empty["seconds"] / 20_000
    bench.row("a trial without parameters, µs", f"{each:.1f}", "", "", "≤ 30", each <= 30)
    parameter = (1e6 * ten["seconds"] / 20_000 - each) / 10
    bench.row("each parameter more, µs", f"{parameter:.2f}", "", "", "≤ 3", parameter <= 3)
    imported = statistics.median(
        study("needletail", "empty", 1)["import_seconds"] for _ in range(5))
    peer = study("optuna", "empty", 1)["import_seconds"]
    bench.row("import, ms", f"{1e3 * imported:.0f}", f"Optuna {1e3 * peer:.0f}",
              f"{peer / imported:.0f} ×", "≤ 40", imported <= 0.04)
    warm(bench)
    inside(bench, environment)


def warm(bench):
    """Python programs under `needletail run`, whose processes serve many trials or one each."""
    bench.head("A Python program under `needletail run` with two workers, trials/s")

    def rate(name, program, trials, reuse):
        folder = pathlib.Path(bench.path(f"{name}-{reuse}"))
        folder.mkdir()
        (folder / "program.py").write_text(program)
        (folder / "study.yaml").write_text(
            f"name: s\nsampler: random\ntrials: {trials}\nworkers: 2\nreuse: {reuse}\n"
            f"environment: {{OMP_NUM_THREADS: '1'}}\ncommand: ['{sys.executable}', program.py]\n")
        start = time.perf_counter()
        subprocess.run(
            [NEEDLETAIL, "run", folder / "study.yaml", "--store", folder / "s.db", "--quiet"], check=True,
            stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
        bench.keep({"bench": f"warm_{name}", "peer": "needletail",
                    "params": {"trials": trials, "workers": 2, "reuse": reuse}, "seconds": seconds,
                    "n": trials, "per_trial_ms": 1e3 * seconds / trials})
        return trials / seconds

    noop = "import needletail\nneedletail.run(lambda trial: trial.suggest_float('x', 0, 1))\n"
    many, one = rate("noop", noop, 4_000, 1_000), rate("noop", noop, 100, 1)
    bench.row("an objective that does nothing", f"{many:,.0f}", f"a process each {one:,.0f}",
              f"{many / one:.0f} ×", "≥ 1,000", many >= 1_000)
    boosting = (ROOT / "Studies/boosting/objective.py").read_text()
    many, one = rate("boosting", boosting, 40, 100), rate("boosting", boosting, 40, 1)
    bench.row("Studies/boosting", f"{many:.2f}", f"a process each {one:.2f}", f"{many / one:.1f} ×",
              "≥ 2 ×", many >= 2 * one)


def stand_ins(bench):
    """What a call of a stand-in costs the program that makes it."""
    bench.head("A report through a stand-in under `needletail run`, ms")
    programs = {
        "wandb": ("import wandb\nwandb.init()\n", "wandb.log({'loss': 1 / (step + 1), 'accuracy': 0.5})"),
        "mlflow": ("import mlflow\nmlflow.start_run()\n", "mlflow.log_metric('loss', 1 / (step + 1), step=step)"),
        "nni": ("import nni\nnni.get_next_parameter()\n", "nni.report_intermediate_result({'default': 1 / (step + 1)})"),
        "ray": ("from ray import tune\n", "tune.report({'loss': 1 / (step + 1)})"),
    }
    for name, (start, call) in programs.items():
        folder = pathlib.Path(bench.path(f"standin-{name}"))
        folder.mkdir()
        (folder / "program.py").write_text(
            f"import json, time\n{start}times = []\nfor step in range(2_000):\n"
            f"    before = time.perf_counter()\n    {call}\n    times.append(time.perf_counter() - before)\n"
            "    time.sleep(0.001)\n"
            f"json.dump(times, open({str(folder / 'times.json')!r}, 'w'))\n")
        (folder / "study.yaml").write_text(
            f"name: s\nmetric: {'default' if name == 'nni' else 'loss'}\nsampler: random\ntrials: 1\n"
            f"stand_ins: [{name}]\nparameters: {{x: {{low: 0.0, high: 1.0}}}}\n"
            f"command: ['{sys.executable}', program.py]\n")
        subprocess.run(
            [NEEDLETAIL, "run", folder / "study.yaml", "--store", folder / "s.db", "--quiet"], check=True,
            stdout=subprocess.DEVNULL)
        each = statistics.median(json.loads((folder / "times.json").read_text()))
        bench.keep({"bench": f"standin_{name}", "peer": "needletail", "params": {}, "seconds": each, "n": 2_000})
        bench.row(name, f"{1e3 * each:.4f}", "", "", "≤ 0.1", each <= 1e-4)


def inside(bench, environment):
    """Optuna with our storage, and with its own of a file of the same kind."""
    bench.head("Inside Optuna: its RandomSampler, 10 parameters and 10 reports a trial, trials/s")
    for count, least in ((1, 8), (32, 30)):
        rates = []
        for place, trials in ((f"needletail:{bench.path(f'inside-{count}.db')}", 1_000),
                              (f"sqlite:///{bench.path(f'inside-optuna-{count}.db')}", 100)):
            words = ("single", place, "--trials", trials) if count == 1 else (
                "workers", place, "--workers", count)
            rates.append(rate(bench.measure(*PEERS, *words, environment=environment)))
        bench.row(f"{count} process{'es' if count > 1 else ''}", f"{rates[0]:,.0f}",
                  f"Optuna's RDBStorage {rates[1]:.1f}", f"{rates[0] / rates[1]:.0f} ×", f"≥ {least} ×",
                  rates[0] / rates[1] >= least)


def studies(bench):
    bench.head("A whole study in memory: ask, suggest and tell, s")
    for sampler, floats, objectives, trials, least in (
            ("tpe", 10, 1, 10_000, 12), ("tpe", 10, 2, 3_000, 10), ("nsga2", 40, 2, 30_000, 5),
            ("cmaes", 40, 1, 30_000, 15)):
        shape = ("--floats", floats, "--objectives", objectives, "--trials", trials)
        ours = bench.measure(OURS / "whole-study", "memory", sampler, *shape)[0]["seconds"]
        peer = bench.measure(
            *PEERS, "study", "--peer", "rustuna", "--sampler", sampler, *shape)[0]["seconds"]
        bench.row(f"{sampler}, {floats} floats, {objectives} objectives, {trials:,} trials", f"{ours:.2f}",
                  f"Rustuna {peer:.1f}", f"{peer / ours:.1f} ×", f"≥ {least} ×", peer / ours >= least)


def run(bench):
    bench.head("`needletail run` with two workers")
    trials = 2_000
    study = pathlib.Path(bench.path("noop.yaml"))
    study.write_text(
        f"metric: loss\nsampler: random\ntrials: {trials}\nworkers: 2\ncommand: [echo, loss=1]\n"
        "parameters:\n  x: {low: 0.0, high: 1.0}\n")
    start = time.perf_counter()
    subprocess.run(
        [NEEDLETAIL, "run", study, "--store", bench.path("noop.db"), "--quiet"], check=True,
        stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - start
    bench.keep({"bench": "run_noop", "peer": "needletail", "params": {"trials": trials, "workers": 2},
                "seconds": seconds, "n": trials, "per_trial_ms": 1e3 * seconds / trials})
    bench.row("a program that prints one value, trials/s", f"{trials / seconds:,.0f}", "", "", "≥ 400",
              trials / seconds >= 400)


def services(bench):
    bench.head("A service over HTTP as the objective, on this machine")
    responder = subprocess.Popen(
        [sys.executable, HERE / "peers/responder.py"], stdout=subprocess.PIPE, text=True)
    try:
        port, trials, slots = int(responder.stdout.readline()), 5_000, 8
        study = pathlib.Path(bench.path("service.yaml"))
        study.write_text(
            f"metric: loss\nsampler: random\ntrials: {trials}\nworkers: {slots}\n"
            f"executor: {{http: 'http://127.0.0.1:{port}/'}}\nparameters:\n  x: {{low: 0.0, high: 1.0}}\n")
        start = time.perf_counter()
        subprocess.run(
            [NEEDLETAIL, "run", study, "--store", bench.path("service.db"), "--quiet"], check=True,
            stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
    finally:
        responder.terminate()
        responder.wait(30)
    bench.keep({"bench": "http_objective", "peer": "needletail", "params": {"trials": trials, "slots": slots},
                "seconds": seconds, "n": trials, "per_trial_ms": 1e3 * seconds / trials})
    bench.row(f"a responder that answers at once, {slots} slots, trials/s", f"{trials / seconds:,.0f}", "", "",
              "≥ 1,000", trials / seconds >= 1_000)


def containers(bench):
    bench.head("A trial in a container, one after the other, beside the engine's own `run` of the same image")
    folder = pathlib.Path(bench.path("containers"))
    (folder / "root/bin").mkdir(parents=True)
    shutil.copy("/bin/busybox", folder / "root/bin/echo")
    (folder / "containers.conf").write_text(
        '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]\nnetns = "host"\n'
        '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\n')
    state = tempfile.mkdtemp(prefix="nt-", dir="/tmp")  # Short: podman takes no long ones.
    (folder / "storage.conf").write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{folder}/images"\nrunroot = "{state}"\n')
    environment = os.environ | {
        "CONTAINERS_CONF": str(folder / "containers.conf"), "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf")}
    quiet = {"check": True, "env": environment, "stdout": subprocess.DEVNULL}
    try:
        subprocess.run(["tar", "-C", folder / "root", "-cf", folder / "box.tar", "."], check=True)
        subprocess.run(["podman", "import", "-q", folder / "box.tar", "box"], **quiet)
        runs = 20
        study = folder / "study.yaml"
        study.write_text(
            f"metric: loss\nsampler: random\ntrials: {runs}\nworkers: 1\ncommand: [echo, loss=1]\nexecutor: {{container: box}}\n"
            "parameters:\n  x: {low: 0.0, high: 1.0}\n")
        start = time.perf_counter()
        for _ in range(runs):
            subprocess.run(["podman", "run", "--rm", "box", "echo", "loss=1"], **quiet)
        middle = time.perf_counter()
        subprocess.run([NEEDLETAIL, "run", study, "--store", folder / "s.db", "--quiet"], **quiet)
        theirs, ours = (middle - start) / runs, (time.perf_counter() - middle) / runs
    finally:
        shutil.rmtree(state)
    bench.keep({"bench": "container", "peer": "needletail", "params": {"trials": runs}, "seconds": ours * runs,
                "n": runs, "per_trial_ms": 1e3 * ours})
    bench.row("a program that prints one value, ms", f"{1e3 * ours:.0f}", f"podman run {1e3 * theirs:.0f}",
              f"{ours / theirs:.2f} ×", "≤ 1.10 ×", ours <= 1.1 * theirs)


class Served:
    """`needletail serve` on a free port while the block runs."""

    def __init__(self, bench, name, study, *options):
        path = bench.path(f"{name}.yaml")
        pathlib.Path(path).write_text(study)
        self.words = [NEEDLETAIL, "serve", path, "--store", bench.path(f"{name}.db"), "--listen", "127.0.0.1:0", *options]
        self.bench = bench

    def __enter__(self):
        self.process = subprocess.Popen(self.words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = self.process.stdout.readline().split()[-1]
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)

    def worker(self, name, *options):
        return subprocess.Popen(
            [NEEDLETAIL, "worker", self.url, "--name", name, "--quiet", "--spool", self.bench.path("spool"),
             "--folder", self.bench.folder, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def workers(bench):
    bench.head("Two worker daemons and a coordinator on SQLite")
    trials = 2_000
    noop = (f"name: noop\nmetric: loss\nsampler: random\ntrials: {trials}\ncommand: [echo, loss=1]\n"
            "parameters:\n  x: {low: 0.0, high: 1.0}\n")
    with Served(bench, "noop-served", noop) as served:
        start = time.perf_counter()
        daemons = [served.worker(f"w{i}", "--until-done") for i in range(2)]
        codes = [daemon.wait(600) for daemon in daemons]
        seconds = time.perf_counter() - start
    if any(codes):
        sys.exit(f"workers ended with {codes}")
    ours = trials / seconds
    bench.keep({"bench": "workers_noop", "peer": "needletail", "params": {"trials": trials, "workers": 2},
                "seconds": seconds, "n": trials, "per_trial_ms": 1e3 * seconds / trials})
    ray = [sys.executable, str(HERE / "peers/ray_noop.py"), bench.path("ray"), "--trials", 200]
    peer = bench.measure(*ray)[0]
    theirs = 1e3 / peer["per_trial_ms"]
    bench.row("a no-op, trials/s", f"{ours:,.0f}", f"Ray Tune {theirs:.1f}", f"{ours / theirs:.0f} ×", "≥ 250",
              ours >= 250)
    for lease in (2, 5):
        seconds = takeover(bench, lease)
        bench.row(f"from SIGKILL to running elsewhere, lease {lease} s, s", f"{seconds:.2f}", "", "",
                  f"< {lease + 1}", seconds < lease + 1)


def takeover(bench, lease):
    """The longest time, of three, from a worker's SIGKILL until its trial runs in another worker."""
    longest = 0
    for turn in range(3):
        started = bench.path(f"started-{lease}-{turn}-")
        study = (f"name: s\nmetric: loss\nsampler: random\ntrials: 1\n"
                 f"command: [sh, -c, 'touch {started}$NEEDLETAIL_ATTEMPT; exec sleep 60']\n"
                 "parameters:\n  x: {low: 0.0, high: 1.0}\n")
        with Served(bench, f"takeover-{lease}-{turn}", study, "--lease", f"{lease}s") as served:
            first = served.worker("first")
            wait_for(started + "1")
            second = served.worker("second")
            time.sleep(0.3 + 0.4 * turn)  # at another moment of the first worker's heartbeats
            first.kill()
            start = time.perf_counter()
            wait_for(started + "2")
            longest = max(longest, time.perf_counter() - start)
            first.wait()
            for _ in range(2):
                second.terminate()
                time.sleep(0.2)
            second.wait(30)
    bench.keep({"bench": "takeover", "peer": "needletail", "params": {"lease": lease}, "seconds": longest, "n": 3})
    return longest


def wait_for(path):
    deadline = time.perf_counter() + 60
    while not os.path.exists(path):
        if time.perf_counter() > deadline:
            sys.exit(f"{path} did not come")
        time.sleep(0.002)


def stop(bench):
    bench.head("From a metric line to SIGTERM")
    trials = 300
    study = pathlib.Path(bench.path("stop.yaml"))
    shutil.copy(HERE / "peers/child.py", bench.path("child.py"))
    study.write_text(
        f"metric: loss\nsampler: random\npruner: median\ntrials: {trials}\nworkers: 2\n"
        f"command: ['{sys.executable}', -S, -E, child.py, delays]\nparameters:\n  x: {{low: 0.0, high: 1.0}}\n")
    subprocess.run(
        [NEEDLETAIL, "run", study, "--store", bench.path("stop.db"), "--quiet"], check=True,
        stdout=subprocess.DEVNULL)
    delays = sorted(map(float, pathlib.Path(bench.path("delays")).read_text().split()))
    median, late = delays[len(delays) // 2], delays[int(0.99 * (len(delays) - 1))]
    bench.keep({"bench": "stop", "peer": "needletail", "params": {"workers": 2}, "n": len(delays),
                "seconds": sum(delays) / 1e3, "p50_ms": median, "p99_ms": late, "max_ms": delays[-1]})
    bench.row(f"{len(delays)} trials, p50 and p99, ms", f"{median:.1f} and {late:.1f}", "", "", "p99 < 50", late < 50)


def main():
    groups = {f.__name__: f for f in (
        ask, gp, cold, single, many, postgres, coordinator, proxy, load, plot, dashboard, whole, studies, python,
        stand_ins, run, services, containers, workers, stop)}
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", metavar="GROUP")
    parser.add_argument("--lines")
    options = parser.parse_args()
    unknown = [name for name in options.groups if name not in groups]
    if unknown:
        parser.error(f"unknown group {unknown[0]}; known are {', '.join(groups)}")
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
    with tempfile.TemporaryDirectory(prefix="needletail-bench-") as folder:
        bench = Bench(folder, options.lines)
        about = bench.about
        print(f"{about['date']}, commit {about['commit']}, {about['cores']} × {about['cpu']}")
        for name in options.groups or groups:
            groups[name](bench)
    if bench.missed:
        print(f"\n{bench.missed} figures were missed")


if __name__ == "__main__":
    main()
