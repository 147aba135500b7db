"""Place, read, amend and cancel orders."""

from __future__ import annotations

import secrets
from typing import Annotated, Any, Literal, TypeAlias

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from api import trading
from api.dependencies import Investor, OrderId, WithServices, WithView, json_body, json_response
from api.errors import ApiError, answers, unknown_order, unknown_symbol
from api.history import HistoryUnavailableError
from api.live.view import LiveView
from api.naming import order_id_of
from api.payloads import OrderRow, PendingOrder
from api.services import Services, newest_first
from api.trading import Accepted, IdTaken, Pending, Refused
from engine.domain import (
    ID_LENGTH_MAX,
    PRICE_UNITS_MAX,
    QUANTITY_MAX,
    SYMBOL_PATTERN,
    TIME_MS_MAX,
    UNITS_PER_CURRENCY,
    Amend,
    Cancel,
    CancelAll,
    OrderType,
    Place,
    Reason,
    SelfTrade,
    Side,
    TimeInForce,
)
from engine.units import NotExactError, units_from_decimal

router = APIRouter(prefix="/orders", tags=["orders"])

_ORDERS_MAX = 1_000
_Id: TypeAlias = Annotated[str, Field(min_length=1, max_length=ID_LENGTH_MAX, pattern=r"^[^\x00-\x1f\x7f]+$")]
_Price: TypeAlias = Annotated[
    float, Field(gt=0, le=PRICE_UNITS_MAX / UNITS_PER_CURRENCY, allow_inf_nan=False)
]
_Quantity: TypeAlias = Annotated[int, Field(ge=1, le=QUANTITY_MAX, strict=True)]
_PENDING: dict[int | str, dict[str, Any]] = {
    202: {"model": PendingOrder, "description": "In the log, but the engine has not answered within 2 s."}
}


class NewOrder(BaseModel):
    """An order to place; unknown fields are passed over.

    With a `client_order_id` the same order sent twice is placed once, whatever happens in between.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"symbol": "PETR4", "side": "buy", "type": "limit", "quantity": 100, "price": 38.51}
        }
    )

    symbol: Annotated[str, Field(pattern=SYMBOL_PATTERN)]
    side: Side
    quantity: _Quantity
    type: OrderType = OrderType.LIMIT
    price: _Price | None = None
    stop_price: _Price | None = None
    time_in_force: TimeInForce = TimeInForce.DAY
    expires_at_ms: Annotated[int, Field(ge=0, le=TIME_MS_MAX, strict=True)] | None = None
    display_quantity: _Quantity | None = None
    post_only: Annotated[bool, Field(strict=True)] = False
    self_trade: SelfTrade = SelfTrade.EXPIRE_TAKER
    order_id: _Id | None = None
    client_order_id: _Id | None = None

    def command(self, investor_id: str) -> Place:
        """Make the command of an investor."""
        if self.order_id is not None and self.client_order_id is not None:
            raise ApiError(
                422, "malformed", "Give order_id or client_order_id: the first would be made of the other."
            )
        order_id = self.order_id or f"o-{secrets.token_hex(12)}"
        if self.client_order_id is not None:
            order_id = order_id_of(investor_id, self.client_order_id)
        return Place(
            order_id=order_id,
            client_order_id=self.client_order_id,
            investor_id=investor_id,
            symbol=self.symbol,
            side=self.side,
            quantity=self.quantity,
            type=self.type,
            price_units=_price_units("price", self.price),
            stop_price_units=_price_units("stop_price", self.stop_price),
            time_in_force=self.time_in_force,
            expires_at_ms=self.expires_at_ms,
            display_quantity=self.display_quantity,
            post_only=self.post_only,
            self_trade=self.self_trade,
        )


class OrderChange(BaseModel):
    """A new total quantity (what is filled counts in it), a new price, or both."""

    quantity: _Quantity | None = None
    price: _Price | None = None


class OrderQuery(BaseModel):
    """Which orders are asked for."""

    status: Annotated[Literal["open", "closed", "all"], Field(description="which ones")] = "open"
    symbol: Annotated[str | None, Field(max_length=64, description="of one symbol only")] = None
    limit: Annotated[int, Field(ge=1, le=_ORDERS_MAX, description="at most this many")] = 500


@router.post(
    "",
    status_code=201,
    response_model=OrderRow,
    summary="Place an order",
    dependencies=[Depends(json_body)],
    responses={
        200: {"model": OrderRow, "description": "It was placed before under this client_order_id."},
        **_PENDING,
        **answers(400, 403, 409, 413, 415, 422, 503),
    },
)
async def place_order(
    order: NewOrder, services: WithServices, _view: WithView, investor: Investor
) -> Response:
    """Put an order into the log and answer with it as the engine left it: resting, filled, or expired."""
    command = order.command(investor)
    outcome = await trading.place(services, command)
    if isinstance(outcome, Accepted):
        return json_response(outcome.orders[0], 200 if outcome.again else 201)
    if isinstance(outcome, IdTaken):
        raise _other_order(outcome.order)
    return _not_accepted(outcome, command.order_id)


@router.get("", response_model=list[OrderRow], summary="List orders", responses=answers(404, 422, 503))
async def list_orders(
    services: WithServices, view: WithView, investor: Investor, wanted: Annotated[OrderQuery, Query()]
) -> Response:
    """List the investor's orders, newest first; finished ones as far back as the history goes."""
    symbol, limit = wanted.symbol, wanted.limit
    _check_symbol(view, symbol)
    orders: list[OrderRow] = []
    if wanted.status != "open":
        orders = await services.finished_orders(investor, symbol, limit=limit)
    if wanted.status != "closed":
        orders = newest_first([*view.orders.open(investor, symbol, limit=limit), *orders])
    return json_response(orders[:limit])


