"""Makes studies with Optuna in an SQLite file, and compares the data of Needletail's figures with the x and y of the
figures that Optuna's own functions return.

    python compare_figures.py NEEDLETAIL FOLDER

Prints a line per comparison; ends with 1 and a line on stderr at the first difference.
"""

import math

import optuna
from optuna import visualization
from optuna.trial import TrialState

from plotted_studies import check, data, feasible, make


def numbers(values):
    return [float(v) for v in values]


def marks(figure, *names):
    """The points of the traces of that name, as sorted pairs."""
    pairs = [pair for trace in figure.data if trace.name in names for pair in zip(trace.x, trace.y)]
    return sorted(pairs, key=str)


one = make("one", ["minimize"], 11, 70)
high = make("high", ["maximize"], 12, 50)
two = make("two", ["minimize", "maximize"], 13, 60)
completed = [t for t in one.trials if t.state == TrialState.COMPLETE]
states = {t.state for t in one.trials}
assert {TrialState.PRUNED, TrialState.FAIL} < states and not all(map(feasible, completed))

# History: points of every study, and the line of the best so far.
for study in (one, high):
    name = study.study_name
    figure = visualization.plot_optimization_history(study)
    rows = data("history", name)
    values = [(r["trial"], r["value"]) for r in rows if r["state"] == "completed"]
    check(f"history of {name}", sorted(values, key=str), marks(figure, "Objective Value", "Infeasible Trial"))
    line = next(trace for trace in figure.data if trace.name == "Best Value")
    best = [(r["trial"], math.inf if r["best"] is None else r["best"]) for r in rows]
    check(f"best so far of {name}", best, [(x, abs(y) if math.isinf(y) else float(y)) for x, y in zip(line.x, line.y)])
figure = visualization.plot_optimization_history([one, high])
rows = data("history", "one", "high")
for name in ("one", "high"):
    values = [(r["trial"], r["value"]) for r in rows if r["study"] == name and r["state"] == "completed"]
    theirs = [t for t in figure.data if t.name == f"Objective Value of {name}"][0]
    kept = {t.number for t in (one if name == "one" else high).trials if t.state == TrialState.COMPLETE and feasible(t)}
    check(f"history of {name} among two", [v for v in values if v[0] in kept], list(zip(theirs.x, numbers(theirs.y))))
for objective in (0, 1):
    figure = visualization.plot_optimization_history(two, target=lambda t: t.values[objective])
    values = [(r["trial"], r["value"]) for r in data("history", "two", objective=objective) if r["state"] == "completed"]
    check(f"history of objective {objective}", sorted(values, key=str),
          marks(figure, "Objective Value", "Infeasible Trial"))

# Intermediate values: a trace per trial that has some.
curves = {}
for row in data("intermediate", "one"):
    if row["state"] != "failed":
        curves.setdefault(f"Trial{row['trial']}", []).append((row["step"], row["value"]))
figure = visualization.plot_intermediate_values(one)
check("intermediate values", curves, {t.name: list(zip(t.x, numbers(t.y))) for t in figure.data})

# Empirical distribution.
figure = visualization.plot_edf([one, high])
rows = data("edf", "one", "high")
for trace in figure.data:
    own = [r for r in rows if r["study"] == trace.name]
    check(f"empirical distribution of {trace.name}, values", [r["value"] for r in own], numbers(trace.x), 1e-14)
    check(f"empirical distribution of {trace.name}, shares", [r["share"] for r in own], numbers(trace.y))
for objective in (0, 1):
    trace = visualization.plot_edf(two, target=lambda t: t.values[objective]).data[0]
    own = data("edf", "two", objective=objective)
    check(f"empirical distribution of objective {objective}", [(r["value"], r["share"]) for r in own],
          list(zip(numbers(trace.x), numbers(trace.y))), 1e-14)

# Pareto front: three traces, infeasible, dominated, best.
figure = visualization.plot_pareto_front(two)
rows = data("pareto", "two")
for group, trace in zip(("infeasible", "dominated", "front"), figure.data):
    ours = [(r["value_0"], r["value_1"]) for r in rows if r["group"] == group]
    check(f"Pareto front, {group}", sorted(ours), sorted(zip(numbers(trace.x), numbers(trace.y))))
    assert ours
trace = visualization.plot_hypervolume_history(two, [12.0, 0.0]).data[0]
rows = data("hypervolume", "two", reference="12,0")
check("hypervolume history", [(r["trial"], r["hypervolume"]) for r in rows], list(zip(trace.x, numbers(trace.y))), 1e-12)
assert trace.y[-1] > trace.y[0] >= 0

# Importances, of one objective and of each of two.
# Optuna takes less as better where it is given a target, unless the target is negated.
for study in (one, two):
    for objective, direction in enumerate(study.directions):
        sign = -1 if direction == optuna.study.StudyDirection.MAXIMIZE else 1
        target = None if len(study.directions) == 1 else lambda t: sign * t.values[objective]
        trace = visualization.plot_param_importances(study, target=target, target_name="value").data[0]
        rows = data("importances", study.study_name, objective=objective)
        check(f"importances of {study.study_name} for objective {objective}",
              sorted((r["parameter"], r["importance"]) for r in rows), sorted(zip(trace.y, numbers(trace.x))), 1e-9)

