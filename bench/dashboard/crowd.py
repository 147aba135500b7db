"""Many people at the page with real browsers, each with cookies, sockets and streams of its own."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Final

from playwright.sync_api import Error, Page

from bench.dashboard.browser import chromium, open_trade_s, trader
from bench.dashboard.market import market, pid_of, processor_s
from bench.dashboard.memory import browser_pids, resident_mib
from bench.report import Figure, print_figures
from homebroker.settings import Settings

PARTS: Final = ("dashboard", "api")
WATCHED_S: Final = 20
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
            try:
                opened_s.append(open_trade_s(page, settings))
            except Error as error:
                print(f"browser {number + 1} did not open: {error.message.splitlines()[0]}", flush=True)
                continue
            pages.append(page)
        figures = _watched(pages, settings)
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


def _watched(pages: list[Page], settings: Settings) -> list[Figure]:
    before = [page.evaluate(_MOVES) for page in pages]
    used_s = {part: processor_s(settings, part) for part in PARTS}
    start_s = time.monotonic()
    pages[0].wait_for_timeout(WATCHED_S * 1_000)
    passed_s = time.monotonic() - start_s
    share = {
        part: 100 * (processor_s(settings, part) - used_s[part]) / passed_s / len(pages) for part in PARTS
    }
    after = [page.evaluate(_MOVES) for page in pages]
    moved = sum(old != new for old, new in zip(before, after, strict=True))
    return [
        Figure(f"pages that moved within {WATCHED_S} s", moved, ""),
        *(Figure(f"processor time of {part}, a page", share[part], "% of a core") for part in PARTS),
        *(Figure(f"memory of {part}", resident_mib([pid_of(settings, part)]), "MiB") for part in PARTS),
        Figure("memory of Chromium, a page", resident_mib(browser_pids()) / len(pages), "MiB"),
    ]
