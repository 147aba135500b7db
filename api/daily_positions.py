"""What an account held of each symbol when each of the market's days ended."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import and_, func, select

from api.history import History
from api.live.candles import bucket_start
from api.recorder.tables import position_minutes

DAY_MS = 86_400_000
ROWS_MAX = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyPosition:
    """Shares of a symbol at the end of a day on which they changed; profit is that of all days so far."""

    day_ms: int
    symbol: str
    quantity: int
    average_price: float | None
    realized_profit: float


def daily_positions(history: History, investor_id: str) -> list[DailyPosition]:
    """Give the newest `ROWS_MAX` ends of days, newest first; blocks.

    Raises
    ------
    HistoryUnavailableError
        When the database does not answer.
    """
    table = position_minutes.c
    # The day's start by whole arithmetic, as every database has it; the shift is that of `bucket_start`.
    shift = DAY_MS - bucket_start(0, DAY_MS) % DAY_MS
    day = table.minute_ms + shift - (table.minute_ms + shift) % DAY_MS
    newest = (
        select(table.symbol, func.max(table.minute_ms).label("minute_ms"))
        .where(table.investor_id == investor_id)
        .group_by(table.symbol, day)
        .order_by(func.max(table.minute_ms).desc(), table.symbol)
        .limit(ROWS_MAX)
        .subquery()
    )
    query = (
        select(position_minutes)
        .join(newest, and_(table.symbol == newest.c.symbol, table.minute_ms == newest.c.minute_ms))
        .where(table.investor_id == investor_id)
        .order_by(table.minute_ms.desc(), table.symbol)
    )
    return [
        DailyPosition(
            day_ms=bucket_start(row.minute_ms, DAY_MS),
            symbol=row.symbol,
            quantity=row.quantity,
            average_price=row.average_price,
            realized_profit=row.realized_profit,
        )
        for row in history.rows(query)
    ]
