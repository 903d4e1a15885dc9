"""Rules that programs rely on, checked of the module that is named: Optuna, or the same names here."""

import importlib
import math
import sys
import warnings

optuna = importlib.import_module(sys.argv[1])
optuna.logging.set_verbosity(optuna.logging.ERROR)
State = optuna.trial.TrialState
warnings.simplefilter("ignore")
Float, Int, Categorical = (
    getattr(optuna.distributions, name + "Distribution") for name in ("Float", "Int", "Categorical")
)


def raises(kinds, body, *arguments, **options):
    try:
        body(*arguments, **options)
    except kinds:
        return
    raise AssertionError(f"{body} did not raise {kinds}")


def study(**options):
    options.setdefault("sampler", optuna.samplers.RandomSampler(seed=1))
    return optuna.create_study(**options)


def rule_values():
    s = study()
    s.optimize(lambda t: float("nan"), n_trials=1)
    s.optimize(lambda t: "word", n_trials=1)
    s.optimize(lambda t: (1, 2), n_trials=1)
    s.optimize(lambda t: None, n_trials=1)
    s.optimize(lambda t: math.inf, n_trials=1)
    s.optimize(lambda t: True, n_trials=1)
    assert [t.state for t in s.trials] == [State.FAIL] * 4 + [State.COMPLETE] * 2
    assert s.trials[4].value == math.inf and s.best_value == 1.0 and s.best_trial.number == 5
    assert [t.number for t in s.best_trials] == [5]


def rule_failures():
    s = study()
    raises(ZeroDivisionError, s.optimize, lambda t: 1 / 0, n_trials=3)
    assert len(s.trials) == 1 and s.trials[0].state == State.FAIL
    s.optimize(lambda t: 1 / 0, n_trials=15, catch=ZeroDivisionError)
    s.optimize(lambda t: 1 / 0, n_trials=2, catch=[ValueError, ArithmeticError])
    assert len(s.trials) == 18
    raises(ValueError, lambda: s.best_trial)
    raises(ValueError, lambda: s.best_value)


def rule_states():
    s = study()
    t = s.ask()
    assert t.number == 0 and s.trials[0].state == State.RUNNING
    raises(ValueError, s.tell, t, state=State.COMPLETE)
    raises(ValueError, s.tell, t, 1.0, state=State.FAIL)
    raises(ValueError, s.tell, t, 1.0, state=State.RUNNING)
    raises(ValueError, s.tell, t, float("nan"), state=State.COMPLETE)
    raises(ValueError, s.tell, t, [1, 2], state=State.COMPLETE)
    told = s.tell(t, 3)
    assert told.state == State.COMPLETE and told.value == 3.0 and isinstance(told.value, float)
    raises(ValueError, s.tell, t, 4)
    assert s.tell(t, 4, skip_if_finished=True).value == 3.0
    assert s.tell(0, 4, skip_if_finished=True).value == 3.0
    raises(ValueError, s.tell, 17, 1)
    number = s.ask().number
    assert s.tell(number, 2.5).number == number
    t = s.ask()
    t.report(7, 3)
    t.report(9, 1)
    t.report(5, 3)
    pruned = s.tell(t, state=State.PRUNED)
    assert pruned.value == 7 and pruned.intermediate_values == {3: 7, 1: 9} and pruned.last_step == 3
    assert s.tell(s.ask(), state=State.PRUNED).value is None
    failed = s.tell(s.ask(), None)
    assert failed.state == State.FAIL and failed.values is None
    assert [t.number for t in s.get_trials(states=(State.PRUNED,))] == [2, 3]
    assert s.trials[2].duration.total_seconds() >= 0


def rule_suggestions():
    s = study()
    t = s.ask()
    x = t.suggest_float("x", 0, 1)
    assert t.suggest_float("x", 0, 1) == x and t.params == {"x": x}
    raises(ValueError, t.suggest_int, "x", 0, 1)
    raises(ValueError, t.suggest_float, "bad", 2, 1)
    raises(ValueError, t.suggest_float, "bad", 0, 1, log=True)
    raises(ValueError, t.suggest_float, "bad", 1, 2, log=True, step=0.5)
    raises(ValueError, t.suggest_int, "bad", 1, 8, log=True, step=2)
    raises(ValueError, t.suggest_categorical, "bad", [])
    assert t.suggest_categorical("c", ["only"]) == "only"
    assert t.suggest_float("q", 0, 1, step=0.25) in (0, 0.25, 0.5, 0.75, 1)
    n = t.suggest_int("n", 1, 8)
    assert type(n) is int and 1 <= n <= 8
    assert t.distributions["x"] == Float(0, 1) and t.distributions["n"] == Int(1, 8)
    assert t.distributions["c"] == Categorical(("only",))
    s.tell(t, 1)
    raises(Exception, t.suggest_float, "late", 0, 1)
    raises(Exception, t.report, 1, 1)
    asked = s.ask({"x": Float(0, 1), "n": Int(1, 8, step=1), "k": Categorical(["a", None])})
    assert set(asked.params) == {"x", "n", "k"}
    raises(ValueError, s.ask().suggest_categorical, "k", ["a", "b"])


