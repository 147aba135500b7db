"""The newest trades of a symbol, without who traded, in few bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from api.payloads import TradeRow
from engine.domain import Side
from engine.wire.records import Transaction

TRADES_MAX: Final = 1_000
"""How many of each symbol are kept at least, once there were so many."""
_ROOM: Final = 2 * TRADES_MAX
_ROOM_FIRST: Final = 16

TradeRows: TypeAlias = NDArray[np.void]
TRADE: Final = np.dtype(
    [
        ("shard", np.int32),
        ("offset", np.int64),
        ("index", np.int32),
        ("time_ms", np.int64),
        ("price", np.float64),
        ("quantity", np.int64),
        ("buys", np.bool_),
    ]
)
"""A trade by its identity; `buys` tells whether the taker bought."""


class RecentTrades:
    """One symbol's, oldest first: 41 bytes each, where a record as it came would be 600.

    It is made when the first one comes: what is asked of the newest has an answer.
    """

    def __init__(self, symbol: str) -> None:
        self._symbol = symbol
        self._rows: TradeRows = np.empty(_ROOM_FIRST, TRADE)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def last_price(self) -> float:
        """The newest trade's price."""
        return float(self._rows[self._count - 1]["price"])

    @property
    def last_ms(self) -> int:
        """The newest trade's time."""
        return int(self._rows[self._count - 1]["time_ms"])

    def add(self, trades: Sequence[Transaction]) -> None:
        """Take in further trades, in the log's order."""
        self.add_rows(
            np.array(
                [
                    (
                        trade.shard,
                        trade.offset,
                        trade.index,
                        trade.time_ms,
                        trade.price,
                        trade.quantity,
                        trade.taker_side is Side.BUY,
                    )
                    for trade in trades[-TRADES_MAX:]
                ],
                TRADE,
            )
        )

    def add_rows(self, rows: TradeRows) -> None:
        """Take in further trades as rows, shape (n,), in the log's order."""
        rows = rows[-TRADES_MAX:]
        wanted = self._count + len(rows)
        if wanted > _ROOM:
            kept = TRADES_MAX - len(rows)
            self._rows[:kept] = self._rows[self._count - kept : self._count].copy()
            self._count, wanted = kept, TRADES_MAX
        if wanted > len(self._rows):
            grown = np.empty(min(max(wanted, 2 * len(self._rows)), _ROOM), TRADE)
            grown[: self._count] = self._rows[: self._count]
            self._rows = grown
        self._rows[self._count : wanted] = rows
        self._count = wanted

    def newest(self, limit: int) -> list[TradeRow]:
        """Give the newest trades, newest first."""
        first = max(self._count - limit, 0)
        return [self._row(row) for row in reversed(self._rows[first : self._count].tolist())]

    def _row(self, row: tuple[Any, ...]) -> TradeRow:
        shard, offset, index, time_ms, price, quantity, buys = row
        return TradeRow(
            transaction_id=f"{shard}-{offset}-{index}",
            symbol=self._symbol,
            price=price,
            quantity=quantity,
            taker_side=Side.BUY if buys else Side.SELL,
            time_ms=time_ms,
        )
