"""A strategy's run, whatever drives it: the market's events in, the strategy's commands out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from engine.domain import UNITS_PER_CURRENCY, BookChanged, Command, Execution, ExecutionType, Trade
from homebroker.research.depth import Ladder
from homebroker.strategy.desk import Desk
from homebroker.strategy.journal import Journal
from homebroker.strategy.strategy import Fill, Strategy, TapeTrade

MarketEvent: TypeAlias = Trade | Execution | BookChanged


class Session:
    """Passes events on to a strategy and gives what it wants done.

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
        self._strategy = strategy
        self._ladder = ladder
        self._stopped = False

    def start(self, time_ms: int) -> list[Command]:
        """Begin, with the book as it is."""
        self.journal.started_ms = self.journal.ended_ms = time_ms
        self._quote(time_ms)
        return self._do(time_ms, lambda: self._strategy.on_start(self.desk))

    def tick(self, time_ms: int) -> list[Command]:
        """Let the strategy's timer go off."""
        return self._do(time_ms, lambda: self._strategy.on_timer(self.desk))

    def stop(self, time_ms: int) -> list[Command]:
        """End: whatever the strategy still does, then every open order is cancelled.

        What is observed later is written down; the strategy does not hear of it any more.
        """
        commands = self._do(time_ms, lambda: self._strategy.on_stop(self.desk))
        commands += self._do(time_ms, self.desk.cancel_all)
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
        commands: list[Command] = []
        for event in events:
            if isinstance(event, BookChanged):
                self._ladder.take(event)
                self._quote(time_ms)
                commands += self._do(time_ms, lambda: self._strategy.on_book(self.desk))
            elif isinstance(event, Trade):
                commands += self._traded(event, happened_ms, time_ms)
            else:
                commands += self._reported(event, happened_ms, time_ms)
        return commands

    def _traded(self, trade: Trade, happened_ms: int, time_ms: int) -> list[Command]:
        price = trade.price_units / UNITS_PER_CURRENCY
        self.journal.market_volume += trade.quantity
        self.journal.market_value += trade.quantity * price
        told = TapeTrade(
            time_ms=happened_ms, price=price, quantity=trade.quantity, taker_side=trade.taker_side
        )
        return self._do(time_ms, lambda: self._strategy.on_trade(self.desk, told))

    def _reported(self, report: Execution, happened_ms: int, time_ms: int) -> list[Command]:
        self.desk.heard(report)
        self.journal.reported(report)
        if report.execution_type is not ExecutionType.TRADE:
            return self._do(time_ms, lambda: self._strategy.on_update(self.desk, report))
        assert report.side is not None and report.last_quantity is not None
        assert report.last_price_units is not None and report.liquidity is not None
        fill = Fill(
            time_ms=happened_ms,
            order_id=report.order_id,
            side=report.side,
            price=report.last_price_units / UNITS_PER_CURRENCY,
            quantity=report.last_quantity,
            liquidity=report.liquidity,
            fee=(report.fee_units or 0) / UNITS_PER_CURRENCY,
            left=report.remaining_quantity,
        )
        self.journal.filled(fill)
        return self._do(time_ms, lambda: self._strategy.on_fill(self.desk, fill))

    def _quote(self, time_ms: int) -> None:
        book = self.desk.book
        self.journal.quoted(time_ms, book.bid, book.ask)

    def _do(self, time_ms: int, react: Callable[[], None]) -> list[Command]:
        self.desk.time_ms = time_ms
        self.journal.ended_ms = max(self.journal.ended_ms, time_ms)
        if self._stopped:
            return []
        react()
        wanted = self.desk.take_wanted()
        self.journal.sent(wanted, time_ms)
        return wanted
