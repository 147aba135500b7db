"""The markets that thrown commands go to, and what stands in them before the first one.

Narrow enough that orders meet, and some of it near the bounds of what the engine takes.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from engine.domain import (
    HOUSE_ID,
    PRICE_UNITS_MAX,
    Command,
    Deposit,
    ListAsset,
    OpenAccount,
    Place,
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

BILLION_UNITS = 10**9 * 10_000
INVESTORS = (*LIMITED, *UNLIMITED)
# Who places orders: those who can always pay more often.
OWNERS = (*LIMITED, *UNLIMITED, *UNLIMITED)
# Pairs of a maker's and a taker's fee, in millionths.
FEES = ((0, 0), (100, 250), (3_001, 5_000), (0, 100_000), (77_777, 0))
SYMBOLS = (SYMBOL, SYMBOL, LOTS_SYMBOL, DEAR_SYMBOL)


class Market(NamedTuple):
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


def _market(listing: ListAsset, spread: int, far: tuple[int, int], lots: tuple[int, ...]) -> Market:
    middle = listing.reference_price_units // listing.tick_size_units
    return Market(listing, middle - spread, middle + spread, {Side.BUY: far[0], Side.SELL: far[1]}, lots)


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


MARKETS = {
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
    *(market.listing for market in MARKETS.values()),
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
    *(Deposit(investor_id="cora", cash_units=99 * BILLION_UNITS) for _ in range(9)),
    *(Deposit(investor_id=HOUSE_ID, cash_units=100 * BILLION_UNITS - 10**9) for _ in range(9)),
    *(Withdraw(investor_id="duda", cash_units=99 * BILLION_UNITS) for _ in range(9)),
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
