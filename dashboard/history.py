"""An account's fills made into statements: profit by day and symbol. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from homebroker.client import DailyPosition, PastExecution

MARKET_ZONE: Final = ZoneInfo("America/Sao_Paulo")


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOfSymbol:
    """What a symbol earned on one of the market's days, before fees, and the fees of its trades."""

    day: str
    symbol: str
    quantity: int
    bought: int
    sold: int
    realized: float
    unrealized: float | None
    fees: float


def day_of(time_ms: int) -> str:
    """Give the market's day that a moment belongs to, as in 2026-11-28."""
    return datetime.fromtimestamp(time_ms / 1_000, MARKET_ZONE).date().isoformat()


def days_by_symbol(
    ends: Iterable[DailyPosition],
    fills: Iterable[PastExecution],
    closes: Mapping[str, Mapping[str, float]],
) -> list[DayOfSymbol]:
    """Put together what each symbol earned on each day on which the account's shares of it changed.

    Parameters
    ----------
    ends : iterable of DailyPosition
        The shares as each day left them.
    fills : iterable of PastExecution
        The trades of those days.
    closes : mapping
        A day's last price, by symbol and day.

    Returns
    -------
    list of DayOfSymbol
        Newest day first. `unrealized` is that of all shares held at the day's end; None without a price.
    """
    traded = _traded_by_day(fills)
    found: list[DayOfSymbol] = []
    before: dict[str, float] = {}
    for end in sorted(ends, key=lambda each: each.day_ms):
        day = day_of(end.day_ms)
        bought, sold, fees = traded.get((day, end.symbol), (0, 0, 0.0))
        close = closes.get(end.symbol, {}).get(day)
        known = close is not None and end.average_price is not None
        found.append(
            DayOfSymbol(
                day=day,
                symbol=end.symbol,
                quantity=end.quantity,
                bought=bought,
                sold=sold,
                realized=round(end.realized_profit - before.get(end.symbol, 0.0), 4),
                unrealized=round(end.quantity * ((close or 0.0) - (end.average_price or 0.0)), 4)
                if known
                else (0.0 if end.quantity == 0 else None),
                fees=round(fees, 4),
            )
        )
        before[end.symbol] = end.realized_profit
    return sorted(found, key=lambda row: (row.day, row.symbol), reverse=True)


def _traded_by_day(fills: Iterable[PastExecution]) -> dict[tuple[str, str], tuple[int, int, float]]:
    sums: dict[tuple[str, str], tuple[int, int, float]] = {}
    for fill in fills:
        key = (day_of(fill.time_ms), fill.symbol)
        bought, sold, fees = sums.get(key, (0, 0, 0.0))
        quantity = fill.last_quantity or 0
        is_buy = fill.side == "buy"
        sums[key] = (bought + quantity * is_buy, sold + quantity * (not is_buy), fees + (fill.fee or 0.0))
    return sums
