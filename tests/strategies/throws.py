"""A command of each kind, made with dice. Cancels and amends mostly name an order placed a little before, and
its investor; now and then a field is twisted into something that breaks a rule.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple, TypeAlias

from msgspec import structs

from engine.domain import (
    HOUSE_ID,
    Amend,
    Cancel,
    CancelAll,
    Command,
    Deposit,
    KillSwitch,
    ListAsset,
    Malformed,
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
from tests.strategies.markets import (
    BILLION_UNITS,
    DEAR_SYMBOL,
    FEES,
    INVESTORS,
    LOTS_SYMBOL,
    MARKETS,
    OWNERS,
    START_MS,
    SYMBOL,
    SYMBOLS,
)

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
_RECENT = 12

_TYPES = (
    *[OrderType.LIMIT] * 8,
    *[OrderType.MARKET] * 2,
    OrderType.MARKET_TO_LIMIT,
    *[OrderType.STOP] * 2,
    *[OrderType.STOP_LIMIT] * 2,
)
_STOP_TYPES = {OrderType.STOP, OrderType.STOP_LIMIT}
_LASTING = (TimeInForce.GTC, TimeInForce.GTC, TimeInForce.DAY, TimeInForce.GTD)
FOR_AUCTIONS = (TimeInForce.AT_OPEN, TimeInForce.AT_CLOSE)
_TIMES = (*_LASTING, *_LASTING, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.FOK, *FOR_AUCTIONS)


def rarely(dice: Random) -> bool:
    return dice.random() < 0.1


class _Ticket(NamedTuple):
    """What an order id was first given to."""

    order_id: str
    investor_id: str
    symbol: str


class Tickets:
    """The order ids given so far; a closed roll gives no new ones."""

    def __init__(self, given: int = 0) -> None:
        self._closed = given > 0
        self._given = [
            _Ticket(f"o-{number}", OWNERS[number % 7], SYMBOLS[number // 7 % 4]) for number in range(given)
        ]

    def new(self, dice: Random) -> _Ticket:
        if self._closed or (self._given and rarely(dice)):
            return dice.choice(self._given)
        ticket = _Ticket(f"o-{len(self._given)}", dice.choice(OWNERS), dice.choice(SYMBOLS))
        self._given.append(ticket)
        return ticket

    def recent(self, dice: Random) -> _Ticket:
        given = self._given if self._closed else self._given[-_RECENT:]
        return dice.choice(given or [_Ticket("o-0", "ana", SYMBOL)])

    def owner(self, dice: Random, ticket: _Ticket) -> str:
        return _investor(dice) if rarely(dice) else ticket.investor_id


def _investor(dice: Random) -> str:
    return dice.choice((*INVESTORS, *INVESTORS, "zoe", HOUSE_ID))


def _symbol(dice: Random) -> str:
    return dice.choice((*SYMBOLS, *SYMBOLS, "NEVER3"))


def _expires_ms(dice: Random) -> int:
    return START_MS + dice.choice([0, 1, HOUR_MS, 5 * HOUR_MS, DAY_MS, 2 * DAY_MS])


def place(dice: Random, tickets: Tickets) -> Place:
    order_id, investor_id, symbol = tickets.new(dice)
    market = MARKETS[symbol]
    order_type, side, quantity = dice.choice(_TYPES), dice.choice(list(Side)), market.quantity(dice)
    stops = order_type in _STOP_TYPES
    time_in_force = dice.choice(_LASTING if stops else _TIMES)
    may_rest = order_type is OrderType.LIMIT and time_in_force in _LASTING
    priced = order_type in {OrderType.LIMIT, OrderType.STOP_LIMIT}
    price_units = market.far_units(dice, side) if rarely(dice) else market.price_units(dice)
    part = max(quantity // (3 * market.listing.lot_size), 1) * market.listing.lot_size
    drawn = Place(
        order_id=order_id,
        client_order_id='ü "é" \\' if rarely(dice) else None,
        investor_id=investor_id,
        symbol=symbol,
        side=side,
        quantity=quantity,
        type=order_type,
        price_units=price_units if priced else None,
        stop_price_units=market.price_units(dice) if stops else None,
        time_in_force=time_in_force,
        expires_at_ms=_expires_ms(dice) if time_in_force is TimeInForce.GTD else None,
        display_quantity=part if may_rest and dice.random() < 0.3 else None,
        post_only=may_rest and rarely(dice),
        self_trade=dice.choice(list(SelfTrade)),
    )
    return _twisted(drawn, dice) if rarely(dice) else drawn


def _twisted(place: Place, dice: Random) -> Place:
    twists: dict[str, Any] = {
        "investor_id": _investor(dice),
        # Prices of one asset would be far inside the other side of a much dearer one.
        "symbol": "NEVER3" if place.symbol == DEAR_SYMBOL else dice.choice([SYMBOL, LOTS_SYMBOL, "NEVER3"]),
        "quantity": dice.choice([3, 10**8]),
        "type": dice.choice(list(OrderType)),
        "price_units": dice.choice([None, 99_950, 99_900, 1]),
        "stop_price_units": dice.choice([None, 99_950, 100_000]),
        "time_in_force": dice.choice(list(TimeInForce)),
        "expires_at_ms": dice.choice([None, _expires_ms(dice)]),
        "display_quantity": dice.choice([1, 2, 10**8]),
        "post_only": True,
    }
    twisted = dice.sample(sorted(twists), dice.choice([1, 1, 2]))
    return structs.replace(place, **{name: twists[name] for name in twisted})


def cancel(dice: Random, tickets: Tickets) -> Cancel:
    ticket = tickets.recent(dice)
    return Cancel(order_id=ticket.order_id, investor_id=tickets.owner(dice, ticket))


def _cancel_all(dice: Random, _tickets: Tickets) -> CancelAll:
    return CancelAll(investor_id=_investor(dice), symbol=dice.choice([None, _symbol(dice)]))


def amend(dice: Random, tickets: Tickets) -> Amend:
    ticket = tickets.recent(dice)
    market = MARKETS[ticket.symbol]
    return Amend(
        order_id=ticket.order_id,
        investor_id=tickets.owner(dice, ticket),
        quantity=dice.choice([None, market.quantity(dice), market.quantity(dice), 3, 10**8]),
        price_units=dice.choice([None, None, market.price_units(dice), market.price_units(dice), 99_950]),
    )


def _list_asset(dice: Random, _tickets: Tickets) -> ListAsset:
    listing, fees = MARKETS[dice.choice(SYMBOLS)].listing, dice.choice(FEES)
    listing = structs.replace(
        listing,
        name=dice.choice(["A", 'B "b"']),
        reference_price_units=listing.reference_price_units // dice.choice([1, 1, 2]),
        price_band=dice.choice([None, None, None, 0.02, 0.02, 0.003, 0.0031]),
        maker_fee_ppm=fees[0],
        taker_fee_ppm=fees[1],
    )
    twists: list[dict[str, Any]] = [
        {"tick_size_units": 50},
        {"lot_size": 2},
        {"reference_price_units": 100_050},
        {"symbol": "NOVO3"},
    ]
    return structs.replace(listing, **dice.choice(twists)) if dice.random() < 0.3 else listing


def _open_account(dice: Random, _tickets: Tickets) -> OpenAccount:
    return OpenAccount(investor_id=_investor(dice), unlimited=dice.random() < 0.5)


def _transfer(dice: Random, _tickets: Tickets) -> Deposit | Withdraw:
    cash: dict[str, Any] = {"cash_units": dice.choice([1, 500_000, 2_000_000, 100 * BILLION_UNITS])}
    shares: dict[str, Any] = {"symbol": _symbol(dice), "quantity": dice.choice([1, 10, 100, 10**8])}
    what = cash | shares if rarely(dice) else dice.choice([cash, shares])
    if rarely(dice):
        what.popitem()
    if dice.random() < 0.5:
        # Few, so that the same ids come again, with the same terms and with others.
        what["transfer_id"] = dice.choice(["t-1", "t-2", 'ü "t" \\'])
        what["cash_units" if "cash_units" in what else "quantity"] = dice.choice([500, 1_000])
    if dice.random() < 0.5:
        return Deposit(investor_id=_investor(dice), **what)
    return Withdraw(investor_id=_investor(dice), **what)


def _set_limits(dice: Random, _tickets: Tickets) -> SetLimits:
    if dice.random() < 0.75:
        return SetLimits(investor_id=_investor(dice))
    return SetLimits(
        investor_id=_investor(dice),
        order_value_max_units=dice.choice([None, None, 600_000, 1_000_000, 10**15]),
        open_orders_max=dice.choice([None, None, 1, 3]),
        orders_per_second_max=dice.choice([None, None, 1, 2, 5]),
    )


def _kill_switch(dice: Random, _tickets: Tickets) -> KillSwitch:
    return KillSwitch(investor_id=_investor(dice), on=dice.random() < 0.1)


def _set_phase(dice: Random, _tickets: Tickets) -> SetPhase:
    phases = [*[Phase.CONTINUOUS] * 6, *[Phase.AUCTION] * 4, Phase.HALTED, Phase.CLOSED]
    return SetPhase(symbol=_symbol(dice), phase=dice.choice(phases))


def malformed(dice: Random, tickets: Tickets) -> Malformed:
    return Malformed(
        message=dice.choice(["{no} JSON", 'Expected `int`, got "ü"']),
        order_id=dice.choice(["", tickets.recent(dice).order_id]),
        investor_id=dice.choice(["", _investor(dice)]),
        symbol=dice.choice(["", _symbol(dice)]),
    )


Throw: TypeAlias = Callable[[Random, Tickets], Command]
THROWS: tuple[Throw, ...] = (
    *[place] * 28,
    *[amend] * 9,
    *[cancel] * 3,
    *[_set_phase] * 4,
    *[_transfer] * 3,
    _cancel_all,
    _list_asset,
    _open_account,
    _set_limits,
    _kill_switch,
)
