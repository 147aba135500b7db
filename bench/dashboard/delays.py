"""From a trade to the moment when a page shows it, or a later one."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from playwright.sync_api import Page

from bench.dashboard.ticks import Ticks
from bench.dashboard.watch import View, watch
from bench.report import Figure


def delays(page: Page, view: View, ticks: Ticks, seconds: int, who: str) -> Sequence[Figure]:
    """Watch one view of a page for a while."""
    from_ms = time.time() * 1_000
    seen = watch(page, view, seconds=seconds)
    # What was sent at the very end may not have been drawn yet.
    found = ticks.delays_ms(seen.prices, seen.times_ms, from_ms=from_ms, to_ms=time.time() * 1_000 - 2_000)
    middle, high = np.percentile(found, [50, 95]) if found.size else (np.nan, np.nan)
    return [
        Figure(f"{who}: trade to {view.name}, median", float(middle), "ms"),
        Figure(f"{who}: trade to {view.name}, 95th percentile", float(high), "ms"),
        Figure(f"{who}: nodes that showed the {view.name}", float(seen.nodes), ""),
    ]