def rule_reports():
    s = study()
    t = s.ask()
    raises(ValueError, t.report, 1.0, -1)
    raises(TypeError, t.report, "word", 1)
    raises(TypeError, t.report, 1.0, None)
    assert t.should_prune() is False
    several = study(directions=["minimize", "maximize"])
    t = several.ask()
    raises(NotImplementedError, t.report, 1.0, 1)
    raises(NotImplementedError, t.should_prune)
    raises(RuntimeError, lambda: several.direction)
    raises(RuntimeError, lambda: several.best_trial)


def rule_queue():
    s = study()
    s.enqueue_trial({"x": 0.25}, user_attrs={"from": "queue"})
    s.enqueue_trial({"x": 0.25}, skip_if_exists=True)
    s.enqueue_trial({"x": 0.5}, skip_if_exists=True)
    assert [t.state for t in s.trials] == [State.WAITING] * 2
    raises(TypeError, s.enqueue_trial, [1])
    s.optimize(lambda t: t.suggest_float("x", 0, 1) + t.suggest_float("y", 0, 1) * 0, n_trials=2)
    assert [t.params["x"] for t in s.trials] == [0.25, 0.5]
    assert s.trials[0].user_attrs == {"from": "queue"}


def rule_added():
    s = study()
    added = optuna.create_trial(
        params={"x": 0.5, "c": "b"},
        distributions={"x": Float(0, 1), "c": Categorical(["a", "b"])},
        value=2.0,
        user_attrs={"k": [1]},
        intermediate_values={0: 3.0, 2: 2.0},
    )
    s.add_trial(added)
    s.add_trials([optuna.create_trial(state=State.FAIL), added])
    assert len(s.trials) == 3 and s.best_params == {"x": 0.5, "c": "b"}
    kept = s.trials[0]
    assert kept.user_attrs == {"k": [1]} and kept.intermediate_values == {0: 3.0, 2: 2.0}
    assert kept.distributions == added.distributions and kept.values == [2.0]
    raises(ValueError, optuna.create_trial, params={"x": 5}, distributions={"x": Float(0, 1)}, value=1)
    raises(ValueError, optuna.create_trial, state=State.COMPLETE)
    raises(ValueError, s.add_trial, optuna.create_trial(values=[1, 2]))


def rule_attributes():
    s = study()
    s.set_user_attr("a", {"b": [1, None, "é"]})
    assert s.user_attrs == {"a": {"b": [1, None, "é"]}}
    t = s.ask()
    t.set_user_attr("k", 1)
    t.set_user_attr("k", 2)
    assert t.user_attrs == {"k": 2}
    t.set_constraint("c", 1.5)
    s.tell(t, 0)
    assert s.trials[0].user_attrs == {"k": 2} and s.trials[0].constraints == {"c": 1.5}
    raises(ValueError, lambda: s.best_trial)
    s.set_metric_names(["loss"])
    assert s.metric_names == ["loss"]
    raises(ValueError, s.set_metric_names, ["a", "b"])


def rule_callbacks():
    s = study()
    seen = []

    def callback(given, trial):
        assert given is s and trial.state == State.COMPLETE
        seen.append((trial.number, given.best_value))
        if trial.number == 3:
            given.stop()

    s.optimize(lambda t: 10 - t.number, n_trials=9, callbacks=[callback])
    assert seen == [(0, 10), (1, 9), (2, 8), (3, 7)]
    raises(RuntimeError, s.stop)
    limit = optuna.study.MaxTrialsCallback(6, states=(State.COMPLETE,))
    s.optimize(lambda t: 1, callbacks=[limit])
    assert len(s.trials) == 6

    def nested(t):
        s.optimize(lambda t: 1, n_trials=1)

    raises(RuntimeError, s.optimize, nested, n_trials=1)
    s.optimize(lambda t: 1, timeout=0)
    assert len(s.trials) == 7
    s.optimize(lambda t: t.suggest_float("x", 0, 1), n_trials=12, n_jobs=3, gc_after_trial=True)
    assert sorted(t.number for t in s.trials) == list(range(19))


