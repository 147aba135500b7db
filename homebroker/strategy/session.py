"""A strategy's run that is written down: the market's events in, the strategy's commands out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from engine.domain import BookChanged, Command, Execution, Trade
from homebroker.research.ladder import Ladder
from homebroker.strategy.desk import Desk
from homebroker.strategy.journal import Journal
from homebroker.strategy.seat import Seat, fill_of, tape_trade
from homebroker.strategy.strategy import Strategy

MarketEvent: TypeAlias = Trade | Execution | BookChanged


class Session:
    """Passes events on to a strategy, gives what it wants done, and keeps its journal.

    Parameters
    ----------
    strategy : Strategy
        Who decides.
    desk : Desk
        What it sees; its ladder is `ladder`.
    """

    def __init__(self, strategy: Strategy, desk: Desk, ladder: Ladder) -> None:
        self.desk = desk
        self.journal = Journal(symbol=desk.symbol, cash=desk.cash, position=desk.position)
        self._seat = Seat(strategy, desk)
        self._ladder = ladder
        self._stopped = False

    def start(self, time_ms: int) -> list[Command]:
        """Begin, with the book as it is."""
        self.journal.started_ms = self.journal.ended_ms = time_ms
        self._quote(time_ms)
        return self._wanted(self._seat.start(time_ms), time_ms)

    def tick(self, time_ms: int) -> list[Command]:
        """Let the strategy's timer go off."""
        return self._wanted(self._seat.tick(time_ms), time_ms)

    def stop(self, time_ms: int) -> list[Command]:
        """End: whatever the strategy still does, then every open order is cancelled.

        What is observed later is written down; the strategy does not hear of it any more.
        """
        commands = self._wanted(self._seat.stop(time_ms), time_ms)
        self._stopped = True
        return commands

    def observe(self, events: Iterable[MarketEvent], happened_ms: int, time_ms: int) -> list[Command]:
        """Tell of what one command of the market caused.

        Parameters
        ----------
        events : iterable
            The symbol's trades, reports of own orders, and the symbol's book, in this order.
        happened_ms : int
            The market's time at it.
        time_ms : int
            The strategy's time when it hears of it.
        """
        self.journal.ended_ms = max(self.journal.ended_ms, time_ms)
        commands: list[Command] = []
        for event in events:
            if isinstance(event, BookChanged):
                commands += self._booked(event, time_ms)
            elif isinstance(event, Trade):
                commands += self._traded(event, happened_ms, time_ms)
            else:
                commands += self._reported(event, happened_ms, time_ms)
        return commands

    def _booked(self, change: BookChanged, time_ms: int) -> list[Command]:
        self._ladder.take(change)
        self._quote(time_ms)
        return [] if self._stopped else self._wanted(self._seat.booked(time_ms), time_ms)

    def _traded(self, trade: Trade, happened_ms: int, time_ms: int) -> list[Command]:
        told = tape_trade(trade, happened_ms)
        self.journal.market_volume += told.quantity
        self.journal.market_value += told.quantity * told.price
        return [] if self._stopped else self._wanted(self._seat.traded(told, time_ms), time_ms)

    def _reported(self, report: Execution, happened_ms: int, time_ms: int) -> list[Command]:
        self.desk.heard(report)
        self.journal.reported(report)
        fill = fill_of(report, happened_ms)
        if fill is not None:
            self.journal.filled(fill)
        return [] if self._stopped else self._wanted(self._seat.reported(report, fill, time_ms), time_ms)

    def _quote(self, time_ms: int) -> None:
        book = self.desk.book
        self.journal.quoted(time_ms, book.bid, book.ask)

    def _wanted(self, commands: list[Command], time_ms: int) -> list[Command]:
        self.journal.ended_ms = max(self.journal.ended_ms, time_ms)
        self.journal.sent(commands, time_ms)
        return commands
