"""An order ticket: what was typed, checked, and made an order once."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from dashboard import formats
from homebroker.client import NewOrder, OrderType, Side, Ticker, TimeInForce

QUANTITY_MAX = 100_000_000
PRICE_MAX = 1_000_000.0
REPEAT_WINDOW_S = 1.0
"""A second identical order sooner than this after the first is the same click, not a second wish."""
HIDDEN_SHARE_MAX = 1_000
"""An iceberg shows at least the thousandth part of its quantity."""
SURPRISING_SHARE: Final = 0.05
"""A limit that much worse than the market is asked about, whatever the person chose: it is mostly a slip."""
PRICED: Final[frozenset[OrderType]] = frozenset({"limit", "stop_limit"})
STOPPED: Final[frozenset[OrderType]] = frozenset({"stop", "stop_limit"})
RESTING: Final[frozenset[TimeInForce]] = frozenset({"day", "gtc", "gtd"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What stands in the ticket; a number is None while its field holds none.

    `display_quantity` is None where nothing is hidden, 0 where what was typed is no number.
    """

    symbol: str
    side: Side
    type: OrderType
    quantity: int | None
    price: float | None
    time_in_force: TimeInForce
    post_only: bool
    stop_price: float | None = None
    display_quantity: int | None = None
    expires_at_ms: int | None = None


def times_in_force(order_type: OrderType) -> list[TimeInForce]:
    """List how long an order of a type may be good, in whatever phase.

    One that waits for its stop cannot be for now only. Limit orders may be for an auction alone: market
    orders would need a price band, of which the page does not know. What the phase of the moment takes is
    told beside (`ticket_notes.js`): were it left out here, a phase that changes would make an order for the
    opening one for the day.
    """
    if order_type in STOPPED:
        return ["day", "gtc", "gtd"]
    times: list[TimeInForce] = ["day", "gtc", "gtd", "ioc", "fok"]
    if order_type == "limit":
        times += ["at_open", "at_close"]
    return times


def problem(typed: Typed, asset: Ticker, *, now_ms: int) -> str | None:
    """Say in a sentence what keeps the ticket from being sent, or None."""
    found = _quantity_problem(typed, asset)
    if found is None and typed.type in STOPPED:
        found = _price_problem(typed.stop_price, "stop price", asset)
    if found is None and typed.type in PRICED:
        found = _price_problem(typed.price, "limit price", asset)
    if found is None and typed.time_in_force == "gtd":
        if typed.expires_at_ms is None:
            return "Choose the day and time until which the order is good."
        if typed.expires_at_ms <= now_ms:
            return "The order would have expired already; choose a later day or time."
    return found


def surprise(typed: Typed, asset: Ticker) -> str | None:
    """Say what about an order that may be sent its sender has hardly meant, or None."""
    last = asset.last_price
    if last is None:
        return None
    stop = typed.stop_price if typed.type in STOPPED else None
    if stop is not None and (stop <= last if typed.side == "buy" else stop >= last):
        beyond = "above" if typed.side == "buy" else "below"
        return (
            f"The last price, {_price(last, asset)}, is past the stop: it goes off at once. Put it {beyond}."
        )
    if typed.price is None or typed.type not in PRICED:
        return None
    # From its stop on, where it has one: that is the market by then.
    start = stop or last
    share = typed.price / start - 1 if typed.side == "buy" else 1 - typed.price / start
    if share < SURPRISING_SHARE:
        return None
    where = "above" if typed.side == "buy" else "below"
    of = f"the {'stop' if stop else 'last'} price, {_price(start, asset)}"
    return f"The limit is {formats.number(100 * share, 1)}% {where} {of}. Is it meant?"


def _price(value: float, asset: Ticker) -> str:
    return formats.price(value, asset.tick_size)


def _quantity_problem(typed: Typed, asset: Ticker) -> str | None:
    if typed.quantity is None:
        return "Type how many shares, a whole number such as 100."
    if not 1 <= typed.quantity <= QUANTITY_MAX:
        return f"The quantity must be from 1 to {formats.number(QUANTITY_MAX)} shares."
    if typed.quantity % asset.lot_size:
        return f"{asset.symbol} trades in lots of {asset.lot_size}: the quantity must be a multiple of it."
    return _display_problem(typed.display_quantity, typed.quantity, asset) if _may_hide(typed) else None


def _display_problem(shown: int | None, quantity: int, asset: Ticker) -> str | None:
    if shown is None:
        return None
    if shown < 1 or shown % asset.lot_size:
        return f"Show at a time a whole number of shares, a multiple of {asset.lot_size}, or leave it empty."
    if shown > quantity:
        return "An order cannot show more shares at a time than it has; show fewer, or leave it empty."
    if shown * HIDDEN_SHARE_MAX < quantity:
        return f"Show at least a thousandth of the order: {formats.number(-(-quantity // 1_000))} shares."
    return None


def _price_problem(price: float | None, name: str, asset: Ticker) -> str | None:
    if price is None:
        return f"Type the {name} with a decimal comma, such as {_example(asset)}."
    if not 0 < price <= PRICE_MAX:
        return f"The {name} must be above zero and at most {formats.price(PRICE_MAX)}."
    ticks = price / asset.tick_size
    if abs(ticks - round(ticks)) > 1e-6 * max(1.0, ticks * 1e-6):
        return f"The {name} must be a multiple of {formats.price(asset.tick_size, asset.tick_size)}."
    return None


def order(typed: Typed, asset: Ticker, client_order_id: str | None = None) -> NewOrder:
    """Make the order that a ticket without a problem asks for; what is not of its type stays behind."""
    assert typed.quantity is not None
    price = _on_tick(typed.price, asset.tick_size) if typed.type in PRICED else None
    stop_price = _on_tick(typed.stop_price, asset.tick_size) if typed.type in STOPPED else None
    hides = _may_hide(typed) and typed.display_quantity not in {None, typed.quantity}
    return NewOrder(
        client_order_id=client_order_id,
        symbol=typed.symbol,
        side=typed.side,
        type=typed.type,
        quantity=typed.quantity,
        price=price,
        stop_price=stop_price,
        display_quantity=typed.display_quantity if hides else None,
        expires_at_ms=typed.expires_at_ms if typed.time_in_force == "gtd" else None,
        time_in_force=typed.time_in_force,
        post_only=typed.post_only and _may_hide(typed),
    )


def _may_hide(typed: Typed) -> bool:
    # Only an order that rests in the book can hide shares there, or insist on waiting.
    return typed.type == "limit" and typed.time_in_force in RESTING


def _example(asset: Ticker) -> str:
    return formats.number(asset.last_price or asset.reference_price, formats.decimals_of(asset.tick_size))


def _on_tick(price: float | None, tick_size: float) -> float:
    assert price is not None
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
    is_doubted: bool = False
    """Whether what goes under this id was sent before, and may have been placed then."""

    def of(self, typed: Typed, *, now_s: float) -> str:
        """Give the id under which to send what was typed."""
        repeated = typed == self._typed and (
            self._answered_s is None or now_s - self._answered_s < REPEAT_WINDOW_S
        )
        if not repeated:
            self._typed, self._client_order_id, self._answered_s = typed, self.make_id(), None
            self.is_doubted = False
        return self._client_order_id

    def answered(self, *, now_s: float) -> None:
        """Note that the market gave a definite answer."""
        self._answered_s = now_s
        self.is_doubted = False

    def doubt(self) -> None:
        """Note that the order went out, and that nobody knows yet what became of it."""
        self.is_doubted = True
