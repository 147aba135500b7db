"""The array flow's dice and the book that they look at, compiled.

The generator keeps a book of its own, price and time and nothing else, so that every cancel and amend is of
an order that is open, a third of the limit orders trades, and the trades that must come of it are known.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Final, NamedTuple

import numpy as np

from engine.kernel.compile import compiled, inlined

LEVELS: Final = 8_192
"""Prices are 1 to this many ticks, less one."""

_MIDDLE_LEAST: Final = 3_000
_MIDDLE_MOST: Final = 5_000
_MIDDLE_MOVES: Final = 0.001
_DISTANCE_MEAN_TICKS: Final = 20.0
_RESTING_QUANTITY_LEAST: Final = 100
_RESTING_QUANTITY_MOST: Final = 1_000
_SMALL_QUANTITY_MOST: Final = 50
# One die decides what a command is: a cancel below the first number, an amend, a limit order that trades, one
# that rests, and from the last number on an order that must not rest.
_CANCELS_TO: Final = 0.35
_AMENDS_TO: Final = 0.40
_TAKERS_TO: Final = 0.40 + 0.55 / 3
_LIMITS_TO: Final = 0.95
_NONE: Final = -1


class PlainKind(IntEnum):
    """What a plain row asks for, in the terms that all engines have."""

    LIMIT = 0
    IMMEDIATE = 1
    MARKET = 2
    CANCEL = 3
    REDUCE = 4
    MOVE = 5


class Column(IntEnum):
    """The columns of a plain row, all int64."""

    KIND = 0
    SYMBOL = 1
    ORDER = 2
    INVESTOR = 3
    SIDE = 4  # 0 buy, 1 sell
    PRICE = 5  # ticks; 0 where the kind has none
    QUANTITY = 6  # of a reduce: by how much
    TOTAL = 7  # of a reduce: the order's quantity afterwards, filled shares included


class Count(IntEnum):
    """What the generator counted."""

    OPEN = 0
    TRADES = 1
    TRADED_QUANTITY = 2
    LIMITS = 3
    LIMITS_TRADED = 4
    RESTING_SUM = 5


ORDER: Final = np.dtype(
    [
        ("price", "i4"),
        ("left", "i4"),
        ("total", "i4"),
        ("book", "i4"),  # symbol × 2 + side
        ("investor", "i4"),
        ("previous", "i4"),
        ("next", "i4"),
        ("place", "i4"),  # in the list of open orders
    ],
    align=True,
)
# Numba takes an enum's members for objects; plain numbers it folds into the code.
_LIMIT, _IMMEDIATE, _MARKET, _CANCEL, _REDUCE, _MOVE = map(int, PlainKind)
_OPEN, _TRADES, _TRADED, _LIMITS, _LIMITS_TRADED, _RESTING_SUM = map(int, Count)


class _Model(NamedTuple):
    """The generator's book: what rests, by order, by price and in a list to choose from."""

    orders: Any  # (n,) ORDER
    levels: Any  # (symbols × 2, LEVELS, 2) int32, the first and last order of each price
    best: Any  # (symbols × 2,) int64, ticks; 0 or LEVELS where a side is empty
    middles: Any  # (symbols,) int64, ticks
    listed: Any  # (n,) int32, the open orders in any order
    counts: Any  # (6,) int64, see Count
    resting: int


@inlined
def _die(least: int, most: int) -> int:
    return least + int(np.random.random() * (most - least + 1))


@inlined
def _queue(model: Any, order: int) -> None:
    orders, levels, best = model.orders, model.levels, model.best
    book, price = orders[order].book, orders[order].price
    tail = levels[book, price, 1]
    orders[order].previous, orders[order].next = tail, _NONE
    levels[book, price, 1] = order
    if tail != _NONE:
        orders[tail].next = order
        return
    levels[book, price, 0] = order
    best[book] = max(best[book], price) if book % 2 == 0 else min(best[book], price)


@inlined
def _unqueue(model: Any, order: int) -> None:
    orders, levels, best = model.orders, model.levels, model.best
    book, price = orders[order].book, orders[order].price
    before, after = orders[order].previous, orders[order].next
    if before == _NONE:
        levels[book, price, 0] = after
    else:
        orders[before].next = after
    if after == _NONE:
        levels[book, price, 1] = before
    else:
        orders[after].previous = before
    step = -1 if book % 2 == 0 else 1
    while 0 < best[book] < LEVELS and levels[book, best[book], 0] == _NONE:
        best[book] += step


@inlined
def _open(model: Any, order: int) -> None:
    model.orders[order].place = model.counts[_OPEN]
    model.listed[model.counts[_OPEN]] = order
    model.counts[_OPEN] += 1


@inlined
def _close(model: Any, order: int) -> None:
    model.counts[_OPEN] -= 1
    last = model.listed[model.counts[_OPEN]]
    model.listed[model.orders[order].place] = last
    model.orders[last].place = model.orders[order].place


@inlined
def _match(model: Any, book: int, price: int, left: int) -> int:
    """Trade an incoming order of a book with the other side; gives what is left of it."""
    other = book ^ 1
    best = model.best
    while left > 0 and 0 < best[other] < LEVELS:
        if (best[other] > price) if book % 2 == 0 else (best[other] < price):
            break
        maker = model.levels[other, best[other], 0]
        traded = min(left, model.orders[maker].left)
        left -= traded
        model.orders[maker].left -= traded
        model.counts[_TRADES] += 1
        model.counts[_TRADED] += traded
        if model.orders[maker].left == 0:
            _unqueue(model, maker)
            _close(model, maker)
    return left


