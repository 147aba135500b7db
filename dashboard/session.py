"""What the views share within the page's server: its settings, one client, and the listed assets."""

from __future__ import annotations

import os

import streamlit as st

from dashboard.client import ApiError, Asset, Client
from dashboard.config import DashboardConfig

RETRY_PERIOD_S = 2.0


def config() -> DashboardConfig:
    """Give the settings of this process."""
    return DashboardConfig.from_environment(os.environ)


@st.cache_resource(show_spinner=False)
def client(api_url: str) -> Client:
    """Give the one client of an API, which all sessions share."""
    return Client(api_url)


def listed_assets() -> list[Asset]:
    """List what can be traded; while that is impossible, say so and stop the page.

    The page then comes back by itself, as soon as there is something to show.
    """
    assets, _ = _ask()
    if not assets:
        _wait_for_assets()
        st.stop()
    return assets


def _ask() -> tuple[list[Asset], str]:
    try:
        return client(config().api_url).assets(), "The market has no listed symbols yet."
    except ApiError as error:
        return [], error.message


@st.fragment(run_every=RETRY_PERIOD_S)
def _wait_for_assets() -> None:
    assets, trouble = _ask()
    if assets:
        st.rerun()
    st.warning(f"{trouble} Trying again every {RETRY_PERIOD_S:.0f} seconds…", icon=":material/cloud_off:")
