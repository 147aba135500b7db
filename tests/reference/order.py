"""An order, and the reports of what happens to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.domain import (
    OPEN_STATUSES,
    Execution,
    ExecutionType,
    OrderType,
    Place,
    SelfTrade,
    Side,
    Status,
    TimeInForce,
)
from tests.reference.fees import Fees

RESTING_TIMES = frozenset({TimeInForce.DAY, TimeInForce.GTC, TimeInForce.GTD})
AUCTION_TIMES = frozenset({TimeInForce.AT_OPEN, TimeInForce.AT_CLOSE})
STOP_TYPES = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})


@dataclass(kw_only=True, eq=False)
class Order:
    """An accepted order. `quantity` is the total wanted, filled shares included.

    `shown` is how much of it may trade before it queues again, while it rests; `fees` and
    `worst_price_units`, the most that the band let a share cost, are the asset's at its acceptance.
    """

    order_id: str
    client_order_id: str | None
    investor_id: str
    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    price_units: int | None
    stop_price_units: int | None
    quantity: int
    display_quantity: int | None
    post_only: bool
    self_trade: SelfTrade
    expires_at_ms: int | None
    accepted_offset: int
    fees: Fees
    worst_price_units: int | None
    status: Status
    filled_quantity: int = 0
    traded_units: int = 0
    shown: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.status in OPEN_STATUSES

    @property
    def waits(self) -> bool:
        """Whether it is outside the book, where it waits for its stop price or its auction's end."""
        return self.status is Status.PENDING_TRIGGER

    @property
    def may_rest(self) -> bool:
        """Whether what matching leaves of it goes into the book."""
        return self.price_units is not None and self.time_in_force in RESTING_TIMES

    @property
    def remaining_quantity(self) -> int:
        """Shares that may still trade, hidden ones included."""
        return self.quantity - self.filled_quantity

    @property
    def slice_quantity(self) -> int:
        """Shares that show when it joins a queue."""
        return min(self.remaining_quantity, self.display_quantity or self.remaining_quantity)

    @property
    def resting_price_units(self) -> int:
        """The price of an order that rests."""
        assert self.price_units is not None, "only orders with a price rest"
        return self.price_units

    @property
    def needed_units(self) -> int:
        """The cash that a buy needs, and holds while it rests or waits, for what is left of it.

        For each share its price, without one the worst that the band allowed, else the stop price; and the
        share's fee. A market order without a band needs none beforehand.
        """
        price_units = self.price_units or self.worst_price_units or self.stop_price_units
        if price_units is None:
            return 0
        return self.remaining_quantity * self.fees.share_cost_units(price_units)

    def reaches(self, price_units: int) -> bool:
        """Tell whether it may trade at a price; an order without a price may at any."""
        if self.price_units is None:
            return True
        return price_units <= self.price_units if self.side is Side.BUY else price_units >= self.price_units


def order_from(
    place: Place,
    *,
    accepted_offset: int,
    expires_at_ms: int | None,
    fees: Fees,
    worst_price_units: int | None,
) -> Order:
    """Make the order that a valid `place` command asks for."""
    waits = place.type in STOP_TYPES or place.time_in_force in AUCTION_TIMES
    return Order(
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
        display_quantity=place.display_quantity,
        post_only=place.post_only,
        self_trade=place.self_trade,
        expires_at_ms=expires_at_ms,
        accepted_offset=accepted_offset,
        fees=fees,
        worst_price_units=worst_price_units,
        status=Status.PENDING_TRIGGER if waits else Status.NEW,
    )


def report(order: Order, execution_type: ExecutionType, **what_happened: Any) -> Execution:
    """Report a change of an order; the order's status is already the one after it."""
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
        stop_price_units=order.stop_price_units,
        quantity=order.quantity,
        filled_quantity=order.filled_quantity,
        remaining_quantity=order.remaining_quantity if order.is_open else 0,
        traded_units=order.traded_units,
        display_quantity=order.display_quantity,
        post_only=order.post_only,
        self_trade=order.self_trade,
        expires_at_ms=order.expires_at_ms if order.time_in_force is TimeInForce.GTD else None,
        **what_happened,
    )
