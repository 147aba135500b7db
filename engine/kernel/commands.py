"""What commands about orders and assets do; each function gives the stage that comes next."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.domain import PRICE_UNITS_MAX
from engine.kernel import header as h
from engine.kernel import stages
from engine.kernel.accounts import add_position, find_position
from engine.kernel.bits import chosen, float_of
from engine.kernel.checks import (
    amended_share_cost,
    check_amend,
    check_investor,
    check_place,
    check_size,
    has_account,
    more_cash,
    takes_price,
)
from engine.kernel.compile import called, inlined, rarely
from engine.kernel.cover import (
    check_cash,
    check_shares,
    free_cash,
    free_shares,
    new_share_cost,
    refuse_uncovered,
)
from engine.kernel.events import report, report_asset, report_refusal
from engine.kernel.fees import find_fees
from engine.kernel.ids import find_entry, is_used, open_order
from engine.kernel.layout import ANY_ASSET, LADDERS_PER_ASSET, NONE, Ladder
from engine.kernel.limits import check_may_trade
from engine.kernel.matching import best_price, cost_to_fill, crosses, opposite_of, shrink
from engine.kernel.orders import (
    accept,
    end,
    has_room,
    has_room_for_change,
    rest,
    unrest,
    wait_for_trigger,
    waits,
)
from engine.kernel.words import (
    BUY,
    CANCELED,
    CONTINUOUS,
    DID_CANCEL,
    DID_ENTER,
    DID_REPLACE,
    FOK,
    MARKET_TO_LIMIT,
    PENDING_TRIGGER,
)
from engine.messages import Message

_NO_MESSAGE = int(Message.NONE)
_BIDS = int(Ladder.BIDS)
_ASKS = int(Ladder.ASKS)
_BUY_STOPS = int(Ladder.BUY_STOPS)
_SELL_STOPS = int(Ladder.SELL_STOPS)


@rarely
def refuse(market: Any, command: int, message: int) -> int:
    """Answer a command with a refusal that is about no open order."""
    report_refusal(market, command, NONE, message)
    return stages.TELL


@inlined
def is_listed(market: Any, asset: int) -> bool:
    """Tell whether a command's symbol is listed."""
    return asset >= 0 and market.assets[asset].listed != 0


@inlined
def place(market: Any, command: int) -> int:
    """Take a new order."""
    placed = market.commands[command]
    message = check_investor(market, placed.account)
    if message != 0:
        return refuse(market, command, message)
    if not is_listed(market, placed.asset):
        return refuse(market, command, Message.NOT_LISTED.value)
    entry = find_entry(market, placed.id_low, placed.id_high)
    if entry >= 0 and is_used(market, entry):
        return refuse(market, command, Message.DUPLICATE_ORDER_ID.value)
    message = check_place(market, command)
    if message != 0:
        return refuse(market, command, message)
    position = find_position(market, placed.account, placed.asset)
    needs_position = position == NONE and market.header[h.POSITIONS_USED] == len(market.positions)
    if needs_position or not has_room(market):
        return refuse(market, command, Message.MARKET_FULL.value)
    asset = market.assets[placed.asset]
    price = placed.price
    if takes_price(placed.type, placed.time_in_force):
        price = _price_taken(market, command)
    message = _check_against_book(market, command, price)
    if message == 0:
        message = check_cover(market, command, position, price)
    if message != 0:
        return refuse(market, command, message)
    if position == NONE:
        position = add_position(market, placed.account, placed.asset)
    order = accept(market, command, position, entry, price)
    market.header[h.ELECT_ASSET] = placed.asset
    if waits(placed.type, placed.time_in_force):
        market.orders[order].status = PENDING_TRIGGER
        report(market, command, order, DID_ENTER, _NO_MESSAGE)
        wait_for_trigger(market, order, command)
        return stages.ELECT
    report(market, command, order, DID_ENTER, _NO_MESSAGE)
    return _bring_in(market, command, order, asset.phase)


