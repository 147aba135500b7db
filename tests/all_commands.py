"""A seeded stream of commands of every kind, deep enough that a crash finds much under way."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from engine.domain import (
    Amend,
    Cancel,
    CancelAll,
    Command,
    Deposit,
    KillSwitch,
    ListAsset,
    OpenAccount,
    OrderType,
    Phase,
    Place,
    SelfTrade,
    SetLimits,
    SetPhase,
    Side,
    TimeInForce,
    Withdraw,
)
from engine.log import NewRecord
from engine.wire.commands import command_key, encode_command

DAY_MS = 24 * 3_600_000
_SYMBOLS = ("ALFA3", "BETA4", "GAMA11")
_TICK_UNITS = 100
_MIDDLE_TICKS = 2_000
_LOT = 10
# A few of them, so that orders meet others of their own investor.
_INVESTORS = tuple(f"investor-{number}" for number in range(6))
_RICH = 4  # the first of them; the others run out of cash and shares
_REMEMBERED_MAX = 1_000
_FOR_AUCTIONS = (TimeInForce.AT_OPEN, TimeInForce.AT_CLOSE)
# Few names, so that many a transfer is asked for again, by the same terms or others.
_TRANSFERS = (None, *(f"t-{number}" for number in range(8)))
_LASTING = (TimeInForce.GTC, TimeInForce.GTC, TimeInForce.GTC, TimeInForce.DAY, TimeInForce.GTD)
_TYPES = (*[OrderType.LIMIT] * 12, OrderType.MARKET, OrderType.MARKET_TO_LIMIT)
_STOPS = (OrderType.STOP, OrderType.STOP_LIMIT)
# So that days end, but not seven of them in a test: then Kafka would begin to compact `assets`.
_WAITS_MS = (*[0] * 970, *[1_000] * 29, DAY_MS // 24)
_NONSENSE = (b"", b"no JSON", b'{"command":"fly"}', b'{"command":"cancel","order_id":"x"}')

_Given: TypeAlias = list[tuple[str, str]]


def opening() -> list[Command]:
    """List the symbols, and open the accounts that the flow trades with."""
    commands: list[Command] = [_listing(symbol, 0.3, taker_fee_ppm=250) for symbol in _SYMBOLS]
    for place, investor in enumerate(_INVESTORS):
        commands.append(OpenAccount(investor_id=investor))
        commands.append(Deposit(investor_id=investor, cash_units=10**12 if place < _RICH else 10**8))
        shares = 10**6 if place < _RICH else 1_000
        commands += [Deposit(investor_id=investor, symbol=each, quantity=shares) for each in _SYMBOLS]
    return commands


def flow(*, seed: int, start_ms: int) -> Iterator[NewRecord]:
    """Give records for `orders` without end, from the opening on.

    Parameters
    ----------
    seed : int
        The same seed gives the same commands, as far apart.
    start_ms : int
        The first record's time; some twenty thousand commands last a day.
    """
    dice = random.Random(seed)
    time_ms, given = start_ms, _Given()
    for command in opening():
        yield NewRecord(command_key(command), encode_command(command), time_ms)
    while True:
        time_ms += dice.choice(_WAITS_MS)
        if dice.random() < 0.003:
            yield NewRecord(None, dice.choice(_NONSENSE), time_ms)
        for command in dice.choice(_THROWS)(dice, given, time_ms):
            yield NewRecord(command_key(command), encode_command(command), time_ms)


def _listing(symbol: str, price_band: float, *, taker_fee_ppm: int) -> ListAsset:
    return ListAsset(
        symbol=symbol,
        name=symbol.title(),
        tick_size_units=_TICK_UNITS,
        lot_size=_LOT,
        reference_price_units=_MIDDLE_TICKS * _TICK_UNITS,
        price_band=price_band,
        maker_fee_ppm=taker_fee_ppm // 3,
        taker_fee_ppm=taker_fee_ppm,
    )


def _price_units(dice: random.Random, side: Side) -> int:
    """Give a price that mostly rests, behind or inside of the others."""
    away = dice.choice((-2, 0, 1, 1, 2, 3, dice.randint(1, 30), dice.randint(1, 60), dice.randint(1, 600)))
    return (_MIDDLE_TICKS + (away if side is Side.SELL else -away)) * _TICK_UNITS


def _quantity(dice: random.Random) -> int:
    return dice.randint(1, 40) * _LOT


def _place(
    dice: random.Random, given: _Given, time_ms: int, *, auctioned: str | None = None
) -> list[Command]:
    """Place an order: in the symbol that is in its auction, where one is, and then often for that alone."""
    if len(given) > _REMEMBERED_MAX:
        # Most of the oldest have ended.
        del given[: _REMEMBERED_MAX // 2]
    investor, order_id = dice.choice(_INVESTORS), f"o-{dice.getrandbits(48):x}"
    stops = dice.random() < 0.1
    order_type = dice.choice(_STOPS if stops else _TYPES)
    lasting = stops or order_type is OrderType.MARKET_TO_LIMIT or dice.random() < 0.85
    time_in_force = dice.choice(_LASTING if lasting else (TimeInForce.IOC, TimeInForce.FOK))
    if order_type in {OrderType.LIMIT, OrderType.MARKET} and dice.random() < (0.5 if auctioned else 0.02):
        lasting, time_in_force = False, dice.choice(_FOR_AUCTIONS)
    rests = order_type is OrderType.LIMIT and lasting
    side, quantity = dice.choice(list(Side)), _quantity(dice)
    # Stops wait where the price is soon to come by.
    stop_units = (_MIDDLE_TICKS + (2 if side is Side.BUY else -2) * dice.randint(0, 4)) * _TICK_UNITS
    if lasting or time_in_force in _FOR_AUCTIONS:
        given.append((order_id, investor))
    priced = order_type in {OrderType.LIMIT, OrderType.STOP_LIMIT}
    return [
        Place(
            order_id=order_id,
            client_order_id="ordem nº 1" if dice.random() < 0.1 else None,
            investor_id=investor,
            symbol=auctioned or dice.choice(_SYMBOLS),
            side=side,
            quantity=quantity,
            type=order_type,
            price_units=_price_units(dice, side) if priced else None,
            stop_price_units=stop_units if stops else None,
            time_in_force=time_in_force,
            expires_at_ms=time_ms + dice.randint(1, DAY_MS) if time_in_force is TimeInForce.GTD else None,
            display_quantity=_LOT if rests and dice.random() < 0.15 else None,
            post_only=rests and dice.random() < 0.1,
            self_trade=dice.choice(list(SelfTrade)),
        )
    ]


def _cancel(dice: random.Random, given: _Given, _time_ms: int) -> list[Command]:
    if not given:
        return []
    place = dice.randrange(len(given))
    given[place], given[-1] = given[-1], given[place]
    order_id, investor = given.pop()
    return [Cancel(order_id=order_id, investor_id=investor)]


def _amend(dice: random.Random, given: _Given, _time_ms: int) -> list[Command]:
    if not given:
        return []
    order_id, investor = dice.choice(given)
    change: dict[str, Any] = dice.choice(
        ({"quantity": _quantity(dice)}, {"price_units": _price_units(dice, dice.choice(list(Side)))})
    )
    return [Amend(order_id=order_id, investor_id=investor, **change)]


def _transfer(dice: random.Random, _given: _Given, _time_ms: int) -> list[Command]:
    away: dict[str, Any] = dice.choice(
        ({"cash_units": 50_000}, {"symbol": dice.choice(_SYMBOLS), "quantity": 7})
    )
    transfer = dice.choice((Deposit, Withdraw))(
        investor_id=dice.choice(_INVESTORS), transfer_id=dice.choice(_TRANSFERS), **away
    )
    return [transfer] * dice.choice((1, 1, 2))


def _auction(dice: random.Random, given: _Given, time_ms: int) -> list[Command]:
    """Hold one amid the day, or one that closes it and perhaps another that opens the next."""
    symbol = dice.choice(_SYMBOLS)

    def orders() -> list[Command]:
        called: list[Command] = [SetPhase(symbol=symbol, phase=Phase.AUCTION)]
        for _ in range(dice.randint(5, 25)):
            called += _place(dice, given, time_ms, auctioned=symbol)
            if dice.random() < 0.3:
                called += dice.choice((_cancel, _amend))(dice, given, time_ms)
        return called

    opened: list[Command] = [SetPhase(symbol=symbol, phase=Phase.CONTINUOUS)]
    closed: list[Command] = [SetPhase(symbol=symbol, phase=Phase.CLOSED)]
    if dice.random() < 0.4:
        return orders() + opened
    return orders() + closed + (orders() if dice.random() < 0.5 else []) + opened


def _rare(dice: random.Random, given: _Given, time_ms: int) -> list[Command]:
    investor, symbol = dice.choice(_INVESTORS), dice.choice(_SYMBOLS)
    choices: tuple[list[Command], ...] = (
        [CancelAll(investor_id=investor, symbol=symbol)],
        [_listing(symbol, dice.choice((0.3, 0.3, 0.02)), taker_fee_ppm=dice.choice((0, 250, 3_001)))],
        [
            SetLimits(
                investor_id=investor, orders_per_second_max=dice.choice((None, 20)), open_orders_max=200
            ),
            SetLimits(investor_id=investor),
        ],
        [
            KillSwitch(investor_id=investor, on=True),
            *_place(dice, given, time_ms),
            KillSwitch(investor_id=investor, on=False),
        ],
        [
            SetPhase(symbol=symbol, phase=Phase.HALTED),
            *_place(dice, given, time_ms),
            SetPhase(symbol=symbol, phase=Phase.CONTINUOUS),
        ],
    )
    return dice.choice(choices)


_THROWS: tuple[Callable[[random.Random, _Given, int], list[Command]], ...] = (
    *[_place] * 240,
    *[_cancel] * 50,
    *[_amend] * 40,
    *[_rare] * 3,
    *[_transfer] * 3,
    *[_auction] * 2,
)
