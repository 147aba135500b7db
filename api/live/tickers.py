"""An asset's row for a market watch, from its daily candles and the top of its book."""

from __future__ import annotations

from typing import Any

from api.live.books import LiveBook
from api.live.candles import CandleSeries, SymbolCandles
from api.payloads import Ticker
from engine.domain import UNITS_PER_CURRENCY
from engine.units import decimal_from_units
from engine.wire.records import AssetRecord

_MINUTE_MS = 60_000
_MINUTES = 1_440


def ticker(
    asset: AssetRecord,
    candles: SymbolCandles | None,
    book: LiveBook,
    *,
    market_day_ms: int,
    market_ms: int,
    time_ms: int,
) -> Ticker:
    """Put an asset's figures of the day together.

    Parameters
    ----------
    candles : SymbolCandles
        The symbol's candles; None before its first trade.
    market_day_ms : int
        Start of the day of the market's newest trade; a symbol without a trade that day has no open yet.
    market_ms : int
        The market's time, to which the 1,440 minutes go.
    time_ms : int
        Time of the symbol's newest trade, or of its listing.
    """
    days = candles["1d"] if candles is not None else None
    newest = days.newest(now_ms=0) if days is not None else None
    today = newest if newest is not None and newest.time_ms == market_day_ms else None
    last = newest.close if newest is not None else None
    change, change_percent = None, None
    if last is not None:
        base_units = _base_units(asset, days, traded_today=today is not None)
        change_units = _units(last) - base_units
        change = decimal_from_units(change_units)
        change_percent = round(100 * change_units / base_units, 4)
    return Ticker(
        symbol=asset.symbol,
        name=asset.name,
        tick_size=asset.tick_size,
        lot_size=asset.lot_size,
        reference_price=asset.reference_price,
        phase=asset.phase,
        last_price=last,
        open=today.open if today else None,
        high=today.high if today else None,
        low=today.low if today else None,
        volume=today.volume if today else 0,
        change=change,
        change_percent=change_percent,
        **_last_minutes(candles, market_ms),
        bid=book.bid,
        ask=book.ask,
        time_ms=time_ms,
    )


def _last_minutes(candles: SymbolCandles | None, market_ms: int) -> dict[str, Any]:
    first_ms = market_ms // _MINUTE_MS * _MINUTE_MS - (_MINUTES - 1) * _MINUTE_MS
    rows = None if candles is None else candles["1m"].rows_since(first_ms)
    if rows is None or not len(rows):
        return _NO_TRADES_24H
    opened, change = int(rows["open"][0]), int(rows["close"][-1]) - int(rows["open"][0])
    return {
        "open_24h": decimal_from_units(opened),
        "high_24h": decimal_from_units(int(rows["high"].max())),
        "low_24h": decimal_from_units(int(rows["low"].min())),
        "volume_24h": int(rows["volume"].sum()),
        "trades_24h": int(rows["trades"].sum()),
        "change_24h": decimal_from_units(change),
        "change_percent_24h": round(100 * change / opened, 4),
    }


_NO_TRADES_24H: dict[str, Any] = {
    "open_24h": None,
    "high_24h": None,
    "low_24h": None,
    "volume_24h": 0,
    "trades_24h": 0,
    "change_24h": None,
    "change_percent_24h": None,
}


def _base_units(asset: AssetRecord, days: CandleSeries | None, *, traded_today: bool) -> int:
    assert days is not None
    if not traded_today:
        newest = days.newest(now_ms=0)
        assert newest is not None
        return _units(newest.close)
    previous = days.previous_close_units()
    return _units(asset.reference_price) if previous is None else previous


def _units(price: float) -> int:
    return round(price * UNITS_PER_CURRENCY)
