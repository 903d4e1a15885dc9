"""Our samplers, our pruner and our stores inside Optuna.

    from needletail.optuna import Storage, TPESampler
    study = optuna.create_study(storage=Storage("study.db"), sampler=TPESampler(seed=1))

Samplers and pruner work with any storage, the storage with any sampler. A sampler keeps a study in
memory, in the engine, which follows that of Optuna: trials that have ended are taken over once, and
each trial that runs has one there that suggests for it.
"""

from __future__ import annotations

import ctypes
import threading

import optuna
from optuna.trial import TrialState

from needletail import _library
from needletail._optuna_forms import AddedTrials, distribution_form
from needletail._optuna_importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator
from needletail._optuna_storage import Storage

# True for type checkers alone.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_COMPLETE, _PRUNED, _FAIL = range(3)


class _Held:
    """A running trial in the engine, with the internal values that it has suggested."""

    def __init__(self, handle: int) -> None:
        self.handle = handle
        self.values: dict[str, float] = {}
        self.last_step = -1


class _Shadow:
    """The engine's study that follows one of Optuna's."""

    def __init__(self, study: optuna.Study, options: dict[str, Any]) -> None:
        self.library = _library.library()
        self.store = self.library.make("store_open", None)
        options = dict(options, directions=[d.name.lower() for d in study.directions])
        self.study = self.library.make(
            "study_create", self.store, b"shadow", _library.form(options)
        )
        self.follows_parameters = options["sampler"] != "random"
        #: All trials with lower numbers have ended and are here.
        self.first = 0
        self.known: set[int] = set()
        self.running: dict[int, _Held] = {}
        self.parameters: dict[Any, int] = {}

    def __del__(self) -> None:
        parameters = getattr(self, "parameters", {}).values()
        for handle in (getattr(self, "study", 0), getattr(self, "store", 0), *parameters):
            if handle:
                self.library.close(handle)

    # Following

    def follow(self, study: optuna.Study) -> None:
        """Takes over what has ended since."""
        trials = study._storage.get_all_trials(study._study_id, deepcopy=False)
        added: list[tuple[optuna.trial.FrozenTrial, dict[str, Any]]] = []
        for trial in trials[self.first :]:
            if not trial.state.is_finished() or trial.number in self.known:
                continue
            self.known.add(trial.number)
            held = self.running.pop(trial.number, None)
            if held is None:
                added.append((trial, {}))
                continue
            values = {
                name: float(trial.distributions[name].to_internal_repr(value))
                for name, value in trial.params.items()
            }
            if held.values == values or not self.follows_parameters:
                self._tell(held, trial)
                continue
            # Some of its parameters were given: it is another trial than the one here.
            shown = self.library.read("trial_show", held.handle)["trials"][0]
            self._end(held, _FAIL, [])
            added.append((trial, shown["system_attributes"]))
        while self.first in self.known:
            self.known.discard(self.first)
            self.first += 1
        if added:
            self._add(added)

    @staticmethod
    def _constraints(trial: optuna.trial.FrozenTrial) -> dict[str, float]:
        attributes = trial.system_attrs
        listed = attributes.get("constraints") or ()
        found = {str(place): float(value) for place, value in enumerate(listed)}
        for key, value in attributes.items():
            if key.startswith("constraints:"):
                found[key[len("constraints:") :]] = float(value)
        return found

    def _tell(self, held: _Held, trial: optuna.trial.FrozenTrial) -> None:
        self.report(held, trial)
        for name, value in self._constraints(trial).items():
            if value == value:
                self.library.call("trial_set_constraint", held.handle, name.encode(), value)
        if trial.state == TrialState.COMPLETE:
            self._end(held, _COMPLETE, trial.values)
        else:
            self._end(held, _PRUNED if trial.state == TrialState.PRUNED else _FAIL, [])

    def _end(self, held: _Held, end: int, values: Sequence[float]) -> None:
        array = (ctypes.c_double * len(values))(*values)
        self.library.call("trial_tell", held.handle, end, array, len(values), None)

    def report(self, held: _Held, trial: optuna.trial.FrozenTrial) -> None:
        """Reports what the trial has reported since; one objective alone has reports."""
        for step, value in sorted(trial.intermediate_values.items()):
            if step > held.last_step:
                self.library.call("trial_report", held.handle, float(value), step)
                held.last_step = step

    def _add(self, added: list[tuple[optuna.trial.FrozenTrial, dict[str, Any]]]) -> None:
        taken = AddedTrials()
        for trial, attributes in added:
            system = dict(attributes)
            for name, value in self._constraints(trial).items():
                system["constraints:" + name] = value
            taken.add(trial, trial.params, trial.values or [], system)
        self.library.call("study_add_trials", self.study, _library.form(taken.form))

    # Suggesting

    def held(self, number: int) -> _Held:
        """The engine's trial for one that runs."""
        known = self.running.get(number)
        if known is None:
            place = ctypes.c_uint64()
            self.library.call("study_ask", self.study, ctypes.byref(place), None)
            known = self.running[number] = _Held(place.value)
        return known

    def suggest(
        self, number: int, name: str, distribution: optuna.distributions.BaseDistribution
    ) -> Any:
        key = (name, repr(distribution))
        parameter = self.parameters.get(key)
        if parameter is None:
            text = _library.text(name, "a parameter's name")
            form = _library.form(distribution_form(distribution))
            parameter = self.parameters[key] = self.library.make("parameter_create", text, form)
        held = self.held(number)
        value = self.library.functions["trial_suggest"](held.handle, parameter)
        if value != value:
            raise self.library.error(self.library.functions["code"]())
        held.values[name] = value
        if isinstance(distribution, optuna.distributions.CategoricalDistribution):
            return distribution.choices[int(value)]
        return distribution.to_external_repr(value)


