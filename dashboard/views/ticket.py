"""The order ticket: a form in a fragment, so that sending an order reruns nothing else."""

from __future__ import annotations

import time
from typing import Final

import streamlit as st

from dashboard import formats, outcome, preview, session, sizing, ticket, viewer, words
from dashboard.components.live.live import ticket_notes
from dashboard.names import SIDES
from dashboard.outcome import Outcome
from dashboard.sizing import Means
from dashboard.ticket import Identity, Typed
from dashboard.views.ticket_fields import Filled, draw_fields
from homebroker.client import (
    ClientError,
    NewOrder,
    OrderPreview,
    RefusedError,
    SignedOutError,
    Ticker,
    UnknownOutcomeError,
    asks,
)

_CONFIRM: Final = "ticket_confirm_orders"
_OUTCOME: Final = "ticket_outcome"
_PREFERENCE: Final = "confirm_orders"


@st.fragment
def order_ticket(asset: Ticker) -> None:
    """Draw the ticket of one symbol and send what is typed into it."""
    _load_preferences()
    filled, wish = draw_fields(asset)
    ticket_notes(
        api_port=session.config().api_port,
        symbol=asset.symbol,
        order_type=filled.typed.type,
        time_in_force=filled.typed.time_in_force,
    )
    st.checkbox(
        "Ask before an order is sent",
        key=_CONFIRM,
        on_change=_save_preference,
        help="Shows what the order would do, and sends it when you confirm.",
    )
    if wish is not None:
        st.session_state.pop(_OUTCOME, None)
        wanted = _wanted(filled, asset)
        if isinstance(wanted, str):
            _tell(asset, Outcome(kind="nothing", text=wanted))
        elif wish == "preview":
            _preview(wanted, asset)
        elif st.session_state[_CONFIRM] or _surprise(wanted):
            _confirm(wanted, asset)
        else:
            _tell(asset, _send(wanted, asset))
    symbol, told = st.session_state.get(_OUTCOME, ("", None))
    if told is not None and symbol == asset.symbol:
        _show(told)
    with st.container(key="ticket_keys"):
        st.caption("Alt+Shift+B buys, S sells, X cancels all. Arrow keys step a number.")


def _load_preferences() -> None:
    if _CONFIRM in st.session_state:
        return
    try:
        saved = session.signed_in().ask(asks.preferences())
    except SignedOutError:
        st.rerun()
    except ClientError:
        saved = {}
    st.session_state[_CONFIRM] = saved.get(_PREFERENCE) is not False


def _save_preference() -> None:
    try:
        session.signed_in().ask(asks.save_preference(_PREFERENCE, st.session_state[_CONFIRM]))
    except ClientError as error:
        st.toast(f"{words.trouble(error)} The choice holds until you leave.", icon=":material/cloud_off:")


def _wanted(filled: Filled, asset: Ticker) -> Typed | str:
    """Give the order with its quantity in shares, or say what keeps it from being one."""
    typed = filled.typed
    if filled.unit != "shares":
        # Everything else about the order has to be right before it can be asked what a lot of it costs.
        lot = filled.with_quantity(asset.lot_size)
        wrong = sizing.problem(filled.amount, filled.unit) or ticket.problem(
            lot, asset, now_ms=viewer.now_ms()
        )
        if wrong is not None or filled.amount is None:
            return wrong or ""
        try:
            means = _means(lot, asset)
        except SignedOutError:
            st.rerun()
        except ClientError as error:
            return f"{words.trouble(error)} How many shares that is cannot be told now; type the shares."
        quantity = sizing.shares(filled.amount, filled.unit, typed.side, asset.lot_size, means)
        if quantity == 0:
            return sizing.too_little(filled.unit, typed.side, means.lot_cash)
        typed = filled.with_quantity(quantity)
    return ticket.problem(typed, asset, now_ms=viewer.now_ms()) or typed


