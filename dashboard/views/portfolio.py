"""The Portfolio page: what one has and had, live; on the right money comes in and goes out."""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.components.live.live import account_panes
from dashboard.views.opening import open_account, why_no_account
from dashboard.views.wallet import draw_wallet

user = session.user()
if not user.trades:
    why_no_account(user)
    st.stop()
assets = session.listed_assets()
with st.container(horizontal=True, gap="small", key="terminal"):
    with st.container(key="panes"):
        account_panes(api_port=session.config().api_port, user=user, assets=assets)
    with st.container(key="ticket", width=256):
        if session.has_account():
            draw_wallet()
        else:
            open_account()
