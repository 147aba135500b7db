"""Many people at the page with real browsers, each with cookies, sockets and streams of its own."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Final

import psutil
from playwright.sync_api import Browser, Error, Page, ViewportSize

from bench.dashboard.browser import chromium, open_trade_s, trader
from bench.dashboard.market import market, pid_of, processor_s
from bench.dashboard.memory import browser_pids, resident_mib
from bench.report import Figure, print_figures
from homebroker.settings import Settings

PARTS: Final = ("dashboard", "api")
WATCHED_S: Final = 20
WATCHER_PX: Final = ViewportSize(width=800, height=600)
"""Small, since the machine that draws all of them is the servers' own."""
_MOVES: Final = "document.querySelector('.hb-prints').textContent"


def run(*, browsers: int) -> None:
    """Open the page again and again, then see which move, and what it costs."""
    with (
        tempfile.TemporaryDirectory(prefix="homebroker-bench-") as folder,
        market(Path(folder), simulator=True) as settings,
        chromium() as browser,
    ):
        pages: list[Page] = []
        opened_s: list[float] = []
        for number in range(browsers):
            page = trader(browser, settings).new_page()
            page.set_viewport_size(WATCHER_PX)
            try:
                opened_s.append(open_trade_s(page, settings))
            except Error as error:
                print(f"browser {number + 1} did not open: {error.message.splitlines()[0]}", flush=True)
                continue
            pages.append(page)
        figures = _watched(pages, settings)
        figures += _traded(browser, settings)
    opened_s.sort()
    print_figures(
        f"{browsers} browsers at the Trade page, on the servers' own machine",
        [
            Figure("pages that opened", len(pages), ""),
            Figure("first useful paint, median", opened_s[len(opened_s) // 2], "s"),
            Figure("first useful paint, slowest", opened_s[-1], "s"),
            *figures,
        ],
    )


def _traded(browser: Browser, settings: Settings) -> list[Figure]:
    """Let one more person come, buy, and see the shares."""
    page = trader(browser, settings).new_page()
    opened_s = open_trade_s(page, settings)
    page.locator(".st-key-ticket_type").get_by_role("combobox").click()
    page.get_by_role("option", name="Market", exact=True).click()
    page.get_by_label("Price (R$)").wait_for(state="detached")
    start_s = time.perf_counter()
    page.locator(".st-key-ticket_buy button").click()
    page.locator(".st-key-ticket_confirm .st-key-confirm_buy button").click()
    page.get_by_test_id("stAlert").filter(has_text="Bought 100").wait_for()
    told_s = time.perf_counter() - start_s
    return [
        Figure("first useful paint of one more person", opened_s, "s"),
        Figure("until a market order was confirmed, filled and told", told_s, "s"),
    ]


def _watched(pages: list[Page], settings: Settings) -> list[Figure]:
    before = [page.evaluate(_MOVES) for page in pages]
    used_s = {part: processor_s(settings, part) for part in PARTS}
    browsers_s = _browsers_s()
    start_s = time.monotonic()
    pages[0].wait_for_timeout(WATCHED_S * 1_000)
    passed_s = time.monotonic() - start_s
    share = {
        part: 100 * (processor_s(settings, part) - used_s[part]) / passed_s / len(pages) for part in PARTS
    }
    drawn = 100 * (_browsers_s() - browsers_s) / passed_s / len(pages)
    after = [page.evaluate(_MOVES) for page in pages]
    moved = sum(old != new for old, new in zip(before, after, strict=True))
    return [
        Figure(f"pages that moved within {WATCHED_S} s", moved, ""),
        *(Figure(f"processor time of {part}, a page", share[part], "% of a core") for part in PARTS),
        Figure("processor time of Chromium, a page", drawn, "% of a core"),
        *(Figure(f"memory of {part}", resident_mib([pid_of(settings, part)]), "MiB") for part in PARTS),
        Figure("memory of Chromium, a page", resident_mib(browser_pids()) / len(pages), "MiB"),
    ]


def _browsers_s() -> float:
    times = [psutil.Process(pid).cpu_times() for pid in browser_pids()]
    return sum(each.user + each.system for each in times)
