"""What is written down while a strategy runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.domain import Command, Execution, ExecutionType, Place, Status
from homebroker.strategy.strategy import Fill


@dataclass(slots=True)
class PlacedOrder:
    """An order that was sent, and what became of it."""

    order_id: str
    sent_ms: int
    side: str
    price: float | None
    quantity: int
    filled: int = 0
    first_fill_ms: int | None = None
    status: str = "pending"
    reason: str | None = None


@dataclass(slots=True)
class Journal:
    """One run. Quotes are the best prices as the strategy heard of them, None where a side was empty."""

    symbol: str
    cash: float
    position: int
    quotes: list[tuple[int, float | None, float | None]] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    orders: dict[str, PlacedOrder] = field(default_factory=dict)
    started_ms: int = 0
    ended_ms: int = 0
    market_volume: int = 0
    market_value: float = 0.0

    def quoted(self, time_ms: int, bid: float | None, ask: float | None) -> None:
        """Write down the best prices, where they changed."""
        if not self.quotes or self.quotes[-1][1:] != (bid, ask):
            self.quotes.append((time_ms, bid, ask))

    def sent(self, commands: list[Command], time_ms: int) -> None:
        """Write down the orders among some commands."""
        for command in commands:
            if isinstance(command, Place):
                price = None if command.price_units is None else command.price_units / 10_000
                self.orders[command.order_id] = PlacedOrder(
                    command.order_id, time_ms, command.side, price, command.quantity
                )

    def filled(self, fill: Fill) -> None:
        """Write down a trade of one's own."""
        self.fills.append(fill)
        order = self.orders.get(fill.order_id)
        if order is not None and order.first_fill_ms is None:
            order.first_fill_ms = fill.time_ms

    def reported(self, report: Execution) -> None:
        """Write down what the market says of an order."""
        order = self.orders.get(report.order_id)
        if order is None:
            return
        refused = report.execution_type is ExecutionType.REJECTED
        if refused and report.status is Status.REJECTED and order.status != "pending":
            # A refused cancel or change of an order that has ended says nothing of the order.
            return
        order.status = report.status
        order.filled = max(order.filled, report.filled_quantity)
        order.quantity = report.quantity or order.quantity
        order.reason = report.reason or order.reason
