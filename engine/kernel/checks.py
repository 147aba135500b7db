"""The rules that an order must meet before it changes anything.

Each function gives the message of the first rule that is broken, or 0.
"""

from __future__ import annotations

from typing import Any, Final

from engine.domain import BALANCE_UNITS_MAX, ORDER_VALUE_UNITS_MAX
from engine.kernel import header as h
from engine.kernel.compile import called, inlined, rarely
from engine.kernel.cover import new_share_cost
from engine.kernel.fees import share_cost
from engine.kernel.ladder import key_of
from engine.kernel.layout import HOUSE, NONE
from engine.kernel.limits import check_may_trade, check_open_orders, check_own_value
from engine.kernel.orders import is_for_auction
from engine.kernel.words import (
    AT_CLOSE,
    AT_OPEN,
    AUCTION,
    BUY,
    CONTINUOUS,
    DAY,
    GTC,
    GTD,
    LIMIT,
    MARKET,
    MARKET_TO_LIMIT,
    STOP,
    STOP_LIMIT,
)
from engine.messages import Message

SHOWN_PART_MIN: Final = 1_000

_FINE: Final = 0
_HALTED = int(Message.HALTED)
_AUCTION = int(Message.AUCTION)
_NEEDS_STOP_PRICE = int(Message.NEEDS_STOP_PRICE)
_TAKES_NO_STOP_PRICE = int(Message.TAKES_NO_STOP_PRICE)
_LOT = int(Message.LOT)
_NEEDS_PRICE = int(Message.NEEDS_PRICE)
_TAKES_NO_PRICE = int(Message.TAKES_NO_PRICE)
_TICK = int(Message.TICK)
_BAND = int(Message.BAND)
_POST_ONLY_TYPE = int(Message.POST_ONLY_TYPE)
_DISPLAY_TYPE = int(Message.DISPLAY_TYPE)
_DISPLAY_QUANTITY = int(Message.DISPLAY_QUANTITY)
_STOP_WAITS = int(Message.STOP_WAITS)
_NEEDS_EXPIRY = int(Message.NEEDS_EXPIRY)
_TAKES_NO_EXPIRY = int(Message.TAKES_NO_EXPIRY)
_ORDER_VALUE = int(Message.ORDER_VALUE)
_NO_ACCOUNT = int(Message.NO_ACCOUNT)
_HOUSE_TRADES_NOT = int(Message.HOUSE_TRADES_NOT)
_OPEN_ALREADY = int(Message.OPEN_ALREADY)
_AUCTION_TYPE = int(Message.AUCTION_TYPE)
_NEEDS_BAND = int(Message.NEEDS_BAND)
# The times in force that a plain order has not, as bits.
_OWN_RULES: Final = 1 << GTD | 1 << AT_OPEN | 1 << AT_CLOSE


@inlined
def has_account(market: Any, account: int) -> bool:
    """Tell whether a command's investor has an account."""
    return account != NONE and market.accounts[account].open != 0


@inlined
def check_investor(market: Any, account: int) -> int:
    """Check that a new order's investor may place one now, and count it."""
    if not has_account(market, account):
        return _NO_ACCOUNT
    if account == HOUSE:
        return _HOUSE_TRADES_NOT
    return check_may_trade(market, account)


@inlined
def check_place(market: Any, command: int) -> int:
    """Check a new order against its asset's rules and the log's time."""
    placed = market.commands[command]
    asset = market.assets[placed.asset]
    if _is_plain(market, command):
        # Of the rules of its form these two are left.
        if asset.lot != 1 and placed.quantity % asset.lot != 0:
            return _refuse_lot(market, placed.asset, placed.quantity)
        message = _NEEDS_PRICE if placed.price == 0 else check_price(market, placed.asset, placed.price)
    else:
        message = _check_form(market, command)
    if message != _FINE:
        return message
    if not takes_price(placed.type, placed.time_in_force):
        message = check_size(market, command, placed.price)
        if message != _FINE:
            return message
    return check_open_orders(market, placed.account)


