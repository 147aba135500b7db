"""The Trade page: live panes on the left, the order ticket on the right."""

from __future__ import annotations

import streamlit as st

from dashboard import session
from dashboard.components.live.live import INTERVALS, trade_panes
from dashboard.views.opening import open_account, why_no_account
from dashboard.views.ticket import order_ticket
from homebroker.client import Ticker

DEFAULT_SYMBOL = "PETR4"
DEFAULT_INTERVAL = "1m"
SYMBOL_LETTERS_MAX = 16


def _chosen_asset(assets: list[Ticker]) -> Ticker:
    by_symbol = {asset.symbol: asset for asset in assets}
    wanted = st.query_params.get("symbol", DEFAULT_SYMBOL).upper()
    if wanted in by_symbol:
        return by_symbol[wanted]
    found = by_symbol.get(DEFAULT_SYMBOL, assets[0])
    named = "".join(filter(str.isalnum, wanted))[:SYMBOL_LETTERS_MAX]
    if named:
        # The address is to say what is shown.
        st.query_params["symbol"] = found.symbol
        told = f"There is no {named} in this market; this is {found.symbol}. Choose another above."
        st.toast(told, icon=":material/search_off:")
    return found


def _chosen_interval() -> str:
    interval = st.query_params.get("interval", DEFAULT_INTERVAL)
    return interval if interval in INTERVALS else DEFAULT_INTERVAL


def _follow_choice() -> None:
    choice = st.session_state["trade_panes"].chosen or {}
    for name in ("symbol", "interval"):
        if isinstance(choice.get(name), str):
            st.query_params[name] = choice[name]


assets = session.listed_assets()
asset = _chosen_asset(assets)
with st.container(horizontal=True, gap="small", key="terminal"):
    with st.container(key="panes"):
        trade_panes(
            api_port=session.config().api_port,
            user=session.user(),
            assets=assets,
            symbol=asset.symbol,
            interval=_chosen_interval(),
            on_chosen=_follow_choice,
        )
    with st.container(key="ticket", width=256):
        if not session.user().trades:
            why_no_account(session.user())
        elif session.has_account():
            order_ticket(asset)
        else:
            open_account()
