"""The Analysis page: what the market did, in numbers; the address keeps what was chosen."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import pandas as pd
import streamlit as st

from dashboard import downloads, figures, formats, reading, session, tables, viewer, words
from dashboard.analysis import prices, trades
from homebroker.client import Candle, ClientError, Ticker, Trade, asks

INTERVALS: Final = ("1m", "5m", "15m", "1h", "1d")
CANDLES: Final = 300
TRADES_MAX: Final = 5_000
COMPARED_MAX: Final = 8
KEPT_S: Final = 20


@st.cache_data(ttl=KEPT_S, max_entries=256, show_spinner=False)
def _candles(api_url: str, symbol: str, interval: str) -> list[Candle]:
    return session.client(api_url).ask(asks.candles(symbol, interval, limit=CANDLES)).candles


@st.cache_data(ttl=KEPT_S, max_entries=64, show_spinner=False)
def _trades(api_url: str, symbol: str, start_ms: int) -> list[Trade]:
    return reading.trades(session.client(api_url), symbol, start_ms=start_ms, rows_max=TRADES_MAX)


def _chosen(assets: Sequence[Ticker]) -> tuple[Ticker, list[str], str]:
    by_symbol = {asset.symbol: asset for asset in assets}
    symbols = list(by_symbol)
    with st.container(horizontal=True, gap="small", key="analysis_bar", vertical_alignment="bottom"):
        symbol = st.selectbox(
            "Symbol",
            symbols,
            index=symbols.index("PETR4") if "PETR4" in symbols else 0,
            key="symbol",
            bind="query-params",
            width=150,
        )
        others = st.multiselect(
            "Compare with",
            [each for each in symbols if each != symbol],
            default=[each for each in ("VALE3", "ITUB4", "BBDC4") if each in by_symbol and each != symbol],
            max_selections=COMPARED_MAX,
            key="compare",
            bind="query-params",
        )
        interval = st.segmented_control(
            "Interval", INTERVALS, default="5m", required=True, key="interval", bind="query-params"
        )
    return by_symbol[symbol], [symbol, *others], interval


def _panel(title: str, figure: object, table: pd.DataFrame, name: str) -> None:
    with st.container(key=f"panel_{name}", border=True, gap=None):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown(f"**{title}**", width="content")
            if not table.empty:
                downloads.popover(table, name)
        if table.empty:
            st.caption("Not enough trades yet for this; choose a shorter interval, or come back later.")
        else:
            st.plotly_chart(figure, config=figures.CONFIG, key=f"figure_{name}", alt=title)


def _draw(asset: Ticker, symbols: list[str], interval: str) -> None:
    api_url = session.config().api_url
    zone = viewer.zone().key
    closes = prices.closes({symbol: _candles(api_url, symbol, interval) for symbol in symbols})
    interval_s = prices.INTERVAL_S[interval]
    # Whole intervals, so that reruns within one ask for the same.
    start_ms = (int(time.time()) // interval_s - CANDLES) * interval_s * 1_000
    taken = trades.frame(_trades(api_url, asset.symbol, start_ms))
    compared = prices.compared(closes)
    volatility = prices.volatility(closes, interval=interval)
    spread = prices.distribution(closes[asset.symbol])
    related = prices.correlation(closes)
    profile = trades.volume_profile(taken, asset.tick_size)
    flow = trades.order_flow(taken, interval_s=max(60, interval_s))
    sizes = trades.by_size(taken)
    of = f" · {asset.symbol}"
    panels = [
        (
            "Change since the first candle",
            figures.lines(compared, zone=zone, suffix="%"),
            compared,
            "compare",
        ),
        (
            "Realized volatility, a year",
            figures.lines(volatility, zone=zone, suffix="%"),
            volatility,
            "volatility",
        ),
        ("Returns" + of, figures.distribution(spread), spread, "returns"),
        ("Correlation of returns", figures.correlation(related), related, "correlation"),
        ("Volume profile" + of, figures.profile(profile), profile, "volume_profile"),
        ("Order-flow imbalance" + of, figures.flow(flow, zone=zone), flow, "order_flow"),
        ("Trades by size" + of, figures.sizes(sizes), sizes, "trades_by_size"),
    ]
    columns = [*st.columns(4, gap="small"), *st.columns(4, gap="small")]
    for column, panel in zip(columns, panels, strict=False):
        with column:
            _panel(*panel)
    with columns[-1]:
        _summary(prices.summary(closes), closes, asset)


def _summary(table: pd.DataFrame, closes: pd.DataFrame, asset: Ticker) -> None:
    with st.container(key="panel_summary", border=True, gap=None):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.markdown("**In figures**", width="content")
            downloads.popover(closes, "closes", label="Prices")
        number = st.column_config.NumberColumn
        st.dataframe(
            tables.written(table),
            column_config={
                "symbol": st.column_config.TextColumn("Symbol", width=52),
                "change_percent": number("Change %", width=62),
                "worst_percent": number("Worst %", width=54),
                "best_percent": number("Best %", width=50),
                "skewness": number("Skew", width=42),
                "kurtosis": number("Kurt.", width=42),
            },
            height=180,
            key="summary",
            alt="Returns in figures",
        )
        st.caption(
            f"Of the newest {CANDLES} candles, and of the newest {formats.number(TRADES_MAX)} trades of "
            f"{asset.symbol} since the first. The address holds what is chosen: send it to share the view."
        )


assets = session.listed_assets()
chosen = _chosen(assets)
try:
    _draw(*chosen)
except ClientError as error:
    session.try_again_soon(words.trouble(error))