@called
def _price_taken(market: Any, command: int) -> int:
    """Give the best opposite price, 0 for none; to an order for an auction the last one within the band."""
    placed = market.commands[command]
    asset = market.assets[placed.asset]
    if placed.type == MARKET_TO_LIMIT:
        return best_price(market, opposite_of(placed.asset, placed.side), asset.tick)
    if placed.side == BUY:
        highest = min(asset.reference_price + asset.reach, PRICE_UNITS_MAX)
        return highest - highest % asset.tick
    lowest = asset.reference_price - asset.reach + asset.tick - 1
    return max(lowest - lowest % asset.tick, asset.tick)


@inlined
def _check_against_book(market: Any, command: int, price: int) -> int:
    placed = market.commands[command]
    if takes_price(placed.type, placed.time_in_force):
        if price == 0:
            return Message.NO_PRICE_TO_TAKE.value
        message = check_size(market, command, price)
        if message != 0:
            return message
    if placed.flag and would_cross(market, placed.asset, placed.side, price):
        return Message.WOULD_CROSS.value
    if placed.time_in_force == FOK and cost_to_fill(market, command, price) == NONE:
        return Message.NOT_WHOLE.value
    return _NO_MESSAGE


@inlined
def check_cover(market: Any, command: int, position: int, price: int) -> int:
    """Check that a new order's account has free what the order needs."""
    placed = market.commands[command]
    is_buy = placed.side == BUY
    cash = placed.quantity * new_share_cost(market, placed.asset, price, placed.stop_price)
    if is_buy and price == 0 and placed.time_in_force == FOK:
        cash = max(cash, cost_to_fill(market, command, price))
    free = chosen(is_buy, free_cash(market, placed.account), free_shares(market, position))
    needed = chosen(is_buy, cash, placed.quantity)
    if needed <= free:
        return _NO_MESSAGE
    return refuse_uncovered(market, placed.account, is_buy, needed, free)


@inlined
def would_cross(market: Any, asset: int, side: int, price: int) -> bool:
    """Tell whether an order at a price would trade on arrival."""
    row = market.assets[asset]
    best = best_price(market, opposite_of(asset, side), row.tick)
    return row.phase == CONTINUOUS and best != 0 and crosses(side, price, best)


@inlined
def _bring_in(market: Any, command: int, order: int, phase: int) -> int:
    if phase == CONTINUOUS:
        market.header[h.TAKER] = order
        return stages.MATCH
    rest(market, order, command)
    return stages.ELECT


@inlined
def cancel(market: Any, command: int) -> int:
    """Take an open order out."""
    asked = market.commands[command]
    order = open_order(market, asked.id_low, asked.id_high)
    if order == NONE:
        return refuse(market, command, Message.NO_OPEN_ORDER.value)
    if market.positions[market.orders[order].position].account != asked.account:
        return refuse(market, command, Message.NOT_OWNER.value)
    cancel_order(market, command, order, _NO_MESSAGE)
    return stages.TELL


@inlined
def cancel_order(market: Any, command: int, order: int, message: int) -> None:
    """Cancel an order that rests or waits."""
    unrest(market, order, command)
    market.orders[order].status = CANCELED
    report(market, command, order, DID_CANCEL, message)
    end(market, order, CANCELED)


@rarely
def begin_cancel_all(market: Any, command: int) -> int:
    """Find the first of the orders that are to be canceled."""
    asked = market.commands[command]
    if not has_account(market, asked.account):
        return refuse(market, command, Message.NO_ACCOUNT.value)
    if asked.asset != ANY_ASSET and not is_listed(market, asked.asset):
        return refuse(market, command, Message.NOT_LISTED.value)
    market.header[h.CANCEL_NEXT] = market.accounts[asked.account].first_order
    market.header[h.CANCELED] = 0
    return stages.CANCEL_EACH


@called
def amend(market: Any, command: int) -> int:
    """Change an open order's total quantity, price, or both."""
    asked = market.commands[command]
    order = open_order(market, asked.id_low, asked.id_high)
    is_own = order != NONE and market.positions[market.orders[order].position].account == asked.account
    if has_account(market, asked.account):
        message = check_may_trade(market, asked.account)
        if message != 0:
            report_refusal(market, command, order if is_own else NONE, message)
            return stages.TELL
    if order == NONE:
        return refuse(market, command, Message.NO_OPEN_ORDER.value)
    if not is_own:
        return refuse(market, command, Message.NOT_OWNER.value)
    row = market.orders[order]
    quantity = asked.quantity if asked.quantity != 0 else row.quantity
    price = asked.price if asked.price != 0 else row.price
    message = _check_change(market, command, order, quantity, price)
    if message != 0:
        report_refusal(market, command, order, message)
        return stages.TELL
    return _change(market, command, order, quantity, price)


