"""How an incoming order trades: best price first, at each price the order that has been there longest."""

from __future__ import annotations

from typing import Any, Final

from engine.kernel import header as h
from engine.kernel.accounts import (
    after_trade,
    hold,
    holdings_of,
    is_beyond_bounds,
    settle,
    settle_alone,
    touch,
)
from engine.kernel.compile import inlined, rarely
from engine.kernel.cover import covered_quantity, free_cash
from engine.kernel.events import report, report_trade
from engine.kernel.fees import house_can_take, maker_fee, pay_house, share_cost, taker_fee
from engine.kernel.ladder import next_level
from engine.kernel.layout import EVENTS_SOFT_MAX, LADDERS_PER_ASSET, NONE, Ladder
from engine.kernel.orders import end, rest, show, unrest
from engine.kernel.queues import dequeue, mark_changed, requeue
from engine.kernel.words import (
    BUY,
    DAY,
    DID_EXPIRE,
    EXPIRE_MAKER,
    EXPIRE_TAKER,
    EXPIRED,
    FILLED,
    GTC,
    GTD,
    LIMIT,
    MAKER,
    MARKET_TO_LIMIT,
    NO_PREVENTION,
    PARTIALLY_FILLED,
    STOP_LIMIT,
    TAKER,
)
from engine.messages import Message

_BIDS = int(Ladder.BIDS)
_ASKS = int(Ladder.ASKS)
_MET_NEWER = int(Message.MET_NEWER)
_MET_OLDER = int(Message.MET_OLDER)
_ACCOUNT_BOUND = int(Message.ACCOUNT_BOUND)
_HOUSE_BOUND = int(Message.HOUSE_BOUND)
_CASH_COVERS_NO_MORE = int(Message.CASH_COVERS_NO_MORE)
_NO_MORE_ON_OFFER = int(Message.NO_MORE_ON_OFFER)
_ANY_PRICE: Final = 1 << 62


@inlined
def opposite_of(asset: int, side: int) -> int:
    """Give the ladder that orders of a side trade with."""
    return LADDERS_PER_ASSET * asset + (_ASKS if side == BUY else _BIDS)


@inlined
def best_price(market: Any, which: int, tick: int) -> int:
    """Give the first price of a side of a book, 0 when nothing rests there."""
    level = market.ladders[which].first
    return 0 if level == NONE else market.levels[level].key * tick


@inlined
def crosses(side: int, limit: int, price: int) -> bool:
    """Tell whether an order of a side with a limit may trade at a price; limit 0 is any price."""
    if limit == 0:
        return True
    return limit >= price if side == BUY else limit <= price


@rarely
def cost_to_fill(market: Any, command: int, limit: int) -> int:
    """Give what a new order would cost a buyer if it were filled whole at once, NONE if it would not be.

    Cost O(orders that it would meet).
    """
    placed = market.commands[command]
    account, asset, side, mode = placed.account, placed.asset, placed.side, placed.self_trade
    which = opposite_of(asset, side)
    tick, fees = market.assets[asset].tick, market.assets[asset].fees
    level = market.ladders[which].first
    missing = placed.quantity
    cost = 0
    while level != NONE and crosses(side, limit, market.levels[level].key * tick):
        shown_before_own = 0
        level_total = 0
        order = market.levels[level].head
        while order != NONE:
            row = market.orders[order]
            own = mode != NO_PREVENTION and market.positions[row.position].account == account
            if own and mode != EXPIRE_MAKER:
                cost += missing * share_cost(market, fees, market.levels[level].key * tick)
                return cost if missing <= shown_before_own else NONE
            if not own:
                shown_before_own += row.shown
                level_total += row.quantity - row.filled
            order = row.next
        taken = min(missing, level_total)
        cost += taken * share_cost(market, fees, market.levels[level].key * tick)
        missing -= taken
        if missing == 0:
            return cost
        level = next_level(market, which, level)
    return NONE


@inlined
def match(market: Any, taker: int, command: int) -> bool:
    """Let an incoming order trade until it is done; False when there is no more room for events before that.

    Afterwards the order has ended or rests.
    """
    row = market.orders[taker]
    asset = market.positions[row.position].asset
    which = opposite_of(asset, row.side)
    tick = market.assets[asset].tick
    while True:
        level = market.ladders[which].first
        if level == NONE:
            break
        price = market.levels[level].key * tick
        if not crosses(row.side, row.price, price):
            break
        if market.header[h.EVENTS] > EVENTS_SOFT_MAX:
            return False
        if meet(market, taker, market.levels[level].head, which, price, command):
            return True
    _settle_down(market, taker, command)
    return True


