"""One investor's orders, rebuilt from execution reports."""

from __future__ import annotations

from collections import OrderedDict

from api.payloads import OrderRow
from engine.domain import OPEN_STATUSES, ExecutionType, Reason, Status
from engine.wire.records import ExecutionReport

FINISHED_MAX = 10_000
# What a refused command says of an order that is another one, or none; it makes no order.
_NO_ORDER = frozenset({Reason.DUPLICATE_ORDER_ID, Reason.UNKNOWN_ORDER, Reason.NOT_OWNER, Reason.MALFORMED})


def makes_order(report: ExecutionReport) -> bool:
    """Tell whether a report may be the first of an order, an accepted or a refused one."""
    return bool(report.order_id) and report.side is not None and report.reason not in _NO_ORDER


def next_order(order: OrderRow | None, report: ExecutionReport) -> OrderRow | None:
    """Give an order as it is after a report of it.

    A refused amendment, cancellation or second placing leaves the order as it was.
    """
    refused = report.execution_type is ExecutionType.REJECTED
    if refused and order is not None:
        return order
    if not makes_order(report) and (order is None or refused):
        return None
    again = order is not None and order.status is not Status.REJECTED
    return OrderRow(
        order_id=report.order_id,
        client_order_id=report.client_order_id or (order.client_order_id if order else None),
        symbol=report.symbol,
        side=report.side,
        type=report.type,
        time_in_force=report.time_in_force,
        price=report.price,
        stop_price=report.stop_price,
        quantity=report.quantity,
        filled_quantity=report.filled_quantity,
        remaining_quantity=report.remaining_quantity,
        average_price=report.average_price,
        status=report.status,
        reason=report.reason,
        message=report.message,
        created_ms=order.created_ms if order is not None and again else report.time_ms,
        updated_ms=report.time_ms,
    )


class LiveOrders:
    """An investor's open orders, all of them, and the finished ones, the newest `finished_max`."""

    def __init__(self, *, finished_max: int = FINISHED_MAX) -> None:
        self._finished_max = finished_max
        self._orders: dict[str, OrderRow] = {}
        self._finished: OrderedDict[str, None] = OrderedDict()

    def get(self, order_id: str) -> OrderRow | None:
        """Give an order, if it is known."""
        return self._orders.get(order_id)

    def apply(self, report: ExecutionReport) -> None:
        """Take in a report."""
        before = self._orders.get(report.order_id)
        order = next_order(before, report)
        if order is None or order is before:
            return
        if before is not None and before.status is Status.REJECTED:
            del self._orders[order.order_id], self._finished[order.order_id]
        self._orders[order.order_id] = order
        if order.status not in OPEN_STATUSES:
            self._finished[order.order_id] = None
            if len(self._finished) > self._finished_max:
                oldest, _ = self._finished.popitem(last=False)
                del self._orders[oldest]

    def open(self, symbol: str | None = None) -> list[OrderRow]:
        """Give the open orders, newest first; this and the next ones cost O(orders)."""
        return [order for order in self.all(symbol) if order.status in OPEN_STATUSES]

    def finished(self, symbol: str | None = None) -> list[OrderRow]:
        """Give the finished orders that are kept, newest first."""
        return [order for order in self.all(symbol) if order.status not in OPEN_STATUSES]

    def all(self, symbol: str | None = None) -> list[OrderRow]:
        """Give open and finished orders, newest first."""
        return [order for order in reversed(self._orders.values()) if symbol in (None, order.symbol)]
