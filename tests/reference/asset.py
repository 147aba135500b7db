"""A listed asset: its rules, its phase, what rests and what waits."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.domain import PRICE_UNITS_MAX, AssetChanged, BookChanged, Level, ListAsset, Phase, Side
from tests.reference.fees import Fees
from tests.reference.order import Order


@dataclass(eq=False)
class Asset:
    """What may be traded, and where.

    `bids` and `asks` stand in the order in which they trade, `waiting` orders (stops, and those for one
    auction) in that of their arrival. `changed` names the price levels that the book's readers have not
    been told of.
    """

    listing: ListAsset
    phase: Phase = Phase.CONTINUOUS
    last_price_units: int | None = None
    bids: list[Order] = field(default_factory=list)
    asks: list[Order] = field(default_factory=list)
    waiting: list[Order] = field(default_factory=list)
    changed: set[tuple[Side, int]] = field(default_factory=set)
    changed_offset: int = -1
    changed_time_ms: int = 0
    told_offset: int = -1

    @property
    def mark_price_units(self) -> int:
        """The last price, or the reference price until there is one."""
        return self.last_price_units or self.listing.reference_price_units

    @property
    def reach_units(self) -> int | None:
        """How far a price may be from the reference price; None without a band."""
        band = self.listing.price_band
        return None if band is None else int(self.listing.reference_price_units * band)

    @property
    def worst_price_units(self) -> int | None:
        """The band's upper edge, the most that a share may cost; None without a band."""
        reach = self.reach_units
        return None if reach is None else self.listing.reference_price_units + reach

    def edge_units(self, side: Side) -> int | None:
        """Give the last price within the band that an order of a side may have; None without a band."""
        reach, tick = self.reach_units, self.listing.tick_size_units
        reference = self.listing.reference_price_units
        if reach is None:
            return None
        if side is Side.BUY:
            return min(reference + reach, PRICE_UNITS_MAX) // tick * tick
        return max(-(-(reference - reach) // tick), 1) * tick

    @property
    def fees(self) -> Fees:
        """What new orders will pay."""
        return Fees(self.listing.maker_fee_ppm, self.listing.taker_fee_ppm)

    def queue(self, side: Side) -> list[Order]:
        """Give the orders that rest on a side, first to trade first."""
        return self.bids if side is Side.BUY else self.asks

    def best(self, side: Side) -> Order | None:
        """Give the order that trades first on a side."""
        return next(iter(self.queue(side)), None)

    def join(self, order: Order) -> None:
        """Put an order's next slice behind those of its price."""
        order.shown = order.slice_quantity
        sign = -1 if order.side is Side.BUY else 1
        insort(self.queue(order.side), order, key=lambda other: sign * other.resting_price_units)
        self.mark(order)

    def leave(self, order: Order) -> None:
        """Take an order out of its queue."""
        self.queue(order.side).remove(order)
        self.mark(order)

    def mark(self, order: Order) -> None:
        """Note that the level of an order's price changed."""
        self.changed.add((order.side, order.resting_price_units))

    def report(self) -> AssetChanged:
        """Report the asset as it now is."""
        listing = self.listing
        return AssetChanged(
            symbol=listing.symbol,
            name=listing.name,
            tick_size_units=listing.tick_size_units,
            lot_size=listing.lot_size,
            reference_price_units=listing.reference_price_units,
            price_band=listing.price_band,
            maker_fee_ppm=listing.maker_fee_ppm,
            taker_fee_ppm=listing.taker_fee_ppm,
            phase=self.phase,
        )

    def take_changes(self) -> BookChanged:
        """Give the levels changed since the record before; at first, the whole book."""
        if self.told_offset < 0:
            return self.take_snapshot(self.changed_offset, self.changed_time_ms)
        bids = {price for side, price in self.changed if side is Side.BUY}
        asks = {price for side, price in self.changed if side is Side.SELL}
        return self._record(self.changed_offset, self.changed_time_ms, snapshot=False, bids=bids, asks=asks)

    def take_snapshot(self, offset: int, time_ms: int) -> BookChanged:
        """Give the whole book; changes taken later follow it."""
        bids = {order.resting_price_units for order in self.bids}
        asks = {order.resting_price_units for order in self.asks}
        return self._record(offset, time_ms, snapshot=True, bids=bids, asks=asks)

    def _record(
        self, offset: int, time_ms: int, *, snapshot: bool, bids: Iterable[int], asks: Iterable[int]
    ) -> BookChanged:
        previous, self.told_offset = self.told_offset, offset
        self.changed.clear()
        return BookChanged(
            symbol=self.listing.symbol,
            offset=offset,
            previous_offset=previous,
            time_ms=time_ms,
            snapshot=snapshot,
            bids=tuple(_level(self.bids, price) for price in sorted(bids, reverse=True)),
            asks=tuple(_level(self.asks, price) for price in sorted(asks)),
        )


def _level(queue: list[Order], price_units: int) -> Level:
    shown = [order.shown for order in queue if order.price_units == price_units]
    return Level(price_units, sum(shown), len(shown))
