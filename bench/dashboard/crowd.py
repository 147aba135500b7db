"""One person at the page while others watch: browsers with cookies, sockets, scripts and streams.

Two cores cannot draw many charts, which many people's own machines would. So the others' pages are real, and
do all that a page in sight does but draw: every event is taken in, every few seconds the market is asked, and
at the end each is let draw, and must show the newest trades.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import psutil
from playwright.sync_api import Browser, Error, Page, ViewportSize

from bench.dashboard.browser import SETTLE_S, chromium, open_trade_s, trader
from bench.dashboard.delays import delays
from bench.dashboard.market import PARTS, market, pid_of, processor_s
from bench.dashboard.memory import browser_pids, resident_mib
from bench.dashboard.ticks import RATE, Ticks, ticking
from bench.dashboard.watch import OWN
from bench.report import Figure, print_figures
from homebroker.settings import Settings

WATCHED_S: Final = 15
FRESH_S: Final = 5
WATCHER_PX: Final = ViewportSize(width=800, height=600)
_HOLD_DRAWING: Final = """
(() => {
  const draw = requestAnimationFrame.bind(window);
  const held = [];
  let holds = false;
  window.requestAnimationFrame = (frame) => (holds ? held.push(frame) : draw(frame));
  window.benchHold = () => (holds = true);
  window.benchDraw = () => { holds = false; held.splice(0).forEach(draw); };
})()
"""
_NEWEST_TRADES: Final = "document.querySelector('.hb-prints').textContent"


def run(*, browsers: int) -> None:
    """Measure one page alone, then the same page among many."""
    with (
        tempfile.TemporaryDirectory(prefix="homebroker-bench-") as folder,
        market(Path(folder)) as settings,
        ticking(settings.connection, rate=RATE) as ticks,
        chromium() as browser,
    ):
        page = trader(browser, settings).new_page()
        open_trade_s(page, settings)
        page.wait_for_timeout(SETTLE_S * 1_000)
        alone = _drawn(page, settings, ticks, "alone", watching=1)
        watchers, opened_s = _opened(browser, settings, browsers)
        page.wait_for_timeout(SETTLE_S * 1_000)
        among = _drawn(page, settings, ticks, f"among {len(watchers)}", watching=1 + len(watchers))
        memory = [
            *(Figure(f"memory of {part}", resident_mib([pid_of(settings, part)]), "MiB") for part in PARTS),
            Figure("memory of Chromium, a page", resident_mib(browser_pids()) / (1 + len(watchers)), "MiB"),
        ]
        traded = _traded(browser, settings)
        live = Figure("of them showed the newest trades when let draw", _live(watchers), "")
    opened_s.sort()
    print_figures(
        f"one page that draws at {RATE:.0f} trades a second, alone and among others, on the servers' machine",
        [
            *alone,
            Figure("other pages that opened", len(watchers), ""),
            Figure("first useful paint of each, median", opened_s[len(opened_s) // 2], "s"),
            Figure("first useful paint of each, slowest", opened_s[-1], "s"),
            *among,
            *memory,
            *traded,
            live,
        ],
    )


def _opened(browser: Browser, settings: Settings, count: int) -> tuple[list[Page], list[float]]:
    pages: list[Page] = []
    opened_s: list[float] = []
    for number in range(count):
        context = trader(browser, settings)
        context.add_init_script(_HOLD_DRAWING)
        page = context.new_page()
        page.set_viewport_size(WATCHER_PX)
        try:
            opened_s.append(open_trade_s(page, settings))
            page.evaluate("window.benchHold()")
        except Error as error:
            print(f"browser {number + 1} did not open: {error.message.splitlines()[0]}", flush=True)
            continue
        pages.append(page)
    return pages, opened_s


def _drawn(page: Page, settings: Settings, ticks: Ticks, who: str, *, watching: int) -> list[Figure]:
    used: Mapping[str, Callable[[], float]] = {
        **{part: lambda part=part: processor_s(settings, part) for part in PARTS},  # type: ignore[misc]
        "Chromium": _browsers_s,
    }
    before_s = {name: read() for name, read in used.items()}
    start_s = time.monotonic()
    found = [figure for view in OWN for figure in delays(page, view, ticks, WATCHED_S, who)]
    passed_s = time.monotonic() - start_s
    for name, read in used.items():
        share = 100 * (read() - before_s[name]) / passed_s
        found.append(Figure(f"{who}: processor time of {name}", share, "% of a core"))
        if watching > 1:
            found.append(Figure(f"{who}: processor time of {name}, a page", share / watching, "% of a core"))
    return found


def _traded(browser: Browser, settings: Settings) -> list[Figure]:
    """Let one more person come, send an order that waits, and be told of it."""
    page = trader(browser, settings).new_page()
    opened_s = open_trade_s(page, settings)
    page.get_by_label("Price (R$)").fill("30,00")
    start_s = time.perf_counter()
    page.locator(".st-key-ticket_buy button").click()
    page.locator(".st-key-ticket_confirm .st-key-confirm_buy button").click()
    page.get_by_test_id("stAlert").filter(has_text="went into the book").wait_for()
    told_s = time.perf_counter() - start_s
    page.close()
    return [
        Figure("first useful paint of one more person", opened_s, "s"),
        Figure("until their order was confirmed, placed and told", told_s, "s"),
    ]


def _live(watchers: list[Page]) -> int:
    live = 0
    for page in watchers:
        before = page.evaluate(_NEWEST_TRADES)
        page.evaluate("window.benchDraw()")
        try:
            page.wait_for_function(
                f"before => {_NEWEST_TRADES} !== before", arg=before, timeout=FRESH_S * 1_000
            )
        except Error:
            continue
        finally:
            page.close()
        live += 1
    return live


def _browsers_s() -> float:
    times = [psutil.Process(pid).cpu_times() for pid in browser_pids()]
    return sum(each.user + each.system for each in times)
