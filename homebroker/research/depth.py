"""Order books over time, from a log that is run."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pandas as pd

from engine.domain import UNITS_PER_CURRENCY, Side
from engine.shard import Shard
from homebroker.research.arguments import check_symbol
from homebroker.research.command_log import CommandLog
from homebroker.research.frames import time_index
from homebroker.research.ladder import Ladder

LEVELS_MAX: Final = 1_000
_INTERVAL: Final = re.compile(r"(\d{1,6})(ms|s|m|h)")
_UNITS_MS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}


def interval_ms_of(interval: str) -> int:
    """Give an interval such as "100ms", "1s" or "5m" in milliseconds."""
    found = _INTERVAL.fullmatch(interval) if isinstance(interval, str) else None
    milliseconds = int(found[1]) * _UNITS_MS[found[2]] if found else 0
    if not milliseconds:
        raise ValueError(f'interval={interval!r} is no interval; say for example "100ms", "1s" or "5m".')
    return milliseconds


def depth_over_time(
    log: CommandLog, *, interval: str | None, levels: int, symbol: str | None
) -> pd.DataFrame:
    """Run a log and tell of its books; see `Replay.depth`."""
    check_symbol(symbol)
    if not (isinstance(levels, int) and not isinstance(levels, bool) and 1 <= levels <= LEVELS_MAX):
        raise ValueError(f"levels={levels!r} must be a whole number from 1 to {LEVELS_MAX:,}.")
    shard, books = log.shard(), dict[str, Ladder]()
    symbols: list[str] = []
    offsets: list[int] = []
    times_ms: list[int] = []
    rows: list[list[float]] = []
    for first, last in _pieces(log, interval):
        shard.apply_all(log.batch(first, last))
        for change in shard.take_book_changes():
            book = books.setdefault(change.symbol, Ladder())
            book.take(change)
            if symbol is None or change.symbol == symbol:
                symbols.append(change.symbol)
                offsets.append(change.offset)
                times_ms.append(change.time_ms)
                rows.append(_row(book, levels))
    return _frame(symbols, offsets, times_ms, rows, levels)


def book_frame(shard: Shard, symbol: str) -> pd.DataFrame:
    """Give a symbol's whole book as it stands in a market: best first, bids before asks."""
    check_symbol(symbol)
    of_symbol = [book for book in shard.book_snapshots() if book.symbol == symbol]
    if not of_symbol:
        raise ValueError(f"{symbol} is not listed there; hb.assets() shows what is.")
    (book,) = of_symbol
    sides = [(Side.BUY, level) for level in book.bids] + [(Side.SELL, level) for level in book.asks]
    return pd.DataFrame(
        {
            "side": pd.Categorical([side for side, _ in sides], categories=[str(side) for side in Side]),
            "price": np.array([level.price_units / UNITS_PER_CURRENCY for _, level in sides], np.float64),
            "quantity": np.array([level.quantity for _, level in sides], np.int64),
            "order_count": np.array([level.order_count for _, level in sides], np.int64),
        }
    )


def _pieces(log: CommandLog, interval: str | None) -> Iterator[tuple[int, int]]:
    """Cut a log where an interval of the market's time ends, or behind each command."""
    if interval is None:
        yield from ((place, place + 1) for place in range(len(log)))
        return
    market_ms = np.maximum.accumulate(log.times_ms) if len(log) else log.times_ms
    cuts = np.flatnonzero(np.diff(market_ms // interval_ms_of(interval))) + 1
    ends = [*cuts.tolist(), len(log)]
    yield from ((first, last) for first, last in zip([0, *ends[:-1]], ends, strict=True) if first < last)


def _row(book: Ladder, levels: int) -> list[float]:
    row: list[float] = []
    for side in book.best(levels):
        for level in side:
            row += (level.price_units / UNITS_PER_CURRENCY, level.quantity)
        row += [math.nan] * (2 * (levels - len(side)))
    return row


def _frame(
    symbols: list[str], offsets: list[int], times_ms: list[int], rows: list[list[float]], levels: int
) -> pd.DataFrame:
    numbers: Any = np.array(rows, np.float64).reshape(len(rows), 4 * levels)
    columns: dict[str, Any] = {
        "symbol": pd.array(symbols, dtype="str"),
        "offset": np.array(offsets, np.int64),
    }
    for level in range(1, levels + 1):
        for place, side in enumerate(("bid", "ask")):
            at = 2 * levels * place + 2 * (level - 1)
            columns[f"{side}_{level}"] = numbers[:, at]
            columns[f"{side}_quantity_{level}"] = numbers[:, at + 1]
    return pd.DataFrame(columns, index=time_index(times_ms))