@inlined
def _is_plain(market: Any, command: int) -> bool:
    """Tell whether a new order is a limit order that asks for nothing else, in the continuous phase."""
    placed = market.commands[command]
    more = (
        placed.type ^ LIMIT
        | market.assets[placed.asset].phase ^ CONTINUOUS
        | placed.flag
        | placed.stop_price
        | placed.display_quantity
        | placed.expires_at_ms
        | (_OWN_RULES >> placed.time_in_force & 1)
    )
    return more == 0


@called
def _check_form(market: Any, command: int) -> int:
    placed = market.commands[command]
    asset = market.assets[placed.asset]
    waits = placed.type == STOP or placed.type == STOP_LIMIT
    lasting = is_lasting(placed.time_in_force)
    priced = placed.type == LIMIT or placed.type == STOP_LIMIT
    for_auction = is_for_auction(placed.time_in_force)
    if asset.phase != CONTINUOUS:
        message = check_phase(market, placed.asset)
        if message != _FINE:
            return message
        if not ((priced or waits) and lasting) and not for_auction:
            return _AUCTION
    elif placed.time_in_force == AT_OPEN:
        return _OPEN_ALREADY
    if waits != (placed.stop_price != 0):
        return _NEEDS_STOP_PRICE if waits else _TAKES_NO_STOP_PRICE
    if asset.lot != 1 and placed.quantity % asset.lot != 0:
        return _refuse_lot(market, placed.asset, placed.quantity)
    if priced != (placed.price != 0):
        return _NEEDS_PRICE if priced else _TAKES_NO_PRICE
    message = _FINE
    if priced:
        message = check_price(market, placed.asset, placed.price)
    if waits and message == _FINE:
        message = check_price(market, placed.asset, placed.stop_price)
    if message != _FINE:
        return message
    may_rest = placed.type == LIMIT and lasting
    if placed.flag and not may_rest:
        return _POST_ONLY_TYPE
    if placed.display_quantity != 0:
        if not may_rest:
            return _DISPLAY_TYPE
        if placed.display_quantity % asset.lot != 0 or not is_display_fair(
            placed.display_quantity, placed.quantity
        ):
            return _DISPLAY_QUANTITY
    if for_auction:
        if placed.type != LIMIT and placed.type != MARKET:
            return _AUCTION_TYPE
        if placed.type == MARKET and asset.reach == NONE:
            return _NEEDS_BAND
    elif waits and not lasting:
        return _STOP_WAITS
    if placed.time_in_force == GTD:
        if placed.expires_at_ms <= market.header[h.TIME_MS]:
            return _NEEDS_EXPIRY
    elif placed.expires_at_ms != 0:
        return _TAKES_NO_EXPIRY
    return _FINE


@inlined
def takes_price(order_type: int, time_in_force: int) -> bool:
    """Tell whether a new order takes its price from the market."""
    return order_type == MARKET_TO_LIMIT or (order_type == MARKET and is_for_auction(time_in_force))


@inlined
def is_lasting(time_in_force: int) -> bool:
    """Tell whether an order with this time in force may wait or rest."""
    return time_in_force == DAY or time_in_force == GTC or time_in_force == GTD


@called
def check_phase(market: Any, asset: int) -> int:
    """Check that an asset's market takes orders and changes."""
    phase = market.assets[asset].phase
    if phase == CONTINUOUS or phase == AUCTION:
        return _FINE
    market.header[h.SAY_DETAIL] = phase
    return _HALTED


@inlined
def check_price(market: Any, asset: int, price: int) -> int:
    """Check a price against an asset's tick and band."""
    row = market.assets[asset]
    if key_of(market, asset, price) * row.tick != price:
        market.header[h.SAY_PRICE] = price
        market.header[h.SAY_DETAIL] = row.tick
        return _TICK
    if row.reach != NONE and abs(price - row.reference_price) > row.reach:
        market.header[h.SAY_PRICE] = price
        market.header[h.SAY_DETAIL] = row.reach
        return _BAND
    return _FINE


