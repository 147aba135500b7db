"""Who is at the page, and what the views share: settings, one client, the listed assets."""

from __future__ import annotations

import os
import re
import time
import uuid
from dataclasses import dataclass
from typing import Final

import streamlit as st

from dashboard import words
from dashboard.client import SignedInClient, assets
from dashboard.config import DashboardConfig
from homebroker.client import Client, ClientError, SignedOutError, Ticker, User, asks

RETRY_PERIOD_S: Final = 2.0
SESSION_COOKIE: Final = "homebroker_session"
_SECRET: Final = re.compile(r"[\w.~+/=-]{1,256}", re.ASCII)
_USER: Final = "user"
_HAS_ACCOUNT: Final = "has_account"
_VISIT: Final = "visit"
_TROUBLED_S: Final = "troubled_s"


def config() -> DashboardConfig:
    """Give the settings of this process."""
    return DashboardConfig.from_environment(os.environ)


@st.cache_resource(show_spinner=False)
def client(api_url: str) -> Client:
    """Give the one client of an API, which all sessions share; it knows nobody by itself."""
    return Client(api_url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Who looks at the page; `trouble` says why that cannot be told now."""

    user: User | None = None
    trouble: str = ""


def visit() -> Visit:
    """Ask the API whose session the browser's cookie is.

    It is asked on every run: a session may have ended since the last one, or another person may have signed
    in behind the same web socket.
    """
    secret = _secret()
    if secret is None:
        return _remember(None)
    try:
        return _remember(SignedInClient(_client(), secret).ask(asks.me()))
    except SignedOutError:
        return _remember(None)
    except ClientError as error:
        return Visit(trouble=words.trouble(error))


def user() -> User:
    """Give the person whom `visit` found in this run."""
    found = st.session_state[_USER]
    assert isinstance(found, User)
    return found


def visit_name() -> str:
    """Give the name of this visit, which no other one has; it is lost with what the person has typed."""
    name: str = st.session_state.setdefault(_VISIT, uuid.uuid4().hex)
    return name


def signed_in() -> SignedInClient:
    """Give the API as the person who is signed in may use it.

    Raises
    ------
    SignedOutError
        When the browser has no session any more.
    """
    secret = _secret()
    if secret is None:
        raise SignedOutError("not_signed_in", "You are not signed in any more.", status=401)
    return SignedInClient(_client(), secret)


def has_account() -> bool:
    """Tell whether the account of the person who is signed in is open in the market."""
    if _HAS_ACCOUNT not in st.session_state:
        try:
            if not signed_in().has_account():
                return False
        except SignedOutError:
            st.rerun()
        except ClientError:
            # It cannot be told now; what is sent to the market will be answered with it.
            return True
        st.session_state[_HAS_ACCOUNT] = True
    return True


@st.fragment(run_every=RETRY_PERIOD_S)
def wait_for_api() -> None:
    """Say why nobody can be recognised now; the page comes back by itself, with whoever was signed in."""
    trouble = visit().trouble
    if not trouble:
        st.rerun()
    _say_trying_again(trouble)


def listed_assets() -> list[Ticker]:
    """List what can be traded; while that is impossible, say so and stop the page.

    The page then comes back by itself, as soon as there is something to show.
    """
    listed, _ = _ask()
    if not listed:
        _wait_for_assets()
        st.stop()
    return listed


def try_again_soon(trouble: str) -> None:
    """Say why the page cannot be drawn now, and draw it anew in a moment, until it can be."""
    st.session_state[_TROUBLED_S] = time.monotonic()
    _try_again(trouble)


@st.fragment(run_every=RETRY_PERIOD_S)
def _try_again(trouble: str) -> None:
    # The fragment's first run is the page's own; those that follow are the moments to try.
    if time.monotonic() - st.session_state[_TROUBLED_S] > RETRY_PERIOD_S / 2:
        st.rerun()
    _say_trying_again(trouble)


def _client() -> Client:
    return client(config().api_url)


def _secret() -> str | None:
    cookie = st.context.cookies.get(SESSION_COOKIE, "")
    # Anything else is nobody's secret, and could not be sent in a header.
    return cookie if _SECRET.fullmatch(cookie) else None


def _remember(found: User | None) -> Visit:
    # What one person typed, and was told, is not for the next one.
    if st.session_state.get(_USER) != found:
        st.session_state.clear()
        st.session_state[_USER] = found
    return Visit(user=found)


def _ask() -> tuple[list[Ticker], str]:
    try:
        return assets(_client()), "The market has no listed symbols yet."
    except ClientError as error:
        return [], words.trouble(error)


@st.fragment(run_every=RETRY_PERIOD_S)
def _wait_for_assets() -> None:
    listed, trouble = _ask()
    if listed:
        st.rerun()
    _say_trying_again(trouble)


def _say_trying_again(trouble: str) -> None:
    st.warning(f"{trouble} Trying again every {RETRY_PERIOD_S:.0f} seconds…", icon=":material/cloud_off:")
