"""What readers are told of the books: changed levels, chained record to record, and whole books at first."""

from __future__ import annotations

from collections import defaultdict
from typing import Final, TypeAlias

import numpy as np

from engine.domain import BookChanged, Level
from engine.kernel import header as h
from engine.kernel.books import TOLD_LEVEL, count_levels, read_levels, take_changed_levels
from engine.kernel.layout import Ladder
from engine.kernel.memory import Array, Memory
from engine.names import Names

_NEVER: Final = -1
_BIDS: Final = int(Ladder.BIDS)
_ASKS: Final = int(Ladder.ASKS)
_Sides: TypeAlias = dict[tuple[int, int], dict[int, Level]]


class Books:
    """The books of a shard, and how far readers have been told of each.

    Parameters
    ----------
    memory : Memory
        Where the books are.
    symbols : Names
        The assets' symbols, by row.
    """

    def __init__(self, memory: Memory, symbols: Names) -> None:
        self._memory = memory
        self._symbols = symbols
        self._told_offset: dict[int, int] = {}
        self._changed: list[Array] = []
        self._room: Array = np.zeros(len(memory.changed_levels), TOLD_LEVEL)

    def collect(self) -> None:
        """Take note of the changed levels, so that the kernel has room for more."""
        count = take_changed_levels(self._memory.header, self._room)
        if count:
            self._changed.append(self._room[:count].copy())

    def take_changes(self) -> list[BookChanged]:
        """Give the price levels changed since the last call, one record a symbol, oldest change first."""
        self.collect()
        sides = self._take_sides()
        publications = self._memory.publications[: self._assets_used]
        pending = publications["pending"].nonzero()[0]
        changes = [
            self._change(asset, offset, time_ms, sides)
            for asset, offset, time_ms in zip(
                pending.tolist(),
                publications["offset"][pending].tolist(),
                publications["time_ms"][pending].tolist(),
                strict=True,
            )
        ]
        publications["pending"][pending] = 0
        return sorted(changes, key=lambda change: change.offset)

    def take_snapshots(self, offset: int, time_ms: int) -> list[BookChanged]:
        """Give every symbol's whole book as it stands after a command; changes taken later follow these."""
        self.collect()
        self._changed = []
        self._memory.publications["pending"] = 0
        listed = np.flatnonzero(self._memory.assets["listed"][: self._assets_used])
        return [self._whole(int(asset), offset, time_ms) for asset in listed]

    @property
    def _assets_used(self) -> int:
        return int(self._memory.header[h.ASSETS_USED])

    def _take_sides(self) -> _Sides:
        """Give each changed level's last state, by asset, side and key."""
        sides: _Sides = defaultdict(dict)
        ticks = self._memory.assets["tick"]
        for told in self._changed:
            # Most often there are a few: a loop over them costs less than numpy's calls.
            rows = zip(told.tolist(), ticks[told["asset"]].tolist(), strict=True)
            for (key, quantity, asset, ladder, count, _), tick in rows:
                sides[asset, ladder][key] = Level(key * tick, quantity, count)
        self._changed = []
        return sides

    def _change(self, asset: int, offset: int, time_ms: int, sides: _Sides) -> BookChanged:
        if asset not in self._told_offset:
            return self._whole(asset, offset, time_ms)
        bids = sorted(sides.get((asset, _BIDS), {}).items(), reverse=True)
        asks = sorted(sides.get((asset, _ASKS), {}).items())
        return self._record(
            asset,
            offset,
            time_ms,
            bids=tuple(level for _, level in bids),
            asks=tuple(level for _, level in asks),
            snapshot=False,
        )

    def _whole(self, asset: int, offset: int, time_ms: int) -> BookChanged:
        sides = []
        for ladder in (_BIDS, _ASKS):
            told = np.zeros(count_levels(self._memory.header, asset, ladder), TOLD_LEVEL)
            read_levels(self._memory.header, asset, ladder, told)
            sides.append(self._levels(told))
        return self._record(asset, offset, time_ms, bids=sides[0], asks=sides[1], snapshot=True)

    def _record(
        self,
        asset: int,
        offset: int,
        time_ms: int,
        *,
        bids: tuple[Level, ...],
        asks: tuple[Level, ...],
        snapshot: bool,
    ) -> BookChanged:
        previous = self._told_offset.get(asset, _NEVER)
        self._told_offset[asset] = offset
        return BookChanged(
            symbol=self._symbols.name(asset),
            offset=offset,
            previous_offset=previous,
            time_ms=time_ms,
            snapshot=snapshot,
            bids=bids,
            asks=asks,
        )

    def _levels(self, told: Array) -> tuple[Level, ...]:
        prices = told["key"] * self._memory.assets["tick"][told["asset"]]
        return tuple(map(Level, prices.tolist(), told["quantity"].tolist(), told["count"].tolist()))
