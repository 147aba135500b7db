"""Rows of numbers of which the newest are kept."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Rows: TypeAlias = NDArray[np.void]
_ROOM_FIRST = 8


class NewestRows:
    """Rows, oldest first, in an array that grows to its bound and is then shifted, seldom.

    Parameters
    ----------
    dtype : dtype
        A row's fields.
    kept : int
        So many of the newest are always here, once there were so many.
    room_max : int
        So many there are at most; the more room beyond `kept`, the seldomer rows are shifted.
    """

    def __init__(self, dtype: np.dtype[Any], *, kept: int, room_max: int) -> None:
        self._array: Rows = np.empty(_ROOM_FIRST, dtype)
        self._count = 0
        self._kept = kept
        self._room_max = room_max

    def __len__(self) -> int:
        return self._count

    @property
    def rows(self) -> Rows:
        """The rows that are here, as they are kept: until others are appended."""
        return self._array[: self._count]

    def append(self, rows: Rows) -> bool:
        """Take in further rows, shape (n,); tells whether older ones were let go."""
        wanted = self._count + len(rows)
        lets_go = wanted > self._room_max
        if lets_go:
            rows = rows[-self._kept :]
            staying = self._kept - len(rows)
            self._array[:staying] = self._array[self._count - staying : self._count].copy()
            self._count, wanted = staying, self._kept
        if wanted > len(self._array):
            grown = np.empty(min(max(wanted, 2 * len(self._array)), self._room_max), self._array.dtype)
            grown[: self._count] = self.rows
            self._array = grown
        self._array[self._count : wanted] = rows
        self._count = wanted
        return lets_go
