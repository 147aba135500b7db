"""The live view as an order would find it."""

from __future__ import annotations

from collections import Counter

from api.live.view import LiveView
from api.payloads import BookLevels
from api.preview.situation import Fees, Funds, Listing, Situation
from api.valuation import units_of
from engine.domain import Place, Side, Status
from engine.units import ppm_from_basis_points

_OWN_ORDERS_MAX = 5_000


def situation_of(view: LiveView, place: Place, book: BookLevels) -> Situation:
    """Give what an order for a listed symbol would find. Cost O(levels + the investor's open orders)."""
    return Situation(
        investor_id=place.investor_id,
        time_ms=view.time_ms,
        listing=_listing(view, place.symbol),
        bids=[(units_of(price), quantity) for price, quantity, _ in book.bids],
        asks=[(units_of(price), quantity) for price, quantity, _ in book.asks],
        own_shown=_own_shown(view, place),
        funds=_funds(view, place),
    )


def _listing(view: LiveView, symbol: str) -> Listing:
    asset = view.assets[symbol]
    trades = view.trades.get(symbol)
    reference_units = units_of(asset.reference_price)
    return Listing(
        symbol=symbol,
        phase=asset.phase,
        tick_units=units_of(asset.tick_size),
        lot=asset.lot_size,
        reference_units=reference_units,
        reach_units=None if asset.price_band is None else int(reference_units * asset.price_band),
        fees=Fees(
            maker_ppm=ppm_from_basis_points(asset.maker_fee_bps),
            taker_ppm=ppm_from_basis_points(asset.taker_fee_bps),
        ),
        last_units=units_of(trades.last_price) if trades is not None else None,
    )


def _own_shown(view: LiveView, place: Place) -> dict[tuple[Side, int], int]:
    # What an iceberg hides counts here too; it is cut to what its level shows where it is used.
    shown: Counter[tuple[Side, int]] = Counter()
    for order in view.orders.open(place.investor_id, place.symbol, limit=_OWN_ORDERS_MAX):
        if order.side is not None and order.price is not None and order.status is not Status.PENDING_TRIGGER:
            shown[order.side, units_of(order.price)] += order.remaining_quantity
    return dict(shown)


def _funds(view: LiveView, place: Place) -> Funds | None:
    account = view.accounts.account(place.investor_id)
    if account is None:
        return None
    position = view.accounts.position(place.investor_id, place.symbol)
    limits = account.limits
    value_max = None if limits is None else limits.order_value_max
    return Funds(
        cash_units=units_of(account.cash),
        held_units=units_of(account.held_cash),
        quantity=0 if position is None else position.quantity,
        held_quantity=0 if position is None else position.held_quantity,
        trading_disabled=account.trading_disabled,
        order_value_max_units=None if value_max is None else units_of(value_max),
        open_orders_max=None if limits is None else limits.open_orders_max,
        open_orders=view.orders.open_count(place.investor_id),
    )
