"""What each kind of command does; each function gives the stage that comes next."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.domain import BALANCE_QUANTITY_MAX, BALANCE_UNITS_MAX
from engine.kernel import header as h
from engine.kernel import stages
from engine.kernel.accounts import (
    add_position,
    closed_quantity,
    cost_of,
    find_position,
    touch,
    touch_account,
    trade_shares,
)
from engine.kernel.bits import float_of
from engine.kernel.checks import check_amend, check_place, check_value
from engine.kernel.compile import called, inlined
from engine.kernel.events import report, report_asset, report_refusal
from engine.kernel.ids import find_entry, is_used, open_order
from engine.kernel.ids import has_room as ids_have_room
from engine.kernel.layout import ANY_ASSET, LADDERS_PER_ASSET, NONE, CommandKind, Ladder
from engine.kernel.matching import best_price, can_fill, crosses, opposite_of, shrink
from engine.kernel.orders import accept, end, has_room, rest, unrest, wait_for_trigger
from engine.kernel.words import (
    AUCTION,
    BUY,
    CANCELED,
    CONTINUOUS,
    DID_CANCEL,
    DID_ENTER,
    DID_REPLACE,
    FOK,
    MARKET_TO_LIMIT,
    PENDING_TRIGGER,
    STOP,
    STOP_LIMIT,
)
from engine.messages import Message

_NO_MESSAGE = int(Message.NONE)
_DEPOSIT = int(CommandKind.DEPOSIT)
_BIDS = int(Ladder.BIDS)
_ASKS = int(Ladder.ASKS)
_BUY_STOPS = int(Ladder.BUY_STOPS)
_SELL_STOPS = int(Ladder.SELL_STOPS)


@called
def refuse(market: Any, command: int, message: int) -> int:
    """Answer a command with a refusal that is about no open order."""
    report_refusal(market, command, NONE, message)
    return stages.TELL


@inlined
def has_account(market: Any, account: int) -> bool:
    """Tell whether a command's investor has an account."""
    return account != NONE and market.accounts[account].open != 0


@inlined
def is_listed(market: Any, asset: int) -> bool:
    """Tell whether a command's symbol is listed."""
    return asset >= 0 and market.assets[asset].listed != 0


@called
def place(market: Any, command: int) -> int:
    """Take a new order."""
    placed = market.commands[command]
    if not has_account(market, placed.account):
        return refuse(market, command, Message.NO_ACCOUNT.value)
    if not is_listed(market, placed.asset):
        return refuse(market, command, Message.NOT_LISTED.value)
    entry = find_entry(market, placed.id_low, placed.id_high)
    if entry != NONE and is_used(market, entry):
        return refuse(market, command, Message.DUPLICATE_ORDER_ID.value)
    message = check_place(market, command)
    if message != 0:
        return refuse(market, command, message)
    position = find_position(market, placed.account, placed.asset)
    needs_position = position == NONE and market.header[h.POSITIONS_USED] == len(market.positions)
    if needs_position or not has_room(market) or not ids_have_room(market):
        return refuse(market, command, Message.MARKET_FULL.value)
    asset = market.assets[placed.asset]
    opposite = opposite_of(placed.asset, placed.side)
    price = placed.price
    if placed.type == MARKET_TO_LIMIT:
        price = best_price(market, opposite, asset.tick)
        if price == 0:
            return refuse(market, command, Message.NO_PRICE_TO_TAKE.value)
        message = check_value(market, placed.account, placed.side, price, placed.quantity, 0)
        if message != 0:
            return refuse(market, command, message)
    if placed.flag and would_cross(market, placed.asset, placed.side, price):
        return refuse(market, command, Message.WOULD_CROSS.value)
    if placed.time_in_force == FOK and not can_fill(
        market, placed.account, placed.asset, placed.side, price, placed.quantity, placed.self_trade
    ):
        return refuse(market, command, Message.NOT_WHOLE.value)
    if position == NONE:
        position = add_position(market, placed.account, placed.asset)
    order = accept(market, command, position, entry, price)
    market.header[h.ELECT_ASSET] = placed.asset
    if placed.type == STOP or placed.type == STOP_LIMIT:
        market.orders[order].status = PENDING_TRIGGER
        report(market, command, order, DID_ENTER, _NO_MESSAGE)
        wait_for_trigger(market, order, command)
        return stages.ELECT
    report(market, command, order, DID_ENTER, _NO_MESSAGE)
    return _bring_in(market, command, order, asset.phase)


