"""How orders meet: best price first, at each price the one that has been there longest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

from engine.domain import (
    BALANCE_QUANTITY_MAX,
    BALANCE_UNITS_MAX,
    HOUSE_ID,
    ExecutionType,
    Liquidity,
    Phase,
    SelfTrade,
    Side,
    Status,
    Trade,
)
from engine.messages import Message
from engine.units import decimal_from_units
from tests.reference.asset import Asset
from tests.reference.cover import covered_quantity
from tests.reference.fees import fee_units
from tests.reference.order import Order, report
from tests.reference.state import State


def bring_in(state: State, order: Order) -> None:
    """Let an order trade with what it meets, then rest or end."""
    asset = state.assets[order.symbol]
    if asset.phase is Phase.CONTINUOUS:
        while order.is_open and (maker := asset.best(order.side.opposite)):
            if not order.reaches(maker.resting_price_units):
                break
            _take(state, maker, order, asset)
    if order.is_open and order.may_rest:
        state.rest(order)
    elif order.is_open:
        state.end(order, Status.EXPIRED, Message.NO_MORE_ON_OFFER)


class Deal(NamedTuple):
    """Shares that two orders may exchange, and what each of the two pays for it."""

    quantity: int
    price_units: int
    maker_fee_units: int
    taker_fee_units: int


def deal_of(quantity: int, price_units: int, maker_ppm: int, taker_ppm: int) -> Deal:
    """Reckon what two orders would pay for a trade, at their rates."""
    value_units = quantity * price_units
    return Deal(quantity, price_units, fee_units(value_units, maker_ppm), fee_units(value_units, taker_ppm))


def meet(state: State, maker: Order, taker: Order, deal: Deal) -> bool:
    """Do what the rules say when two orders meet: they trade, or one of them ends, or both do.

    Tells whether they traded.
    """
    fees_units = deal.maker_fee_units + deal.taker_fee_units
    if _is_own(maker, taker):
        if taker.self_trade is not SelfTrade.EXPIRE_TAKER:
            state.end(maker, Status.EXPIRED, Message.MET_NEWER)
        if taker.self_trade is not SelfTrade.EXPIRE_MAKER:
            state.end(taker, Status.EXPIRED, Message.MET_OLDER)
    elif _leaves_bounds(state, maker, deal, deal.maker_fee_units):
        state.end(maker, Status.EXPIRED, Message.ACCOUNT_BOUND)
    elif _leaves_bounds(state, taker, deal, deal.taker_fee_units):
        state.end(taker, Status.EXPIRED, Message.ACCOUNT_BOUND)
    elif state.accounts[HOUSE_ID].cash_units + fees_units > BALANCE_UNITS_MAX:
        state.end(taker, Status.EXPIRED, Message.HOUSE_BOUND)
    else:
        _trade(state, maker, taker, deal)
        return True
    return False


def _take(state: State, maker: Order, taker: Order, asset: Asset) -> None:
    price_units = maker.resting_price_units
    wanted = min(taker.remaining_quantity, maker.shown)
    # One's own order is never paid for.
    quantity = wanted if _is_own(maker, taker) else covered_quantity(state, taker, asset, wanted, price_units)
    deal = deal_of(quantity, price_units, maker.fees.maker_ppm, taker.fees.taker_ppm)
    has_traded = quantity > 0 and meet(state, maker, taker, deal)
    if quantity == 0 or (has_traded and quantity < wanted):
        _end_uncovered(state, taker, asset, price_units)


def _end_uncovered(state: State, order: Order, asset: Asset, price_units: int) -> None:
    lot_units = asset.listing.lot_size * order.fees.share_cost_units(price_units)
    free_units = state.free_cash_units(order.investor_id, without=order.order_id)
    lot, free = decimal_from_units(lot_units), decimal_from_units(free_units)
    state.end(order, Status.EXPIRED, Message.CASH_COVERS_NO_MORE, price=lot, detail=free)


def would_cross(asset: Asset, side: Side, price_units: int) -> bool:
    """Tell whether a price reaches the best opposite one."""
    best = asset.best(side.opposite)
    if best is None:
        return False
    opposite = best.resting_price_units
    return price_units >= opposite if side is Side.BUY else price_units <= opposite


def can_fill(asset: Asset, taker: Order) -> bool:
    """Tell whether an order could trade whole at once."""
    return sum(quantity for _, quantity in _offered(asset, taker)) >= taker.quantity


def cost_to_fill(asset: Asset, taker: Order) -> int:
    """Give what an order that could trade whole at once would cost a buyer at the most."""
    missing, cost_units = taker.quantity, 0
    for price_units, offered in _offered(asset, taker):
        taken = min(missing, offered)
        cost_units += taken * taker.fees.share_cost_units(price_units)
        missing -= taken
    return cost_units


def _is_own(maker: Order, taker: Order) -> bool:
    return maker.investor_id == taker.investor_id and taker.self_trade is not SelfTrade.NONE


def _offered(asset: Asset, taker: Order) -> Iterator[tuple[int, int]]:
    for price_units, level in groupby(
        asset.queue(taker.side.opposite), lambda order: order.resting_price_units
    ):
        if not taker.reaches(price_units):
            return
        makers = list(level)
        own = [order for order in makers if order.investor_id == taker.investor_id]
        if not own or taker.self_trade is SelfTrade.NONE:
            yield from ((price_units, order.remaining_quantity) for order in makers)
        elif taker.self_trade is SelfTrade.EXPIRE_MAKER:
            yield from ((price_units, order.remaining_quantity) for order in makers if order not in own)
        else:
            # One's own order is met before the next slices of those that stand before it.
            yield from ((price_units, order.shown) for order in makers[: makers.index(own[0])])
            return


def _leaves_bounds(state: State, order: Order, deal: Deal, fee: int) -> bool:
    account = state.accounts[order.investor_id]
    signed = deal.quantity if order.side is Side.BUY else -deal.quantity
    cash_units = account.cash_units - signed * deal.price_units - fee
    after = replace(account.holding(order.symbol))
    after.trade(signed, deal.price_units)
    return (
        abs(cash_units) > BALANCE_UNITS_MAX
        or abs(after.quantity) > BALANCE_QUANTITY_MAX
        or abs(after.cost_units) > BALANCE_UNITS_MAX
    )


def _trade(state: State, maker: Order, taker: Order, deal: Deal) -> None:
    state.assets[taker.symbol].last_price_units = deal.price_units
    buyer, seller = (taker, maker) if taker.side is Side.BUY else (maker, taker)
    state.events.append(
        Trade(
            symbol=taker.symbol,
            price_units=deal.price_units,
            quantity=deal.quantity,
            buyer_id=buyer.investor_id,
            seller_id=seller.investor_id,
            buy_order_id=buyer.order_id,
            sell_order_id=seller.order_id,
            taker_side=taker.side,
        )
    )
    for order, liquidity, fee in (
        (maker, Liquidity.MAKER, deal.maker_fee_units),
        (taker, Liquidity.TAKER, deal.taker_fee_units),
    ):
        _fill(state, order, deal, fee)
        state.events.append(
            report(
                order,
                ExecutionType.TRADE,
                last_price_units=deal.price_units,
                last_quantity=deal.quantity,
                fee_units=fee,
                trade_index=state.trades,
                liquidity=liquidity,
            )
        )
    state.trades += 1
    _pay_house(state, deal.maker_fee_units + deal.taker_fee_units)


def _pay_house(state: State, fee: int) -> None:
    if fee:
        state.accounts[HOUSE_ID].cash_units += fee
        state.touch(HOUSE_ID)


def _fill(state: State, order: Order, deal: Deal, fee: int) -> None:
    state.touch(order.investor_id, order.symbol)
    account = state.accounts[order.investor_id]
    signed = deal.quantity if order.side is Side.BUY else -deal.quantity
    account.cash_units -= signed * deal.price_units + fee
    account.holding(order.symbol).trade(signed, deal.price_units)
    order.filled_quantity += deal.quantity
    order.traded_units += deal.quantity * deal.price_units
    order.status = Status.PARTIALLY_FILLED
    if state.rests(order):
        _take_from_slice(state.assets[order.symbol], order, deal.quantity)
    if not order.remaining_quantity:
        state.forget(order, Status.FILLED)


def _take_from_slice(asset: Asset, order: Order, quantity: int) -> None:
    order.shown -= quantity
    asset.mark(order)
    if not order.shown:
        asset.leave(order)
        if order.remaining_quantity:
            asset.join(order)