@inlined
def is_display_fair(display_quantity: int, quantity: int) -> bool:
    """Tell whether an iceberg shows no more than there is, and enough of it to be met in few steps."""
    return display_quantity <= quantity and display_quantity * SHOWN_PART_MIN >= quantity


@inlined
def check_size(market: Any, command: int, price: int) -> int:
    """Check what a new order is worth at a price, 0 for none, and what its account would hold with it."""
    placed = market.commands[command]
    asset = market.assets[placed.asset]
    if placed.type == MARKET and price == 0:
        last_price = asset.last_price if asset.last_price != 0 else asset.reference_price
        return check_own_value(market, placed.account, last_price * placed.quantity)
    message = _check_value(
        market, placed.account, (price if price != 0 else placed.stop_price) * placed.quantity
    )
    if message != _FINE:
        return message
    cost = placed.quantity * new_share_cost(market, placed.asset, price, placed.stop_price)
    # What is held already is within the bound.
    return check_held(market, placed.account, cost if placed.side == BUY else 0)


@inlined
def _check_value(market: Any, account: int, value: int) -> int:
    if value > ORDER_VALUE_UNITS_MAX:
        return _ORDER_VALUE
    return check_own_value(market, account, value)


@inlined
def check_held(market: Any, account: int, more: int) -> int:
    """Check that what an account's orders hold stays within bounds with so much more."""
    return _ORDER_VALUE if market.accounts[account].held_cash + more > BALANCE_UNITS_MAX else _FINE


@called
def check_amend(market: Any, command: int, order: int, quantity: int, price: int) -> int:
    """Check an open order's new total quantity and price against its asset's rules."""
    row = market.orders[order]
    asset = market.positions[row.position].asset
    message = check_phase(market, asset)
    if message != _FINE:
        return message
    if quantity % market.assets[asset].lot != 0:
        return _refuse_lot(market, asset, quantity)
    if row.type == STOP and market.commands[command].price != 0:
        return _TAKES_NO_PRICE
    if price != 0:
        message = check_price(market, asset, price)
        if message != _FINE:
            return message
    if quantity <= row.filled:
        market.header[h.SAY_PRICE] = row.filled
        return Message.FILLED_ALREADY.value
    if row.display_quantity != 0 and quantity > row.display_quantity * SHOWN_PART_MIN:
        return _DISPLAY_QUANTITY
    account = market.positions[row.position].account
    value = (price if price != 0 else row.stop_price) * quantity
    before = (row.price if row.price != 0 else row.stop_price) * row.quantity
    # A limit that was set meanwhile does not keep an order from being made smaller.
    message = _check_value(market, account, value) if value > before else _FINE
    if message != _FINE or row.side != BUY:
        return message
    return check_held(market, account, more_cash(market, order, quantity, price))


@inlined
def amended_share_cost(market: Any, order: int, price: int) -> int:
    """Give what each share of an open buy will need at a price; one without a price needs what it did."""
    row = market.orders[order]
    if row.side != BUY or price == row.price:
        return int(row.share_cost)
    return share_cost(market, row.fees, price)


@inlined
def more_cash(market: Any, order: int, quantity: int, price: int) -> int:
    """Give what an open buy would hold with another total quantity and price, less what it holds."""
    row = market.orders[order]
    cost = amended_share_cost(market, order, price) * (quantity - row.filled)
    return int(cost - row.share_cost * (row.quantity - row.filled))


@rarely
def _refuse_lot(market: Any, asset: int, quantity: int) -> int:
    market.header[h.SAY_PRICE] = market.assets[asset].lot
    market.header[h.SAY_DETAIL] = quantity
    return _LOT
