"""What investors own, what of it their open orders hold, and whom the command under way has changed."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np

from engine.domain import BALANCE_QUANTITY_MAX, BALANCE_UNITS_MAX
from engine.kernel import header as h
from engine.kernel.compile import called, inlined, rarely
from engine.kernel.growth import PAGE_PLACES, entered_in_next, page_of_next
from engine.kernel.layout import NONE, UNLISTED
from engine.kernel.market import row_or_spare
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
    # The next table has all others by then.
    if 2 * words[h.POSITIONS_USED] > words[h.POSITION_TABLE_SIZE]:
        words[h.POSITION_TABLE_SIZE] *= 2
    size = words[h.POSITION_TABLE_SIZE]
    _enter(market, position, size)
    if 4 * size <= len(market.position_table):
        page = page_of_next(position, size)
        if page != NONE:
            market.position_table[2 * size + page * PAGE_PLACES] = 0
        for each in range(entered_in_next(position, size), entered_in_next(position + 1, size)):
            _enter(market, each, 2 * size)
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
def list_order(market: Any, order: int) -> None:
    """Put an open order at the end of its account's list."""
    row = market.orders[order]
    account = market.accounts[market.positions[row.position].account]
    account.open_orders += 1
    row.account_next = NONE
    first, last = account.first_order, account.last_order
    row.account_previous = last
    row_or_spare(market.orders, last).account_next = order
    account.first_order = order if first == NONE else first
    account.last_order = order


@inlined
def unlist_order(market: Any, order: int) -> None:
    """Take an order out of its account's list, wherever in it it stands."""
    row = market.orders[order]
    account = market.accounts[market.positions[row.position].account]
    previous, following = row.account_previous, row.account_next
    first, last = account.first_order, account.last_order
    row_or_spare(market.orders, previous).account_next = following
    row_or_spare(market.orders, following).account_previous = previous
    account.first_order = following if first == order else first
    account.last_order = previous if last == order else last
    row.account_previous = UNLISTED
    account.open_orders -= 1


class Holdings(NamedTuple):
    """Cash in units, and a position."""

    cash: int
    quantity: int
    cost: int
    realized_profit: int


@inlined
def holdings_of(market: Any, position: int) -> Holdings:
    """Give what a position and its account have."""
    row = market.positions[position]
    return Holdings(market.accounts[row.account].cash, row.quantity, row.cost, row.realized_profit)


@inlined
def after_trade(before: Any, signed: int, price: int, fee: int) -> Holdings:
    """Tell what a trade makes of holdings; `signed` is negative for shares sold.

    Profit is realised on shares that close others.
    """
    cost = before.cost
    profit = before.realized_profit
    opened = signed
    closed = closed_quantity(before.quantity, signed)
    if closed != 0:
        closed_cost = cost_of(cost, before.quantity, closed)
        sign = 1 if before.quantity > 0 else -1
        profit += sign * (closed * price - closed_cost)
        cost -= sign * closed_cost
        opened += sign * closed
    return Holdings(
        before.cash - signed * price - fee, before.quantity + signed, cost + opened * price, profit
    )


@inlined
def is_beyond_bounds(holdings: Any) -> bool:
    """Tell whether cash, shares or their cost are beyond what an account may hold."""
    return (
        abs(holdings.cash) > BALANCE_UNITS_MAX
        or abs(holdings.quantity) > BALANCE_QUANTITY_MAX
        or abs(holdings.cost) > BALANCE_UNITS_MAX
    )


@inlined
def settle(market: Any, position: int, holdings: Any) -> None:
    """Give a position and its account what a trade makes of them."""
    touch(market, position)
    row = market.positions[position]
    market.accounts[row.account].cash = holdings.cash
    row.quantity = holdings.quantity
    row.cost = holdings.cost
    row.realized_profit = holdings.realized_profit


@rarely
def settle_alone(market: Any, position: int, signed: int, price: int, fee: int) -> None:
    """Settle a side of a trade that begins with what the other side has left."""
    settle(market, position, after_trade(holdings_of(market, position), signed, price, fee))


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
def _enter(market: Any, position: int, size: int) -> None:
    row = market.positions[position]
    place = home_of(row.account, row.asset, size)
    while market.position_table[size + place] != 0:
        place = (place + 1) & (size - 1)
    market.position_table[size + place] = position + 1


@inlined
def home_of(account: int, asset: int, size: int) -> int:
    """Give the place of a table of positions where the search for one begins."""
    return int((((np.int64(account) << 20) ^ np.int64(asset)) * _SPREAD >> 20) & (size - 1))
