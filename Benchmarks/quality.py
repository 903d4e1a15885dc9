#!/usr/bin/env python3
"""Runs our samplers and pruners on a folder of optimization problems and prints the tables of README.md.

usage: quality.py FOLDER [--results DIR] [--samplers auto,tpe,…] [--pruners predictive,…] [--seeds 10]
                  [--parallel-seeds 10] [--jobs 2] [--families main,failing,…] [--against DIR] [--table]

FOLDER holds problem_server.py, score.py, and the peers' results under peers/. Each sampler runs every
problem with every seed, `auto` also with eight workers; each pruner runs the problems with learning
curves under `auto`. What DIR holds already is not run again; --table only prints. Regrets are those of
the folder's score.py: 0 is the optimum, 1 what random search has after 50 evaluations. Behind ± stands
half the 95 % confidence interval of the mean over the seeds. An optimizer that has run only some of the
problems gets their number, and in brackets what `auto` has on the same ones. `gp` is what `auto`
chooses in studies as short as these, and need not be run beside it.

`main` are the problems of problems.json; the further families (`all`: every one of them) are those of
problems_more.json, run one trial at a time with the budgets of their own. Where outcomes are bimodal,
a mean says little: a second table has the mean over problems of the 90th percentile over seeds, and
how many problems have seeds that differ by more than 0.4. --against names the results of another run,
of the same seeds: paired differences, negative where this one is better.
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


def plan(specs, samplers, pruners, families):
    """What is to be run: (name, sampler, pruner, workers, has_curves, problems), a file each."""
    plain = [name for name, spec in specs.items() if spec["family"] != "pruning"]
    curves = [name for name, spec in specs.items() if spec["family"] == "pruning"]
    if "main" not in families:
        return []
    runs = [(sampler, sampler, "none", 1, False, plain) for sampler in samplers]
    if "auto" in samplers:
        runs += [("auto", "auto", pruner, 1, True, curves) for pruner in pruners]
        runs.append((f"auto, {PARALLEL} workers", "auto", "none", PARALLEL, False, plain))
    return runs


def plan_further(specs, samplers, pruners, families):
    """The same of the further families: (name, sampler, pruner, family, problems), a file each."""
    runs = []
    for family in families:
        problems = [
            (name, variant)
            for name, spec in specs.items() if spec["family"] == family
            for variant in spec.get("variants", [None])]
        for sampler in samplers if family != "curves2" else ["auto"]:
            for pruner in pruners if family == "curves2" else ["none"]:
                runs.append((sampler, sampler, pruner, family, problems))
    return runs


def run(folder, results, python, seeds, name, sampler, pruner, workers, has_curves, problems):
    """Runs what the results lack, a problem after the other."""
    path = results / f"{sampler}-{pruner}-{workers}{'-curves' if has_curves else ''}.jsonl"
    return complete(
        path, folder, python, seeds, name, sampler, pruner, workers,
        [(problem, None) for problem in problems])


def run_further(folder, results, python, seeds, name, sampler, pruner, family, problems):
    """The same of a further family."""
    path = results / f"{sampler}-{pruner}-{family}.jsonl"
    return complete(
        path, folder, python, seeds, name, sampler, pruner, 1, problems, ["--families", family])


def complete(path, folder, python, seeds, name, sampler, pruner, workers, problems, more=()):
    """Adds to a file of results what it lacks; `problems` with their variants, None for none."""
    done = {}
    if path.exists():
        # An interrupted run can leave half a line, which is run again.
        lines = path.read_text().splitlines(keepends=True)
        whole = [line for line in lines if line.endswith("\n")]
        path.write_text("".join(whole))
        for line in whole:
            entry = json.loads(line)
            done.setdefault((entry["problem"], entry.get("variant")), set()).add(entry["seed"])
    for problem, variant in problems:
        known = done.get((problem, variant), set())
        first = 0
        while first in known:
            first += 1
        if first >= seeds:
            continue
        command = [
            PROGRAM, folder, path, "--sampler", sampler, "--pruner", pruner, "--workers", workers,
            "--name", f"Needletail {name}", "--only", problem, "--first-seed", first,
            "--seeds", seeds - first, "--python", python, *more]
        if variant is not None:
            command += ["--variant", variant]
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


def percentile(values, share):
    """The smallest value that a share of the values does not exceed, interpolated."""
    values = sorted(values)
    place = share * (len(values) - 1)
    low = min(int(place), len(values) - 2) if len(values) > 1 else 0
    high = min(low + 1, len(values) - 1)
    return values[low] + (place - low) * (values[high] - values[low])


def spreads(title, regrets, problems, counts, unit):
    """A table of how much the seeds of our runs differ."""
    ours = sorted({key[1] for key in regrets if key[0] in problems and key[1].startswith(BEST)})
    rows = []
    for optimizer in ours:
        cells = []
        for count in counts:
            seeds = [regrets.get((p, optimizer, count), []) for p in problems]
            seeds = [v for v in seeds if len(v) > 1]
            if not seeds:
                cells.append("")
                continue
            high = sum(percentile(v, 0.9) for v in seeds) / len(seeds)
            wide = sum(max(v) - min(v) > 0.4 for v in seeds)
            cells.append(f"{high:.3f}; {wide} of {len(seeds)}")
        if any(cells):
            rows.append(f"| {optimizer} | " + " | ".join(cells) + " |")
    if rows:
        print(f"\n#### {title}: 90th percentile over seeds; problems where seeds differ by over 0.4\n")
        print("| Optimizer | " + " | ".join(f"{count} {unit}" for count in counts) + " |")
        print("|---" * (len(counts) + 1) + "|")
        print("\n".join(rows))


def by_seed(score, specs, reference, runs, counts):
    """{(problem, optimizer, count): {seed: regret}} of single runs."""
    found = {}
    for one in runs:
        spec = specs[one["problem"]]
        for count in counts:
            at = count / 100 * spec["budget_seconds"] if spec["family"] == "timed" else count
            best = score.best_at(one, at)
            if best is not None:
                key = (one["problem"], one["optimizer"], count)
                found.setdefault(key, {})[one["seed"]] = score.regret(
                    best, reference[one["problem"]])
    return found


def paired(title, now, then, problems, counts, unit):
    """A table of the differences between two runs of the same seeds."""
    rows = []
    for optimizer in sorted({key[1] for key in now if key[0] in problems}):
        cells = []
        for count in counts:
            differences = []
            for problem in problems:
                key = (problem, optimizer, count)
                old = then.get(key, {})
                seeds = [v - old[s] for s, v in now.get(key, {}).items() if s in old]
                if seeds:
                    differences.append(seeds)
            if not differences:
                cells.append("")
                continue
            mean = sum(sum(v) / len(v) for v in differences) / len(differences)
            half = interval(differences)
            cells.append(f"{mean:+.3f}" + ("" if math.isnan(half) else f" ± {half:.3f}"))
        if any(cells):
            rows.append(f"| {optimizer} | " + " | ".join(cells) + " |")
    if rows:
        print(f"\n#### {title}: paired differences\n")
        print("| Optimizer | " + " | ".join(f"{count} {unit}" for count in counts) + " |")
        print("|---" * (len(counts) + 1) + "|")
        print("\n".join(rows))


def further_tables(score, folder, files, others, families):
    """The tables of the further families."""
    units = {"timed": "% of the seconds", "curves2": "full trainings"}
    specs, reference, runs = score.load_more(str(folder), files)
    _, _, old = score.load_more(str(folder), others)
    for family in families:
        mine = [one for one in runs if specs[one["problem"]]["family"] == family]
        counts = list(score.FAMILIES[family]["at"])
        regrets = by_seed(score, specs, reference, mine, counts)
        flat = {key: list(seeds.values()) for key, seeds in regrets.items()}
        problems = [name for name in specs if any(key[0] == name for key in flat)]
        if not problems:
            continue
        unit = units.get(family, "trials")
        table(f"Family {family}", flat, problems, counts, unit)
        spreads(f"Family {family}", flat, problems, counts, unit)
        if family == "failing":
            failing_shares(mine)
        if family == "replicate":
            recommendations(score, reference, mine)
        theirs = [one for one in old if specs[one["problem"]]["family"] == family]
        paired(
            f"Family {family}", regrets, by_seed(score, specs, reference, theirs, counts),
            problems, counts, unit)


def failing_shares(runs):
    """Prints the share of failing trials after the first 20."""
    shares = {}
    for one in runs:
        if one["n"] > 20:
            count = sum(k > 20 for k in one.get("failed", ()))
            shares.setdefault(one["optimizer"], {}).setdefault(one["problem"], []).append(
                count / (one["n"] - 20))
    print("\n| Optimizer | failing after the first 20 trials |\n|---|---|")
    for optimizer in sorted(shares):
        problems = shares[optimizer].values()
        mean = sum(sum(v) / len(v) for v in problems) / len(problems)
        print(f"| {optimizer} | {mean:.3f} ± {interval(list(problems)):.3f} |")


def recommendations(score, reference, runs):
    """Prints the true regret of what was recommended, and of the luckiest trial."""
    found = {}
    for one in runs:
        if "recommend" in one:
            asked = one["recommend"]
            known = reference[one["problem"]]
            pair = (
                score.regret(asked["true"], known),
                score.regret(score.best_at(one, asked["at"]), known))
            found.setdefault(one["optimizer"], {}).setdefault(one["problem"], []).append(pair)
    print("\n| Optimizer | recommended | luckiest |\n|---|---|---|")
    for optimizer in sorted(found):
        cells = []
        for place in range(2):
            values = [[pair[place] for pair in v] for v in found[optimizer].values()]
            mean = sum(sum(v) / len(v) for v in values) / len(values)
            cells.append(f"{mean:.3f} ± {interval(values):.3f}")
        print(f"| {optimizer} | " + " | ".join(cells) + " |")


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
    parser.add_argument("--families", default="main", help="main, further ones, or all of these")
    parser.add_argument("--against", type=pathlib.Path, help="results of another run")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    if not (folder / "problem_server.py").exists():
        parser.error(f"{folder} has no problem_server.py; name a folder of problems")
    if not arguments.table and not PROGRAM.exists():
        parser.error(
            f"{PROGRAM} is missing; build it: swift build -c release --package-path Benchmarks")
    score = scorer(folder)
    known = list(getattr(score, "FAMILIES", {}))
    families = arguments.families.split(",")
    if "all" in families:
        families = [*dict.fromkeys([name for name in families if name == "main"] + known)]
    for stranger in [name for name in families if name not in ["main", *known]]:
        parser.error(f"no family '{stranger}' in {folder}; there are main, {', '.join(known)}")
    arguments.results.mkdir(parents=True, exist_ok=True)
    if not arguments.table:
        samplers, pruners = arguments.samplers.split(","), arguments.pruners.split(",")
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            jobs = [
                pool.submit(
                    run, folder, arguments.results, arguments.python,
                    arguments.seeds if entry[3] == 1 else arguments.parallel_seeds, *entry)
                for entry in plan(problems(folder, "problems"), samplers, pruners, families)]
            if known:
                jobs += [
                    pool.submit(
                        run_further, folder, arguments.results, arguments.python, arguments.seeds,
                        *entry)
                    for entry in plan_further(
                        problems(folder, "problems_more"), samplers, pruners,
                        [name for name in families if name != "main"])]
            for job in concurrent.futures.as_completed(jobs):
                print(f"{job.result().name} is complete", file=sys.stderr)

    def results(directory, peers):
        """The files of a directory of results, and those of the peers."""
        files = sorted(directory.glob("*.jsonl")) if directory else []
        return [str(file) for file in files + sorted((folder / peers).glob("*.jsonl"))]

    if "main" in families:
        main_tables(
            score, folder, results(arguments.results, "peers"), results(arguments.against, "none"))
    further_tables(
        score, folder, results(arguments.results, "baselines"), results(arguments.against, "none"),
        [name for name in families if name != "main"])


def problems(folder, name):
    """The problems of a list, by name."""
    return {spec["name"]: spec for spec in json.loads((folder / f"{name}.json").read_text())}


def main_tables(score, folder, files, others):
    """The tables of the problems of problems.json."""
    specs, reference, runs = score.load(str(folder), files)
    _, _, old = score.load(str(folder), others)
    counts = [50, 100, 200]
    regrets = score.table(specs, reference, runs, counts, False)
    seeds = [
        by_seed(score, specs, reference, [one for one in some if "trials" not in one], counts)
        for some in (runs, old)]
    names = [name for name in specs if any(key[0] == name for key in regrets)]
    single = [
        name for name in names
        if specs[name].get("objectives", 1) == 1 and not specs[name].get("constraints")]
    tables = [("All problems with one objective", single)] + [
        (f"Family {family}", [name for name in names if specs[name]["family"] == family])
        for family in dict.fromkeys(specs[name]["family"] for name in names)]
    for title, members in tables:
        table(title, regrets, members, counts, "evaluations")
        paired(title, *seeds, members, counts, "evaluations")
    spreads("All problems with one objective", regrets, single, counts, "evaluations")
    counts = [10, 20, 40]
    regrets = score.table(specs, reference, runs, counts, True)
    names = [name for name in specs if any(key[0] == name for key in regrets)]
    if names:
        table("Pruning", regrets, names, counts, "full trainings")


if __name__ == "__main__":
    main()
