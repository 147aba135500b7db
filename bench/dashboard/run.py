"""Runs the measurement of the page and prints it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from playwright.sync_api import BrowserContext, Page

from bench.dashboard.browser import SETTLE_S, chromium, open_trade_s, trader, url_of
from bench.dashboard.market import market, processor_s, variant
from bench.dashboard.sessions import watching
from bench.dashboard.surviving import survive
from bench.dashboard.ticks import Ticks, ticking
from bench.dashboard.watch import OWN, STREAMLIT, View, heap_mib, watch
from bench.report import Figure, print_figures
from homebroker.settings import Settings

RATE: Final = 50.0
SESSIONS: Final = 50
SURVIVED_S: Final = 60


def run(*, seconds: int) -> None:
    """Measure the page at 50 trades a second, then other ways to redraw, then 50 sessions."""
    with (
        tempfile.TemporaryDirectory(prefix="homebroker-bench-") as folder,
        market(Path(folder)) as settings,
        ticking(settings.connection, rate=RATE) as ticks,
        chromium() as browser,
    ):
        context = trader(browser, settings)
        own = _own(context, settings, ticks, seconds)
        others = [
            figure
            for name in ("fragment", "autorefresh")
            for figure in _other(context, settings, ticks, name)
        ]
        crowd = _crowd(context, settings)
    print_figures(f"the page at {RATE:.0f} trades a second, servers and browser on one machine", own)
    print_figures("the same figure drawn by Streamlit itself", others)
    print_figures(f"with {SESSIONS} watching sessions", crowd)


def _own(context: BrowserContext, settings: Settings, ticks: Ticks, seconds: int) -> list[Figure]:
    page = context.new_page()
    open_trade_s(page, settings)
    warm_s = sorted(open_trade_s(page, settings) for _ in range(3))[1]
    session = context.new_cdp_session(page)
    page.wait_for_timeout(SETTLE_S * 1_000)
    heap_before, used_before_s, start_s = (
        heap_mib(session),
        processor_s(settings, "dashboard"),
        time.monotonic(),
    )
    figures = [Figure("first useful paint, warm, median of 3", warm_s, "s")]
    for view in OWN:
        figures += _delays(page, view, ticks, seconds, "the page")
    passed_s = time.monotonic() - start_s
    used_s = processor_s(settings, "dashboard") - used_before_s
    survive(page, seconds=SURVIVED_S)
    figures += [
        Figure("seconds of updates that node, zoom, focus and a half-typed price outlived", SURVIVED_S, "s"),
        Figure("Streamlit's processor time, one session watching", 100 * used_s / passed_s, "% of a core"),
        Figure("scripts' memory at the beginning", heap_before, "MiB"),
        Figure(f"scripts' memory {passed_s:.0f} s later", heap_mib(session), "MiB"),
    ]
    page.close()
    return figures


def _other(context: BrowserContext, settings: Settings, ticks: Ticks, name: str) -> list[Figure]:
    figures: list[Figure] = []
    with variant(name, settings) as url:
        page = context.new_page()
        page.goto(url)
        page.wait_for_selector(".js-plotly-plot .main-svg")
        page.wait_for_timeout(SETTLE_S * 1_000)
        for view in STREAMLIT:
            figures += _delays(page, view, ticks, 15, name)
        page.close()
    return figures


def _delays(page: Page, view: View, ticks: Ticks, seconds: int, who: str) -> Sequence[Figure]:
    from_ms = time.time() * 1_000
    seen = watch(page, view, seconds=seconds)
    # What was sent at the very end may not have been drawn yet.
    delays = ticks.delays_ms(seen.prices, seen.times_ms, from_ms=from_ms, to_ms=time.time() * 1_000 - 2_000)
    middle, high = np.percentile(delays, [50, 95]) if delays.size else (np.nan, np.nan)
    return [
        Figure(f"{who}: trade to {view.name}, median", float(middle), "ms"),
        Figure(f"{who}: trade to {view.name}, 95th percentile", float(high), "ms"),
        Figure(f"{who}: nodes that showed the {view.name}", float(seen.nodes), ""),
    ]


def _crowd(context: BrowserContext, settings: Settings) -> list[Figure]:
    [secret] = [each["value"] for each in context.cookies() if each["name"] == "homebroker_session"]
    with watching(url_of(settings), secret, SESSIONS):
        time.sleep(SETTLE_S)
        before_s, start_s = processor_s(settings, "dashboard"), time.monotonic()
        time.sleep(15)
        share = (processor_s(settings, "dashboard") - before_s) / (time.monotonic() - start_s)
        page = context.new_page()
        alive_s = open_trade_s(page, settings)
        page.close()
    return [
        Figure("Streamlit's processor time, a session", 100 * share / SESSIONS, "% of a core"),
        Figure("first useful paint of one more", alive_s, "s"),
    ]
