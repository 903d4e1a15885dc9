"""Makes studies with Optuna in an SQLite file, and compares the data of Needletail's figures with what Optuna
itself would draw.

    python compare_plots.py NEEDLETAIL FOLDER

Prints a line per comparison; ends with 1 and a line on stderr at the first difference.
"""

import json
import math
import subprocess
import sys

import numpy
import optuna
from optuna.trial import TrialState
from optuna.visualization import _contour, _edf, _hypervolume_history, _intermediate_values
from optuna.visualization import _optimization_history, _pareto_front, _rank, _slice, _timeline

from plotted_studies import check, data, feasible, folder, make, needletail, number

one = make("one", ["minimize"], 1, 90)
odd = make("odd", ["maximize"], 2, 60, odd=True)
two = make("two", ["minimize", "maximize"], 3, 80)
three = make("three", ["minimize", "minimize", "maximize"], 4, 60)
completed = [t for t in one.trials if t.state == TrialState.COMPLETE]
assert any(not feasible(t) for t in completed), "the studies have no infeasible trial"

for study in (one, odd):
    name = study.study_name
    info = _optimization_history._get_optimization_history_info_list(study, None, "", False)[0]
    rows = data("history", name)
    check(f"history of {name}, numbers", [r["trial"] for r in rows], info.trial_numbers)
    values = [number(r["value"]) if r["state"] == "completed" else math.nan for r in rows]
    check(f"history of {name}, values", values, info.values_info.values)
    best = [number(r["best"]) for r in rows]
    theirs = [None if v in (math.inf, -math.inf) and best[i] is None else float(v)
              for i, v in enumerate(info.best_values_info.values)]
    check(f"history of {name}, best so far", best, theirs)

    info = _intermediate_values._get_intermediate_plot_info(study)
    curves = {}
    for row in data("intermediate", name):
        if row["state"] != "failed":
            curves.setdefault(row["trial"], []).append((row["step"], number(row["value"])))
    check(f"intermediate values of {name}", sorted(curves.items()),
          [(t.trial_number, list(t.sorted_intermediate_values)) for t in info.trial_infos])

    info = _edf._get_edf_info(study)
    rows = data("edf", name)
    check(f"edf of {name}, points", [r["value"] for r in rows], [float(x) for x in info.x_values], 1e-14)
    check(f"edf of {name}, shares", [r["share"] for r in rows], [float(y) for y in info.lines[0].y_values])

    importances = optuna.importance.get_param_importances(study)
    check(f"importances of {name}", sorted((r["parameter"], r["importance"]) for r in data("importances", name)),
          sorted(importances.items()), 1e-9)
    words = [needletail, "importance", name, "--store", f"{folder}/optuna.db", "--json"]
    lines = map(json.loads, subprocess.run(words, check=True, capture_output=True, text=True).stdout.splitlines())
    check(f"importance verb on {name}", sorted((r["parameter"], r["importance"]) for r in lines),
          sorted(importances.items()), 1e-9)

    bars = _timeline._get_timeline_info(study).bars
    rows = data("timeline", name)
    states = {"COMPLETE": "completed", "PRUNED": "pruned", "FAIL": "failed"}
    check(f"timeline of {name}",
          [(r["trial"], r["started_at"][:26], r["completed_at"][:26], r["state"], not r["feasible"]) for r in rows],
          [(b.number, b.start.isoformat(timespec="microseconds"), b.complete.isoformat(timespec="microseconds"),
            states[b.state.name], b.infeasible) for b in bars])

    parameters = sorted({p for t in study.trials for p in t.params})
    for info in _slice._get_slice_plot_info(study, None, None, "").subplots:
        rows = [r for r in data("slice", name) if r["parameter"] == info.param_name]
        check(f"slice of {name} along {info.param_name}",
              [(r["trial"], r["x"], r["value"], r["feasible"]) for r in rows],
              [tuple(row) for row in zip(info.trial_numbers, info.x, info.y, info.constraints)])

    finite = [t for t in study.trials if t.state == TrialState.COMPLETE and math.isfinite(t.value)]
    rows = data("parallel", name)
    check(f"parallel coordinates of {name}", [(r["trial"], r["value"]) for r in rows], [(t.number, t.value) for t in finite])
    for row, trial in zip(rows, finite):
        for parameter in parameters:
            if row[parameter] != trial.params.get(parameter):
                sys.exit(f"parallel coordinates of {name}: {parameter} of trial {trial.number}")

    contours = data("contour", name)
    info = _contour._get_contour_info(study, parameters)
    for y, up in enumerate(parameters):
        for x, across in enumerate(parameters[:y]):
            plot = info.sub_plot_infos[y][x]
            # Optuna turns choices that are not all numbers into text.
            theirs = {(str(plot.xaxis.indices[i]), str(plot.yaxis.indices[j])): z
                      for (i, j), z in plot.z_values.items()}
            ours = {}
            pick = min if name == "one" else max
            for row in data("contour", name, parameters=f"{across},{up}"):
                key = (str(row["x"]), str(row["y"]))
                ours[key] = pick(ours.get(key, row["value"]), row["value"])
            check(f"contour of {name} over {across} and {up}", sorted(ours.items()), sorted(theirs.items()))