@inlined
def _passive_price(model: Any, book: int) -> int:
    """Draw a price on a book's own side of the middle that does not cross, most often near."""
    away = 1 + int(-np.log(1.0 - np.random.random()) * _DISTANCE_MEAN_TICKS)
    middle, opposite = model.middles[book // 2], model.best[book ^ 1]
    if book % 2 == 0:
        return int(max(min(middle - away, opposite - 1), 1))
    return int(min(max(middle + away, opposite + 1), LEVELS - 1))


@inlined
def _change(model: Any, plain: Any, row: int, draw: float) -> None:
    """Write the cancel, reduce or move of an open order."""
    orders = model.orders
    order = model.listed[_die(0, model.counts[_OPEN] - 1)]
    book = orders[order].book
    plain[row, 1], plain[row, 2], plain[row, 3] = book // 2, order, orders[order].investor
    plain[row, 4] = book % 2
    if draw < _CANCELS_TO:
        plain[row, 0] = _CANCEL
        _unqueue(model, order)
        _close(model, order)
        return
    price = _passive_price(model, book)
    is_same = price == orders[order].price
    if orders[order].left > 1 and (is_same or draw < (_CANCELS_TO + _AMENDS_TO) / 2):
        less = _die(1, orders[order].left - 1)
        orders[order].left -= less
        orders[order].total -= less
        plain[row, 0], plain[row, 6], plain[row, 7] = _REDUCE, less, orders[order].total
        return
    if is_same:
        price += -1 if book % 2 == 0 else 1
    plain[row, 0], plain[row, 5] = _MOVE, price
    _unqueue(model, order)
    orders[order].price = price
    _queue(model, order)


@inlined
def _place(model: Any, plain: Any, row: int, symbol: int, draw: float) -> int:
    """Write a new order, less its number and investor, and match it; gives what is left to rest."""
    book = 2 * symbol + _die(0, 1)
    opposite = model.best[book ^ 1]
    is_offered = 0 < opposite < LEVELS
    takes = draw >= _LIMITS_TO or (draw < _TAKERS_TO and is_offered)
    kind = _LIMIT
    if takes:
        # As many shares must leave the book by trades as the mix adds to it.
        is_full = model.counts[_OPEN] >= model.resting
        quantity = _die(1, _RESTING_QUANTITY_MOST if is_full else _SMALL_QUANTITY_MOST)
        touch = opposite if is_offered else model.middles[symbol]
        through = _die(0, 3)
        price = touch + through if book % 2 == 0 else touch - through
        price = min(max(price, 1), LEVELS - 1)
    else:
        quantity = _die(_RESTING_QUANTITY_LEAST, _RESTING_QUANTITY_MOST)
        price = _passive_price(model, book)
    limit = price
    if draw >= _LIMITS_TO:
        kind = _IMMEDIATE
        if np.random.random() < 0.5:
            kind, price, limit = _MARKET, 0, LEVELS if book % 2 == 0 else 0
    plain[row, 0], plain[row, 1], plain[row, 4] = kind, symbol, book % 2
    plain[row, 5], plain[row, 6] = price, quantity
    left = _match(model, book, limit, quantity) if takes else quantity
    model.counts[_LIMITS] += kind == _LIMIT
    model.counts[_LIMITS_TRADED] += kind == _LIMIT and left < quantity
    return left if kind == _LIMIT else 0


@inlined
def _rest(model: Any, plain: Any, row: int, left: int) -> None:
    orders, order = model.orders, plain[row, 2]
    orders[order].price, orders[order].left, orders[order].total = plain[row, 5], left, plain[row, 6]
    orders[order].book, orders[order].investor = 2 * plain[row, 1] + plain[row, 4], plain[row, 3]
    _queue(model, order)
    _open(model, order)


@compiled
def generate(plain: Any, zipf: Any, investors: int, resting: int, seed: int) -> Any:
    """Fill plain rows and give the counts.

    Parameters
    ----------
    plain : ndarray of int64, shape (n, 8)
        Zeros, filled with commands; see `Column`.
    zipf : ndarray of float64, shape (symbols,)
        The cumulated share of each symbol in new orders.
    investors : int
        Accounts that the orders come from, evenly.
    resting : int
        Orders that come to rest before the mix begins, and that it then stays near.
    seed : int
        The same seed gives the same rows.

    Returns
    -------
    ndarray of int64, shape (6,)
        See `Count`.
    """
    np.random.seed(seed)
    count, symbols = plain.shape[0], zipf.shape[0]
    best = np.zeros(2 * symbols, np.int64)
    best[1::2] = LEVELS
    model = _Model(
        np.zeros(count, ORDER),
        np.full((2 * symbols, LEVELS, 2), _NONE, np.int32),
        best,
        np.full(symbols, (_MIDDLE_LEAST + _MIDDLE_MOST) // 2, np.int64),
        np.zeros(count, np.int32),
        np.zeros(6, np.int64),
        resting,
    )
    counts, middles = model.counts, model.middles
    placed = 0
    is_filling = True
    for row in range(count):
        counts[_RESTING_SUM] += counts[_OPEN]
        is_filling = is_filling and counts[_OPEN] < resting
        draw = _TAKERS_TO if is_filling else np.random.random()
        if draw < _AMENDS_TO and counts[_OPEN] > 0:
            _change(model, plain, row, draw)
            continue
        symbol = int(np.searchsorted(zipf, np.random.random(), side="right"))
        if np.random.random() < _MIDDLE_MOVES:
            middles[symbol] = min(max(middles[symbol] + 2 * _die(0, 1) - 1, _MIDDLE_LEAST), _MIDDLE_MOST)
        left = _place(model, plain, row, symbol, draw)
        plain[row, 2], plain[row, 3] = placed, _die(0, investors - 1)
        placed += 1
        if left > 0:
            _rest(model, plain, row, left)
    return counts
