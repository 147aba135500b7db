"""Hypothesis strategies for commands of every kind, narrow enough that orders meet.

A command is thrown with dice of one seed each: so thousands are drawn in no time, and a log that shows a bug
shrinks to the few commands that it takes. Cancels and amends mostly name an order placed a little before, and
its investor; now and then a field is twisted into something that breaks a rule.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple, TypeAlias

from hypothesis import strategies as st
from msgspec import structs

from engine.domain import (
    HOUSE_ID,
    PRICE_UNITS_MAX,
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

SYMBOL = "PETR4"
LOTS_SYMBOL = "VALE3"
DEAR_SYMBOL = "DEAR3"
LIMITED = ("ana", "cora", "eva")
UNLIMITED = ("bia", "duda")
START_MS = 1_790_000_000_000

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
_BILLION_UNITS = 10**9 * 10_000
INVESTORS = (*LIMITED, *UNLIMITED)
# Who places orders: those who can always pay more often.
_OWNERS = (*LIMITED, *UNLIMITED, *UNLIMITED)
# Pairs of a maker's and a taker's fee, in millionths.
_FEES = ((0, 0), (100, 250), (3_001, 5_000), (0, 100_000), (77_777, 0))
_SYMBOLS = (SYMBOL, SYMBOL, LOTS_SYMBOL, DEAR_SYMBOL)
_IDS = 40
_RECENT = 12
_COMMANDS_MAX = 60

_TYPES = (
    *[OrderType.LIMIT] * 8,
    *[OrderType.MARKET] * 2,
    OrderType.MARKET_TO_LIMIT,
    *[OrderType.STOP] * 2,
    *[OrderType.STOP_LIMIT] * 2,
)
_STOP_TYPES = {OrderType.STOP, OrderType.STOP_LIMIT}
_LASTING = (TimeInForce.GTC, TimeInForce.GTC, TimeInForce.DAY, TimeInForce.GTD)
_FOR_AUCTIONS = (TimeInForce.AT_OPEN, TimeInForce.AT_CLOSE)
_TIMES = (*_LASTING, *_LASTING, TimeInForce.IOC, TimeInForce.FOK, TimeInForce.FOK, *_FOR_AUCTIONS)


class Step(NamedTuple):
    """A command and the timestamp of its record."""

    command: Command
    time_ms: int


class _Market(NamedTuple):
    """A symbol, and what its orders look like: prices from `lowest` to `highest` ticks, quantities in lots.

    Far prices are those that do not cross: the reference tries every tick between a crossing bid and ask.
    """

    listing: ListAsset
    lowest: int
    highest: int
    far: dict[Side, int]
    lots: tuple[int, ...]

    def price_units(self, dice: Random) -> int:
        return dice.randint(self.lowest, self.highest) * self.listing.tick_size_units

    def far_units(self, dice: Random, side: Side) -> int:
        tick = self.listing.tick_size_units
        step = dice.randint(0, 70) * (1 if side is Side.BUY else dice.choice([1, 5_000, 900_000]))
        return min(self.far[side] + step, PRICE_UNITS_MAX // tick) * tick

    def quantity(self, dice: Random) -> int:
        return dice.choice(self.lots) * self.listing.lot_size


def _market(listing: ListAsset, spread: int, far: tuple[int, int], lots: tuple[int, ...]) -> _Market:
    middle = listing.reference_price_units // listing.tick_size_units
    return _Market(listing, middle - spread, middle + spread, {Side.BUY: far[0], Side.SELL: far[1]}, lots)


def _listing(
    symbol: str, tick_size_units: int, lot_size: int, reference_price_units: int, fees: tuple[int, int]
) -> ListAsset:
    return ListAsset(
        symbol=symbol,
        name=f'{symbol} "ação" \\',
        tick_size_units=tick_size_units,
        lot_size=lot_size,
        reference_price_units=reference_price_units,
        price_band=0.02 if symbol == LOTS_SYMBOL else None,
        maker_fee_ppm=fees[0],
        taker_fee_ppm=fees[1],
    )


_MARKETS = {
    SYMBOL: _market(_listing(SYMBOL, 100, 1, 100_000, (100, 3_001)), 5, (1, 2_000), (*range(1, 13), 25, 40)),
    LOTS_SYMBOL: _market(_listing(LOTS_SYMBOL, 500, 5, 100_000, (0, 0)), 3, (196, 204), (1, 2, 3, 4)),
    # Prices and quantities near the most that an order may be worth.
    DEAR_SYMBOL: _market(
        _listing(DEAR_SYMBOL, 10_000, 1, 900_000 * 10_000, (10, 25)),
        2,
        (1, 900_010),
        (1_000, 50_000, 111_000, 111_112),
    ),
}
# One investor has enough for some orders, one hardly for one, one nearly the most cash that an account may
# have, and the house too; without limits, one is near the most debt, and one holds nearly as much for open
# orders as one may.
OPENING: tuple[Command, ...] = (
    *(market.listing for market in _MARKETS.values()),
    *(OpenAccount(investor_id=investor) for investor in LIMITED),
    *(OpenAccount(investor_id=investor, unlimited=True) for investor in UNLIMITED),
    Deposit(investor_id="ana", cash_units=2_000_000),
    Deposit(investor_id="eva", cash_units=600_000),
    *(
        Deposit(investor_id=investor, symbol=symbol, quantity=quantity)
        for investor, symbol, quantity in (
            ("ana", SYMBOL, 30),
            ("ana", LOTS_SYMBOL, 40),
            ("eva", SYMBOL, 9),
            ("cora", SYMBOL, 60),
            ("cora", DEAR_SYMBOL, 300_000),
        )
    ),
    *(Deposit(investor_id="cora", cash_units=99 * _BILLION_UNITS) for _ in range(9)),
    *(Deposit(investor_id=HOUSE_ID, cash_units=100 * _BILLION_UNITS - 10**9) for _ in range(9)),
    *(Withdraw(investor_id="duda", cash_units=99 * _BILLION_UNITS) for _ in range(9)),
    *(
        Place(
            order_id=f"held-{number}",
            investor_id="bia",
            symbol=DEAR_SYMBOL,
            side=Side.BUY,
            quantity=10**8,
            price_units=1_000 * 10_000,
            time_in_force=TimeInForce.GTC,
        )
        for number in range(8)
    ),
)


# A band for all, without which no market order is for an auction.
_BANDED = {
    symbol: structs.replace(_MARKETS[symbol].listing, price_band=0.02) for symbol in (SYMBOL, LOTS_SYMBOL)
}


def _rarely(dice: Random) -> bool:
    return dice.random() < 0.1


class _Ticket(NamedTuple):
    """What an order id was first given to."""

    order_id: str
    investor_id: str
    symbol: str


class _Tickets:
    """The order ids given so far; a closed roll gives no new ones."""

    def __init__(self, given: int = 0) -> None:
        self._closed = given > 0
        self._given = [
            _Ticket(f"o-{number}", _OWNERS[number % 7], _SYMBOLS[number // 7 % 4]) for number in range(given)
        ]

    def new(self, dice: Random) -> _Ticket:
        if self._closed or (self._given and _rarely(dice)):
            return dice.choice(self._given)
        ticket = _Ticket(f"o-{len(self._given)}", dice.choice(_OWNERS), dice.choice(_SYMBOLS))
        self._given.append(ticket)
        return ticket

    def recent(self, dice: Random) -> _Ticket:
        given = self._given if self._closed else self._given[-_RECENT:]
        return dice.choice(given or [_Ticket("o-0", "ana", SYMBOL)])

    def owner(self, dice: Random, ticket: _Ticket) -> str:
        return _investor(dice) if _rarely(dice) else ticket.investor_id


def _investor(dice: Random) -> str:
    return dice.choice((*INVESTORS, *INVESTORS, "zoe", HOUSE_ID))


def _symbol(dice: Random) -> str:
    return dice.choice((*_SYMBOLS, *_SYMBOLS, "NEVER3"))


def _expires_ms(dice: Random) -> int:
    return START_MS + dice.choice([0, 1, _HOUR_MS, 5 * _HOUR_MS, _DAY_MS, 2 * _DAY_MS])


def _place(dice: Random, tickets: _Tickets) -> Place:
    order_id, investor_id, symbol = tickets.new(dice)
    market = _MARKETS[symbol]
    order_type, side, quantity = dice.choice(_TYPES), dice.choice(list(Side)), market.quantity(dice)
    stops = order_type in _STOP_TYPES
    time_in_force = dice.choice(_LASTING if stops else _TIMES)
    may_rest = order_type is OrderType.LIMIT and time_in_force in _LASTING
    priced = order_type in {OrderType.LIMIT, OrderType.STOP_LIMIT}
    price_units = market.far_units(dice, side) if _rarely(dice) else market.price_units(dice)
    part = max(quantity // (3 * market.listing.lot_size), 1) * market.listing.lot_size
    place = Place(
        order_id=order_id,
        client_order_id='ü "é" \\' if _rarely(dice) else None,
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
        post_only=may_rest and _rarely(dice),
        self_trade=dice.choice(list(SelfTrade)),
    )
    return _twisted(place, dice) if _rarely(dice) else place


def _place_in_session(dice: Random, tickets: _Tickets) -> Place:
    """Place an order of a day of auctions: most are for one of them, nearly all can be paid."""
    ticket = tickets.new(dice)
    market = _MARKETS[SYMBOL if ticket.symbol == DEAR_SYMBOL else ticket.symbol]
    time_in_force = dice.choice((*_FOR_AUCTIONS * 3, TimeInForce.GTC, TimeInForce.DAY))
    is_market = time_in_force in _FOR_AUCTIONS and dice.random() < 0.3
    hides = time_in_force is TimeInForce.GTC and dice.random() < 0.3
    return Place(
        order_id=ticket.order_id,
        investor_id=dice.choice((*UNLIMITED, *UNLIMITED, ticket.investor_id)),
        symbol=market.listing.symbol,
        side=dice.choice(list(Side)),
        quantity=market.quantity(dice),
        type=OrderType.MARKET if is_market else OrderType.LIMIT,
        price_units=None if is_market else market.price_units(dice),
        time_in_force=time_in_force,
        display_quantity=market.listing.lot_size if hides else None,
        self_trade=dice.choice(list(SelfTrade)),
    )


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


def _cancel(dice: Random, tickets: _Tickets) -> Cancel:
    ticket = tickets.recent(dice)
    return Cancel(order_id=ticket.order_id, investor_id=tickets.owner(dice, ticket))


def _cancel_all(dice: Random, _tickets: _Tickets) -> CancelAll:
    return CancelAll(investor_id=_investor(dice), symbol=dice.choice([None, _symbol(dice)]))


def _amend(dice: Random, tickets: _Tickets) -> Amend:
    ticket = tickets.recent(dice)
    market = _MARKETS[ticket.symbol]
    return Amend(
        order_id=ticket.order_id,
        investor_id=tickets.owner(dice, ticket),
        quantity=dice.choice([None, market.quantity(dice), market.quantity(dice), 3, 10**8]),
        price_units=dice.choice([None, None, market.price_units(dice), market.price_units(dice), 99_950]),
    )


def _list_asset(dice: Random, _tickets: _Tickets) -> ListAsset:
    listing, fees = _MARKETS[dice.choice(_SYMBOLS)].listing, dice.choice(_FEES)
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


def _open_account(dice: Random, _tickets: _Tickets) -> OpenAccount:
    return OpenAccount(investor_id=_investor(dice), unlimited=dice.random() < 0.5)


def _transfer(dice: Random, _tickets: _Tickets) -> Deposit | Withdraw:
    cash: dict[str, Any] = {"cash_units": dice.choice([1, 500_000, 2_000_000, 100 * _BILLION_UNITS])}
    shares: dict[str, Any] = {"symbol": _symbol(dice), "quantity": dice.choice([1, 10, 100, 10**8])}
    what = cash | shares if _rarely(dice) else dice.choice([cash, shares])
    if _rarely(dice):
        what.popitem()
    if dice.random() < 0.5:
        # Few, so that the same ids come again, with the same terms and with others.
        what["transfer_id"] = dice.choice(["t-1", "t-2", 'ü "t" \\'])
        what["cash_units" if "cash_units" in what else "quantity"] = dice.choice([500, 1_000])
    if dice.random() < 0.5:
        return Deposit(investor_id=_investor(dice), **what)
    return Withdraw(investor_id=_investor(dice), **what)


def _set_limits(dice: Random, _tickets: _Tickets) -> SetLimits:
    if dice.random() < 0.75:
        return SetLimits(investor_id=_investor(dice))
    return SetLimits(
        investor_id=_investor(dice),
        order_value_max_units=dice.choice([None, None, 600_000, 1_000_000, 10**15]),
        open_orders_max=dice.choice([None, None, 1, 3]),
        orders_per_second_max=dice.choice([None, None, 1, 2, 5]),
    )


def _kill_switch(dice: Random, _tickets: _Tickets) -> KillSwitch:
    return KillSwitch(investor_id=_investor(dice), on=dice.random() < 0.1)


def _set_phase(dice: Random, _tickets: _Tickets) -> SetPhase:
    phases = [*[Phase.CONTINUOUS] * 6, *[Phase.AUCTION] * 4, Phase.HALTED, Phase.CLOSED]
    return SetPhase(symbol=_symbol(dice), phase=dice.choice(phases))


def _set_session_phase(dice: Random, _tickets: _Tickets) -> SetPhase:
    phases = [*[Phase.AUCTION] * 5, *[Phase.CONTINUOUS] * 3, *[Phase.CLOSED] * 3, Phase.HALTED]
    return SetPhase(symbol=dice.choice([SYMBOL, SYMBOL, LOTS_SYMBOL]), phase=dice.choice(phases))


def _malformed(dice: Random, tickets: _Tickets) -> Malformed:
    return Malformed(
        message=dice.choice(["{no} JSON", 'Expected `int`, got "ü"']),
        order_id=dice.choice(["", tickets.recent(dice).order_id]),
        investor_id=dice.choice(["", _investor(dice)]),
        symbol=dice.choice(["", _symbol(dice)]),
    )


_Throw: TypeAlias = Callable[[Random, _Tickets], Command]
_THROWS: tuple[_Throw, ...] = (
    *[_place] * 28,
    *[_amend] * 9,
    *[_cancel] * 3,
    *[_set_phase] * 4,
    *[_transfer] * 3,
    _cancel_all,
    _list_asset,
    _open_account,
    _set_limits,
    _kill_switch,
)
_SESSION_THROWS: tuple[_Throw, ...] = (
    *[_place_in_session] * 11,
    *[_set_session_phase] * 4,
    *[_amend] * 2,
    _cancel,
    _place,
)
_WAITS_MS = (*[0] * 40, *[1, 400, 1_000] * 2, -_HOUR_MS, _HOUR_MS, 5 * _HOUR_MS, _DAY_MS, 3 * _DAY_MS)

_SESSION_WAITS_MS = (*[0] * 80, *[400] * 10, 5 * _HOUR_MS, _DAY_MS)


def _command(seed: int) -> Command:
    dice = Random(seed)
    return dice.choice(_THROWS)(dice, _Tickets(_IDS))


def log_of(seeds: list[int]) -> list[Step]:
    """Give the log that these seeds of dice make, the opening first."""
    return _thrown(seeds, OPENING, (*_THROWS, _malformed), _WAITS_MS)


def session_of(seeds: list[int]) -> list[Step]:
    """Give a log in which phases change often and most orders are for an auction, the opening first."""
    return _thrown(seeds, (*OPENING, *_BANDED.values()), _SESSION_THROWS, _SESSION_WAITS_MS)


def _thrown(
    seeds: list[int], opening: tuple[Command, ...], throws: tuple[_Throw, ...], waits_ms: tuple[int, ...]
) -> list[Step]:
    time_ms, log, tickets = START_MS, [Step(command, START_MS) for command in opening], _Tickets()
    for seed in seeds:
        dice = Random(seed)
        time_ms += dice.choice(waits_ms)
        command = dice.choice(throws)(dice, tickets)
        if isinstance(command, Place) and command.expires_at_ms is not None:
            ahead_ms = command.expires_at_ms - START_MS
            command = structs.replace(command, expires_at_ms=time_ms + ahead_ms)
        log.append(Step(command, time_ms))
    return log


# Hypothesis draws evenly from as many; of more it would mostly draw small ones.
_seeds = st.integers(0, 2**24 - 1)
commands: st.SearchStrategy[Command] = _seeds.map(_command)
# Most logs are long; a list alone would mostly be short.
logs: st.SearchStrategy[list[Step]] = (
    st.sampled_from([0, _COMMANDS_MAX // 2, _COMMANDS_MAX, _COMMANDS_MAX])
    .flatmap(lambda shortest: st.lists(_seeds, min_size=shortest, max_size=_COMMANDS_MAX))
    .flatmap(lambda seeds: st.sampled_from([log_of, log_of, session_of]).map(lambda log: log(seeds)))
)
