"""What an order needs of its account, and whether the account has it free.

Each check gives a message, or 0.
"""

from __future__ import annotations

from typing import Any, Final

from engine.kernel import header as h
from engine.kernel.compile import inlined, rarely
from engine.kernel.fees import share_cost
from engine.kernel.layout import NONE
from engine.messages import Message

_FINE: Final = 0
_NEEDS_CASH = int(Message.NEEDS_CASH)
_NEEDS_SHARES = int(Message.NEEDS_SHARES)


@inlined
def new_share_cost(market: Any, asset: int, price: int, stop_price: int) -> int:
    """Give what each share of a new buy needs: at its price, without one at the worst that the band allows.

    Where there is neither it is the stop price, and nothing for a market order.
    """
    row = market.assets[asset]
    worst = price
    if worst == 0:
        worst = stop_price if row.reach == NONE else row.reference_price + row.reach
    return 0 if worst == 0 else share_cost(market, row.fees, worst)


@inlined
def free_cash(market: Any, account: int) -> int:
    """Give the cash that no open order holds."""
    row = market.accounts[account]
    return int(row.cash - row.held_cash)


@inlined
def free_shares(market: Any, position: int) -> int:
    """Give the shares of a position, which may not be there yet, that no open order holds."""
    row = market.positions[max(position, 0)]
    return int(row.quantity - row.held_quantity) if position != NONE else 0


@inlined
def check_cash(market: Any, account: int, needed: int) -> int:
    """Check that so much cash is free, unless the account is unlimited."""
    free = free_cash(market, account)
    return _FINE if needed <= free else refuse_uncovered(market, account, True, needed, free)


@inlined
def check_shares(market: Any, account: int, position: int, needed: int) -> int:
    """Check that so many shares of a position, which may not be there yet, are free."""
    free = free_shares(market, position)
    return _FINE if needed <= free else refuse_uncovered(market, account, False, needed, free)


@rarely
def refuse_uncovered(market: Any, account: int, is_cash: bool, needed: int, free: int) -> int:
    """Give the message for more cash or shares than are free, none to an unlimited account."""
    if market.accounts[account].unlimited:
        return _FINE
    market.header[h.SAY_PRICE] = needed
    market.header[h.SAY_DETAIL] = free
    return _NEEDS_CASH if is_cash else _NEEDS_SHARES


@rarely
def covered_quantity(market: Any, order: int, quantity: int, price: int) -> int:
    """Give how many of a fill's shares, in whole lots, an incoming buy's free cash covers at a price."""
    row = market.orders[order]
    position = market.positions[row.position]
    if market.accounts[position.account].unlimited:
        return quantity
    covered = free_cash(market, position.account) // share_cost(market, row.fees, price)
    if covered >= quantity:
        return quantity
    return int(covered - covered % market.assets[position.asset].lot)