def _means(lot: Typed, asset: Ticker) -> Means:
    person = session.signed_in()
    reckoned = person.ask(asks.preview(ticket.order(lot, asset)))
    price = lot.price or reckoned.average_price or asset.last_price or asset.reference_price
    positions = [each for each in person.ask(asks.positions()) if each.symbol == asset.symbol]
    free = [each.quantity - each.held_quantity for each in positions]
    return Means(
        available_cash=person.ask(asks.account()).available_cash,
        free_shares=max(0, *free, 0),
        lot_cash=reckoned.needed_cash or price * asset.lot_size,
    )


def _surprise(typed: Typed) -> str | None:
    """Say what the sender may not mean, by the newest price; where that cannot be had, nothing."""
    try:
        return ticket.surprise(typed, session.signed_in().ask(asks.asset(typed.symbol)))
    except SignedOutError:
        st.rerun()
    except ClientError:
        return None


def _preview(typed: Typed, asset: Ticker) -> None:
    reckoned = _reckoned(ticket.order(typed, asset))
    if reckoned is not None:
        _draw_preview(reckoned, asset)


def _reckoned(order: NewOrder) -> OrderPreview | None:
    try:
        return session.signed_in().ask(asks.preview(order))
    except SignedOutError:
        st.rerun()
    except RefusedError as error:
        st.error(words.refusal(error.reason, error.message))
    except ClientError as error:
        st.warning(f"{words.trouble(error)} There is no preview now; ask again in a moment.")
    return None


def _draw_preview(reckoned: OrderPreview, asset: Ticker) -> None:
    refusal = preview.refusal(reckoned)
    if refusal:
        # What it would do otherwise is no news.
        st.error(refusal)
        return
    st.html(preview.table(reckoned, asset))
    shortfall = preview.shortfall(reckoned)
    if shortfall:
        st.caption(shortfall)


@st.dialog("Send this order?", width="small")
def _confirm(typed: Typed, asset: Ticker) -> None:
    order = ticket.order(typed, asset)
    st.markdown(f"**{outcome.wish(order, asset)}**")
    with st.container(key="ticket_confirm", horizontal=True, gap="small"):
        title = f"{SIDES[typed.side]} {formats.number(order.quantity)} {asset.symbol}"
        sent = st.button(title, type="primary", width="stretch", key=f"confirm_{typed.side}")
        left = st.button("Back", key="confirm_back")
    if sent:
        _tell(asset, _send(typed, asset))
    if sent or left:
        st.rerun()
    surprise = _surprise(typed)
    if surprise is not None:
        st.warning(surprise)
    reckoned = _reckoned(order)
    if reckoned is not None:
        _draw_preview(reckoned, asset)


def _send(typed: Typed, asset: Ticker) -> Outcome:
    identity: Identity = st.session_state.setdefault("ticket_identity", Identity())
    order = ticket.order(typed, asset, identity.of(typed, now_s=time.monotonic()))
    was_doubted = identity.is_doubted
    try:
        placed = session.signed_in().ask(asks.place(order))
    except SignedOutError:
        st.rerun()
    except ClientError as error:
        if isinstance(error, RefusedError):
            identity.answered(now_s=time.monotonic())
        elif isinstance(error, UnknownOutcomeError):
            identity.doubt()
        return outcome.failure(error)
    told = outcome.of_order(placed, asset)
    if told.kind == "unknown":
        identity.doubt()
        return told
    identity.answered(now_s=time.monotonic())
    return outcome.found_again(told) if was_doubted else told


def _tell(asset: Ticker, told: Outcome) -> None:
    st.session_state[_OUTCOME] = (asset.symbol, told)


def _show(told: Outcome) -> None:
    if told.kind == "done":
        st.success(told.text)
    elif told.kind == "resting":
        st.info(told.text)
    elif told.kind == "unknown":
        st.warning(told.text)
    else:
        st.error(told.text)
