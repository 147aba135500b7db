"""What a backtest needs of a market: it goes on by itself, and takes commands between."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol

from engine.domain import AssetChanged, BookChanged, Command, Execution, Trade
from homebroker.research.ladder import Ladder
from homebroker.strategy.session import MarketEvent

INVESTOR_ID: Final = "strategy"
NEVER_MS: Final = 1 << 60


class Market(Protocol):
    """A market in memory, in which a strategy trades one symbol.

    Attributes
    ----------
    symbol : str
        What the strategy trades, and hears of.
    asset : AssetChanged
        As it was when the strategy began.
    """

    symbol: str
    asset: AssetChanged

    @property
    def time_ms(self) -> int:
        """The market's time."""
        ...

    @property
    def next_ms(self) -> int:
        """When the next command of the others comes; `NEVER_MS` behind the last one."""
        ...

    @property
    def end_ms(self) -> int:
        """When the others' last command comes, at the latest."""
        ...

    def step(self) -> list[MarketEvent]:
        """Run the others' next command, and give what the strategy hears of it."""
        ...

    def send(self, command: Command, time_ms: int) -> list[MarketEvent]:
        """Run a command of the strategy's."""
        ...

    def ladder(self) -> Ladder:
        """Give the symbol's book as it is."""
        ...


def of_interest(events: Iterable[object], symbol: str) -> list[MarketEvent]:
    """Give what the strategy hears of a command's events: trades, its own reports, the book."""
    trades: list[MarketEvent] = []
    reports: list[MarketEvent] = []
    books: list[MarketEvent] = []
    for event in events:
        if isinstance(event, Trade):
            trades += [event] if event.symbol == symbol else []
        elif isinstance(event, Execution):
            reports += [event] if event.investor_id == INVESTOR_ID else []
        elif isinstance(event, BookChanged):
            books += [event] if event.symbol == symbol else []
    return trades + reports + books
