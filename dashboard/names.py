"""What a person reads for an order's terms; the live panes say the same (words.js)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from dashboard import formats
from homebroker.client import Order, OrderType, Side, TimeInForce

TYPES: Final[dict[OrderType, str]] = {
    "limit": "Limit",
    "market": "Market",
    "market_to_limit": "Market to limit",
    "stop": "Stop",
    "stop_limit": "Stop limit",
}
TIMES_IN_FORCE: Final[dict[TimeInForce, str]] = {
    "day": "Day",
    "gtc": "Until canceled",
    "gtd": "Until a date",
    "ioc": "Now or cancel the rest",
    "fok": "All now or nothing",
    "at_open": "At the opening",
    "at_close": "At the close",
}
SIDES: Final[dict[Side, str]] = {"buy": "Buy", "sell": "Sell"}


def type_of(order: Order) -> str:
    """Name an order's type, and whether it only ever waits in the book."""
    name = _name(TYPES, order.type)
    return f"{name}, post only" if order.post_only else name


def side_of(side: str | None) -> str:
    """Name a side; a report without one has none."""
    return _name(SIDES, side)


def lasting(order: Order, zone: ZoneInfo, now_ms: int) -> str:
    """Say how long an order is in force, with the date of one that has its own.

    What an order was asked before reports told its date is not known here.
    """
    if order.expires_at_ms is None:
        return _name(TIMES_IN_FORCE, order.time_in_force)
    return f"Until {formats.moment(order.expires_at_ms, zone, now_ms)}"


def shown(order: Order) -> str:
    """Say how much of an iceberg the book shows at a time; of another order nothing."""
    return f"shows {formats.number(order.display_quantity)}" if order.display_quantity else ""


def terms(order: Order, zone: ZoneInfo, now_ms: int) -> str:
    """Say in a line what an order asks for: side, shares, symbol, type, time."""
    size = formats.number(order.quantity) if order.quantity else ""
    what = " ".join(filter(None, [side_of(order.side), size, order.symbol]))
    parts = [what, shown(order), type_of(order), lasting(order, zone, now_ms)]
    return " · ".join(filter(None, parts))


def _name(names: Mapping[Any, str], word: str | None) -> str:
    return names.get(word or "", "")
