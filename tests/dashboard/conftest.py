"""A whole running market for the browser's tests, and a Chromium to look at it."""

from __future__ import annotations

import functools
import http.server
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from streamlit.runtime.context import ContextProxy

import dashboard
from dashboard import session
from homebroker.settings import Settings
from tests.dashboard.api_double import DEMO_SECRET, Scripted, scripted_api
from tests.market import RunningBroker, empty_topics, market_settings, start_part, stop_part, wait_until_ready


@pytest.fixture
def cookies(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Give the cookies of AppTest's browser: the demo user's, until the test puts in another's."""
    jar = {session.SESSION_COOKIE: DEMO_SECRET}
    monkeypatch.setattr(ContextProxy, "cookies", jar)
    return jar


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch, cookies: dict[str, str]) -> Iterator[Scripted]:
    """Give an API that answers what the test tells it to, to the page that AppTest runs."""
    with scripted_api() as scripted:
        monkeypatch.setenv("HOMEBROKER_API_URL", scripted.url)
        yield scripted
    st.cache_resource.clear()


LIVE = Path(dashboard.__file__).parent / "components" / "live"
STATUS_NAMES = {"simulate": "simulator"}


@dataclass
class TradingFloor:
    """A market with all its processes, simulated investors included."""

    settings: Settings
    parts: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://localhost:{self.settings.dashboard_port}"

    def start(self, *commands: str) -> None:
        """Start parts and wait until they are ready."""
        for command in commands:
            self.parts[command] = start_part(self.settings, command)
        for command in commands:
            wait_until_ready(self.settings, STATUS_NAMES.get(command, command))

    def stop(self, command: str) -> None:
        """Let a part end."""
        stop_part(self.parts.pop(command))


@pytest.fixture(scope="module")
def floor(broker: RunningBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TradingFloor]:
    """Run a whole market, for a module."""
    empty_topics(broker.connection)
    settings = market_settings(
        tmp_path_factory.mktemp("floor"),
        kafka_bootstrap_servers=broker.connection.bootstrap_servers,
        simulator_rate=40,
        simulator_warmup_hours=0.5,
    )
    floor = TradingFloor(settings)
    try:
        floor.start("engine", "recorder", "api", "simulate", "dashboard")
        yield floor
    finally:
        for command in reversed(list(floor.parts)):
            floor.stop(command)


def ask(page: Page, floor: TradingFloor, path: str) -> Any:
    """Read from the API with the cookie of a page's browser."""
    answer = page.request.get(f"http://localhost:{floor.settings.api_port}{path}")
    assert answer.ok, answer.text()
    return answer.json()


def sign_in(page: Page, username: str, password: str) -> None:
    """Sign in by the form that stands on the page."""
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


CHROMIUM_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


def chromium_path() -> str:
    """Give where the machine's Chromium is, or skip."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("Chromium is not installed: install it to test the page as a person sees it")
    return path


# For a module and no longer: while Playwright's own loop runs in this thread, no asynchronous test can.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Give the machine's Chromium, or skip."""
    path = chromium_path()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


HIDING = """
Object.defineProperty(document, "hidden", { get: () => window.isAway === true });
window.leave = (isAway) => {
  window.isAway = isAway;
  document.dispatchEvent(new Event("visibilitychange"));
};
"""
"""Playwright lets Chromium hide no page: with this it is told that it is hidden, by `leave(true)`."""


@dataclass
class Scripts:
    """A page that can import the modules."""

    page: Page

    def ask(self, module: str, script: str) -> Any:
        """Run a script in which `it` is a module, and give what it returns."""
        return self.page.evaluate(f"async () => {{ const it = await import('/{module}'); {script} }}")


class _Files(http.server.SimpleHTTPRequestHandler):
    extensions_map = {".js": "text/javascript", ".css": "text/css"}  # noqa: RUF012 - the base class's

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def scripts(chromium: Browser) -> Iterator[Scripts]:
    """Serve the modules and open a page beside them."""
    handler = functools.partial(_Files, directory=str(LIVE))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        page = chromium.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/live.css")
        yield Scripts(page)
        page.close()
        server.shutdown()
        thread.join()


@pytest.fixture
def new_browser(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Make browsers, each with cookies of its own; of Brazilian traders, unless another `locale` is given.

    An error in the page's own scripts fails the test.
    """
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def make(locale: str = "pt-BR") -> Page:
        context = chromium.new_context(
            viewport={"width": 1366, "height": 768},
            locale=locale,
            timezone_id="America/Sao_Paulo",
            color_scheme="dark",
        )
        context.set_default_timeout(60_000)
        context.on("weberror", lambda error: errors.append(str(error.error)))
        contexts.append(context)
        return context.new_page()

    yield make
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def page(new_browser: Callable[..., Page], request: pytest.FixtureRequest) -> Page:
    """Give a browser page, in which the demo's trader is signed in where a market runs."""
    page = new_browser()
    if "floor" in request.fixturenames:
        sign_in_demo(page, request.getfixturevalue("floor"))
    return page


def sign_in_demo(page: Page, floor: TradingFloor) -> None:
    """Sign the demo's trader in to a page's browser, whose orders need no confirmation."""
    answer = page.request.post(
        f"http://localhost:{floor.settings.api_port}/auth/session",
        data={"username": "demo", "password": "demo-trader"},
    )
    assert answer.ok, answer.text()
    send_without_asking(page, floor)


def bearer(page: Page) -> dict[str, str]:
    """Give the header that speaks for whoever is signed in to a page's browser."""
    [cookie] = [each for each in page.context.cookies() if each["name"] == "homebroker_session"]
    return {"authorization": f"Bearer {cookie['value']}"}


def send_without_asking(page: Page, floor: TradingFloor, *, asks: bool = False) -> None:
    """Choose, for whoever is signed in, that orders need no confirmation; or that they do."""
    address = f"http://localhost:{floor.settings.api_port}/preferences/confirm_orders"
    answer = page.request.put(address, data={"value": asks}, headers=bearer(page))
    assert answer.ok, answer.text()


@pytest.fixture(scope="session")
def artifacts() -> Path:
    """Give the folder whose pictures are kept after a run."""
    folder = Path(__file__).parent.parent.parent / "test-artifacts"
    folder.mkdir(exist_ok=True)
    return folder
