"""What an order needs of its account, and whether it is free."""

from __future__ import annotations

from engine.domain import Side
from engine.messages import Message
from engine.units import decimal_from_units
from tests.reference.asset import Asset
from tests.reference.order import Order
from tests.reference.refusal import Refusal
from tests.reference.state import State


def check_cover(state: State, order: Order, *, cash_units: int) -> None:
    """Check that what an order needs is free; raises `Refusal`.

    Parameters
    ----------
    state : State
        What the account has, and holds for its other orders.
    order : Order
        The new order.
    cash_units : int
        What it needs if it is a buy.
    """
    if state.accounts[order.investor_id].unlimited:
        return
    if order.side is Side.BUY:
        check_free_cash(cash_units, state.free_cash_units(order.investor_id))
    else:
        free = state.free_quantity(order.investor_id, order.symbol)
        check_free_shares(order.symbol, order.quantity, free)


def check_free_cash(needed_units: int, free_units: int) -> None:
    """Check that so much cash is free; raises `Refusal`."""
    if needed_units > free_units:
        needed, free = decimal_from_units(needed_units), decimal_from_units(free_units)
        raise Refusal(Message.NEEDS_CASH, price=needed, detail=free)


def check_free_shares(symbol: str, needed: int, free: int) -> None:
    """Check that so many shares are free; raises `Refusal`."""
    if needed > free:
        raise Refusal(Message.NEEDS_SHARES, symbol=symbol, count=needed, number=free)


def covered_quantity(state: State, order: Order, asset: Asset, quantity: int, price_units: int) -> int:
    """Give how much of a fill an incoming order's account can pay for, in whole lots.

    Only a buy without a price may meet one that it holds too little for.
    """
    if order.price_units is not None or order.side is Side.SELL:
        return quantity
    if state.accounts[order.investor_id].unlimited:
        return quantity
    free_units = state.free_cash_units(order.investor_id, without=order.order_id)
    lots = free_units // order.fees.share_cost_units(price_units) // asset.listing.lot_size
    return min(quantity, lots * asset.listing.lot_size)
