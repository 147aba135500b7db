"""What commands about accounts do; each function gives the stage that comes next."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from engine.domain import BALANCE_UNITS_MAX
from engine.kernel import header as h
from engine.kernel import stages
from engine.kernel.accounts import (
    Holdings,
    add_position,
    after_trade,
    find_position,
    holdings_of,
    is_beyond_bounds,
    settle,
    touch,
    touch_account,
)
from engine.kernel.checks import has_account
from engine.kernel.commands import is_listed, refuse
from engine.kernel.compile import called, inlined
from engine.kernel.cover import free_shares
from engine.kernel.ids import find_entry, is_used, note_id
from engine.kernel.layout import ANY_ASSET, NONE, CommandKind
from engine.kernel.orders import take_room
from engine.messages import Message

_DEPOSIT = int(CommandKind.DEPOSIT)
_NONE_YET: Final[Any] = np.int64(0)


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
    if not is_cash and not is_shares:
        return refuse(market, command, Message.CASH_OR_SHARES.value)
    if not asked.flag:
        return _transfer_cash(market, command) if is_cash else _transfer_shares(market, command)
    if _is_noted(market, asked.id_low, asked.id_high):
        return _transferred_before(market, command)
    if not take_room(market, 2):
        return refuse(market, command, Message.TRANSFERS_FULL.value)
    before = market.header[h.EVENTS]
    stage = _transfer_cash(market, command) if is_cash else _transfer_shares(market, command)
    if market.header[h.EVENTS] == before:  # it was not refused
        note_id(market, asked.id_low, asked.id_high)
        note_id(market, asked.stop_price, asked.display_quantity)
    return stage


@inlined
def _is_noted(market: Any, low: int, high: int) -> bool:
    entry = find_entry(market, low, high)
    return entry >= 0 and is_used(market, entry)


@called
def _transferred_before(market: Any, command: int) -> int:
    """Answer a transfer that was done already by the account as it stands; refuse another of its id."""
    asked = market.commands[command]
    if not _is_noted(market, asked.stop_price, asked.display_quantity):
        return refuse(market, command, Message.OTHER_TRANSFER.value)
    position = NONE if asked.asset == ANY_ASSET else find_position(market, asked.account, asked.asset)
    if position == NONE:
        touch_account(market, asked.account)
    else:
        touch(market, position)
    return stages.TELL


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
    if position == NONE and market.header[h.POSITIONS_USED] == len(market.positions):
        return refuse(market, command, Message.SHARES_BOUND.value)
    account = market.accounts[asked.account]
    before = Holdings(account.cash, _NONE_YET, _NONE_YET, _NONE_YET)
    if position != NONE:
        before = holdings_of(market, position)
    # The shares come and go at the market's price, but nobody pays for them.
    after = after_trade(before, signed, price, -signed * price)
    if is_beyond_bounds(after):
        return refuse(market, command, Message.SHARES_BOUND.value)
    if signed < 0 and not account.unlimited and -signed > free_shares(market, position):
        return refuse(market, command, Message.SHARES_NOT_FREE.value)
    if position == NONE:
        position = add_position(market, asked.account, asked.asset)
    settle(market, position, after)
    return stages.TELL


@called
def set_limits(market: Any, command: int) -> int:
    """Give an account the limits that a command names, and no others."""
    asked = market.commands[command]
    if not has_account(market, asked.account):
        return refuse(market, command, Message.NO_ACCOUNT.value)
    row = market.accounts[asked.account]
    row.order_value_max = asked.price
    row.open_orders_max = asked.quantity
    row.orders_per_second_max = asked.display_quantity
    row.orders_in_second = 0
    touch_account(market, asked.account)
    return stages.TELL


@called
def turn_kill_switch(market: Any, command: int) -> int:
    """Let an account trade no more, beginning with its open orders, or let it trade again."""
    asked = market.commands[command]
    if not has_account(market, asked.account):
        return refuse(market, command, Message.NO_ACCOUNT.value)
    row = market.accounts[asked.account]
    row.trading_disabled = asked.flag
    touch_account(market, asked.account)
    market.header[h.CANCEL_NEXT] = row.first_order if asked.flag else NONE
    return stages.CANCEL_EACH
