"""Compiled functions that do not count references to the arrays they are given.

Counting is an atomic step for every array that a function, also an inlined one, takes or leaves: half of the
time of small functions on many arrays. Who calls holds the arrays anyway. Such functions make no arrays, and
call only their like.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from engine.kernel import compile as counted

_F = TypeVar("_F", bound=Callable[..., Any])


def compiled(function: _F) -> _F:
    """Compile a function that Python calls; it runs without the interpreter's lock."""
    return _without_counting(counted.compiled(function))


def inlined(function: _F) -> _F:
    """Compile a function into the compiled functions that call it."""
    return _without_counting(counted.inlined(function))


def _without_counting(function: _F) -> _F:
    # Numba's own switch, for targets whose arrays are not counted; njit's stub does not have it.
    options: dict[str, Any] = vars(function)["targetoptions"]
    options["_nrt"] = False
    return function
