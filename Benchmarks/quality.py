#!/usr/bin/env python3
"""Runs our samplers and pruners on a folder of optimization problems and prints the tables of README.md.

usage: quality.py FOLDER [--results DIR] [--samplers auto,tpe,…] [--pruners predictive,…] [--seeds 10]
                  [--parallel-seeds 10] [--jobs 2] [--table]

FOLDER holds problem_server.py, score.py, and the peers' results under peers/. Each sampler runs every
problem with every seed, `auto` also with eight workers; each pruner runs the problems with learning
curves under `auto`. What DIR holds already is not run again; --table only prints. Regrets are those of
the folder's score.py: 0 is the optimum, 1 what random search has after 50 evaluations. Behind ± stands
half the 95 % confidence interval of the mean over the seeds. An optimizer that has run only some of the
problems gets their number, and in brackets what `auto` has on the same ones. `gp` is what `auto`
chooses in studies as short as these, and need not be run beside it.
"""
import argparse
import concurrent.futures
import importlib.util
import json
import math
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = HERE / ".build/release/problems"
SAMPLERS = "auto,tpe,cmaes,nsga2,qmc,random"
PRUNERS = "none,predictive,median,hyperband,asha"
PARALLEL = 8
BEST = "Needletail auto"


def scorer(folder):
    """The folder's score.py as a module."""
    spec = importlib.util.spec_from_file_location("score", folder / "score.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def plan(specs, samplers, pruners):
    """What is to be run: (name, sampler, pruner, workers, has_curves, problems), a file each."""
    plain = [name for name, spec in specs.items() if spec["family"] != "pruning"]
    curves = [name for name, spec in specs.items() if spec["family"] == "pruning"]
    runs = [(sampler, sampler, "none", 1, False, plain) for sampler in samplers]
    if "auto" in samplers:
        runs += [("auto", "auto", pruner, 1, True, curves) for pruner in pruners]
        runs.append((f"auto, {PARALLEL} workers", "auto", "none", PARALLEL, False, plain))
    return runs


def run(folder, results, python, seeds, name, sampler, pruner, workers, has_curves, problems):
    """Runs what the results lack, a problem after the other."""
    path = results / f"{sampler}-{pruner}-{workers}{'-curves' if has_curves else ''}.jsonl"
    done = {}
    if path.exists():
        # An interrupted run can leave half a line, which is run again.
        lines = path.read_text().splitlines(keepends=True)
        whole = [line for line in lines if line.endswith("\n")]
        path.write_text("".join(whole))
        for line in whole:
            entry = json.loads(line)
            done.setdefault(entry["problem"], set()).add(entry["seed"])
    for problem in problems:
        known = done.get(problem, set())
        first = 0
        while first in known:
            first += 1
        if first >= seeds:
            continue
        command = [
            PROGRAM, folder, path, "--sampler", sampler, "--pruner", pruner, "--workers", workers,
            "--name", f"Needletail {name}", "--only", problem, "--first-seed", first,
            "--seeds", seeds - first, "--python", python]
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
        subprocess.run(
            [str(word) for word in command], check=True, env=environment,
            stdout=subprocess.DEVNULL)
    return path


def interval(values):
    """Half the 95 % confidence interval of the mean over problems of the means over seeds."""
    variance = 0.0
    for seeds in values:
        if len(seeds) < 2:
            return math.nan
        mean = sum(seeds) / len(seeds)
        variance += sum((v - mean) ** 2 for v in seeds) / (len(seeds) - 1) / len(seeds)
    return 1.96 * math.sqrt(variance) / len(values)


def table(title, regrets, problems, counts, unit):
    """A table of the mean regret of every optimizer that has run all or some of the problems."""
    def means(optimizer, count, among):
        return [sum(v) / len(v) for v in (regrets[p, optimizer, count] for p in among)]

    optimizers = sorted({key[1] for key in regrets if key[0] in problems})
    rows = []
    for optimizer in optimizers:
        cells, key = [], []
        seeds = [len(v) for k, v in regrets.items() if k[0] in problems and k[1] == optimizer]
        for count in counts:
            have = [p for p in problems if (p, optimizer, count) in regrets]
            if not have:
                cells.append("")
                continue
            values = means(optimizer, count, have)
            mean = sum(values) / len(values)
            half = interval([regrets[p, optimizer, count] for p in have])
            text = f"{mean:.3f}" + ("" if math.isnan(half) else f" ± {half:.3f}")
            if len(have) < len(problems):
                text += f" of {len(have)}"
                if all((p, BEST, count) in regrets for p in have):
                    ours = means(BEST, count, have)
                    text += f" ({sum(ours) / len(ours):.3f})"
            cells.append(text)
            key.append((len(problems) - len(have), mean))
        low, high = min(seeds), max(seeds)
        cells.append(str(low) if low == high else f"{low}–{high}")
        rows.append(((key[-1][0] > 0, -len(key), key[-1][1]), optimizer, cells))
    rows.sort()
    print(f"\n#### {title} ({len(problems)} problem{'' if len(problems) == 1 else 's'})\n")
    print("| Optimizer | " + " | ".join(f"{count} {unit}" for count in counts) + " | seeds |")
    print("|---" * (len(counts) + 2) + "|")
    for _, optimizer, cells in rows:
        name = f"**{optimizer}**" if optimizer.startswith(BEST) else optimizer
        print(f"| {name} | " + " | ".join(cells) + " |")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--results", type=pathlib.Path, default=HERE / ".build/quality")
    parser.add_argument("--samplers", default=SAMPLERS)
    parser.add_argument("--pruners", default=PRUNERS)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--parallel-seeds", type=int, default=10, help="seeds with eight workers")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    if not (folder / "problem_server.py").exists():
        parser.error(f"{folder} has no problem_server.py; name a folder of problems")
    if not arguments.table and not PROGRAM.exists():
        parser.error(
            f"{PROGRAM} is missing; build it: swift build -c release --package-path Benchmarks")
    specs = {spec["name"]: spec for spec in json.loads((folder / "problems.json").read_text())}
    arguments.results.mkdir(parents=True, exist_ok=True)
    if not arguments.table:
        todo = plan(specs, arguments.samplers.split(","), arguments.pruners.split(","))
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            jobs = [
                pool.submit(
                    run, folder, arguments.results, arguments.python,
                    arguments.seeds if entry[3] == 1 else arguments.parallel_seeds, *entry)
                for entry in todo]
            for job in concurrent.futures.as_completed(jobs):
                print(f"{job.result().name} is complete", file=sys.stderr)

    score = scorer(folder)
    files = sorted(arguments.results.glob("*.jsonl")) + sorted((folder / "peers").glob("*.jsonl"))
    specs, reference, runs = score.load(str(folder), [str(file) for file in files])
    counts = [50, 100, 200]
    regrets = score.table(specs, reference, runs, counts, False)
    names = [name for name in specs if any(key[0] == name for key in regrets)]
    single = [
        name for name in names
        if specs[name].get("objectives", 1) == 1 and not specs[name].get("constraints")]
    table("All problems with one objective", regrets, single, counts, "evaluations")
    for family in dict.fromkeys(specs[name]["family"] for name in names):
        members = [name for name in names if specs[name]["family"] == family]
        table(f"Family {family}", regrets, members, counts, "evaluations")
    counts = [10, 20, 40]
    regrets = score.table(specs, reference, runs, counts, True)
    names = [name for name in specs if any(key[0] == name for key in regrets)]
    if names:
        table("Pruning", regrets, names, counts, "full trainings")


if __name__ == "__main__":
    main()
