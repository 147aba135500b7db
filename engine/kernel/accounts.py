"""What investors own, what of it their open orders hold, and whom the command under way has changed."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from engine.domain import BALANCE_QUANTITY_MAX, BALANCE_UNITS_MAX
from engine.kernel import header as h
from engine.kernel.compile import called, inlined, rarely
from engine.kernel.layout import NONE
from engine.kernel.words import BUY

_SPREAD: Final = 0x9E3779B97F4A7C1


@inlined
def find_position(market: Any, account: int, asset: int) -> int:
    """Give the row of an account's shares of an asset, or NONE. Cost O(1)."""
    size = market.header[h.POSITION_TABLE_SIZE]
    place = home_of(account, asset, size)
    while True:
        entry = market.position_table[size + place]
        if entry == 0:
            return NONE
        row = market.positions[entry - 1]
        if row.account == account and row.asset == asset:
            return entry - 1
        place = (place + 1) & (size - 1)


@rarely
def add_position(market: Any, account: int, asset: int) -> int:
    """Give an account a row for its shares of an asset, of which it has none yet."""
    words = market.header
    position = words[h.POSITIONS_USED]
    words[h.POSITIONS_USED] += 1
    row = market.positions[position]
    row.account = account
    row.asset = asset
    row.touched = NONE
    if 2 * words[h.POSITIONS_USED] > words[h.POSITION_TABLE_SIZE]:
        # The next table's rows were never used, so they are zeros.
        words[h.POSITION_TABLE_SIZE] *= 2
        for each in range(words[h.POSITIONS_USED]):
            _enter(market, each)
    else:
        _enter(market, position)
    return position


@inlined
def touch(market: Any, position: int) -> None:
    """Note that the command under way changes a position's account, and the position."""
    row = market.positions[position]
    touch_account(market, row.account)
    offset = market.header[h.OFFSET]
    if row.touched == offset:
        return
    row.touched = offset
    row.next_touched = NONE
    account = market.accounts[row.account]
    if account.last_touched_position == NONE:
        account.first_touched_position = position
    else:
        market.positions[account.last_touched_position].next_touched = position
    account.last_touched_position = position


@inlined
def touch_account(market: Any, account: int) -> None:
    """Note that the command under way changes an account."""
    row = market.accounts[account]
    offset = market.header[h.OFFSET]
    if row.touched == offset:
        return
    row.touched = offset
    row.next_touched = NONE
    row.first_touched_position = NONE
    row.last_touched_position = NONE
    last = market.header[h.TOUCHED_LAST]
    if last == NONE:
        market.header[h.TOUCHED_FIRST] = account
    else:
        market.accounts[last].next_touched = account
    market.header[h.TOUCHED_LAST] = account


@inlined
def hold(market: Any, order: int, quantity: int) -> None:
    """Promise what an order needs for so many shares; a negative count gives it back.

    A sell's share costs nothing and a buy promises no shares: both are added without a branch by the side,
    which nobody could foresee.
    """
    row = market.orders[order]
    position = market.positions[row.position]
    market.accounts[position.account].held_cash += quantity * row.share_cost
    position.held_quantity += 0 if row.side == BUY else quantity


@inlined
def settle(market: Any, position: int, signed: int, price: int, fee: int) -> None:
    """Exchange cash and shares of a trade; `signed` is negative for shares sold."""
    touch(market, position)
    market.accounts[market.positions[position].account].cash -= signed * price + fee
    trade_shares(market, position, signed, price)


@inlined
def is_beyond_bounds(market: Any, position: int, signed: int, price: int, fee: int) -> bool:
    """Tell whether a trade would take an account's cash, shares or their cost beyond what it may hold."""
    row = market.positions[position]
    cash = market.accounts[row.account].cash - signed * price - fee
    quantity = row.quantity + signed
    opened = signed
    cost = row.cost
    if closed_quantity(row.quantity, signed) != 0:
        # Shares that close others lower the cost; those beyond begin a position the other way.
        opened = quantity if abs(signed) > abs(row.quantity) else 0
        cost = 0
    return (
        abs(cash) > BALANCE_UNITS_MAX
        or abs(quantity) > BALANCE_QUANTITY_MAX
        or (opened != 0 and abs(cost + opened * price) > BALANCE_UNITS_MAX)
    )


@inlined
def trade_shares(market: Any, position: int, signed: int, price: int) -> None:
    """Add shares to a position or take them off; profit is realised on those that close others."""
    row = market.positions[position]
    closed = closed_quantity(row.quantity, signed)
    if closed != 0:
        closed_cost = cost_of(row.cost, row.quantity, closed)
        sign = 1 if row.quantity > 0 else -1
        row.realized_profit += sign * (closed * price - closed_cost)
        row.cost -= sign * closed_cost
        row.cost += (signed + sign * closed) * price
    else:
        row.cost += signed * price
    row.quantity += signed


@inlined
def closed_quantity(quantity: int, signed: int) -> int:
    """Tell how many shares of a position a trade closes."""
    if (quantity > 0 and signed < 0) or (quantity < 0 and signed > 0):
        return min(abs(quantity), abs(signed))
    return 0


@inlined
def cost_of(cost: int, quantity: int, closed: int) -> int:
    """Give the cost of some shares of a position, in size, rounded down; of all of them, all of it."""
    size = abs(quantity)
    whole = abs(cost) // size
    rest = abs(cost) - whole * size
    # Below 2 * 10**19, which only fits without a sign.
    part = np.uint64(rest) * np.uint64(closed) // np.uint64(size)
    return int(whole * closed + np.int64(part))


@called
def _enter(market: Any, position: int) -> None:
    size = market.header[h.POSITION_TABLE_SIZE]
    row = market.positions[position]
    place = home_of(row.account, row.asset, size)
    while market.position_table[size + place] != 0:
        place = (place + 1) & (size - 1)
    market.position_table[size + place] = position + 1


@inlined
def home_of(account: int, asset: int, size: int) -> int:
    """Give the place of a table of positions where the search for one begins."""
    return int((((np.int64(account) << 20) ^ np.int64(asset)) * _SPREAD >> 20) & (size - 1))
