"""The ticket's fields, as they depend on the kind of order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

import streamlit as st

from dashboard import formats, outcome, ticket, viewer
from dashboard.names import SIDES, TIMES_IN_FORCE, TYPES
from dashboard.sizing import UNITS, Unit
from dashboard.ticket import Typed
from homebroker.client import Side, Ticker

QUANTITY_LABELS: Final[dict[Unit, str]] = {
    "shares": "Quantity",
    "value": "Amount (R$)",
    "percent": "Percent",
}
_FIRST_AMOUNTS: Final[dict[Unit, str]] = {"value": "5.000,00", "percent": "10"}

Wish = Literal["place", "preview"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What stands in the fields: an order, where `unit` is not shares still without its quantity."""

    typed: Typed
    unit: Unit
    amount: float | None

    def with_quantity(self, quantity: int) -> Typed:
        """Give the order with so many shares."""
        return replace(self.typed, quantity=quantity)


def draw_fields(asset: Ticker) -> tuple[Filled, Wish | None]:
    """Draw the fields; give what stands in them and what the person pressed."""
    # Outside the form, since they change what the form asks for; the rerun is the fragment's alone.
    side = st.segmented_control(
        "Side",
        list(SIDES),
        format_func=SIDES.__getitem__,
        default="buy",
        required=True,
        key="ticket_side",
        label_visibility="collapsed",
        width="stretch",
    )
    order_type = st.selectbox("Type", list(TYPES), format_func=TYPES.__getitem__, key="ticket_type")
    time_in_force = st.selectbox(
        "Time in force",
        ticket.times_in_force(order_type),
        format_func=TIMES_IN_FORCE.__getitem__,
        key="ticket_time_in_force",
    )
    if time_in_force in outcome.AUCTIONS:
        auction = outcome.AUCTIONS[time_in_force]
        st.caption(f"Waits outside the book, trades in {auction} or not at all, and ends with it.")
    unit = st.segmented_control(
        "Quantity in",
        list(UNITS),
        format_func=UNITS.__getitem__,
        default="shares",
        required=True,
        key="ticket_unit",
        label_visibility="collapsed",
        width="stretch",
        help="Shares, an amount in reais, or a percentage of the free cash (of the free shares in a sell).",
    )
    # A stray Enter in a number must not send an order.
    with st.form("ticket_form", border=False, enter_to_submit=False):
        amount = _amount_text(asset, unit)
        stop = (
            _price_text(asset, "Stop price (R$)", "ticket_stop_price") if order_type in ticket.STOPPED else ""
        )
        price = _price_text(asset, "Price (R$)", "ticket_price") if order_type in ticket.PRICED else ""
        expires_at_ms = _expiry_ms() if time_in_force == "gtd" else None
        rests = order_type == "limit" and time_in_force in ticket.RESTING
        shown = rests and st.text_input(
            "Show at a time",
            key="ticket_display",
            max_chars=16,
            placeholder="all of it",
            help="An iceberg: the book shows so many shares, and the next as many when they are gone.",
        )
        post_only = rests and st.checkbox(
            "Post only",
            key="ticket_post_only",
            help="Rejected rather than traded at once: it only ever waits in the book.",
        )
        wish = _buttons(side, asset)
    typed = Typed(
        symbol=asset.symbol,
        side=side,
        type=order_type,
        quantity=formats.parse_whole(amount) if unit == "shares" else None,
        price=formats.parse_price(price),
        stop_price=formats.parse_price(stop),
        time_in_force=time_in_force,
        post_only=post_only,
        display_quantity=(formats.parse_whole(shown) or 0) if shown else None,
        expires_at_ms=expires_at_ms,
    )
    return Filled(typed=typed, unit=unit, amount=formats.parse_amount(amount)), wish


def _buttons(side: Side, asset: Ticker) -> Wish | None:
    with st.container(horizontal=True, gap="small"):
        sent = st.form_submit_button(
            f"{SIDES[side]} {asset.symbol}", type="primary", width="stretch", key=f"ticket_{side}"
        )
        previewed = st.form_submit_button(
            "Preview",
            key="ticket_preview",
            help="What the order would do now: price, slippage, fees, what it holds. Nothing is sent.",
        )
    return "place" if sent else "preview" if previewed else None


def _amount_text(asset: Ticker, unit: Unit) -> str:
    # Text, because a number field reads a Brazilian's 38,51 as 3851. Arrow keys step it (ticket_keys.js).
    key = "ticket_quantity" if unit == "shares" else f"ticket_{unit}"
    first = formats.number(max(100, asset.lot_size)) if unit == "shares" else _FIRST_AMOUNTS[unit]
    st.session_state.setdefault(key, first)
    text: str = st.text_input(QUANTITY_LABELS[unit], key=key, max_chars=16)
    return text


def _price_text(asset: Ticker, label: str, name: str) -> str:
    # A price belongs to its symbol; the other fields go along from one symbol to the next.
    key = f"{name}_{asset.symbol}"
    price = asset.last_price or asset.reference_price
    # Set once: a default that moved with the market would overwrite what is being typed.
    st.session_state.setdefault(key, formats.number(price, formats.decimals_of(asset.tick_size)))
    with st.container(key=name):
        text: str = st.text_input(label, key=key, max_chars=16)
    return text


def _expiry_ms() -> int | None:
    zone = viewer.zone()
    now = datetime.now(zone).replace(tzinfo=None, second=0, microsecond=0)
    st.session_state.setdefault("ticket_expiry", now + timedelta(days=7))
    chosen = st.datetime_input("Good until", key="ticket_expiry", format="DD/MM/YYYY")
    return None if chosen is None else int(chosen.replace(tzinfo=zone).timestamp() * 1_000)
