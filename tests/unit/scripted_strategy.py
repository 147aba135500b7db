"""What tests of strategies share: a recorded market, small markets, a strategy that does as told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import homebroker as hb
from engine.domain import Command, Execution, ListAsset, OpenAccount, Place, Side, TimeInForce
from homebroker.research.command_log import CommandLog
from homebroker.research.rows import LoggedCommand
from homebroker.simulator.warm_up import WARM_UP_COMMANDS_PER_SECOND, history
from homebroker.strategy import Desk, Fill, Strategy, TapeTrade

SYMBOL = "TEST3"
START_MS = 1_790_000_000_000


def recorded(minutes: int) -> CommandLog:
    """Give the first minutes of a simulated market."""
    timed = history(
        seed=5,
        start_ms=START_MS,
        end_ms=START_MS + minutes * 60_000,
        investor_id=None,
        rate=WARM_UP_COMMANDS_PER_SECOND,
    )
    return hb.replay(
        [
            LoggedCommand(offset=offset, time_ms=time_ms, command=command)
            for offset, (command, time_ms) in enumerate(timed)
        ]
    ).log


def place(order_id: str, side: Side, quantity: int, cents: int, **fields: Any) -> Place:
    """Make an order of whoever buys, or sells, in the test."""
    return Place(
        order_id=order_id,
        investor_id="ana" if side is Side.BUY else "bia",
        symbol=SYMBOL,
        side=side,
        quantity=quantity,
        price_units=100 * cents,
        time_in_force=TimeInForce.GTC,
        **fields,
    )


def market_of(*commands: Command, gap_ms: int = 1_000) -> list[LoggedCommand]:
    """Give the log of a market with one symbol and two investors, a command in each `gap_ms`."""
    opening: list[Command] = [
        ListAsset(symbol=SYMBOL, name=SYMBOL, tick_size_units=100, lot_size=1, reference_price_units=100_000),
        OpenAccount(investor_id="ana", unlimited=True),
        OpenAccount(investor_id="bia", unlimited=True),
    ]
    return [
        LoggedCommand(offset=place, time_ms=START_MS + gap_ms * max(0, place - 2), command=command)
        for place, command in enumerate([*opening, *commands])
    ]


class Scripted(Strategy):
    """Does what a test says, and remembers what it is told."""

    def __init__(self, start: Callable[[Desk], None] | None = None, timer_ms: int | None = None) -> None:
        self.timer_ms = timer_ms
        self._start = start
        self.told: list[tuple[str, int, Any]] = []

    def on_start(self, desk: Desk) -> None:
        self.desk = desk
        self.told.append(("start", desk.time_ms, None))
        if self._start is not None:
            self._start(desk)

    def on_book(self, desk: Desk) -> None:
        self.told.append(("book", desk.time_ms, (desk.book.bid, desk.book.ask)))

    def on_trade(self, desk: Desk, trade: TapeTrade) -> None:
        self.told.append(("trade", desk.time_ms, (trade.price, trade.quantity)))

    def on_fill(self, desk: Desk, fill: Fill) -> None:
        self.told.append(("fill", desk.time_ms, (fill.price, fill.quantity, fill.liquidity, fill.left)))

    def on_update(self, desk: Desk, report: Execution) -> None:
        self.told.append(("update", desk.time_ms, (report.execution_type.value, report.reason)))

    def on_timer(self, desk: Desk) -> None:
        self.told.append(("timer", desk.time_ms, None))


def doing(start: Callable[[Desk], Any]) -> Scripted:
    """Give a strategy that does one thing, at its start."""
    return Scripted(lambda desk: (start(desk), None)[1])
