"""How figures are printed: plain enough to paste into docs/benchmarks.md."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from typing import NamedTuple


class Figure(NamedTuple):
    """One measured number."""

    name: str
    value: float
    unit: str


def print_figures(title: str, figures: Sequence[Figure]) -> None:
    """Print a titled table, with the Python that ran it."""
    print(f"{title} (Python {platform.python_version()})")
    width = max(len(figure.name) for figure in figures)
    for name, value, unit in figures:
        digits = 0 if value >= 1_000 else 3 if value < 10 else 1
        print(f"  {name:<{width}}  {value:>14,.{digits}f} {unit}".rstrip())
