"""How orders meet: best price first, at each price the one that has been there longest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

from engine.domain import (
    BALANCE_QUANTITY_MAX,
    BALANCE_UNITS_MAX,
    ExecutionType,
    Liquidity,
    Phase,
    SelfTrade,
    Side,
    Status,
    Trade,
)
from engine.messages import Message
from tests.reference.asset import Asset
from tests.reference.order import Order, report
from tests.reference.state import State


def bring_in(state: State, order: Order) -> None:
    """Let an order trade with what it meets, then rest or end."""
    asset = state.assets[order.symbol]
    if asset.phase is Phase.CONTINUOUS:
        while order.is_open and (maker := asset.best(order.side.opposite)):
            if not order.reaches(maker.resting_price_units):
                break
            quantity = min(order.remaining_quantity, maker.shown)
            meet(state, maker, order, quantity, maker.resting_price_units)
    if order.is_open and order.may_rest:
        state.rest(order)
    elif order.is_open:
        state.end(order, Status.EXPIRED, Message.NO_MORE_ON_OFFER)


def meet(state: State, maker: Order, taker: Order, quantity: int, price_units: int) -> None:
    """Do what the rules say when two orders meet: they trade, or one of them ends, or both do."""
    if maker.investor_id == taker.investor_id and taker.self_trade is not SelfTrade.NONE:
        if taker.self_trade is not SelfTrade.EXPIRE_TAKER:
            state.end(maker, Status.EXPIRED, Message.MET_NEWER)
        if taker.self_trade is not SelfTrade.EXPIRE_MAKER:
            state.end(taker, Status.EXPIRED, Message.MET_OLDER)
    elif _leaves_bounds(state, maker, quantity, price_units):
        state.end(maker, Status.EXPIRED, Message.ACCOUNT_BOUND)
    elif _leaves_bounds(state, taker, quantity, price_units):
        state.end(taker, Status.EXPIRED, Message.ACCOUNT_BOUND)
    else:
        _trade(state, maker, taker, quantity, price_units)


def would_cross(asset: Asset, side: Side, price_units: int) -> bool:
    """Tell whether a price reaches the best opposite one."""
    best = asset.best(side.opposite)
    if best is None:
        return False
    opposite = best.resting_price_units
    return price_units >= opposite if side is Side.BUY else price_units <= opposite


def can_fill(asset: Asset, taker: Order) -> bool:
    """Tell whether an order could trade whole at once."""
    return sum(_offered(asset, taker)) >= taker.quantity


def _offered(asset: Asset, taker: Order) -> Iterator[int]:
    for price_units, level in groupby(
        asset.queue(taker.side.opposite), lambda order: order.resting_price_units
    ):
        if not taker.reaches(price_units):
            return
        makers = list(level)
        own = [order for order in makers if order.investor_id == taker.investor_id]
        if not own or taker.self_trade is SelfTrade.NONE:
            yield from (order.remaining_quantity for order in makers)
        elif taker.self_trade is SelfTrade.EXPIRE_MAKER:
            yield from (order.remaining_quantity for order in makers if order not in own)
        else:
            # One's own order is met before the next slices of those that stand before it.
            yield from (order.shown for order in makers[: makers.index(own[0])])
            return


def _leaves_bounds(state: State, order: Order, quantity: int, price_units: int) -> bool:
    account = state.accounts[order.investor_id]
    signed = quantity if order.side is Side.BUY else -quantity
    cash_units = account.cash_units - signed * price_units
    after = replace(account.holding(order.symbol))
    after.trade(signed, price_units)
    return (
        abs(cash_units) > BALANCE_UNITS_MAX
        or abs(after.quantity) > BALANCE_QUANTITY_MAX
        or abs(after.cost_units) > BALANCE_UNITS_MAX
    )


def _trade(state: State, maker: Order, taker: Order, quantity: int, price_units: int) -> None:
    state.assets[taker.symbol].last_price_units = price_units
    buyer, seller = (taker, maker) if taker.side is Side.BUY else (maker, taker)
    state.events.append(
        Trade(
            symbol=taker.symbol,
            price_units=price_units,
            quantity=quantity,
            buyer_id=buyer.investor_id,
            seller_id=seller.investor_id,
            buy_order_id=buyer.order_id,
            sell_order_id=seller.order_id,
            taker_side=taker.side,
        )
    )
    for order, liquidity in ((maker, Liquidity.MAKER), (taker, Liquidity.TAKER)):
        _fill(state, order, quantity, price_units)
        state.events.append(
            report(
                order,
                ExecutionType.TRADE,
                last_price_units=price_units,
                last_quantity=quantity,
                trade_index=state.trades,
                liquidity=liquidity,
            )
        )
    state.trades += 1


def _fill(state: State, order: Order, quantity: int, price_units: int) -> None:
    state.touch(order.investor_id, order.symbol)
    account = state.accounts[order.investor_id]
    signed = quantity if order.side is Side.BUY else -quantity
    account.cash_units -= signed * price_units
    account.holding(order.symbol).trade(signed, price_units)
    order.filled_quantity += quantity
    order.traded_units += quantity * price_units
    order.status = Status.PARTIALLY_FILLED
    if state.rests(order):
        _take_from_slice(state.assets[order.symbol], order, quantity)
    if not order.remaining_quantity:
        state.forget(order, Status.FILLED)


def _take_from_slice(asset: Asset, order: Order, quantity: int) -> None:
    order.shown -= quantity
    asset.mark(order)
    if not order.shown:
        asset.leave(order)
        if order.remaining_quantity:
            asset.join(order)
