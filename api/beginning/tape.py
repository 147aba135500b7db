"""Trades and candles as the history has them.

Candles of whole minutes are stored. Shorter ones are counted from the newest trades: those that are kept
anyhow, and as many more as all listeners together may have missed, or as the newest candle is made of.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from msgspec import Struct
from sqlalchemy import Connection, Integer, Select, bindparam, select, tuple_

from api.history.candles import rows_of, stored_query, traded_symbols
from api.history.places import within
from api.history.transactions import identity_of
from api.live.candles import INTERVALS_MS, ROWS_MAX, SymbolCandles, bucket_start, candle_rows, fold
from api.live.newest_rows import Rows
from api.live.trades import TRADE, TRADES_MAX, RecentTrades
from api.live.view import LiveView
from api.recorder.tables import MINUTE_MS, candles, transactions
from engine.domain import UNITS_PER_CURRENCY, Side

TRADES_RECENT: Final = 25_000
"""Of the whole market: of these all candles shorter than a minute are counted."""
_SHORT_MS: Final = {name: length_ms for name, length_ms in INTERVALS_MS.items() if length_ms < MINUTE_MS}
_LONGEST_SHORT_MS: Final = max(_SHORT_MS.values())
# Made once: of hundreds of questions the making would cost a third.
_STORED: Final = (
    stored_query(bindparam("of_symbol"), bindparam("length_ms"))
    .order_by(candles.c.time_ms.desc())
    .limit(bindparam("rows_max", type_=Integer))
)
_BY_IDENTITY: Final = [column.desc() for column in identity_of(transactions)]


def begin_tape(view: LiveView, database: Connection) -> None:
    """Take up each symbol's newest trades and candles.

    Cost O(symbols * (kept trades + kept candles) + `TRADES_RECENT`) + trades of the newest short candles.
    """
    recent_ms = _recent_ms(database)
    for symbol in traded_symbols(database):
        tape = _Tape.read(database, symbol, recent_ms)
        recent = view.trades[symbol] = RecentTrades(symbol)
        recent.add_rows(tape.trades)
        kept = view.candles[symbol] = SymbolCandles()
        for interval, length_ms in INTERVALS_MS.items():
            if length_ms < MINUTE_MS:
                kept.begin(interval, tape.candles(length_ms), whole=tape.whole)
            else:
                rows = _stored(database, symbol, interval)
                kept.begin(interval, rows, whole=len(rows) < ROWS_MAX[interval])


class _Tape(Struct, frozen=True, kw_only=True):
    """A symbol's newest trades, oldest first: all where `whole`, else with none missing since a time."""

    trades: Rows
    whole: bool
    complete_ms: int

    @classmethod
    def read(cls, database: Connection, symbol: str, recent_ms: int) -> _Tape:
        """Read as many as are kept, all since a time, and all of the newest candle shorter than a minute."""
        chosen = _trades_of(symbol)
        trades = _trade_rows(database, chosen.limit(TRADES_MAX))
        since_ms = bucket_start(min(recent_ms, int(trades[-1]["time_ms"])), _LONGEST_SHORT_MS)
        oldest_ms = int(trades[0]["time_ms"])
        if len(trades) < TRADES_MAX:
            return cls(trades=trades, whole=True, complete_ms=oldest_ms)
        if oldest_ms < since_ms:
            return cls(trades=trades, whole=False, complete_ms=oldest_ms + 1)
        oldest = tuple(trades[["shard", "offset", "index"]][0].tolist())
        before = chosen.where(
            tuple_(*identity_of(transactions)) < tuple_(*oldest),
            *within(database, transactions, since_ms, None),
        )
        trades = np.concatenate([_trade_rows(database, before), trades])
        return cls(trades=trades, whole=False, complete_ms=since_ms)

    def candles(self, interval_ms: int) -> Rows:
        """Count the candles of a short interval that have all of their trades here."""
        units = np.rint(self.trades["price"] * UNITS_PER_CURRENCY).astype(np.int64)
        rows = fold(candle_rows(self.trades["time_ms"], units, self.trades["quantity"]), interval_ms)
        return rows if self.whole else rows[rows["time_ms"] >= self.complete_ms]


def _recent_ms(database: Connection) -> int:
    """Give the time of the trade `TRADES_RECENT` before the newest; 0 where there are fewer."""
    chosen = select(transactions.c.time_ms).order_by(*_BY_IDENTITY).offset(TRADES_RECENT).limit(1)
    return database.execute(chosen).scalar() or 0


def _trades_of(symbol: str) -> Select[Any]:
    table = transactions.c
    columns = (table[name] for name in (TRADE.names or ()) if name != "buys")
    buys = (table.taker_side == Side.BUY).label("buys")
    return select(*columns, buys).where(table.symbol == symbol).order_by(*_BY_IDENTITY)


def _trade_rows(database: Connection, chosen: Select[Any]) -> Rows:
    return np.array(list(map(tuple, database.execute(chosen).all())), TRADE)[::-1]


def _stored(database: Connection, symbol: str, interval: str) -> Rows:
    asked = {"of_symbol": symbol, "length_ms": INTERVALS_MS[interval], "rows_max": ROWS_MAX[interval]}
    return rows_of(database.execute(_STORED, asked).all())[::-1]
