"""Optuna's samplers, and ours, by their options; the engine has the algorithms."""

from __future__ import annotations

import sys
import types

from needletail import _library
from needletail._refusing import Refused, refusing

# True for type checkers alone: the module typing takes longer to import than all else.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any
    from needletail.study import Study


class BaseSampler:
    """A sampler of the engine: its name there, its options, and the seed that it gives a new study."""

    _name = ""
    _constraints_func: Callable[[Any], Sequence[float]] | None = None

    def __init__(self, seed: int | None = None, **options: Any) -> None:
        if not self._name:
            raise Refused(
                "needletail runs no samplers of one's own; take one of needletail.samplers, or ask "
                "Optuna with needletail.optuna"
            )
        self._seed = None if seed is None else int(seed)
        self._options = {name: value for name, value in options.items() if value is not None}

    def _setting(self) -> dict[str, Any]:
        return dict({"name": self._name}, **self._options)

    def _before_ask(self, study: Study) -> None:
        """What is to be done before a trial is asked for."""

    def reseed_rng(self) -> None:
        """Nothing: each trial has random numbers of its own, from the study's seed."""

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in self._options.items())
        return f"{type(self).__name__}({options})"


def _refuse(name: str, **options: Any) -> None:
    """Refuses the options that were given and have no counterpart."""
    for option, value in options.items():
        if value is not None and value is not False:
            raise Refused(f"needletail's {name} has no {option}; leave it out")


class RandomSampler(BaseSampler):
    """Points at random."""

    _name = "random"

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(seed)


class AutoSampler(BaseSampler):
    """Ours: chooses among the others by the space and the number of trials."""

    _name = "auto"

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(seed)


class TPESampler(BaseSampler):
    """Tree-structured Parzen estimator."""

    _name = "tpe"

    def __init__(
        self,
        *,
        consider_prior: bool | None = None,
        prior_weight: float | None = None,
        consider_magic_clip: bool | None = None,
        consider_endpoints: bool | None = None,
        n_startup_trials: int = 10,
        n_ei_candidates: int = 24,
        gamma: Callable[[int], int] | None = None,
        weights: Callable[[int], Any] | None = None,
        seed: int | None = None,
        multivariate: bool | None = None,
        group: bool = False,
        warn_independent_sampling: bool | None = None,
        constant_liar: bool = True,
        constraints_func: Callable[[Any], Sequence[float]] | None = None,
    ) -> None:
        _refuse(
            "TPESampler",
            consider_prior=None if consider_prior else consider_prior is False or None,
            prior_weight=None if prior_weight == 1.0 else prior_weight,
            consider_magic_clip=None if consider_magic_clip else consider_magic_clip is False or None,
            consider_endpoints=consider_endpoints,
            gamma=gamma,
            weights=weights,
        )
        if group and multivariate is False:
            raise ValueError(
                "``group`` option can only be enabled when ``multivariate`` is enabled."
            )
        super().__init__(
            seed,
            n_startup_trials=n_startup_trials,
            n_ei_candidates=n_ei_candidates,
            multivariate=multivariate,
            group=group or None,
            constant_liar=constant_liar,
        )
        self._constraints_func = constraints_func

    @staticmethod
    def hyperopt_parameters() -> dict[str, Any]:
        raise Refused("needletail's TPESampler has no hyperopt_parameters; use TPESampler()")


class GPSampler(BaseSampler):
    """Gaussian process."""

    _name = "gp"

    def __init__(
        self,
        *,
        seed: int | None = None,
        independent_sampler: BaseSampler | None = None,
        n_startup_trials: int = 10,
        deterministic_objective: bool = False,
        constraints_func: Callable[[Any], Sequence[float]] | None = None,
        warn_independent_sampling: bool = True,
    ) -> None:
        _refuse(
            "GPSampler",
            independent_sampler=independent_sampler,
            deterministic_objective=deterministic_objective,
        )
        super().__init__(seed, n_startup_trials=n_startup_trials)
        self._constraints_func = constraints_func


class CmaEsSampler(BaseSampler):
    """Covariance matrix adaptation, with margins for whole numbers."""

    _name = "cmaes"

    def __init__(
        self,
        x0: dict[str, Any] | None = None,
        sigma0: float | None = None,
        n_startup_trials: int = 1,
        independent_sampler: BaseSampler | None = None,
        warn_independent_sampling: bool = True,
        seed: int | None = None,
        *,
        consider_pruned_trials: bool = False,
        restart_strategy: str | None = None,
        popsize: int | None = None,
        inc_popsize: int = -1,
        use_separable_cma: bool = False,
        with_margin: bool = False,
        lr_adapt: bool = False,
        source_trials: list[Any] | None = None,
    ) -> None:
        _refuse(
            "CmaEsSampler",
            x0=x0,
            independent_sampler=independent_sampler,
            consider_pruned_trials=consider_pruned_trials,
            use_separable_cma=use_separable_cma,
            lr_adapt=lr_adapt,
            source_trials=source_trials,
        )
        super().__init__(
            seed,
            sigma=sigma0,
            n_startup_trials=n_startup_trials,
            restarts=restart_strategy,
            population_size=popsize,
        )


