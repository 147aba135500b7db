"""The order ticket: a form in a fragment, so that sending an order reruns nothing else."""

from __future__ import annotations

import time
from typing import Final, Literal

import streamlit as st

from dashboard import formats, preview, session, ticket, words
from dashboard.errors import ApiError, RefusedError, SignedOutError
from dashboard.payloads import Asset, OrderType, Side, TimeInForce
from dashboard.ticket import Identity, Outcome, Typed

TYPES: Final[dict[OrderType, str]] = {
    "limit": "Limit",
    "market": "Market",
    "market_to_limit": "Market to limit",
}
TIMES_IN_FORCE: Final[dict[TimeInForce, str]] = {
    "day": "Day",
    "gtc": "Until canceled",
    "ioc": "Now or cancel the rest",
    "fok": "All now or nothing",
}
SIDES: Final[dict[Side, str]] = {"buy": "Buy", "sell": "Sell"}


@st.fragment
def order_ticket(asset: Asset) -> None:
    """Draw the ticket of one symbol and send what is typed into it."""
    typed, wish = _typed(asset)
    if wish == "preview":
        st.session_state.pop("ticket_outcome", None)
        _preview(typed, asset)
    elif wish == "place":
        st.session_state["ticket_outcome"] = (asset.symbol, _send(typed, asset))
    symbol, outcome = st.session_state.get("ticket_outcome", ("", None))
    if outcome is not None and symbol == asset.symbol:
        _show(outcome)


def _typed(asset: Asset) -> tuple[Typed, Literal["place", "preview"] | None]:
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
    # A stray Enter in a number must not send an order.
    with st.form("ticket_form", border=False, enter_to_submit=False):
        # Text, because a number field reads a Brazilian's 38,51 as 3851. Arrow keys step it (ticket_keys.js).
        st.session_state.setdefault("ticket_quantity", formats.number(max(100, asset.lot_size)))
        quantity = st.text_input("Quantity", key="ticket_quantity", max_chars=16)
        price = _price_text(asset) if order_type == "limit" else ""
        time_in_force = st.selectbox(
            "Time in force",
            list(TIMES_IN_FORCE),
            format_func=TIMES_IN_FORCE.__getitem__,
            key="ticket_time_in_force",
        )
        post_only = order_type == "limit" and st.checkbox(
            "Post only",
            key="ticket_post_only",
            help="Rejected rather than traded at once: it only ever waits in the book.",
        )
        with st.container(horizontal=True, gap="small"):
            sent = st.form_submit_button(
                f"{SIDES[side]} {asset.symbol}", type="primary", width="stretch", key=f"ticket_{side}"
            )
            previewed = st.form_submit_button(
                "Preview",
                key="ticket_preview",
                help="What the order would do now: price, slippage, fees, what it holds. Nothing is sent.",
            )
    typed = Typed(
        symbol=asset.symbol,
        side=side,
        type=order_type,
        quantity=formats.parse_whole(quantity),
        price=formats.parse_price(price),
        time_in_force=time_in_force,
        post_only=post_only,
    )
    return typed, "place" if sent else "preview" if previewed else None


def _price_text(asset: Asset) -> str:
    # A price belongs to its symbol; the other fields go along from one symbol to the next.
    key = f"ticket_price_{asset.symbol}"
    price = asset.last_price or asset.reference_price
    # Set once: a default that moved with the market would overwrite what is being typed.
    st.session_state.setdefault(key, formats.number(price, formats.decimals_of(asset.tick_size)))
    with st.container(key="ticket_price"):
        text: str = st.text_input("Price (R$)", key=key, max_chars=16)
    return text


def _preview(typed: Typed, asset: Asset) -> None:
    wrong = ticket.problem(typed, asset)
    if wrong is not None:
        st.error(wrong)
        return
    try:
        reckoned = session.signed_in().preview(ticket.order(typed, asset))
    except SignedOutError:
        st.rerun()
    except RefusedError as error:
        st.error(words.refusal(error.reason, error.message))
    except ApiError as error:
        st.warning(f"{error.message} There is no preview now; ask again in a moment.")
    else:
        refusal = preview.refusal(reckoned)
        if refusal:
            st.error(refusal)
        st.html(preview.table(reckoned, asset))


def _send(typed: Typed, asset: Asset) -> Outcome:
    wrong = ticket.problem(typed, asset)
    if wrong is not None:
        return Outcome(kind="nothing", text=wrong)
    identity: Identity = st.session_state.setdefault("ticket_identity", Identity())
    order = ticket.order(typed, asset, identity.of(typed, now_s=time.monotonic()))
    try:
        placed = session.signed_in().place(order)
    except SignedOutError:
        st.rerun()
    except ApiError as error:
        if isinstance(error, RefusedError):
            identity.answered(now_s=time.monotonic())
        return ticket.failure(error)
    identity.answered(now_s=time.monotonic())
    return ticket.outcome(placed, asset)


def _show(outcome: Outcome) -> None:
    if outcome.kind == "done":
        st.success(outcome.text)
    elif outcome.kind == "resting":
        st.info(outcome.text)
    elif outcome.kind == "unknown":
        st.warning(outcome.text)
    else:
        st.error(outcome.text)