parameters = sorted({p for t in one.trials for p in t.params})
info = _rank._get_rank_info(one, None, None, "")
order = _rank._get_order_with_same_order_averaging(numpy.array([t.value for t in completed]))
ranks = {t.number: r / (len(completed) - 1) for t, r in zip(completed, order)}
rows = data("rank", "one", parameters=",".join(parameters))
for y, up in enumerate(parameters):
    for x, across in enumerate(parameters[:y]):
        plot = info.sub_plot_infos[y][x]
        own = [r for r in rows if (r["x_parameter"], r["y_parameter"]) == (across, up)]
        check(f"rank over {across} and {up}",
              [(r["trial"], r["x"], r["y"], r["value"], r["rank"]) for r in own],
              [(t.number, t.params[across], t.params[up], float(z), float(ranks[t.number]))
               for t, z in zip(plot.trials, plot.zs)], 1e-12)

more = make("more", ["minimize"], 5, 50)
info = _edf._get_edf_info([one, more])
rows = data("edf", "one", "more")
check("edf of two studies", [r["share"] for r in rows], [float(y) for line in info.lines for y in line.y_values])
info = _optimization_history._get_optimization_history_info_list([one, more], None, "", True)[0]
rows = data("history", "one", "more", error_band=True)
check("error band", [(r["trial"], r["mean"], r["deviation"], r["mean_best"], r["deviation_best"]) for r in rows],
      [tuple(map(float, row)) for row in zip(
          info.trial_numbers, info.values_info.values, info.values_info.stds,
          info.best_values_info.values, info.best_values_info.stds)], 1e-9)

for study, reference in ((two, [12.0, 0.0]), (three, [12.0, 4.0, -14.0])):
    name = study.study_name
    info = _pareto_front._get_pareto_front_info(study)
    rows = data("pareto", name)
    for kind, theirs in (("front", info.best_trials_with_values), ("dominated", info.non_best_trials_with_values),
                         ("infeasible", info.infeasible_trials_with_values)):
        ours = [(r["trial"], [r[f"value_{i}"] for i in range(len(reference))]) for r in rows if r["group"] == kind]
        check(f"pareto of {name}, {kind}", ours, sorted((t.number, list(v)) for t, v in theirs))
    info = _hypervolume_history._get_hypervolume_history_info(study, numpy.array(reference))
    rows = data("hypervolume", name, reference=",".join(map(str, reference)))
    check(f"hypervolume of {name}, numbers", [r["trial"] for r in rows], info.trial_numbers)
    check(f"hypervolume of {name}", [r["hypervolume"] for r in rows], [float(v) for v in info.values], 1e-12)
    assert info.values[-1] > 0, "the reference point dominates nothing"
    theirs = optuna.importance.get_param_importances(study)
    check(f"importances of {name}", sorted((r["parameter"], r["importance"]) for r in data("importances", name)),
          sorted(theirs.items()), 1e-9)
