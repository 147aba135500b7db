"""Runs the measurement of the page and prints it."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Final

from playwright.sync_api import BrowserContext

from bench.dashboard.browser import SETTLE_S, chromium, open_trade_s, trader
from bench.dashboard.delays import delays
from bench.dashboard.market import PARTS, market, processor_s, variant
from bench.dashboard.sessions import watching
from bench.dashboard.surviving import survive
from bench.dashboard.ticks import RATE, Ticks, ticking
from bench.dashboard.watch import OWN, STREAMLIT, heap_mib
from bench.report import Figure, print_figures
from homebroker.settings import Settings

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
        crowd = _crowd(context, settings, ticks, seconds)
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
        figures += delays(page, view, ticks, seconds, "the page")
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
            figures += delays(page, view, ticks, 15, name)
        page.close()
    return figures


def _crowd(context: BrowserContext, settings: Settings, ticks: Ticks, seconds: int) -> list[Figure]:
    [secret] = [each["value"] for each in context.cookies() if each["name"] == "homebroker_session"]
    page = context.new_page()
    open_trade_s(page, settings)
    with watching(settings, secret, SESSIONS) as crowd:
        page.wait_for_timeout(SETTLE_S * 1_000)
        before_s = {part: processor_s(settings, part) for part in PARTS}
        received, start_s = crowd.received[:], time.monotonic()
        figures = [
            figure for view in OWN for figure in delays(page, view, ticks, seconds, f"among {SESSIONS}")
        ]
        passed_s = time.monotonic() - start_s
        sent = [after - before for before, after in zip(received, crowd.received, strict=True)]
        shares = {part: 100 * (processor_s(settings, part) - before_s[part]) / passed_s for part in PARTS}
        page.close()
        one_more = context.new_page()
        alive_s = open_trade_s(one_more, settings)
        one_more.close()
    return [
        *figures,
        Figure("sessions that were sent the market all along", sum(size > 0 for size in sent), ""),
        Figure("sent to each, median", sorted(sent)[SESSIONS // 2] / passed_s / 1_024, "KiB/s"),
        *(Figure(f"processor time of {part}", shares[part], "% of a core") for part in PARTS),
        *(
            Figure(f"processor time of {part}, a session", shares[part] / SESSIONS, "% of a core")
            for part in PARTS
        ),
        Figure("first useful paint of one more", alive_s, "s"),
    ]