@inlined
def meet(market: Any, taker: int, maker: int, which: int, price: int, command: int) -> bool:
    """Let an incoming order meet a resting one at a price; True when the incoming one has ended."""
    row = market.orders[taker]
    resting = market.orders[maker]
    mode = row.self_trade
    if (
        mode != NO_PREVENTION
        and market.positions[row.position].account == market.positions[resting.position].account
    ):
        return prevent(market, taker, maker, command)
    wanted = min(row.quantity - row.filled, resting.shown)
    quantity = wanted
    if row.side == BUY and row.price == 0:
        quantity = covered_quantity(market, taker, wanted, price)
        if quantity == 0:
            _expire_uncovered(market, taker, price, command)
            return True
    bought = quantity if row.side == BUY else -quantity
    resting_fee = maker_fee(market, resting.fees, quantity * price)
    incoming_fee = taker_fee(market, row.fees, quantity * price)
    maker_holds = after_trade(holdings_of(market, resting.position), -bought, price, resting_fee)
    if is_beyond_bounds(maker_holds):
        expire_resting(market, maker, _ACCOUNT_BOUND, command)
        return False
    taker_holds = after_trade(holdings_of(market, row.position), bought, price, incoming_fee)
    if is_beyond_bounds(taker_holds):
        expire_incoming(market, taker, _ACCOUNT_BOUND, command)
        return True
    if not house_can_take(market, resting_fee + incoming_fee):
        expire_incoming(market, taker, _HOUSE_BOUND, command)
        return True
    market.assets[market.positions[row.position].asset].last_price = price
    fill_resting(market, maker, which, quantity, price, command)
    settle(market, resting.position, maker_holds)
    if row.position == resting.position:
        settle_alone(market, row.position, bought, price, incoming_fee)
    else:
        settle(market, row.position, taker_holds)
    pay_house(market, resting_fee + incoming_fee)
    row.filled += quantity
    row.traded += quantity * price
    report_trade(market, command, maker, MAKER, price, quantity, resting_fee)
    filled = row.filled == row.quantity
    row.status = FILLED if filled else PARTIALLY_FILLED
    report_trade(market, command, taker, TAKER, price, quantity, incoming_fee)
    market.header[h.TRADES] += 1
    if resting.filled == resting.quantity:
        end(market, maker, FILLED)
    if filled:
        end(market, taker, FILLED)
    elif quantity < wanted:
        _expire_uncovered(market, taker, price, command)
        return True
    return filled


@inlined
def fill_resting(market: Any, order: int, which: int, quantity: int, price: int, command: int) -> None:
    """Take traded shares off a resting order.

    It leaves its queue when it is filled, and goes to its end with a new slice.
    """
    row = market.orders[order]
    asset = market.positions[row.position].asset
    mark_changed(market, asset, which - LADDERS_PER_ASSET * asset, row.level, command)
    hold(market, order, -quantity)
    if quantity == row.quantity - row.filled:
        dequeue(market, which, order)
        row.filled += quantity
        row.shown = 0
        row.status = FILLED
    else:
        queue = market.levels[row.level]
        queue.total -= quantity
        queue.quantity -= quantity
        row.filled += quantity
        row.shown -= quantity
        row.status = PARTIALLY_FILLED
        if row.shown == 0:
            show(market, order)
            queue.quantity += row.shown
            requeue(market, order)
    row.traded += quantity * price


@rarely
def prevent(market: Any, taker: int, maker: int, command: int) -> bool:
    """Keep an investor from trading with itself; True when the incoming order has ended."""
    mode = market.orders[taker].self_trade
    if mode != EXPIRE_TAKER:
        expire_resting(market, maker, _MET_NEWER, command)
    if mode == EXPIRE_MAKER:
        return False
    expire_incoming(market, taker, _MET_OLDER, command)
    return True


@rarely
def expire_resting(market: Any, order: int, message: int, command: int) -> None:
    """End a resting order that nobody canceled."""
    unrest(market, order, command)
    expire_incoming(market, order, message, command)


@rarely
def expire_incoming(market: Any, order: int, message: int, command: int) -> None:
    """End an order that is in no book."""
    market.orders[order].status = EXPIRED
    report(market, command, order, DID_EXPIRE, message)
    end(market, order, EXPIRED)


@rarely
def _expire_uncovered(market: Any, order: int, price: int, command: int) -> None:
    row = market.orders[order]
    position = market.positions[row.position]
    expire_incoming(market, order, _CASH_COVERS_NO_MORE, command)
    event = market.events[market.header[h.EVENTS] - 1]
    event.last_price = market.assets[position.asset].lot * share_cost(market, row.fees, price)
    event.detail = free_cash(market, position.account)


@inlined
def can_rest(order_type: int, time_in_force: int) -> bool:
    """Tell whether what is left of an order rests."""
    priced = order_type == LIMIT or order_type == MARKET_TO_LIMIT or order_type == STOP_LIMIT
    return priced and (time_in_force == GTC or time_in_force == DAY or time_in_force == GTD)


@inlined
def _settle_down(market: Any, taker: int, command: int) -> None:
    row = market.orders[taker]
    if can_rest(row.type, row.time_in_force):
        rest(market, taker, command)
    else:
        expire_incoming(market, taker, _NO_MORE_ON_OFFER, command)


@inlined
def shrink(market: Any, order: int, which: int, quantity: int, command: int) -> None:
    """Take shares off an order that keeps its place, hidden ones first."""
    row = market.orders[order]
    touch(market, row.position)
    hold(market, order, -quantity)
    queue = market.levels[row.level]
    row.quantity -= quantity
    shown = min(row.shown, row.quantity - row.filled)
    queue.total -= quantity
    queue.quantity -= row.shown - shown
    row.shown = shown
    asset = market.positions[row.position].asset
    ladder = which - LADDERS_PER_ASSET * asset
    if ladder == _BIDS or ladder == _ASKS:
        mark_changed(market, asset, ladder, row.level, command)
