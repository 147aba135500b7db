"""What an account may do at all: its kill switch, and the limits that a command has given it.

Each check gives a message, or 0.
"""

from __future__ import annotations

from typing import Any, Final

from engine.kernel import header as h
from engine.kernel.compile import inlined
from engine.messages import Message

_FINE: Final = 0
_SECOND_MS: Final = 1_000
_TRADING_DISABLED = int(Message.TRADING_DISABLED)
_ORDERS_PER_SECOND = int(Message.ORDERS_PER_SECOND)
_OPEN_ORDERS = int(Message.OPEN_ORDERS)
_ACCOUNT_ORDER_VALUE = int(Message.ACCOUNT_ORDER_VALUE)


@inlined
def check_may_trade(market: Any, account: int) -> int:
    """Check that an account may send an order or a change now, and count it."""
    row = market.accounts[account]
    if row.trading_disabled:
        return _TRADING_DISABLED
    if row.orders_per_second_max == 0:
        return _FINE
    second = market.header[h.TIME_MS] // _SECOND_MS
    if second != row.second:
        row.second = second
        row.orders_in_second = 0
    if row.orders_in_second == row.orders_per_second_max:
        market.header[h.SAY_PRICE] = row.orders_per_second_max
        return _ORDERS_PER_SECOND
    row.orders_in_second += 1
    return _FINE


@inlined
def check_own_value(market: Any, account: int, value: int) -> int:
    """Check what an order is worth against its account's limit."""
    limit = market.accounts[account].order_value_max
    if limit == 0 or value <= limit:
        return _FINE
    market.header[h.SAY_PRICE] = value
    market.header[h.SAY_DETAIL] = limit
    return _ACCOUNT_ORDER_VALUE


@inlined
def check_open_orders(market: Any, account: int) -> int:
    """Check that an account may have another open order."""
    row = market.accounts[account]
    if row.open_orders_max == 0 or row.open_orders < row.open_orders_max:
        return _FINE
    market.header[h.SAY_PRICE] = row.open_orders_max
    return _OPEN_ORDERS
