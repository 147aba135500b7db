"""Registers the live panes with Streamlit; what they do is in the JavaScript modules beside this file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import resources
from typing import Any, Final

import streamlit as st

from dashboard import assets as browser_assets
from dashboard.config import DemoUser
from homebroker.client import OrderType, Ticker, TimeInForce, User

INTERVALS: Final = ("1s", "5s", "15s", "1m", "5m", "15m", "30m", "1h", "4h", "1d")


def _css(name: str) -> str:
    return (resources.files(__package__) / name).read_text(encoding="utf-8")


# The modules are fetched from this page's own server, where browsers keep them, instead of travelling with
# every run. Waiting for them here leaves the exported function synchronous, as Streamlit needs it.
_JAVASCRIPT = f"""
const {{ mount }} = await import(`${{location.origin}}{browser_assets.module_url()}`);
export default mount;
"""

_panes = st.components.v2.component(
    "homebroker_live",
    css=_css("live.css"),
    js=_JAVASCRIPT,
    # In a shadow root Plotly's mode bar loses its styles.
    isolate_styles=False,
)


def sign_in_form(*, api_port: int, demo_users: Sequence[DemoUser]) -> None:
    """Mount the form that signs in; the browser sends it to the API itself, and keeps the session's cookie.

    Where there are demo users it names them, and offers to register.
    """
    users = [{"username": user.username, "password": user.password, "role": user.role} for user in demo_users]
    _mount({"page": "sign_in", "demo_users": users}, "sign_in", api_port=api_port)


def signed_in_mark(*, api_port: int, user: User, visit: str) -> None:
    """Mount who is signed in, in the page's header, with the way out; `visit` is how the server names theirs.

    It has the page run again once its server, which was away, is back.
    """
    _mount({"page": "signed_in", "user": _user(user), "visit": visit}, "signed_in", api_port=api_port)


def trade_panes(
    *,
    api_port: int,
    user: User,
    assets: Sequence[Ticker],
    symbol: str,
    interval: str,
    on_chosen: Callable[[], None],
) -> None:
    """Mount chart, depth and trades of one symbol; with orders and account, where the user has one.

    Parameters
    ----------
    api_port : int
        Where browsers find the API, on the page's own host name.
    user : User
        Who is signed in.
    assets : sequence of Ticker
        What can be chosen.
    symbol, interval : str
        What is shown; a new value changes the panes in place.
    on_chosen : callable
        Called, with the choice in ``st.session_state["trade_panes"].chosen``, when the person picks another.
    """
    data = {
        "page": "trade",
        "user": _user(user),
        "symbol": symbol,
        "interval": interval,
        "intervals": INTERVALS,
        "assets": _listed(assets),
    }
    _mount(data, "trade_panes", api_port=api_port, on_chosen=on_chosen)


def ticket_notes(*, api_port: int, symbol: str, order_type: OrderType, time_in_force: TimeInForce) -> None:
    """Mount, in the ticket, what the symbol's phase takes and what is free, as the streams tell."""
    order = {"symbol": symbol, "type": order_type, "time_in_force": time_in_force}
    _mount({"page": "ticket_notes", **order}, "ticket_notes", api_port=api_port)


def market_table(*, api_port: int, on_chosen: Callable[[], None]) -> None:
    """Mount the live table of all symbols; `on_chosen` as in `trade_panes`, under ``"market_table"``."""
    _mount({"page": "market"}, "market_table", api_port=api_port, on_chosen=on_chosen)


def account_panes(*, api_port: int, user: User, assets: Sequence[Ticker]) -> None:
    """Mount what the user's account is worth, was worth, and holds."""
    data = {"page": "account", "user": _user(user), "assets": _listed(assets)}
    _mount(data, "account_panes", api_port=api_port)


def _mount(
    data: dict[str, Any], key: str, *, api_port: int, on_chosen: Callable[[], None] = lambda: None
) -> None:
    _panes(
        key=key,
        data={**data, "api_port": api_port, "plotly_url": browser_assets.plotly_url()},
        on_chosen_change=on_chosen,
    )


def _user(user: User) -> dict[str, Any]:
    return {
        "username": user.username,
        "role": user.role,
        "investor_id": user.investor_id,
        "trades": user.trades,
    }


def _listed(assets: Sequence[Ticker]) -> list[dict[str, Any]]:
    return [
        {"symbol": asset.symbol, "name": asset.name, "tick_size": asset.tick_size, "lot_size": asset.lot_size}
        for asset in assets
    ]
