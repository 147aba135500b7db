"""What a run of the kernel reports, kept as rows: each with the command that placed its order."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.kernel.compile import compiled
from engine.kernel.layout import EXECUTION, NONE, EventKind
from engine.kernel.memory import reserved
from engine.shard import Happened

_EXECUTION: Final = int(EventKind.EXECUTION)
_CHUNK_ROWS: Final = 1 << 20


class Reported(NamedTuple):
    """Executions, in order.

    Attributes
    ----------
    events : ndarray of EXECUTION, shape (m,)
        `command` is a row of the whole log.
    placed_offsets : ndarray of int64, shape (m,)
        Of the command that placed the order; NONE where the report is of no order.
    """

    events: NDArray[Any]
    placed_offsets: NDArray[np.int64]


@compiled
def _keep(
    happened: NDArray[Any],
    orders: NDArray[Any],
    events: NDArray[Any],
    placed_offsets: NDArray[np.int64],
    count: int,
    shift: int,
) -> int:
    for place in range(len(happened)):
        if happened[place].kind == _EXECUTION:
            events[count] = happened[place]
            events[count].command += shift
            order = happened[place].order
            placed_offsets[count] = NONE if order == NONE else orders[order].accepted_offset
            count += 1
    return count


class Reports:
    """The executions of a run.

    Attributes
    ----------
    shift : int
        Where in the log the batch begins that is running.
    """

    def __init__(self) -> None:
        self.shift = 0
        self._full: list[Reported] = []
        self._count = 0
        self._begin()

    def listen(self, happened: Happened) -> None:
        """Take in what `Shard.apply_all` tells."""
        rows = happened.rows
        if self._count + len(rows.events) > _CHUNK_ROWS:
            self._full.append(self._newest())
            self._begin()
        self._count = _keep(rows.events, rows.orders, self._events, self._placed, self._count, self.shift)

    def reported(self) -> Reported:
        """Give what was taken in."""
        if not self._full:
            return self._newest()
        chunks = [*self._full, self._newest()]
        return Reported(
            np.concatenate([chunk.events for chunk in chunks]),
            np.concatenate([chunk.placed_offsets for chunk in chunks]),
        )

    def _begin(self) -> None:
        # Memory that is given as it is written: touching it beforehand would take as long as the run.
        self._events: NDArray[Any] = reserved(_CHUNK_ROWS, EXECUTION)
        self._placed: NDArray[np.int64] = reserved(_CHUNK_ROWS, np.int64)
        self._count = 0

    def _newest(self) -> Reported:
        return Reported(self._events[: self._count], self._placed[: self._count])
