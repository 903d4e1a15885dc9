"""What Optuna has and Needletail has no counterpart of."""

from __future__ import annotations

# True for type checkers alone: the module typing takes longer to import than all else.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Refused(NotImplementedError):
    """Raised where a program uses what has no counterpart, with what to do instead."""


def refusing(name: str, advice: str) -> type:
    """A class of that name that cannot be made; calling it says why in one sentence."""

    def __init__(self: Any, *arguments: Any, **options: Any) -> None:
        raise Refused(f"needletail has no {name}; {advice}")

    return type(name, (), {"__init__": __init__, "refused": advice})
