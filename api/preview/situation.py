"""What an estimate is made from: an asset, its book, and what the investor has. All counted in units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

from engine.domain import PRICE_UNITS_MAX, Phase, Side

PriceQuantity: TypeAlias = tuple[int, int]

_WHOLE_PPM = 1_000_000


class Fees(Struct, frozen=True, kw_only=True):
    """What orders pay for trades, in millionths of their value."""

    maker_ppm: int
    taker_ppm: int

    def share_cost_units(self, price_units: int) -> int:
        """Give what a share at a price needs of a buyer's cash, its fee included."""
        highest_ppm = max(self.maker_ppm, self.taker_ppm)
        if not highest_ppm:
            return price_units
        return price_units + price_units * highest_ppm // _WHOLE_PPM + 1

    def taker_units(self, value_units: int) -> int:
        """Give the incoming order's fee for a trade, rounded half up."""
        return (2 * value_units * self.taker_ppm + _WHOLE_PPM) // (2 * _WHOLE_PPM)


class Listing(Struct, frozen=True, kw_only=True):
    """What is asked of an asset's orders; `last_units` is None before the first trade."""

    symbol: str
    phase: Phase
    tick_units: int
    lot: int
    reference_units: int
    reach_units: int | None
    fees: Fees
    last_units: int | None

    def edge_units(self, side: Side) -> int | None:
        """Give the last price within the band that an order of a side may have."""
        if self.reach_units is None:
            return None
        if side is Side.BUY:
            highest = min(self.reference_units + self.reach_units, PRICE_UNITS_MAX)
            return highest // self.tick_units * self.tick_units
        lowest = self.reference_units - self.reach_units
        return max(-(-lowest // self.tick_units), 1) * self.tick_units

    @property
    def worst_units(self) -> int | None:
        """The most that the band lets a share cost."""
        return None if self.reach_units is None else self.reference_units + self.reach_units


class Funds(Struct, frozen=True, kw_only=True):
    """What an account has, its open orders hold and it may do; None is no limit."""

    cash_units: int
    held_units: int
    quantity: int
    held_quantity: int
    trading_disabled: bool = False
    order_value_max_units: int | None = None
    open_orders_max: int | None = None
    open_orders: int = 0

    @property
    def free_units(self) -> int:
        """Cash that no open order holds."""
        return self.cash_units - self.held_units

    @property
    def free_quantity(self) -> int:
        """Shares that no open order holds."""
        return self.quantity - self.held_quantity

    @property
    def is_unlimited(self) -> bool:
        """Whether it owes what no limited account could; records do not tell otherwise."""
        return self.free_units < 0 or self.free_quantity < 0


class Situation(Struct, frozen=True, kw_only=True):
    """The market as an order would find it.

    `bids` and `asks` are what shows, best price first; `own_shown` of it the investor's own, by side and
    price. `funds` is None without an account.
    """

    investor_id: str
    time_ms: int
    listing: Listing
    bids: Sequence[PriceQuantity]
    asks: Sequence[PriceQuantity]
    own_shown: Mapping[tuple[Side, int], int]
    funds: Funds | None

    def offered(self, side: Side) -> Sequence[PriceQuantity]:
        """Give what an order of a side would meet, best price first."""
        return self.asks if side is Side.BUY else self.bids