@router.get(
    "/{order_id:path}", response_model=OrderRow, summary="Read an order", responses=answers(404, 422, 503)
)
async def read_order(
    order_id: OrderId, services: WithServices, _view: WithView, investor: Investor
) -> Response:
    """Give an order as the engine last reported it."""
    order = await services.order(investor, order_id)
    if order is None:
        raise unknown_order(order_id)
    return json_response(order)


@router.patch(
    "/{order_id:path}",
    response_model=OrderRow,
    summary="Amend an order",
    dependencies=[Depends(json_body)],
    responses={**_PENDING, **answers(400, 403, 404, 413, 415, 422, 503)},
)
async def amend_order(
    order_id: OrderId, wanted: OrderChange, services: WithServices, _view: WithView, investor: Investor
) -> Response:
    """Change an open order. It keeps its place in the queue only if the price stays and it does not grow."""
    if wanted.quantity is None and wanted.price is None:
        raise ApiError(422, "malformed", "Give a quantity, a price, or both.")
    command = Amend(
        order_id=order_id,
        investor_id=investor,
        quantity=wanted.quantity,
        price_units=_price_units("price", wanted.price),
    )
    return await _changed(services, await trading.change(services, command), command)


@router.delete(
    "/{order_id:path}",
    response_model=OrderRow,
    summary="Cancel an order",
    responses={**_PENDING, **answers(403, 404, 422, 503)},
)
async def cancel_order(
    order_id: OrderId, services: WithServices, _view: WithView, investor: Investor
) -> Response:
    """Take an open order out of the book."""
    command = Cancel(order_id=order_id, investor_id=investor)
    return await _changed(services, await trading.change(services, command), command)


@router.delete(
    "",
    response_model=list[OrderRow],
    summary="Cancel all orders",
    responses={**_PENDING, **answers(403, 404, 422, 503)},
)
async def cancel_all_orders(
    services: WithServices,
    view: WithView,
    investor: Investor,
    symbol: Annotated[str | None, Query(max_length=64, description="of one symbol only")] = None,
) -> Response:
    """Cancel every open order and list those that were."""
    _check_symbol(view, symbol)
    outcome = await trading.cancel_all(services, CancelAll(investor_id=investor, symbol=symbol))
    return json_response(outcome.orders) if isinstance(outcome, Accepted) else _not_accepted(outcome, "")


def _other_order(order: OrderRow) -> ApiError:
    message = (
        f"You had another order under this client_order_id: {order.side} {order.quantity} {order.symbol}, "
        f"which is {order.status}. Give this one a new client_order_id."
    )
    return ApiError(409, Reason.DUPLICATE_ORDER_ID, message)


async def _changed(
    services: Services, outcome: Accepted | Refused | Pending, command: Amend | Cancel
) -> Response:
    if isinstance(outcome, Accepted):
        return json_response(outcome.orders[0])
    if isinstance(outcome, Refused) and outcome.reason == Reason.UNKNOWN_ORDER:
        raise await _not_open(services, command)
    return _not_accepted(outcome, command.order_id)


async def _not_open(services: Services, command: Amend | Cancel) -> ApiError:
    try:
        order = await services.order(command.investor_id, command.order_id)
    except HistoryUnavailableError:
        message = "No open order has this id; older ones are known again when the history is back."
        return ApiError(422, Reason.UNKNOWN_ORDER, message)
    if order is None:
        return unknown_order(command.order_id)
    return ApiError(422, Reason.UNKNOWN_ORDER, f"The order is not open any more: it is {order.status}.")


def _not_accepted(outcome: Refused | Pending, order_id: str) -> Response:
    if isinstance(outcome, Refused):
        raise ApiError(422, outcome.reason, outcome.message)
    message = "The engine has not answered yet, but will: GET /orders tells what became of it."
    return json_response(PendingOrder(order_id=order_id, status="pending", message=message), 202)


def _check_symbol(view: LiveView, symbol: str | None) -> None:
    if symbol is not None and symbol not in view.assets:
        raise unknown_symbol(symbol)


def _price_units(name: str, price: float | None) -> int | None:
    try:
        return None if price is None else units_from_decimal(price)
    except NotExactError as error:
        raise ApiError(422, Reason.BAD_PRICE, f"{name}: {error}.") from error
