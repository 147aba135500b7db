"""Candles as they are asked for: the newest from memory, older ones from the history, without a seam."""

from __future__ import annotations

import asyncio

from api.history.candles import CandleSpan, StoredCandles, stored_candles
from api.live.candles import CandleSeries, candle
from api.live.view import LiveView
from api.payloads import Candle
from api.services import Services
from engine.topics import TRANSACTIONS


async def candles_of(services: Services, view: LiveView, span: CandleSpan, interval: str) -> list[Candle]:
    """Give the candles of a span, oldest first.

    Raises
    ------
    HistoryUnavailableError
        When older ones are needed than are kept in memory, and the database does not answer, is of another
        market, or has not got so far.
    TooManyTradesError, QueryTooLongError
        When reading those is too much for one answer.
    """
    kept = view.candles.get(span.symbol)
    if kept is None:
        return []
    series = kept[interval]
    first_ms = series.first_ms
    live = series.between(span.start_ms, span.end_ms, limit=span.limit, now_ms=view.time_ms)
    if first_ms is None or _covers(series, span, live):
        return live
    # What memory let go of while the database is read was told of just now.
    now_ms = view.time_ms
    older = await _older(services, view, span, first_ms)
    joined = [candle(row.item(), span.interval_ms, now_ms) for row in older.rows] + live
    return joined[-span.limit :] if span.start_ms is None else joined[: span.limit]


def _covers(series: CandleSeries, span: CandleSpan, live: list[Candle]) -> bool:
    if series.whole:
        return True
    if span.start_ms is None:
        return len(live) == span.limit
    assert series.first_ms is not None
    return span.start_ms >= series.first_ms


async def _older(services: Services, view: LiveView, span: CandleSpan, first_ms: int) -> StoredCandles:
    """Read what begins before memory does, once the recorder has written all of it."""
    end_ms = first_ms - 1 if span.end_ms is None else min(span.end_ms, first_ms - 1)
    wanted = CandleSpan(
        symbol=span.symbol,
        interval_ms=span.interval_ms,
        start_ms=span.start_ms,
        end_ms=end_ms,
        limit=span.limit,
    )
    seen = view.positions.get(TRANSACTIONS, 0)
    found = await asyncio.to_thread(stored_candles, services.history, wanted)
    # The log's time never goes back: a trade at the end of the span says that all of it was recorded.
    if found.recorded_ms < end_ms + span.interval_ms and found.next_offset < seen:
        await services.wait_for_recorder(TRANSACTIONS)
        found = await asyncio.to_thread(stored_candles, services.history, wanted)
    return found