class _Following:
    """What samplers and the pruner share: a study of the engine for each of Optuna's."""

    def __init__(self, **options: Any) -> None:
        self._engine_options = options
        self._prepare()

    def _prepare(self) -> None:
        self._shadows: dict[Any, _Shadow] = {}
        self._lock = threading.RLock()

    def _shadow(self, study: optuna.Study) -> _Shadow:
        """The engine's study, up to date."""
        key = (study.study_name, study._study_id)
        found = self._shadows.get(key)
        if found is None or found.library is not _library.library():
            # A sampler is used for one study after another at most.
            self._shadows.clear()
            found = self._shadows[key] = _Shadow(study, self._engine_options)
        found.follow(study)
        return found

    def __getstate__(self) -> dict[str, Any]:
        left_out = ("_shadows", "_lock")
        return {name: value for name, value in self.__dict__.items() if name not in left_out}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._prepare()


class _Sampler(_Following, optuna.samplers.BaseSampler):
    """A sampler of the engine as one of Optuna's."""

    _takes_several_objectives = True
    _is_joint = True

    def __init__(
        self,
        sampler: dict[str, Any],
        seed: int | None,
        constraints_func: Any = None,
    ) -> None:
        given = {name: value for name, value in sampler.items() if value is not None}
        super().__init__(sampler=given, pruner="none", seed=seed)
        self._constraints_func = constraints_func
        self._space = optuna.search_space.IntersectionSearchSpace()

    def _check(self, study: optuna.Study) -> None:
        if len(study.directions) > 1 and not self._takes_several_objectives:
            raise ValueError(f"{type(self).__name__} takes a single objective; use NSGAIISampler")

    def reseed_rng(self) -> None:
        """Nothing: the random numbers of a trial follow from the seed and its number."""

    def infer_relative_search_space(
        self, study: optuna.Study, trial: optuna.trial.FrozenTrial
    ) -> dict[str, optuna.distributions.BaseDistribution]:
        if not self._is_joint:
            return {}
        with self._lock:
            space = self._space.calculate(study)
        return {name: given for name, given in space.items() if not given.single()}

    def sample_relative(
        self,
        study: optuna.Study,
        trial: optuna.trial.FrozenTrial,
        search_space: dict[str, optuna.distributions.BaseDistribution],
    ) -> dict[str, Any]:
        self._check(study)
        if not search_space:
            return {}
        with self._lock:
            shadow = self._shadow(study)
            return {
                name: shadow.suggest(trial.number, name, distribution)
                for name, distribution in search_space.items()
            }

    def sample_independent(
        self,
        study: optuna.Study,
        trial: optuna.trial.FrozenTrial,
        param_name: str,
        param_distribution: optuna.distributions.BaseDistribution,
    ) -> Any:
        self._check(study)
        with self._lock:
            return self._shadow(study).suggest(trial.number, param_name, param_distribution)

    def after_trial(
        self,
        study: optuna.Study,
        trial: optuna.trial.FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        if self._constraints_func is not None and state != TrialState.FAIL:
            constraints = tuple(float(value) for value in self._constraints_func(trial))
            study._storage.set_trial_system_attr(trial._trial_id, "constraints", constraints)


class AutoSampler(_Sampler):
    """Chooses among the others by the space and the number of trials."""

    def __init__(self, *, seed: int | None = None, constraints_func: Any = None) -> None:
        super().__init__({"name": "auto"}, seed, constraints_func)


class TPESampler(_Sampler):
    """Tree-structured Parzen estimator."""

    def __init__(
        self,
        *,
        n_startup_trials: int = 10,
        n_ei_candidates: int = 24,
        multivariate: bool | None = None,
        seed: int | None = None,
        constraints_func: Any = None,
    ) -> None:
        options = {
            "name": "tpe",
            "n_startup_trials": n_startup_trials,
            "n_ei_candidates": n_ei_candidates,
            "multivariate": multivariate,
        }
        super().__init__(options, seed, constraints_func)


class GPSampler(_Sampler):
    """Gaussian process."""

    def __init__(
        self, *, n_startup_trials: int = 10, seed: int | None = None, constraints_func: Any = None
    ) -> None:
        options = {"name": "gp", "n_startup_trials": n_startup_trials}
        super().__init__(options, seed, constraints_func)


class CmaEsSampler(_Sampler):
    """Covariance matrix adaptation, with margins for whole numbers."""

    _takes_several_objectives = False

    def __init__(
        self,
        *,
        sigma0: float | None = None,
        n_startup_trials: int = 1,
        popsize: int | None = None,
        seed: int | None = None,
    ) -> None:
        options = {
            "name": "cmaes",
            "sigma": sigma0,
            "n_startup_trials": n_startup_trials,
            "population_size": popsize,
        }
        super().__init__(options, seed)


class NSGAIISampler(_Sampler):
    """Non-dominated sorting genetic algorithm."""

    def __init__(
        self,
        *,
        population_size: int = 50,
        mutation_prob: float | None = None,
        crossover_prob: float = 0.9,
        seed: int | None = None,
        constraints_func: Any = None,
    ) -> None:
        options = {
            "name": "nsga2",
            "population_size": population_size,
            "mutation_prob": mutation_prob,
            "crossover_prob": crossover_prob,
        }
        super().__init__(options, seed, constraints_func)


class QMCSampler(_Sampler):
    """Sobol's sequence."""

    def __init__(self, *, scramble: bool = False, seed: int | None = None) -> None:
        super().__init__({"name": "qmc", "scramble": scramble}, seed)


class PredictivePruner(_Following, optuna.pruners.BasePruner):
    """Prunes what its learning curve says will not become good."""

    def __init__(
        self, threshold: float = 0.3, n_startup_trials: int = 3, n_warmup_steps: int = 0
    ) -> None:
        pruner = {
            "name": "predictive",
            "threshold": threshold,
            "n_startup_trials": n_startup_trials,
            "n_warmup_steps": n_warmup_steps,
        }
        super().__init__(sampler="random", pruner=pruner)

    def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:
        with self._lock:
            shadow = self._shadow(study)
            held = shadow.held(trial.number)
            shadow.report(held, trial)
            answer = ctypes.c_int32()
            shadow.library.call("trial_should_prune", held.handle, ctypes.byref(answer))
            return answer.value != 0


__all__ = [
    "AutoSampler",
    "CmaEsSampler",
    "FanovaImportanceEvaluator",
    "GPSampler",
    "NSGAIISampler",
    "PedAnovaImportanceEvaluator",
    "PredictivePruner",
    "QMCSampler",
    "Storage",
    "TPESampler",
]