@called
def would_cross(market: Any, asset: int, side: int, price: int) -> bool:
    """Tell whether an order at a price would trade on arrival."""
    row = market.assets[asset]
    best = best_price(market, opposite_of(asset, side), row.tick)
    return row.phase == CONTINUOUS and best != 0 and crosses(side, price, best)


@called
def _bring_in(market: Any, command: int, order: int, phase: int) -> int:
    if phase == CONTINUOUS:
        market.header[h.TAKER] = order
        return stages.MATCH
    rest(market, order, command)
    return stages.ELECT


@called
def cancel(market: Any, command: int) -> int:
    """Take an open order out."""
    asked = market.commands[command]
    order = open_order(market, asked.id_low, asked.id_high)
    if order == NONE:
        return refuse(market, command, Message.NO_OPEN_ORDER.value)
    if market.positions[market.orders[order].position].account != asked.account:
        return refuse(market, command, Message.NOT_OWNER.value)
    cancel_order(market, command, order)
    return stages.TELL


@called
def cancel_order(market: Any, command: int, order: int) -> None:
    """Cancel an order that rests or waits."""
    unrest(market, order, command)
    market.orders[order].status = CANCELED
    report(market, command, order, DID_CANCEL, _NO_MESSAGE)
    end(market, order, CANCELED)


@called
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
    if order == NONE:
        return refuse(market, command, Message.NO_OPEN_ORDER.value)
    row = market.orders[order]
    position = market.positions[row.position]
    if position.account != asked.account:
        return refuse(market, command, Message.NOT_OWNER.value)
    quantity = asked.quantity if asked.quantity != 0 else row.quantity
    price = asked.price if asked.price != 0 else row.price
    message = check_amend(market, command, order, quantity, price)
    waits = row.status == PENDING_TRIGGER
    stays = price == row.price and quantity <= row.quantity
    if message == 0 and not stays:
        if not has_room(market):
            message = Message.MARKET_FULL.value
        elif row.post_only and would_cross(market, position.asset, row.side, price):
            message = Message.WOULD_CROSS.value
    if message != 0:
        report_refusal(market, command, order, message)
        return stages.TELL
    market.header[h.ELECT_ASSET] = position.asset
    if stays:
        shrink(market, order, _ladder_of(position.asset, row.side, waits), row.quantity - quantity, command)
        report(market, command, order, DID_REPLACE, _NO_MESSAGE)
        return stages.ELECT
    unrest(market, order, command)
    row.quantity = quantity
    row.price = price
    report(market, command, order, DID_REPLACE, _NO_MESSAGE)
    if waits:
        wait_for_trigger(market, order, command)
        return stages.ELECT
    return _bring_in(market, command, order, market.assets[position.asset].phase)


@inlined
def _ladder_of(asset: int, side: int, waits: bool) -> int:
    if side == BUY:
        return LADDERS_PER_ASSET * asset + (_BUY_STOPS if waits else _BIDS)
    return LADDERS_PER_ASSET * asset + (_SELL_STOPS if waits else _ASKS)


@called
def list_asset(market: Any, command: int) -> int:
    """List an asset, or give a listed one another band (its name is not kept here)."""
    asked = market.commands[command]
    if asked.flag:
        return refuse(market, command, Message.FEES.value)
    if asked.price % asked.stop_price != 0:
        return refuse(market, command, Message.REFERENCE_TICK.value)
    if asked.asset == NONE:
        return refuse(market, command, Message.ASSETS_FULL.value)
    row = market.assets[asked.asset]
    if row.listed and (row.tick != asked.stop_price or row.lot != asked.quantity):
        return refuse(market, command, Message.TICK_AND_LOT_STAY.value)
    if not row.listed:
        row.listed = 1
        row.phase = CONTINUOUS
        row.tick = asked.stop_price
        row.ticks_in_unit = 1.0 / asked.stop_price
        row.lot = asked.quantity
        row.reference_price = asked.price
        market.header[h.ASSETS_USED] = max(market.header[h.ASSETS_USED], asked.asset + 1)
    row.band = asked.id_low
    row.reach = NONE if row.band == 0 else np.int64(row.reference_price * float_of(row.band))
    report_asset(market, command, asked.asset)
    return stages.TELL


