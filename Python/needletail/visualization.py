"""Figures, drawn by the engine."""

from __future__ import annotations

import ctypes
import webbrowser
from collections.abc import Callable, Sequence

from needletail import _library
from needletail._client import FrozenTrial
from needletail._refusing import Refused, refusing
from needletail.importance import BaseImportanceEvaluator, _objective

# True for type checkers alone: the module typing takes longer to import than all else.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
    from needletail.study import Study


_Target = Callable[[FrozenTrial], float]


class Figure:
    """A figure of a study as it is now: shown in a notebook, or written to a file."""

    def __init__(self, study: Study, kind: str, **options: Any) -> None:
        self._study = study
        self._kind = kind
        self._options = {name: value for name, value in options.items() if value is not None}

    def _bytes(self, format: str, **size: int | None) -> bytes:
        options = dict(self._options)
        options.update({name: value for name, value in size.items() if value is not None})
        library = self._study._engine()
        place, length = ctypes.c_void_p(), ctypes.c_size_t()
        library.call(
            "study_plot",
            self._study._handle,
            self._kind.encode(),
            _library.text(format, "the format"),
            _library.form(options),
            ctypes.byref(place),
            ctypes.byref(length),
        )
        try:
            return ctypes.string_at(place.value or 0, length.value)
        finally:
            library.free(place)

    def to_html(self, **ignored: Any) -> str:
        """A page that needs nothing else."""
        return self._bytes("html").decode()

    def to_image(
        self, format: str = "png", width: int | None = None, height: int | None = None
    ) -> bytes:
        """A picture: png, svg or pdf."""
        return self._bytes(format, width=width, height=height)

    def write_html(self, file: Any, **ignored: Any) -> None:
        """Writes a page that needs nothing else."""
        self._write(file, self._bytes("html"))

    def write_image(
        self,
        file: Any,
        format: str | None = None,
        width: int | None = None,
        height: int | None = None,
    ) -> None:
        """Writes a picture, in the format that the file's name ends with."""
        ending = format or str(file).rsplit(".", 1)[-1].lower()
        self._write(file, self._bytes(ending, width=width, height=height))

    @staticmethod
    def _write(file: Any, data: bytes) -> None:
        if hasattr(file, "write"):
            file.write(data)
            return
        with open(file, "wb") as output:
            output.write(data)

    def show(self) -> None:
        """Shows the figure: in a notebook below its cell, else in a browser."""
        try:
            from IPython import get_ipython  # type: ignore[import-not-found]
            from IPython.display import display  # type: ignore[import-not-found]

            if get_ipython() is not None:
                display(self)
                return
        except ImportError:
            # Without IPython there is no notebook.
            pass
        import tempfile

        with tempfile.NamedTemporaryFile("wb", suffix=".html", delete=False) as output:
            output.write(self._bytes("html"))
        webbrowser.open("file://" + output.name)

    def _repr_html_(self) -> str:
        return self._bytes("svg").decode()

    def update_layout(self, *ignored: Any, **options: Any) -> Figure:
        """Refused: the figure is no plotly figure."""
        raise Refused("needletail's figures have a fixed layout; write them with write_html")


def is_available() -> bool:
    """Whether figures can be drawn: always."""
    return True


def _make(
    study: Any, kind: str, target: _Target | None, target_name: str = "", **options: Any
) -> Figure:
    if not hasattr(study, "_engine"):
        raise Refused("needletail draws one study a figure; give a study")
    if target is not None:
        trials = [t for t in study._all_trials() if t.state.name == "COMPLETE"]
        options["objective"] = _objective(study, trials, target)
    elif len(study.directions) > 1 and kind not in ("pareto", "hypervolume", "timeline"):
        raise ValueError(
            "If the `study` is being used for multi-objective optimization, please specify the "
            "`target`."
        )
    return Figure(study, kind, **options)


def plot_optimization_history(
    study: Study,
    *,
    target: _Target | None = None,
    target_name: str = "Objective Value",
    error_bar: bool = False,
) -> Figure:
    """The values of the trials and the best so far."""
    if error_bar:
        raise Refused("needletail draws one study a figure; leave out error_bar")
    return _make(study, "history", target)


def plot_intermediate_values(study: Study) -> Figure:
    """What each trial reported, by step."""
    return _make(study, "intermediate", None)


def plot_parallel_coordinate(
    study: Study,
    params: list[str] | None = None,
    *,
    target: _Target | None = None,
    target_name: str = "Objective Value",
) -> Figure:
    """A line per trial across an axis per parameter."""
    return _make(study, "parallel", target, parameters=params)


def plot_contour(
    study: Study,
    params: list[str] | None = None,
    *,
    target: _Target | None = None,
    target_name: str = "Objective Value",
) -> Figure:
    """The value over pairs of parameters."""
    return _make(study, "contour", target, parameters=params)


def plot_slice(
    study: Study,
    params: list[str] | None = None,
    *,
    target: _Target | None = None,
    target_name: str = "Objective Value",
) -> Figure:
    """The value over each parameter."""
    return _make(study, "slice", target, parameters=params)


def plot_rank(
    study: Study,
    params: list[str] | None = None,
    *,
    target: _Target | None = None,
    target_name: str = "Objective Value",
) -> Figure:
    """The rank of the value over pairs of parameters."""
    return _make(study, "rank", target, parameters=params)


def plot_edf(
    study: Study, *, target: _Target | None = None, target_name: str = "Objective Value"
) -> Figure:
    """The share of trials up to a value."""
    return _make(study, "edf", target)


def plot_param_importances(
    study: Study,
    evaluator: BaseImportanceEvaluator | None = None,
    params: list[str] | None = None,
    *,
    target: _Target | None = None,
    target_name: str = "Objective Value",
) -> Figure:
    """How much each parameter matters."""
    method = evaluator._method if evaluator else "fanova"
    return _make(study, "importances", target, parameters=params, evaluator=method)


def plot_pareto_front(
    study: Study,
    *,
    target_names: list[str] | None = None,
    include_dominated_trials: bool = True,
    constraints_func: Any = None,
    targets: Any = None,
) -> Figure:
    """The trials that no other one beats."""
    if targets is not None or constraints_func is not None or not include_dominated_trials:
        raise Refused("needletail's plot_pareto_front takes a study alone; leave out its options")
    return _make(study, "pareto", None)


def plot_hypervolume_history(study: Study, reference_point: Sequence[float]) -> Figure:
    """The volume that the trials dominate."""
    corner = [float(value) for value in reference_point]
    if len(corner) != len(study.directions):
        raise ValueError("The reference point must have a coordinate for each objective.")
    return _make(study, "hypervolume", None, reference=corner)


def plot_timeline(study: Study, n_recent_trials: int | None = None) -> Figure:
    """When each trial ran."""
    if n_recent_trials is not None:
        raise Refused("needletail's plot_timeline shows all trials; leave out n_recent_trials")
    return _make(study, "timeline", None)


plot_terminator_improvement = refusing(
    "plot_terminator_improvement", "use plot_optimization_history"
)
matplotlib = refusing("visualization.matplotlib", "use needletail.visualization")

__all__ = [
    "Figure",
    "is_available",
    "matplotlib",
    "plot_contour",
    "plot_edf",
    "plot_hypervolume_history",
    "plot_intermediate_values",
    "plot_optimization_history",
    "plot_parallel_coordinate",
    "plot_param_importances",
    "plot_pareto_front",
    "plot_rank",
    "plot_slice",
    "plot_terminator_improvement",
    "plot_timeline",
]
