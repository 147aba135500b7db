"""What became of an order, in a sentence for the person who sent it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

from dashboard import formats, words
from homebroker.client import ClientError, NewOrder, Order, RefusedError, Ticker

AUCTIONS: Final = {
    "at_open": "the auction that opens the market",
    "at_close": "the auction that closes the market",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How sending a ticket ended, for the person who sent it."""

    kind: Literal["done", "resting", "nothing", "unknown"]
    text: str


def of_order(order: Order, asset: Ticker) -> Outcome:
    """Tell what became of an order."""
    bought = "Bought" if order.side == "buy" else "Sold"
    traded = f"{bought} {formats.number(order.filled_quantity)}"
    total = formats.number(order.quantity or 0)
    average = _price(order.average_price, asset)
    if order.status == "filled":
        return Outcome(kind="done", text=f"{traded} {order.symbol} at {average}.")
    if order.status in {"new", "pending_trigger", "partially_filled"}:
        return Outcome(kind="resting", text=_waiting(order, asset, traded))
    if order.status not in {"canceled", "expired", "rejected"}:
        text = (
            "Sent. The market has not answered yet; Open orders, or My trades, shows the order as soon as it "
            "has. The same ticket sent again cannot place it twice."
        )
        return Outcome(kind="unknown", text=text)
    why = words.refusal(order.reason or "", order.message or "")
    if order.filled_quantity:
        text = f"{traded} of {total} {order.symbol} at {average}; the rest was not placed. {why}"
        return Outcome(kind="done", text=text.rstrip())
    why = why or "Nothing could be traded at once."
    return Outcome(kind="nothing", text=f"No order was placed. {why}")


def found_again(told: Outcome) -> Outcome:
    """Tell that an outcome is of the order which was sent before, and had no answer then."""
    return replace(told, text=f"It is the order that you sent before, placed once. {told.text}")


def _waiting(order: Order, asset: Ticker, traded: str) -> str:
    total = formats.number(order.quantity or 0)
    what = f"{'to buy' if order.side == 'buy' else 'to sell'} {total} {order.symbol}"
    limit = _price(order.price, asset)
    if order.status == "new":
        return f"Order {what} at {limit} went into the book."
    if order.time_in_force in AUCTIONS:
        return f"Order {what} at {limit} waits for {AUCTIONS[order.time_in_force]}."
    if order.status == "pending_trigger":
        return f"Stop order {what} waits for a trade at {_stop(order.side, order.stop_price, asset)}."
    rest = formats.number(order.remaining_quantity)
    average = _price(order.average_price, asset)
    return f"{traded} of {total} {order.symbol} at {average}; {rest} wait at {limit}."


def failure(error: ClientError) -> Outcome:
    """Tell why no answer, or a refusal, came."""
    if isinstance(error, RefusedError):
        return Outcome(
            kind="nothing", text=f"No order was placed. {words.refusal(error.reason, error.message)}"
        )
    if error.reason == "unreachable":
        return Outcome(
            kind="nothing", text=f"No order was placed. {words.trouble(error)} Send it again in a moment."
        )
    text = (
        f"{words.trouble(error)} The order may have been placed: look at Open orders, or send the same "
        "ticket again, which cannot place it twice."
    )
    return Outcome(kind="unknown", text=text)


def wish(order: NewOrder, asset: Ticker) -> str:
    """Say what an order asks for, before it is sent."""
    side = "Buy" if order.side == "buy" else "Sell"
    parts = [f"{side} {formats.number(order.quantity)} {order.symbol}"]
    if order.type == "limit":
        parts.append(f"at {_price(order.price, asset)} or better")
    elif order.type == "market":
        parts.append("at the market's price")
    elif order.type == "market_to_limit":
        parts.append("at the best opposite price; the rest waits there")
    else:
        parts.append(f"once a trade is at {_stop(order.side, order.stop_price, asset)}")
        parts.append(
            "at the market's price" if order.type == "stop" else f"at {_price(order.price, asset)} or better"
        )
    if order.time_in_force in AUCTIONS:
        parts.append(f"only in {AUCTIONS[order.time_in_force]}")
    if order.display_quantity is not None:
        parts.append(f"showing {formats.number(order.display_quantity)} at a time")
    return ", ".join(parts) + "."


def _stop(side: str | None, price: float | None, asset: Ticker) -> str:
    return f"{_price(price, asset)} or {'higher' if side == 'buy' else 'lower'}"


def _price(value: float | None, asset: Ticker) -> str:
    return "the market" if value is None else formats.price(value, asset.tick_size)
