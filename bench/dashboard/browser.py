"""A real Chromium in which the demo's trader is signed in, and what tells that the Trade page is of use."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from homebroker.settings import Settings

TIMEOUT_MS: Final = 60_000
SETTLE_S: Final = 3
_CHROMIUMS: Final = ("chromium", "chromium-browser", "google-chrome")
_USEFUL: Final = (
    "document.querySelectorAll('.hb-plot g.boxes path.box').length"
    " && document.querySelector('.hb-prints').childElementCount"
    " && document.querySelector('.st-key-ticket_buy button')"
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the machine's Chromium."""
    path = next(filter(None, map(shutil.which, _CHROMIUMS)), None)
    if path is None:
        raise SystemExit("Chromium is not installed: install it, then measure again.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


def trader(browser: Browser, settings: Settings) -> BrowserContext:
    """Give a browser of its own to somebody who is signed in."""
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="pt-BR")
    context.set_default_timeout(TIMEOUT_MS)
    answer = context.request.post(
        f"http://localhost:{settings.api_port}/auth/session",
        data={"username": "demo", "password": "demo-trader"},
    )
    assert answer.ok, answer.text()
    return context


def url_of(settings: Settings) -> str:
    """Give the page's address."""
    return f"http://localhost:{settings.dashboard_port}"


def open_trade_s(page: Page, settings: Settings) -> float:
    """Open the Trade page; gives how long it took until it was of use."""
    start_s = time.perf_counter()
    page.goto(url_of(settings), wait_until="commit")
    page.wait_for_function(_USEFUL)
    return time.perf_counter() - start_s
