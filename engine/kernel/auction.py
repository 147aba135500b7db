"""Leaving an auction: one price for all, where the most shares change hands."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.kernel import header as h
from engine.kernel.accounts import after_trade, holdings_of, is_beyond_bounds, settle, settle_alone
from engine.kernel.compile import called, inlined
from engine.kernel.events import report_trade
from engine.kernel.fees import house_can_take, pay_house, taker_fee
from engine.kernel.ladder import next_level
from engine.kernel.layout import EVENTS_SOFT_MAX, LADDERS_PER_ASSET, NONE, Ladder
from engine.kernel.matching import expire_resting, fill_resting, opposite_of
from engine.kernel.orders import end
from engine.kernel.words import (
    BUY,
    EXPIRE_MAKER,
    EXPIRE_TAKER,
    FILLED,
    MAKER,
    NO_PREVENTION,
    TAKER,
)
from engine.messages import Message

_BIDS = int(Ladder.BIDS)
_ASKS = int(Ladder.ASKS)
_MET_NEWER = int(Message.MET_NEWER)
_MET_OLDER = int(Message.MET_OLDER)
_ACCOUNT_BOUND = int(Message.ACCOUNT_BOUND)
_HOUSE_BOUND = int(Message.HOUSE_BOUND)


@called
def uncross(market: Any, asset: int, command: int) -> bool:
    """Trade until the book does not cross; False when there is no more room for events before that."""
    words = market.header
    bids = LADDERS_PER_ASSET * asset + _BIDS
    asks = LADDERS_PER_ASSET * asset + _ASKS
    while True:
        if words[h.UNCROSS_PRICE] == 0:
            if not _is_crossed(market, bids, asks):
                return True
            words[h.UNCROSS_PRICE] = uncrossing_key(market, asset)
        key = words[h.UNCROSS_PRICE]
        while True:
            bid = market.ladders[bids].first
            ask = market.ladders[asks].first
            if bid == NONE or ask == NONE:
                break
            if market.levels[bid].key < key or market.levels[ask].key > key:
                break
            if words[h.EVENTS] > EVENTS_SOFT_MAX:
                return False
            buy = market.levels[bid].head
            sell = market.levels[ask].head
            _pair(market, buy, sell, key * market.assets[asset].tick, command)
        words[h.UNCROSS_PRICE] = 0


@called
def uncrossing_key(market: Any, asset: int) -> int:
    """Give the price, in ticks, at which a crossed book uncrosses. Cost O(levels that cross).

    Between two prices at which orders rest, what can be bought and sold is the same at every tick, so the one
    nearest the last price stands for them all.
    """
    bids = LADDERS_PER_ASSET * asset + _BIDS
    asks = LADDERS_PER_ASSET * asset + _ASKS
    row = market.assets[asset]
    near = (row.last_price if row.last_price != 0 else row.reference_price) // row.tick
    lowest = market.levels[market.ladders[asks].first].key
    highest = market.levels[market.ladders[bids].first].key
    bid_keys, bid_totals = _crossing_levels(market, bids, lowest, highest)
    ask_keys, ask_totals = _crossing_levels(market, asks, lowest, highest)
    demand = bid_totals.sum()
    supply = 0
    bid = len(bid_keys) - 1
    ask = 0
    best = lowest
    best_volume = -1
    best_imbalance = 0
    key = lowest
    # Up from the best ask, in turn a price where orders rest and the ticks behind it where none do.
    while key <= highest:
        while ask < len(ask_keys) and ask_keys[ask] <= key:
            supply += ask_totals[ask]
            ask += 1
        behind = highest + 1
        if ask < len(ask_keys):
            behind = min(behind, ask_keys[ask])
        if bid >= 0 and bid_keys[bid] >= key:
            # Buys at a price itself may trade there; they leave behind it.
            behind = min(behind, bid_keys[bid] + 1)
        candidate = min(max(near, key), behind - 1)
        volume = min(demand, supply)
        imbalance = abs(demand - supply)
        if (
            volume > best_volume
            or (volume == best_volume and imbalance < best_imbalance)
            or (volume == best_volume and imbalance == best_imbalance and _is_nearer(candidate, best, near))
        ):
            best = candidate
            best_volume = volume
            best_imbalance = imbalance
        while bid >= 0 and bid_keys[bid] < behind:
            demand -= bid_totals[bid]
            bid -= 1
        key = behind
    return best


@called
def _crossing_levels(market: Any, which: int, lowest: int, highest: int) -> Any:
    count = 0
    level = market.ladders[which].first
    while level != NONE and lowest <= market.levels[level].key <= highest:
        count += 1
        level = next_level(market, which, level)
    keys = np.empty(count, np.int64)
    totals = np.empty(count, np.int64)
    level = market.ladders[which].first
    for place in range(count):
        keys[place] = market.levels[level].key
        totals[place] = market.levels[level].total
        level = next_level(market, which, level)
    return keys, totals


@inlined
def _is_nearer(key: int, best: int, near: int) -> bool:
    distance = abs(key - near)
    best_distance = abs(best - near)
    return distance < best_distance or (distance == best_distance and key > best)


@inlined
def _is_crossed(market: Any, bids: int, asks: int) -> bool:
    bid = market.ladders[bids].first
    ask = market.ladders[asks].first
    return bid != NONE and ask != NONE and market.levels[bid].key >= market.levels[ask].key


@called
def _pair(market: Any, buy: int, sell: int, price: int, command: int) -> None:
    taker = buy if market.orders[buy].accepted_offset > market.orders[sell].accepted_offset else sell
    maker = sell if taker == buy else buy
    incoming = market.orders[taker]
    resting = market.orders[maker]
    mode = incoming.self_trade
    own = market.positions[incoming.position].account == market.positions[resting.position].account
    if own and mode != NO_PREVENTION:
        if mode != EXPIRE_TAKER:
            expire_resting(market, maker, _MET_NEWER, command)
        if mode != EXPIRE_MAKER:
            expire_resting(market, taker, _MET_OLDER, command)
        return
    quantity = min(incoming.shown, resting.shown)
    bought = quantity if incoming.side == BUY else -quantity
    # Nobody in an auction gives the other a price to take: both pay for taking.
    resting_fee = taker_fee(market, resting.fees, quantity * price)
    incoming_fee = taker_fee(market, incoming.fees, quantity * price)
    maker_holds = after_trade(holdings_of(market, resting.position), -bought, price, resting_fee)
    if is_beyond_bounds(maker_holds):
        expire_resting(market, maker, _ACCOUNT_BOUND, command)
        return
    taker_holds = after_trade(holdings_of(market, incoming.position), bought, price, incoming_fee)
    if is_beyond_bounds(taker_holds):
        expire_resting(market, taker, _ACCOUNT_BOUND, command)
        return
    if not house_can_take(market, resting_fee + incoming_fee):
        expire_resting(market, taker, _HOUSE_BOUND, command)
        return
    asset = market.positions[incoming.position].asset
    market.assets[asset].last_price = price
    fill_resting(market, maker, opposite_of(asset, incoming.side), quantity, price, command)
    settle(market, resting.position, maker_holds)
    fill_resting(market, taker, opposite_of(asset, resting.side), quantity, price, command)
    if incoming.position == resting.position:
        settle_alone(market, incoming.position, bought, price, incoming_fee)
    else:
        settle(market, incoming.position, taker_holds)
    pay_house(market, resting_fee + incoming_fee)
    report_trade(market, command, maker, MAKER, price, quantity, resting_fee)
    report_trade(market, command, taker, TAKER, price, quantity, incoming_fee)
    market.header[h.TRADES] += 1
    if resting.status == FILLED:
        end(market, maker, FILLED)
    if incoming.status == FILLED:
        end(market, taker, FILLED)
