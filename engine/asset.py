"""A listed asset: its rules, its phase and its book."""

from __future__ import annotations

from dataclasses import dataclass

from engine.book import OrderBook
from engine.domain import AssetChanged, ListAsset, Phase


@dataclass(slots=True)
class Asset:
    """What may be traded, and where."""

    listing: ListAsset
    book: OrderBook
    phase: Phase = Phase.CONTINUOUS

    @property
    def symbol(self) -> str:
        """The asset's name in the market."""
        return self.listing.symbol

    @property
    def mark_price_units(self) -> int:
        """The last price, or the reference price until there is one."""
        last = self.book.last_price_units
        return self.listing.reference_price_units if last is None else last

    def changed(self) -> AssetChanged:
        """Report the asset as it now is."""
        listing = self.listing
        return AssetChanged(
            symbol=listing.symbol,
            name=listing.name,
            tick_size_units=listing.tick_size_units,
            lot_size=listing.lot_size,
            reference_price_units=listing.reference_price_units,
            price_band=listing.price_band,
            maker_fee_bps=listing.maker_fee_bps,
            taker_fee_bps=listing.taker_fee_bps,
            phase=self.phase,
        )
