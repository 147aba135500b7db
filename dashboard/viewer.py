"""When and where the person at the page is."""

from __future__ import annotations

import time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from dashboard.history import MARKET_ZONE


def zone() -> ZoneInfo:
    """Give the browser's time zone, or the market's where it names none that is known here."""
    try:
        return ZoneInfo(st.context.timezone or MARKET_ZONE.key)
    except (ZoneInfoNotFoundError, ValueError):
        return MARKET_ZONE


def now_ms() -> int:
    """Give the present UTC time."""
    return time.time_ns() // 1_000_000
