"""An order ticket: what was typed, checked, made an order once, and its outcome in words."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from dashboard import formats, words
from dashboard.errors import ApiError, RefusedError
from dashboard.payloads import Asset, NewOrder, Order, OrderType, Side, TimeInForce

QUANTITY_MAX = 100_000_000
PRICE_MAX = 1_000_000.0
REPEAT_WINDOW_S = 1.0
"""A second identical order sooner than this after the first is the same click, not a second wish."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What stands in the ticket; a number is None while its field holds none."""

    symbol: str
    side: Side
    type: OrderType
    quantity: int | None
    price: float | None
    time_in_force: TimeInForce
    post_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How sending a ticket ended, for the person who sent it."""

    kind: Literal["done", "resting", "nothing", "unknown"]
    text: str


def problem(typed: Typed, asset: Asset) -> str | None:
    """Say in a sentence what keeps the ticket from being sent, or None."""
    if typed.quantity is None:
        return "Type how many shares, a whole number such as 100."
    if not 1 <= typed.quantity <= QUANTITY_MAX:
        return f"The quantity must be from 1 to {formats.number(QUANTITY_MAX)} shares."
    if typed.quantity % asset.lot_size:
        return f"{asset.symbol} trades in lots of {asset.lot_size}: the quantity must be a multiple of it."
    return _price_problem(typed, asset) if typed.type == "limit" else None


def _price_problem(typed: Typed, asset: Asset) -> str | None:
    if typed.price is None:
        return f"Type the limit price with a decimal comma, such as {_example(asset)}."
    if not 0 < typed.price <= PRICE_MAX:
        return f"The price must be above zero and at most {formats.price(PRICE_MAX)}."
    ticks = typed.price / asset.tick_size
    if abs(ticks - round(ticks)) > 1e-6 * max(1.0, ticks * 1e-6):
        return f"The price must be a multiple of {formats.price(asset.tick_size, asset.tick_size)}."
    return None


def order(typed: Typed, asset: Asset, client_order_id: str | None = None) -> NewOrder:
    """Make the order that a ticket without a problem asks for."""
    assert typed.quantity is not None
    limited = typed.type == "limit"
    assert not limited or typed.price is not None
    return NewOrder(
        client_order_id=client_order_id,
        symbol=typed.symbol,
        side=typed.side,
        type=typed.type,
        quantity=typed.quantity,
        price=_on_tick(typed.price, asset.tick_size) if limited and typed.price is not None else None,
        time_in_force=typed.time_in_force,
        post_only=typed.post_only and limited,
    )


def _example(asset: Asset) -> str:
    return formats.number(asset.last_price or asset.reference_price, formats.decimals_of(asset.tick_size))


def _on_tick(price: float, tick_size: float) -> float:
    return round(round(price / tick_size) * tick_size, 4)


@dataclass(slots=True)
class Identity:
    """Gives each wish one `client_order_id`: the same click twice, or a retry, keeps it.

    An id is kept for the same content until the market has answered, and for a moment after.
    """

    make_id: Callable[[], str] = field(default=lambda: f"page-{uuid.uuid4().hex}")
    _typed: Typed | None = None
    _client_order_id: str = ""
    _answered_s: float | None = None

    def of(self, typed: Typed, *, now_s: float) -> str:
        """Give the id under which to send what was typed."""
        repeated = typed == self._typed and (
            self._answered_s is None or now_s - self._answered_s < REPEAT_WINDOW_S
        )
        if not repeated:
            self._typed, self._client_order_id, self._answered_s = typed, self.make_id(), None
        return self._client_order_id

    def answered(self, *, now_s: float) -> None:
        """Note that the market gave a definite answer."""
        self._answered_s = now_s


def outcome(order: Order, asset: Asset) -> Outcome:
    """Tell what became of an order."""
    bought = "Bought" if order.side == "buy" else "Sold"
    to_buy = "to buy" if order.side == "buy" else "to sell"
    total = formats.number(order.quantity or 0)
    filled = formats.number(order.filled_quantity)
    rest = formats.number(order.remaining_quantity)
    average = _price(order.average_price, asset)
    limit = _price(order.price, asset)
    if order.status == "filled":
        return Outcome(kind="done", text=f"{bought} {filled} {order.symbol} at {average}.")
    if order.status == "new":
        text = f"Order {to_buy} {total} {order.symbol} at {limit} is in the book."
        return Outcome(kind="resting", text=text)
    if order.status == "partially_filled":
        text = f"{bought} {filled} of {total} {order.symbol} at {average}; {rest} wait at {limit}."
        return Outcome(kind="resting", text=text)
    if order.status in {"canceled", "expired"} and order.filled_quantity:
        text = f"{bought} {filled} of {total} {order.symbol} at {average}; the rest was not placed."
        return Outcome(kind="done", text=text)
    if order.status in {"canceled", "expired", "rejected"}:
        why = words.refusal(order.reason or "", order.message or "Nothing could be traded at once.")
        return Outcome(kind="nothing", text=f"No order was placed. {why}")
    text = "Sent. The market has not answered yet; My orders shows the order as soon as it has."
    return Outcome(kind="unknown", text=text)


def failure(error: ApiError) -> Outcome:
    """Tell why no answer, or a refusal, came."""
    if isinstance(error, RefusedError):
        return Outcome(
            kind="nothing", text=f"No order was placed. {words.refusal(error.reason, error.message)}"
        )
    if error.reason == "unreachable":
        return Outcome(
            kind="nothing", text=f"No order was placed. {error.message} Send it again in a moment."
        )
    text = (
        f"{error.message} The order may have been placed: look at My orders, or send the same ticket "
        "again, which cannot place it twice."
    )
    return Outcome(kind="unknown", text=text)


def _price(value: float | None, asset: Asset) -> str:
    return "the market" if value is None else formats.price(value, asset.tick_size)
