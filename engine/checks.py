"""The rules that a command must meet before it changes anything; each broken one says what to do."""

from __future__ import annotations

from engine.asset import Asset
from engine.domain import ListAsset, OrderType, Phase, Place, Reason, TimeInForce
from engine.refusal import Refusal
from engine.units import decimal_from_units

_LIMITED = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
_NOT_YET = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})


def check_place(place: Place, asset: Asset, time_ms: int) -> None:
    """Check a new order against its asset's rules and the log's time; raises `Refusal`."""
    check_open(asset)
    if place.type in _NOT_YET or place.display_quantity is not None:
        raise Refusal(
            Reason.UNSUPPORTED,
            "Stop orders and hidden quantities are not offered yet; use limit, market or market_to_limit.",
        )
    if place.stop_price_units is not None:
        raise Refusal(Reason.BAD_PRICE, f"A {place.type} order takes no stop price; leave it out.")
    check_quantity(place.quantity, asset)
    if place.type in _LIMITED:
        if place.price_units is None:
            raise Refusal(Reason.BAD_PRICE, f"A {place.type} order needs a price.")
        check_price(place.price_units, asset)
    elif place.price_units is not None:
        raise Refusal(Reason.BAD_PRICE, f"A {place.type} order takes no price; leave it out.")
    if place.post_only and (
        place.type is not OrderType.LIMIT or place.time_in_force in {TimeInForce.IOC, TimeInForce.FOK}
    ):
        raise Refusal(Reason.UNSUPPORTED, "Only a limit order that may rest can be post-only.")
    if place.time_in_force is TimeInForce.GTD:
        if place.expires_at_ms is None or place.expires_at_ms <= time_ms:
            raise Refusal(Reason.BAD_EXPIRY, "A gtd order needs expires_at_ms, later than the market's time.")
    elif place.expires_at_ms is not None:
        raise Refusal(Reason.BAD_EXPIRY, "Only a gtd order takes expires_at_ms; leave it out.")


def check_open(asset: Asset) -> None:
    """Check that the asset's market takes orders; raises `Refusal`."""
    if asset.phase is not Phase.CONTINUOUS:
        raise Refusal(
            Reason.HALTED,
            f"{asset.symbol} is {asset.phase}: it takes no orders or changes now, only cancels.",
        )


def check_quantity(quantity: int, asset: Asset) -> None:
    """Check that shares come in whole lots; raises `Refusal`."""
    lot = asset.listing.lot_size
    if quantity % lot:
        raise Refusal(
            Reason.BAD_QUANTITY,
            f"{asset.symbol} trades in lots of {lot}; {quantity} is not a multiple of it.",
        )


def check_price(price_units: int, asset: Asset) -> None:
    """Check a price against the asset's tick and band; raises `Refusal`."""
    listing = asset.listing
    if price_units % listing.tick_size_units:
        raise Refusal(
            Reason.BAD_PRICE,
            f"{listing.symbol} moves in ticks of {decimal_from_units(listing.tick_size_units)}; "
            f"{decimal_from_units(price_units)} is not a multiple of it.",
        )
    if listing.price_band is None:
        return
    reach = int(listing.reference_price_units * listing.price_band)
    lowest, highest = listing.reference_price_units - reach, listing.reference_price_units + reach
    if not lowest <= price_units <= highest:
        raise Refusal(
            Reason.PRICE_BAND,
            f"{listing.symbol} trades today from {decimal_from_units(lowest)} to "
            f"{decimal_from_units(highest)}; {decimal_from_units(price_units)} is outside.",
        )


def check_listing(listing: ListAsset, listed: Asset | None) -> None:
    """Check an asset to list, or to list again; raises `Refusal`."""
    if listing.maker_fee_bps or listing.taker_fee_bps:
        raise Refusal(Reason.UNSUPPORTED, "Fees are not charged yet; list the asset without them.")
    if listing.reference_price_units % listing.tick_size_units:
        raise Refusal(Reason.BAD_ASSET, "The reference price must be a multiple of the tick size.")
    if listed is not None and (
        listing.tick_size_units != listed.listing.tick_size_units
        or listing.lot_size != listed.listing.lot_size
    ):
        raise Refusal(
            Reason.BAD_ASSET,
            f"{listing.symbol} is listed already; its tick and lot size stay as they are.",
        )
