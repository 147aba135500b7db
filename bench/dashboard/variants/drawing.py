"""What both variants draw: the newest candles of a symbol and its last price, asked of the API."""

from __future__ import annotations

import os

import httpx
import plotly.graph_objects as go
import streamlit as st

SYMBOL = "PETR4"
CANDLES = 200


def draw() -> None:
    """Ask, and draw everything."""
    api_url = os.environ["BENCH_API_URL"]
    answer = httpx.get(f"{api_url}/candles/{SYMBOL}", params={"interval": "1m", "limit": CANDLES}).json()
    candles = answer["candles"]
    columns = {name: [candle[name] for candle in candles] for name in ("open", "high", "low", "close")}
    st.html(f'<b class="bench-last">{candles[-1]["close"] if candles else ""}</b>')
    st.plotly_chart(go.Figure(go.Candlestick(x=list(range(len(candles))), **columns)), key="candles")