class NSGAIISampler(BaseSampler):
    """Non-dominated sorting genetic algorithm."""

    _name = "nsga2"

    def __init__(
        self,
        *,
        population_size: int = 50,
        mutation: Any = None,
        mutation_prob: float | None = None,
        crossover: Any = None,
        crossover_prob: float = 0.9,
        swapping_prob: float = 0.5,
        seed: int | None = None,
        constraints_func: Callable[[Any], Sequence[float]] | None = None,
        elite_population_selection_strategy: Any = None,
        child_generation_strategy: Any = None,
        after_trial_strategy: Any = None,
    ) -> None:
        _refuse(
            "NSGAIISampler",
            mutation=mutation,
            swapping_prob=None if swapping_prob == 0.5 else swapping_prob,
            elite_population_selection_strategy=elite_population_selection_strategy,
            child_generation_strategy=child_generation_strategy,
            after_trial_strategy=after_trial_strategy,
        )
        if population_size < 2:
            raise ValueError("`population_size` must be greater than or equal to 2.")
        super().__init__(
            seed,
            population_size=population_size,
            mutation_prob=mutation_prob,
            crossover_prob=crossover_prob,
            crossover=None if crossover is None else crossover._word,
        )
        self._constraints_func = constraints_func


class QMCSampler(BaseSampler):
    """Sobol's sequence."""

    _name = "qmc"

    def __init__(
        self,
        *,
        qmc_type: str = "sobol",
        scramble: bool = False,
        seed: int | None = None,
        independent_sampler: BaseSampler | None = None,
        warn_asynchronous_seeding: bool = True,
        warn_independent_sampling: bool = True,
    ) -> None:
        if qmc_type != "sobol":
            raise Refused(f"needletail's QMCSampler has no qmc_type {qmc_type!r}; use 'sobol'")
        _refuse("QMCSampler", independent_sampler=independent_sampler)
        super().__init__(seed, scramble=scramble)


class BruteForceSampler(BaseSampler):
    """All points of a finite space, once each."""

    _name = "brute_force"

    def __init__(self, seed: int | None = None, avoid_premature_stop: bool = False) -> None:
        _refuse("BruteForceSampler", avoid_premature_stop=avoid_premature_stop)
        super().__init__(seed)


class GridSampler(BaseSampler):
    """All points of a grid that the program gives, once each, in an order that the seed decides."""

    _name = "random"

    def __init__(
        self, search_space: Mapping[str, Sequence[Any]], seed: int | None = None
    ) -> None:
        super().__init__(seed)
        self._grid = {name: list(values) for name, values in search_space.items()}
        self._left: list[dict[str, Any]] | None = None

    def _before_ask(self, study: Study) -> None:
        import itertools
        import random

        waiting = []
        if self._left is None:
            names = list(self._grid)
            points = [dict(zip(names, p)) for p in itertools.product(*self._grid.values())]
            random.Random(self._seed or 0).shuffle(points)
            known = [study._queued_params(trial) for trial in study._all_trials()]
            self._left = [point for point in points if point not in known]
            waiting = [t for t in study._all_trials() if t.state.name == "WAITING"]
        if waiting:
            return
        if not self._left:
            raise _library.NoTrial(_library.EXHAUSTED, "every point of the grid has been tried")
        study.enqueue_trial(self._left.pop())

    def is_exhausted(self, study: Study) -> bool:
        """Whether every point of the grid is or was tried."""
        import itertools

        known = [study._queued_params(trial) for trial in study._all_trials()]
        points = itertools.product(*self._grid.values())
        return all(dict(zip(self._grid, point)) in known for point in points)


NSGAIIISampler = refusing("NSGAIIISampler", "use NSGAIISampler")
BaseGASampler = refusing("BaseGASampler", "use NSGAIISampler")
PartialFixedSampler = refusing(
    "PartialFixedSampler", "enqueue trials with the fixed values, or leave the parameter out"
)


class BaseCrossover:
    """How NSGA-II mixes two parents."""

    _word = ""


class UniformCrossover(BaseCrossover):
    """Each parameter from either parent."""

    _word = "uniform"

    def __init__(self, swapping_prob: float = 0.5) -> None:
        _refuse("UniformCrossover", swapping_prob=None if swapping_prob == 0.5 else swapping_prob)


class SBXCrossover(BaseCrossover):
    """Simulated binary crossover."""

    _word = "sbx"

    def __init__(
        self,
        eta: float | None = None,
        uniform_crossover_prob: float = 0.5,
        use_child_gene_prob: float = 0.5,
    ) -> None:
        _refuse(
            "SBXCrossover",
            eta=eta,
            uniform_crossover_prob=None if uniform_crossover_prob == 0.5 else uniform_crossover_prob,
            use_child_gene_prob=None if use_child_gene_prob == 0.5 else use_child_gene_prob,
        )


def _make_nsgaii() -> types.ModuleType:
    module = types.ModuleType("needletail.samplers.nsgaii")
    module.__doc__ = "How NSGA-II mixes parents."
    members: list[type] = [BaseCrossover, UniformCrossover, SBXCrossover]
    others = ("BLXAlphaCrossover", "SPXCrossover", "UNDXCrossover", "VSBXCrossover")
    members += [refusing(name, "use SBXCrossover or UniformCrossover") for name in others]
    mutations = ("BaseMutation", "PolynomialMutation")
    members += [refusing(name, "give NSGAIISampler a mutation_prob") for name in mutations]
    for member in members:
        setattr(module, member.__name__, member)
    setattr(module, "__all__", [member.__name__ for member in members])
    sys.modules[module.__name__] = module
    return module


nsgaii = _make_nsgaii()

__all__ = [
    "AutoSampler",
    "BaseGASampler",
    "BaseSampler",
    "BruteForceSampler",
    "CmaEsSampler",
    "GPSampler",
    "GridSampler",
    "NSGAIIISampler",
    "NSGAIISampler",
    "PartialFixedSampler",
    "QMCSampler",
    "RandomSampler",
    "TPESampler",
    "nsgaii",
]