@called
def begin_phase(market: Any, command: int) -> int:
    """Begin to change a symbol's phase: an auction that is left is uncrossed first."""
    asked = market.commands[command]
    if not is_listed(market, asked.asset):
        return refuse(market, command, Message.NOT_LISTED.value)
    market.header[h.UNCROSS_PRICE] = 0
    return stages.UNCROSS if market.assets[asked.asset].phase == AUCTION else stages.SET_PHASE


@called
def set_phase(market: Any, command: int) -> int:
    """Change a symbol's phase."""
    asked = market.commands[command]
    market.assets[asked.asset].phase = asked.side
    market.header[h.ELECT_ASSET] = asked.asset
    report_asset(market, command, asked.asset)
    return stages.ELECT


@called
def open_account(market: Any, command: int) -> int:
    """Let an investor trade."""
    asked = market.commands[command]
    if asked.account == NONE:
        return refuse(market, command, Message.ACCOUNTS_FULL.value)
    row = market.accounts[asked.account]
    if row.open:
        return refuse(market, command, Message.ACCOUNT_EXISTS.value)
    row.open = 1
    row.unlimited = asked.flag
    row.touched = NONE
    row.first_order = NONE
    row.last_order = NONE
    market.header[h.ACCOUNTS_USED] = max(market.header[h.ACCOUNTS_USED], asked.account + 1)
    touch_account(market, asked.account)
    return stages.TELL


@called
def transfer(market: Any, command: int) -> int:
    """Put cash or shares into an account, or take them out."""
    asked = market.commands[command]
    if not has_account(market, asked.account):
        return refuse(market, command, Message.NO_ACCOUNT.value)
    if asked.asset != ANY_ASSET and not is_listed(market, asked.asset):
        return refuse(market, command, Message.NOT_LISTED.value)
    is_cash = asked.price != 0 and asked.asset == ANY_ASSET and asked.quantity == 0
    is_shares = asked.price == 0 and asked.asset != ANY_ASSET and asked.quantity != 0
    if is_cash:
        return _transfer_cash(market, command)
    if is_shares:
        return _transfer_shares(market, command)
    return refuse(market, command, Message.CASH_OR_SHARES.value)


@called
def _transfer_cash(market: Any, command: int) -> int:
    asked = market.commands[command]
    account = market.accounts[asked.account]
    signed = asked.price if asked.kind == _DEPOSIT else -asked.price
    if abs(account.cash + signed) > BALANCE_UNITS_MAX:
        return refuse(market, command, Message.CASH_BOUND.value)
    if signed < 0 and not account.unlimited and -signed > account.cash - account.held_cash:
        return refuse(market, command, Message.CASH_NOT_FREE.value)
    account.cash += signed
    touch_account(market, asked.account)
    return stages.TELL


@called
def _transfer_shares(market: Any, command: int) -> int:
    asked = market.commands[command]
    asset = market.assets[asked.asset]
    price = asset.last_price if asset.last_price != 0 else asset.reference_price
    signed = asked.quantity if asked.kind == _DEPOSIT else -asked.quantity
    position = find_position(market, asked.account, asked.asset)
    owned, held, cost = 0, 0, 0
    if position != NONE:
        row = market.positions[position]
        owned, held, cost = row.quantity, row.held_quantity, row.cost
    elif market.header[h.POSITIONS_USED] == len(market.positions):
        return refuse(market, command, Message.SHARES_BOUND.value)
    closed = closed_quantity(owned, signed)
    if closed != 0:
        sign = 1 if owned > 0 else -1
        cost += (signed + sign * closed) * price - sign * cost_of(cost, owned, closed)
    else:
        cost += signed * price
    if abs(owned + signed) > BALANCE_QUANTITY_MAX or abs(cost) > BALANCE_UNITS_MAX:
        return refuse(market, command, Message.SHARES_BOUND.value)
    if signed < 0 and not market.accounts[asked.account].unlimited and -signed > owned - held:
        return refuse(market, command, Message.SHARES_NOT_FREE.value)
    if position == NONE:
        position = add_position(market, asked.account, asked.asset)
    touch(market, position)
    trade_shares(market, position, signed, price)
    return stages.TELL
