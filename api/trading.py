"""Commands on an investor's behalf, and what the engine made of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from api import metrics
from api.live.orders import next_order
from api.payloads import OrderRow
from api.services import Services
from engine.domain import Amend, Cancel, CancelAll, ExecutionType, OrderType, Place, Reason
from engine.units import decimal_from_units
from engine.wire.records import ExecutionReport

ANSWER_TIMEOUT_MS = 2_000


class Accepted(Struct, frozen=True, kw_only=True):
    """Done, with the orders as they were right after it. `again`: the order had been placed before."""

    orders: Sequence[OrderRow]
    again: bool = False


class Refused(Struct, frozen=True, kw_only=True):
    """Refused by the engine."""

    reason: str
    message: str


class IdTaken(Struct, frozen=True, kw_only=True):
    """Not placed: the client's id is that of another order of its own, which stands as it was."""

    order: OrderRow


class Pending(Struct, frozen=True, kw_only=True):
    """In the log, but not answered in time."""


async def place(services: Services, command: Place) -> Accepted | Refused | Pending | IdTaken:
    """Place an order; one that was placed before under the client's same id is given as it now is.

    Raises
    ------
    HistoryUnavailableError
        When the id was used before, and only the history could tell whether for the same order.
    BrokerUnavailableError
        When it is not known whether the command is in the log; of this and all functions here.
    """
    reports = await _answer(services, command)
    if reports is None:
        return Pending()
    refusal = _refusal(reports)
    if refusal is None:
        return Accepted(orders=_orders_after(reports, command.order_id, before=None))
    if refusal.reason == Reason.DUPLICATE_ORDER_ID and command.client_order_id is not None:
        order = await services.order(command.investor_id, command.order_id)
        if order is not None:
            is_same = await _is_order_of(services, command, order)
            return Accepted(orders=[order], again=True) if is_same else IdTaken(order=order)
    return refusal


async def change(services: Services, command: Amend | Cancel) -> Accepted | Refused | Pending:
    """Amend or cancel an order."""
    reports = await _answer(services, command)
    if reports is None:
        return Pending()
    before = services.view.orders.get(command.investor_id, command.order_id)
    refusal = _refusal(reports)
    return refusal or Accepted(orders=_orders_after(reports, command.order_id, before=before))


async def cancel_all(services: Services, command: CancelAll) -> Accepted | Refused | Pending:
    """Cancel all open orders; there may be none."""
    reports = await _answer(services, command)
    if reports is None:
        return Pending()
    refusal = _refusal(reports)
    if refusal is not None:
        return Accepted(orders=[]) if refusal.reason == Reason.UNKNOWN_ORDER else refusal
    canceled = [report for report in reports if report.execution_type is ExecutionType.CANCELED]
    orders = [
        next_order(services.view.orders.get(command.investor_id, report.order_id), report)
        for report in canceled
    ]
    return Accepted(orders=[order for order in orders if order is not None])


async def _answer(
    services: Services, command: Place | Amend | Cancel | CancelAll
) -> Sequence[ExecutionReport] | None:
    begun_s = time.perf_counter()
    offset = await services.sender.append(command)
    reports = await services.view.answers.wait(offset, command.investor_id, timeout_ms=ANSWER_TIMEOUT_MS)
    metrics.count_command(time.perf_counter() - begun_s, answered=reports is not None)
    return reports


async def _is_order_of(services: Services, command: Place, order: OrderRow) -> bool:
    """Tell whether an order is the one that a command would place: also when it was amended since."""
    if _terms(order)[_AMENDED:] != _terms_of(command)[_AMENDED:]:
        return False
    if _terms(order) == _terms_of(command):
        return True
    placed = await services.placed_order(command.investor_id, command.order_id)
    return placed is not None and _terms(placed) == _terms_of(command)


_AMENDED: Final = 2
"""How many of an order's terms, the first, an amendment may change."""


def _terms(order: OrderRow) -> tuple[object, ...]:
    # Its price the engine finds for itself.
    price = None if order.type is OrderType.MARKET_TO_LIMIT else order.price
    return (
        *(order.quantity, price),
        *(order.symbol, order.side, order.type, order.time_in_force, order.stop_price),
        *(order.expires_at_ms, order.display_quantity, order.post_only, order.self_trade),
    )


def _terms_of(command: Place) -> tuple[object, ...]:
    price, stop_price = (
        None if units is None else decimal_from_units(units)
        for units in (command.price_units, command.stop_price_units)
    )
    return (
        *(command.quantity, price),
        *(command.symbol, command.side, command.type, command.time_in_force, stop_price),
        *(command.expires_at_ms, command.display_quantity, command.post_only, command.self_trade),
    )


def _refusal(reports: Sequence[ExecutionReport]) -> Refused | None:
    for report in reports:
        if report.execution_type is ExecutionType.REJECTED:
            return Refused(reason=report.reason or Reason.MALFORMED, message=report.message or "")
    return None


def _orders_after(
    reports: Sequence[ExecutionReport], order_id: str, *, before: OrderRow | None
) -> Sequence[OrderRow]:
    order = before
    for report in reports:
        if report.order_id == order_id:
            order = next_order(order, report)
    return [] if order is None else [order]
