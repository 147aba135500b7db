"""What stands in the place of a ticket or a wallet where there is no account: why, and how to get one."""

from __future__ import annotations

import streamlit as st

from dashboard import session, words
from homebroker.client import ClientError, RefusedError, SignedOutError, User


def why_no_account(user: User) -> None:
    """Say why a user has nothing to trade with."""
    if user.role == "analyst":
        st.info(
            "You are signed in as an **analyst**: you see the whole market, and trade nothing. "
            "To trade, sign in as a trader.",
            icon=":material/visibility:",
        )
        return
    st.info(
        f"You are signed in as **{user.role}**, without an account of your own to trade. "
        "To trade, sign in as a trader.",
        icon=":material/visibility:",
    )


@st.fragment
def open_account() -> None:
    """Offer to open the account that belongs to the trader, and open it."""
    st.write("Your account is not open in the market yet. It takes a click and costs nothing.")
    if not st.button("Open my account", type="primary", width="stretch", key="open_account"):
        return
    try:
        act = session.signed_in().open_account()
    except SignedOutError:
        st.rerun()
    except RefusedError as error:
        st.error(f"The account was not opened. {words.refusal(error.reason, error.message)}")
    except ClientError as error:
        st.warning(f"{words.trouble(error)} Press the button again: it never opens two.")
    else:
        if act.status == "done":
            st.rerun()
        st.warning("Sent. The market has not answered yet; press the button again in a moment.")
