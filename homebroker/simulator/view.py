"""What there is to see of the market before the investors begin: its books and last prices."""

from __future__ import annotations

from engine.domain import BookChanged, Trade
from homebroker.research.ladder import Ladder


class MarketView:
    """All symbols' books, kept up to date, and their last prices."""

    def __init__(self) -> None:
        self._ladders: dict[str, Ladder] = {}
        self._last_prices_units: dict[str, int] = {}

    def ladder(self, symbol: str) -> Ladder:
        """Give one symbol's book, empty when nothing was seen of it."""
        return self._ladders.setdefault(symbol, Ladder())

    def last_price_units(self, symbol: str) -> int | None:
        """Give the price of the newest trade, None when none was seen."""
        return self._last_prices_units.get(symbol)

    def observe(self, event: object) -> None:
        """Take in an event of the market; those about single orders tell nothing here."""
        match event:
            case Trade():
                self._last_prices_units[event.symbol] = event.price_units
            case BookChanged():
                self.ladder(event.symbol).take(event)
