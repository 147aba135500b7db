"""Candles of the history: stored ones of whole minutes, shorter ones from the trades."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from sqlalchemy import Connection, Select, func, select, tuple_

from api.history.places import within
from api.history.reading import QUERY_MAX_S, History
from api.history.transactions import identity_of
from api.live.candles import candle_rows, fold
from api.live.newest_rows import Rows
from api.recorder.store import read_places
from api.recorder.tables import MINUTE_MS, candles, transactions
from engine.domain import UNITS_PER_CURRENCY
from engine.topics import TRANSACTIONS

TRADES_MAX = 500_000
_PIECE_ROWS = 20_000
_NAMES = ("time_ms", "open", "high", "low", "close", "volume", "trades")


class TooManyTradesError(Exception):
    """So many trades are in the short candles asked for that they are not all read for one answer."""


class CandleSpan(Struct, frozen=True, kw_only=True):
    """Candles that begin in [start_ms, end_ms]: the first `limit`, without a start the last."""

    symbol: str
    interval_ms: int
    start_ms: int | None
    end_ms: int | None
    limit: int


class StoredCandles(Struct, frozen=True, kw_only=True):
    """Rows of candles, oldest first, and how far the recorder had got: its last trade's time, next offset."""

    rows: Rows
    recorded_ms: int
    next_offset: int


def stored_candles(history: History, span: CandleSpan) -> StoredCandles:
    """Read candles as the recorder knows them.

    Raises
    ------
    TooManyTradesError
        When they are shorter than a minute and have more than `TRADES_MAX` trades.
    QueryTooLongError
        When the database needs too long.
    """
    with history.snapshot(seconds_max=QUERY_MAX_S) as connection:
        places = [place for at, place in read_places(connection).items() if at[0] == TRANSACTIONS]
        rows = _stored(connection, span) if span.interval_ms >= MINUTE_MS else _short(connection, span)
    return StoredCandles(
        rows=rows,
        recorded_ms=min((place.time_ms or 0 for place in places), default=0),
        next_offset=min((place.next_offset for place in places), default=0),
    )


def rows_of(found: Sequence[Any]) -> Rows:
    """Give rows of the table, prices in the currency's unit, as candles are counted: in ten-thousandths."""
    table = np.array(list(map(tuple, found)), np.float64).reshape(-1, len(_NAMES))
    rows = candle_rows(*(np.empty(len(table), np.int64) for _ in range(3)))
    for number, name in enumerate(_NAMES):
        is_price = name in {"open", "high", "low", "close"}
        rows[name] = np.rint(table[:, number] * UNITS_PER_CURRENCY) if is_price else table[:, number]
    return rows


def stored_query(symbol: Any, interval_ms: Any) -> Select[Any]:
    """Give the query of a symbol's candles, without an order; by values or parameters."""
    columns = (candles.c[name] for name in _NAMES)
    return select(*columns).where(candles.c.symbol == symbol, candles.c.interval_ms == interval_ms)


def _stored(connection: Connection, span: CandleSpan) -> Rows:
    time = candles.c.time_ms
    query = stored_query(span.symbol, span.interval_ms).limit(span.limit)
    if span.start_ms is not None:
        query = query.where(time >= span.start_ms)
    if span.end_ms is not None:
        query = query.where(time <= span.end_ms)
    found = connection.execute(query.order_by(time.desc() if span.start_ms is None else time)).all()
    return rows_of(list(reversed(found)) if span.start_ms is None else list(found))


def _short(connection: Connection, span: CandleSpan) -> Rows:
    """Fold trades piece by piece, away from the end that is asked for, until there are enough candles."""
    backwards = span.start_ms is None
    last_ms = None if span.end_ms is None else span.end_ms + span.interval_ms - 1
    table, identity = transactions, identity_of(transactions)
    query = (
        select(table.c.time_ms, table.c.price, table.c.quantity, *identity)
        .where(table.c.symbol == span.symbol, *within(connection, table, span.start_ms, last_ms))
        .order_by(*(column.desc() if backwards else column for column in identity))
        .limit(_PIECE_ROWS)
    )
    pieces: list[Rows] = []
    read, behind = 0, None
    while True:
        piece = query if behind is None else query.where(_beyond(identity, behind, backwards))
        found = connection.execute(piece).all()
        if found:
            pieces.append(_folded(found, span.interval_ms, backwards))
            behind = tuple(found[-1])[-3:]
        pieces = [_joined(pieces, span.interval_ms, backwards)]
        rows = _beginning_within(pieces[0], span)
        read += len(found)
        # The candle at the piece's far end may go on in the next one.
        if len(found) < _PIECE_ROWS or len(rows) > span.limit:
            return rows[-span.limit :] if backwards else rows[: span.limit]
        if read >= TRADES_MAX:
            raise TooManyTradesError


def _beyond(identity: Any, behind: tuple[Any, ...], backwards: bool) -> Any:
    return tuple_(*identity) < tuple_(*behind) if backwards else tuple_(*identity) > tuple_(*behind)


def _folded(found: Any, interval_ms: int, backwards: bool) -> Rows:
    times, prices, quantities = list(zip(*found, strict=True))[:3]
    step = -1 if backwards else 1
    units = np.rint(np.array(prices, np.float64) * UNITS_PER_CURRENCY).astype(np.int64)
    trades = candle_rows(np.array(times, np.int64), units, np.array(quantities, np.int64))
    return fold(trades[::step], interval_ms)


def _joined(pieces: list[Rows], interval_ms: int, backwards: bool) -> Rows:
    if not pieces:
        return rows_of([])
    return fold(np.concatenate(pieces[::-1] if backwards else pieces), interval_ms)


def _beginning_within(rows: Rows, span: CandleSpan) -> Rows:
    # A start in the middle of a candle leaves that one out, as a whole one is not told from there.
    inside = np.ones(len(rows), bool)
    if span.start_ms is not None:
        inside &= rows["time_ms"] >= span.start_ms
    if span.end_ms is not None:
        inside &= rows["time_ms"] <= span.end_ms
    return rows[inside]


def traded_symbols(connection: Connection) -> list[str]:
    """Give the symbols that have traded, in their order."""
    # From one to the next by the index: candles are many more than symbols.
    symbols: list[str] = []
    following = select(func.min(candles.c.symbol))
    found = connection.execute(following).scalar()
    while found is not None:
        symbols.append(found)
        found = connection.execute(following.where(candles.c.symbol > found)).scalar()
    return symbols
