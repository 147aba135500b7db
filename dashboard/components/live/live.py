"""Registers the live panes with Streamlit; what they do is in the JavaScript modules beside this file."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from typing import Any, Final

import streamlit as st

from dashboard import assets as browser_assets
from dashboard.client import Asset

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


def trade_panes(
    *, api_port: int, assets: list[Asset], symbol: str, interval: str, on_chosen: Callable[[], None]
) -> None:
    """Mount chart, depth, trades, orders and account of one symbol.

    Parameters
    ----------
    api_port : int
        Where browsers find the API, on the page's own host name.
    assets : list of Asset
        What can be chosen.
    symbol, interval : str
        What is shown; a new value changes the panes in place.
    on_chosen : callable
        Called, with the choice in ``st.session_state["trade_panes"].chosen``, when the person picks another.
    """
    data = {"page": "trade", "symbol": symbol, "interval": interval, "intervals": INTERVALS}
    _mount(data, "trade_panes", api_port=api_port, assets=assets, on_chosen=on_chosen)


def market_table(*, api_port: int, assets: list[Asset], on_chosen: Callable[[], None]) -> None:
    """Mount the live table of all symbols; `on_chosen` as in `trade_panes`, under ``"market_table"``."""
    _mount({"page": "market"}, "market_table", api_port=api_port, assets=assets, on_chosen=on_chosen)


def _mount(
    data: dict[str, Any], key: str, *, api_port: int, assets: list[Asset], on_chosen: Callable[[], None]
) -> None:
    listed = [
        {"symbol": asset.symbol, "name": asset.name, "tick_size": asset.tick_size, "lot_size": asset.lot_size}
        for asset in assets
    ]
    _panes(
        key=key,
        data={**data, "api_port": api_port, "plotly_url": browser_assets.plotly_url(), "assets": listed},
        on_chosen_change=on_chosen,
    )
