"""An asset's row for a market watch, from its daily candles and the top of its book."""

from __future__ import annotations

from api.live.books import LiveBook
from api.live.candles import CandleSeries
from api.payloads import Ticker
from engine.domain import UNITS_PER_CURRENCY
from engine.units import decimal_from_units
from engine.wire.records import AssetRecord


def ticker(
    asset: AssetRecord, days: CandleSeries | None, book: LiveBook, *, market_day_ms: int, time_ms: int
) -> Ticker:
    """Put an asset's figures of the day together.

    Parameters
    ----------
    days : CandleSeries
        The symbol's daily candles; None before its first trade.
    market_day_ms : int
        Start of the day of the market's newest trade; a symbol without a trade that day has no open yet.
    time_ms : int
        Time of the symbol's newest trade, or of its listing.
    """
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
        bid=book.bid,
        ask=book.ask,
        time_ms=time_ms,
    )


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
