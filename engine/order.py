"""An order while it is open, and the reports of what happens to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.domain import (
    OPEN_STATUSES,
    Execution,
    ExecutionType,
    OrderType,
    Place,
    Reason,
    SelfTrade,
    Side,
    Status,
    TimeInForce,
)


@dataclass(slots=True, kw_only=True)
class Order:
    """An accepted order. `quantity` is the total wanted, filled shares included."""

    order_id: str
    client_order_id: str | None
    investor_id: str
    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    price_units: int | None
    quantity: int
    post_only: bool
    self_trade: SelfTrade
    expires_at_ms: int | None
    filled_quantity: int = 0
    traded_units: int = 0
    status: Status = Status.NEW

    @property
    def remaining_quantity(self) -> int:
        """Shares that may still trade."""
        return self.quantity - self.filled_quantity

    def fill(self, quantity: int, price_units: int) -> None:
        """Count shares as traded."""
        self.filled_quantity += quantity
        self.traded_units += quantity * price_units
        self.status = Status.PARTIALLY_FILLED if self.remaining_quantity else Status.FILLED


def order_from(place: Place, expires_at_ms: int | None) -> Order:
    """Make the order that a valid `place` command asks for."""
    return Order(
        order_id=place.order_id,
        client_order_id=place.client_order_id,
        investor_id=place.investor_id,
        symbol=place.symbol,
        side=place.side,
        type=place.type,
        time_in_force=place.time_in_force,
        price_units=place.price_units,
        quantity=place.quantity,
        post_only=place.post_only,
        self_trade=place.self_trade,
        expires_at_ms=expires_at_ms,
    )


def report(order: Order, execution_type: ExecutionType, **what_happened: Any) -> Execution:
    """Report a change of an order; the order's status is already the one after it.

    Remaining shares are those that may still trade: none, once the order has ended.
    """
    is_open = order.status in OPEN_STATUSES
    return Execution(
        execution_type=execution_type,
        status=order.status,
        order_id=order.order_id,
        client_order_id=order.client_order_id,
        investor_id=order.investor_id,
        symbol=order.symbol,
        side=order.side,
        type=order.type,
        time_in_force=order.time_in_force,
        price_units=order.price_units,
        quantity=order.quantity,
        filled_quantity=order.filled_quantity,
        remaining_quantity=order.remaining_quantity if is_open else 0,
        traded_units=order.traded_units,
        **what_happened,
    )


def rejected_place(place: Place, reason: Reason, message: str) -> Execution:
    """Report that a new order was refused."""
    return Execution(
        execution_type=ExecutionType.REJECTED,
        status=Status.REJECTED,
        order_id=place.order_id,
        client_order_id=place.client_order_id,
        investor_id=place.investor_id,
        symbol=place.symbol,
        side=place.side,
        type=place.type,
        time_in_force=place.time_in_force,
        price_units=place.price_units,
        stop_price_units=place.stop_price_units,
        quantity=place.quantity,
        reason=reason,
        message=message,
    )
