"""The Market page: every symbol in one live table."""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.components.live.live import market_table


def _open_chosen() -> None:
    choice = st.session_state["market_table"].chosen or {}
    if isinstance(choice.get("symbol"), str):
        st.session_state["open_symbol"] = choice["symbol"]


session.listed_assets()
market_table(api_port=session.config().api_port, on_chosen=_open_chosen)
if symbol := st.session_state.pop("open_symbol", None):
    st.switch_page("views/trade.py", query_params={"symbol": symbol})
