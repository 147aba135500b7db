"""Whether memory stays where it is while a person watches a live market: in browser, page's server, API."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import psutil
from playwright.sync_api import Page

from bench.dashboard import heap
from bench.dashboard.browser import SETTLE_S, chromium, open_trade_s, trader
from bench.dashboard.market import PARTS, market, pid_of
from bench.dashboard.watch import heap_mib, node_count
from bench.report import Figure, print_figures
from homebroker.settings import Settings

PERIOD_S: Final = 60
SETTLED_MINUTES: Final = 5
"""Left out of the slope: caches fill, and the day's first candles come."""
_STUDIES: Final = ["sma20", "vwap", "bollinger", "rsi", "macd"]


def run(*, minutes: int) -> None:
    """Watch the Trade page with studies on a market with its usual simulated investors."""
    with (
        tempfile.TemporaryDirectory(prefix="homebroker-bench-") as folder,
        market(Path(folder), simulator=True) as settings,
        chromium() as browser,
    ):
        context = trader(browser, settings)
        [secret] = [each["value"] for each in context.cookies() if each["name"] == "homebroker_session"]
        chosen = context.request.put(
            f"http://localhost:{settings.api_port}/preferences/studies",
            data={"value": _STUDIES},
            headers={"authorization": f"Bearer {secret}"},
        )
        assert chosen.ok, chosen.text()
        page = context.new_page()
        open_trade_s(page, settings)
        page.wait_for_timeout(SETTLE_S * 1_000)
        figures = sampled(page, settings, minutes=minutes, say=lambda told: print(told, flush=True))
    print_figures(f"{minutes} minutes of the Trade page, live, five studies, usual investors", figures)


def sampled(page: Page, settings: Settings, *, minutes: int, say: Callable[[str], None]) -> list[Figure]:
    """Watch the Trade page and sample once a minute; says each sample as it comes.

    Returns
    -------
    list of Figure
        Each figure at the beginning and end, its slope from the fifth minute on by least squares, and what
        the scripts' memory grew by since then, kind by kind.
    """
    session = page.context.new_cdp_session(page)
    samples: list[dict[str, float]] = []
    begin_s = time.monotonic()
    for minute in range(minutes + 1):
        page.wait_for_timeout(max(0.0, begin_s + minute * PERIOD_S - time.monotonic()) * 1_000)
        sample = {"scripts' memory after collection": heap_mib(session)}
        sample["Chromium's processes"] = resident_mib(browser_pids())
        for part in PARTS:
            sample[f"memory of {part}"] = resident_mib([pid_of(settings, part)])
        sample["nodes in the document"] = float(node_count(page))
        samples.append(sample)
        if minute == min(SETTLED_MINUTES, minutes):
            settled = heap.held(session)
        say(f"{minute:>3} min  " + "  ".join(f"{name} {value:,.1f}" for name, value in sample.items()))
    figures = [figure for name in samples[0] for figure in _figures(name, [each[name] for each in samples])]
    return [*figures, *heap.grown(settled, heap.held(session))]


def browser_pids() -> list[int]:
    """Give the processes of the browsers that this process started."""
    children = psutil.Process().children(recursive=True)
    return [child.pid for child in children if "chrom" in child.name().casefold()]


def resident_mib(pids: list[int]) -> float:
    """Give the memory of processes; what Chromium's share is counted once."""
    return sum(psutil.Process(pid).memory_full_info().pss for pid in pids) / 2**20


def _figures(name: str, values: list[float]) -> list[Figure]:
    unit = "" if name.startswith("nodes") else "MiB"
    found = [Figure(f"{name}: beginning", values[0], unit), Figure(f"{name}: end", values[-1], unit)]
    settled = values[min(SETTLED_MINUTES, len(values) - 2) :]
    slope = float(np.polyfit(np.arange(len(settled)), settled, 1)[0]) * 60
    return [*found, Figure(f"{name}: slope since minute {SETTLED_MINUTES}", slope, f"{unit}/h".lstrip())]
