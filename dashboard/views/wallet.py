"""The wallet: a form in a fragment that moves play money in and out."""

from __future__ import annotations

import time
from typing import Final

import streamlit as st

from dashboard import formats, session, wallet
from dashboard.wallet import Clicks, Direction, Outcome
from homebroker.client import ClientError, SignedOutError, asks

AMOUNT: Final = "wallet_amount"


def draw_wallet() -> None:
    """Draw the wallet's form, or say who moves money where that is not oneself."""
    st.markdown("### Wallet")
    if session.config().demo_users:
        _form()
    else:
        st.info("An admin of this market books what you pay in and take out; ask one.")


@st.fragment
def _form() -> None:
    with st.form("wallet_form", border=False, enter_to_submit=False):
        st.session_state.setdefault(AMOUNT, formats.number(10_000, 2))
        text = st.text_input("Amount (R$)", key=AMOUNT, max_chars=16)
        with st.container(horizontal=True, gap="small"):
            deposits = st.form_submit_button("Deposit", type="primary", width="stretch", key="deposit")
            withdraws = st.form_submit_button("Withdraw", width="stretch", key="withdraw")
    st.caption("Play money of the demo: it comes from nowhere. What open orders hold cannot be withdrawn.")
    clicks: Clicks = st.session_state.setdefault("wallet_clicks", Clicks())
    if deposits or withdraws:
        _move(clicks, "deposit" if deposits else "withdraw", formats.parse_amount(text))
    if clicks.outcome is not None:
        _show(clicks.outcome)


def _move(clicks: Clicks, direction: Direction, amount: float | None) -> None:
    wrong = wallet.problem(amount)
    if wrong is not None or amount is None:
        clicks.outcome = Outcome(kind="nothing", text=wrong or "")
    elif not clicks.is_repeat(direction, amount, now_s=time.monotonic()):
        outcome = _send(direction, amount, clicks.key(direction, amount))
        clicks.answered(direction, amount, outcome, now_s=time.monotonic())


def _send(direction: Direction, amount: float, key: str) -> Outcome:
    try:
        move = asks.deposit if direction == "deposit" else asks.withdraw
        act = session.signed_in().ask(move(amount, idempotency_key=key))
    except SignedOutError:
        st.rerun()
    except ClientError as error:
        return wallet.failure(direction, error)
    return wallet.outcome(direction, amount, act)


def _show(outcome: Outcome) -> None:
    if outcome.kind == "done":
        st.success(outcome.text)
    elif outcome.kind == "unknown":
        st.warning(outcome.text)
    else:
        st.error(outcome.text)