def rule_directions():
    assert study(direction="maximize").direction.name == "MAXIMIZE"
    assert study(direction=optuna.study.StudyDirection.MINIMIZE).direction.name == "MINIMIZE"
    s = study(directions=["minimize", "maximize"])
    assert [d.name for d in s.directions] == ["MINIMIZE", "MAXIMIZE"]
    points = [(1, 1), (2, 3), (0, 0), (2, 2), (1, 1)]
    s.optimize(lambda t: points[t.number], n_trials=5)
    assert [t.number for t in s.best_trials] == [0, 1, 2, 4]
    assert s.trials[1].values == [2, 3]
    raises(RuntimeError, lambda: s.trials[1].value)
    raises(ValueError, study, direction="up")
    raises(ValueError, study, directions=[])
    raises(ValueError, study, direction="minimize", directions=["minimize"])


def rule_fixed():
    t = optuna.trial.FixedTrial({"x": 1.5, "c": "a"})
    assert t.suggest_float("x", 0, 2) == 1.5 and t.suggest_categorical("c", ["a"]) == "a"
    raises(ValueError, t.suggest_int, "missing", 0, 1)
    assert t.should_prune() is False and t.params == {"x": 1.5, "c": "a"} and t.number == 0
    s = study()
    s.optimize(lambda t: t.suggest_float("x", 0, 1), n_trials=1)
    assert s.best_trial.suggest_float("x", 0, 1) == s.best_value


def rule_distributions():
    for made in (Float(0, 1), Float(1e-3, 1, log=True), Float(0, 1, step=0.5), Int(1, 9, step=2)):
        text = optuna.distributions.distribution_to_json(made)
        assert optuna.distributions.json_to_distribution(text) == made
    assert Int(1, 9, step=5).high == 6 and Float(0, 1, step=0.4).high == 0.8
    assert Float(1, 1).single() and not Float(0, 1, step=0.5).single() and Categorical([1]).single()
    assert Categorical(["a", None, 2]).to_internal_repr(2) == 2
    raises(ValueError, Categorical(["a"]).to_internal_repr, "b")
    old, new = Float(0, 1), Float(0, 2)
    optuna.distributions.check_distribution_compatibility(old, new)
    for other in (Int(0, 1), Float(1, 2, log=True), Categorical([0, 1])):
        check = optuna.distributions.check_distribution_compatibility
        raises(ValueError, check, old, other)


def rule_dataframe():
    s = study()
    s.optimize(lambda t: t.suggest_float("x", 0, 1) + t.suggest_int("n", 1, 2), n_trials=3)
    s.enqueue_trial({"x": 0.5})
    frame = s.trials_dataframe()
    names = ["number", "value", "datetime_start", "datetime_complete", "duration"]
    assert list(frame.columns)[:7] == names + ["params_n", "params_x"], list(frame.columns)
    assert list(frame.columns)[-1] == "state"
    assert list(frame["state"]) == ["COMPLETE"] * 3 + ["WAITING"]
    small = s.trials_dataframe(attrs=("number", "params"), multi_index=True)
    assert list(small.columns) == [("number", ""), ("params", "n"), ("params", "x")]
    several = study(directions=["minimize", "minimize"])
    several.optimize(lambda t: (1, 2), n_trials=1)
    assert list(several.trials_dataframe(attrs=("value",)).columns) == ["values_0", "values_1"]


def rule_pruning():
    s = study(pruner=optuna.pruners.ThresholdPruner(upper=1.0))

    def objective(t):
        for step in range(3):
            t.report(step, step)
            if t.should_prune():
                raise optuna.TrialPruned()
        return 0

    s.optimize(objective, n_trials=2)
    assert [t.state for t in s.trials] == [State.PRUNED] * 2 and s.trials[0].value == 2


def rule_grid():
    s = study(sampler=optuna.samplers.GridSampler({"x": [1.0, 2.0], "c": ["a", "b"]}))
    s.optimize(
        lambda t: t.suggest_float("x", 0, 3) + len(t.suggest_categorical("c", ["a", "b"])), n_trials=9
    )
    assert len({tuple(t.params.values()) for t in s.trials}) == 4 == len(s.trials)
    s = study(sampler=optuna.samplers.BruteForceSampler())
    s.optimize(lambda t: t.suggest_int("n", 1, 3), n_trials=9)
    assert sorted(t.params["n"] for t in s.trials) == [1, 2, 3]


for name, rule in list(globals().items()):
    if name.startswith("rule_"):
        rule()
print("all rules hold")