@inlined
def _check_change(market: Any, command: int, order: int, quantity: int, price: int) -> int:
    message = check_amend(market, command, order, quantity, price)
    if message != 0:
        return message
    row = market.orders[order]
    position = market.positions[row.position]
    if price != row.price or quantity > row.quantity:
        if not has_room_for_change(market):
            return Message.MARKET_FULL.value
        if row.post_only and would_cross(market, position.asset, row.side, price):
            return Message.WOULD_CROSS.value
    if row.side != BUY:
        return check_shares(market, position.account, row.position, quantity - row.quantity)
    return check_cash(market, position.account, more_cash(market, order, quantity, price))


@inlined
def _change(market: Any, command: int, order: int, quantity: int, price: int) -> int:
    row = market.orders[order]
    asset = market.positions[row.position].asset
    waits = row.status == PENDING_TRIGGER
    market.header[h.ELECT_ASSET] = asset
    if price == row.price and quantity <= row.quantity:
        shrink(market, order, _ladder_of(asset, row.side, waits), row.quantity - quantity, command)
        report(market, command, order, DID_REPLACE, _NO_MESSAGE)
        return stages.ELECT
    unrest(market, order, command)
    row.share_cost = amended_share_cost(market, order, price)
    row.quantity = quantity
    row.price = price
    report(market, command, order, DID_REPLACE, _NO_MESSAGE)
    if waits:
        wait_for_trigger(market, order, command)
        return stages.ELECT
    return _bring_in(market, command, order, market.assets[asset].phase)


@inlined
def _ladder_of(asset: int, side: int, waits: bool) -> int:
    if side == BUY:
        return LADDERS_PER_ASSET * asset + (_BUY_STOPS if waits else _BIDS)
    return LADDERS_PER_ASSET * asset + (_SELL_STOPS if waits else _ASKS)


@rarely
def list_asset(market: Any, command: int) -> int:
    """List an asset, or give a listed one another band and fees (its name is not kept here)."""
    asked = market.commands[command]
    if asked.price % asked.stop_price != 0:
        return refuse(market, command, Message.REFERENCE_TICK.value)
    if asked.asset == NONE:
        return refuse(market, command, Message.ASSETS_FULL.value)
    row = market.assets[asked.asset]
    if row.listed and (row.tick != asked.stop_price or row.lot != asked.quantity):
        return refuse(market, command, Message.TICK_AND_LOT_STAY.value)
    fees = find_fees(market, asked.display_quantity, asked.expires_at_ms)
    if fees == NONE:
        return refuse(market, command, Message.FEES_FULL.value)
    if not row.listed:
        row.listed = 1
        row.phase = CONTINUOUS
        row.tick = asked.stop_price
        row.ticks_in_unit = 1.0 / asked.stop_price
        row.lot = asked.quantity
        row.reference_price = asked.price
        market.header[h.ASSETS_USED] = max(market.header[h.ASSETS_USED], asked.asset + 1)
    row.fees = fees
    row.band = asked.id_low
    row.reach = NONE if row.band == 0 else np.int64(row.reference_price * float_of(row.band))
    report_asset(market, command, asked.asset)
    return stages.TELL


@rarely
def begin_phase(market: Any, command: int) -> int:
    """Begin to change a symbol's phase: orders for this moment first, then an auction that is left."""
    asked = market.commands[command]
    if not is_listed(market, asked.asset):
        return refuse(market, command, Message.NOT_LISTED.value)
    market.header[h.UNCROSS_PRICE] = 0
    return stages.CALL_IN


@rarely
def set_phase(market: Any, command: int) -> int:
    """Change a symbol's phase."""
    asked = market.commands[command]
    market.assets[asked.asset].phase = asked.side
    market.header[h.ELECT_ASSET] = asked.asset
    report_asset(market, command, asked.asset)
    return stages.ELECT
