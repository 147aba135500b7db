"""A seeded stream of commands in the mix that exchanges see."""

from __future__ import annotations

import random
from collections.abc import Iterator

from engine.domain import (
    Amend,
    Cancel,
    Command,
    ListAsset,
    OpenAccount,
    OrderType,
    Place,
    SelfTrade,
    Side,
    TimeInForce,
)

_INVESTOR = "bench"
_MIDDLE_TICKS = 4_000
_TICK_UNITS = 100
_RESTING_AT_LEAST = 2_000


def opening(symbols: int) -> list[Command]:
    """List the symbols and open the account that the flow trades with."""
    listings: list[Command] = [
        ListAsset(
            symbol=_symbol(number),
            name=_symbol(number),
            tick_size_units=_TICK_UNITS,
            lot_size=1,
            reference_price_units=_MIDDLE_TICKS * _TICK_UNITS,
        )
        for number in range(symbols)
    ]
    return [*listings, OpenAccount(investor_id=_INVESTOR, unlimited=True)]


def flow(count: int, *, symbols: int = 1, seed: int = 1) -> Iterator[Command]:
    """Give commands: 55% limit orders, about a third crossing, 35% cancels, 5% amends, 5% ioc and market.

    Parameters
    ----------
    count : int
        Commands to give.
    symbols : int
        Symbols of `opening` to spread them over, by Zipf's law.
    seed : int
        The same seed gives the same commands.
    """
    dice = random.Random(seed)
    weights = [1 / (rank + 1) for rank in range(symbols)]
    resting: list[str] = []
    for number in range(count):
        draw = dice.random()
        if draw < 0.40 and len(resting) > _RESTING_AT_LEAST:
            order_id = _take_any(resting, dice)
            if draw < 0.35:
                yield Cancel(order_id=order_id, investor_id=_INVESTOR)
            else:
                resting.append(order_id)
                yield Amend(order_id=order_id, investor_id=_INVESTOR, quantity=dice.randint(1, 100))
            continue
        symbol = _symbol(dice.choices(range(symbols), weights)[0])
        order = _order(f"b-{number}", symbol, dice, immediate=draw > 0.95)
        if order.time_in_force is TimeInForce.GTC:
            resting.append(order.order_id)
        yield order


def _order(order_id: str, symbol: str, dice: random.Random, *, immediate: bool) -> Place:
    side = dice.choice((Side.BUY, Side.SELL))
    crossing = dice.random() < 1 / 3
    away = -dice.randint(0, 3) if crossing else dice.randint(1, 40)
    ticks = _MIDDLE_TICKS - away if side is Side.BUY else _MIDDLE_TICKS + away
    market = immediate and dice.random() < 0.5
    return Place(
        order_id=order_id,
        investor_id=_INVESTOR,
        symbol=symbol,
        side=side,
        quantity=dice.randint(1, 100),
        type=OrderType.MARKET if market else OrderType.LIMIT,
        price_units=None if market else ticks * _TICK_UNITS,
        time_in_force=TimeInForce.IOC if immediate else TimeInForce.GTC,
        self_trade=SelfTrade.NONE,
    )


def _take_any(resting: list[str], dice: random.Random) -> str:
    place = dice.randrange(len(resting))
    resting[place], resting[-1] = resting[-1], resting[place]
    return resting.pop()


def _symbol(number: int) -> str:
    return f"BENCH{number}"
