"""A strategy at its desk: told what happens, asked what it wants done."""

from __future__ import annotations

from collections.abc import Callable

from engine.domain import UNITS_PER_CURRENCY, Command, Execution, ExecutionType, Trade
from homebroker.strategy.desk import Desk
from homebroker.strategy.strategy import Fill, Strategy, TapeTrade


class Seat:
    """Turns events into a strategy's calls; each gives the commands that it wants.

    Parameters
    ----------
    strategy : Strategy
        Who decides.
    desk : Desk
        What it sees; the book on it is kept up to date by whoever tells the seat of it.

    Attributes
    ----------
    hears_books, hears_trades : bool
        Whether the strategy reacts to them at all.
    """

    def __init__(self, strategy: Strategy, desk: Desk) -> None:
        self.desk = desk
        self.strategy = strategy
        self.hears_books = type(strategy).on_book is not Strategy.on_book
        self.hears_trades = type(strategy).on_trade is not Strategy.on_trade

    def start(self, time_ms: int) -> list[Command]:
        """Begin, with the book as it is."""
        return self._do(time_ms, lambda: self.strategy.on_start(self.desk))

    def tick(self, time_ms: int) -> list[Command]:
        """Let the timer go off."""
        return self._do(time_ms, lambda: self.strategy.on_timer(self.desk))

    def stop(self, time_ms: int) -> list[Command]:
        """End: whatever the strategy still does, then every open order is cancelled."""
        commands = self._do(time_ms, lambda: self.strategy.on_stop(self.desk))
        return commands + self._do(time_ms, self.desk.cancel_all)

    def booked(self, time_ms: int) -> list[Command]:
        """Tell of a change of the book."""
        return self._do(time_ms, lambda: self.strategy.on_book(self.desk)) if self.hears_books else []

    def traded(self, trade: TapeTrade, time_ms: int) -> list[Command]:
        """Tell of a trade of anybody's."""
        return (
            self._do(time_ms, lambda: self.strategy.on_trade(self.desk, trade)) if self.hears_trades else []
        )

    def reported(self, report: Execution, fill: Fill | None, time_ms: int) -> list[Command]:
        """Tell what the market says of an own order, which the desk has heard; `fill` if it traded."""
        if fill is None:
            return self._do(time_ms, lambda: self.strategy.on_update(self.desk, report))
        return self._do(time_ms, lambda: self.strategy.on_fill(self.desk, fill))

    def _do(self, time_ms: int, react: Callable[[], None]) -> list[Command]:
        self.desk.time_ms = time_ms
        react()
        return self.desk.take_wanted()


def tape_trade(trade: Trade, happened_ms: int) -> TapeTrade:
    """Give a trade as strategies are told of it."""
    return TapeTrade(
        time_ms=happened_ms,
        price=trade.price_units / UNITS_PER_CURRENCY,
        quantity=trade.quantity,
        taker_side=trade.taker_side,
    )


def fill_of(report: Execution, happened_ms: int) -> Fill | None:
    """Give the trade that a report tells of, None where it tells of something else."""
    if report.execution_type is not ExecutionType.TRADE:
        return None
    assert report.side is not None and report.last_quantity is not None
    assert report.last_price_units is not None and report.liquidity is not None
    return Fill(
        time_ms=happened_ms,
        order_id=report.order_id,
        side=report.side,
        price=report.last_price_units / UNITS_PER_CURRENCY,
        quantity=report.last_quantity,
        liquidity=report.liquidity,
        fee=(report.fee_units or 0) / UNITS_PER_CURRENCY,
        left=report.remaining_quantity,
    )