# Slices: of each parameter the feasible and the infeasible trials. Optuna draws choices as text, and leaves
# infeasible trials out along choices that are no numbers.
parameters = sorted({p for t in completed for p in t.params})
choices = {p for t in completed for p, d in t.distributions.items()
           if isinstance(d, optuna.distributions.CategoricalDistribution)}


def text(parameter, value):
    return str(value) if parameter in choices else value


figure = visualization.plot_slice(one)
rows = data("slice", "one")
place = -1
seen = {p: [] for p in parameters}
for trace in figure.data:
    place += trace.name == "Feasible Trial"
    seen[parameters[place]] += [(trace.name == "Feasible Trial", x, float(y)) for x, y in zip(trace.x, trace.y)]
for parameter in parameters:
    ours = [(r["feasible"], text(parameter, r["x"]), r["value"]) for r in rows if r["parameter"] == parameter]
    theirs = [(f, x.strip("'") if parameter in choices else x, y) for f, x, y in seen[parameter]]
    if parameter in choices:
        ours = [row for row in ours if row[0]]
    check(f"slice along {parameter}", sorted(ours, key=str), sorted(theirs, key=str))

# Contours and ranks over pairs of parameters: the points, and Optuna's grid of the best values at them.
for x, y in (("depth", "rate"), ("drop", "rate"), ("depth", "kind")):
    figure = visualization.plot_contour(one, params=[x, y])
    ours, best = [], {}
    for row in data("contour", "one", parameters=f"{x},{y}"):
        point = (text(x, row["x"]), text(y, row["y"]))
        ours.append(point)
        best[point] = min(best.get(point, math.inf), row["value"])
    check(f"contour over {x} and {y}, points", sorted(ours, key=str), marks(figure, "Feasible Trial", "Infeasible Trial"))
    field = figure.data[0]
    theirs = {(field.x[j], field.y[i]): float(z) for i, line in enumerate(field.z) for j, z in enumerate(line)
              if not math.isnan(z)}
    check(f"contour over {x} and {y}, values", sorted(best.items(), key=str), sorted(theirs.items(), key=str))
    trace = visualization.plot_rank(one, params=[x, y]).data[0]
    ours = [(text(x, r["x"]), text(y, r["y"])) for r in data("rank", "one", parameters=f"{x},{y}")]
    check(f"rank over {x} and {y}, points", ours, list(zip(trace.x, trace.y)))

# Parallel coordinates: lines of heights between 0 and 1, those without a parameter below the others.
rows = data("parallel", "one")


def heights(parameter):
    values = [r[parameter] for r in rows]
    has = [p in next(t for t in completed if t.number == r["trial"]).params if p != "value" else True
           for p in [parameter] for r in rows]
    if parameter in choices:
        known = [v for v, h in zip(values, has) if h]
        order = sorted(set(known)) if parameter == "size" else list(dict.fromkeys(known))
        places = [order.index(v) for v in values]
        return [p / (len(order) - 1) for p in places]
    numeric = [(math.log10(v) if parameter == "rate" else v) if h else None for v, h in zip(values, has)]
    low, high = (pick(v for v in numeric if v is not None) for pick in (min, max))
    bottom = low if all(has) else low - (high - low) * 0.12 / 0.88
    return [0.0 if v is None else (v - bottom) / (high - bottom) for v in numeric]


def rounded(lines):
    return sorted(tuple(round(float(v), 10) + 0.0 for v in line) for line in lines)


figure = visualization.plot_parallel_coordinate(one)
theirs = [trace.y for trace in figure.data if trace.name is None and trace.mode == "lines"]
check("parallel coordinates", rounded(zip(*(heights(p) for p in ["value", *parameters]))), rounded(theirs))

# Timeline: bars from a start, as long as the trial took in milliseconds.
names = {"COMPLETE": "completed", "PRUNED": "pruned", "FAIL": "failed"}
bars = {}
for trace in visualization.plot_timeline(one).data:
    for start, length, trial in zip(trace.base, trace.x, trace.y):
        start = str(start) if "." in str(start) else f"{start}.000000"
        bars[int(trial)] = (start, float(length), names.get(trace.name, "completed"), trace.name == "INFEASIBLE")


def microseconds(moment):
    hours, minutes, seconds = moment[11:26].split(":")
    return round((int(hours) * 3600 + int(minutes) * 60) * 1e6 + float(seconds) * 1e6)


for row in data("timeline", "one"):
    start, length, state, infeasible = bars.pop(row["trial"])
    ours = (microseconds(row["completed_at"]) - microseconds(row["started_at"])) % 86_400_000_000
    is_infeasible = row["state"] == "completed" and not row["feasible"]
    is_same = (row["started_at"][:26], row["state"], is_infeasible) == (start[:26], state, infeasible)
    check(f"timeline, trial {row['trial']}", (is_same or row, ours), (True, round(length * 1_000)))
assert not bars
