"""Books and candles as the public streams tell them."""

from __future__ import annotations

from api.payloads import BookChange, BookLevels, Candle, CandleEvent


def candle_event(symbol: str, interval: str, candle: Candle) -> CandleEvent:
    """Give a candle the names that it has on the stream."""
    return CandleEvent(
        symbol=symbol,
        interval=interval,
        time_ms=candle.time_ms,
        open=candle.open,
        high=candle.high,
        low=candle.low,
        close=candle.close,
        volume=candle.volume,
        trades=candle.trades,
        closed=candle.closed,
    )


def book_event_name(book: BookLevels | BookChange) -> str:
    """Name the event that carries a book or its change."""
    return "book_snapshot" if isinstance(book, BookLevels) else "book"
