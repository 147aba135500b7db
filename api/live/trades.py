"""The newest trades of a symbol, without who traded, in few bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from api.live.newest_rows import NewestRows, Rows
from api.payloads import TradeRow
from engine.domain import Side
from engine.wire.records import Transaction

TRADES_MAX: Final = 1_000
"""How many of each symbol are kept at least, once there were so many."""
_ROOM: Final = 2 * TRADES_MAX

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
        self._rows = NewestRows(TRADE, kept=TRADES_MAX, room_max=_ROOM)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def last_price(self) -> float:
        """The newest trade's price."""
        return float(self._rows.rows[-1]["price"])

    @property
    def last_ms(self) -> int:
        """The newest trade's time."""
        return int(self._rows.rows[-1]["time_ms"])

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

    def add_rows(self, rows: Rows) -> None:
        """Take in further trades as rows, shape (n,), in the log's order."""
        self._rows.append(rows[-TRADES_MAX:])

    def newest(self, limit: int) -> list[TradeRow]:
        """Give the newest trades, newest first."""
        first = max(len(self) - limit, 0)
        return [self._row(row) for row in reversed(self._rows.rows[first:].tolist())]

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
