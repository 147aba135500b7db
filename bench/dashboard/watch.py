"""What a browser shows, sampled in the page itself: when each price was on the screen, and in which node."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from playwright.sync_api import CDPSession, Page

# A value is told after the frame that shows it: the task behind an animation frame runs once it is painted.
SAMPLER: Final = """
([read, node]) => {
  const seen = [];
  let last = null;
  let nodes = new Set();
  const look = new Function(`return ${read}`);
  const find = new Function(`return ${node}`);
  const timer = setInterval(() => {
    let value;
    try {
      value = look();
      const found = find();
      if (found) nodes.add(found);
    } catch { return; }
    if (value === last || value === undefined || value === null || Number.isNaN(value)) return;
    last = value;
    requestAnimationFrame(() => setTimeout(() => seen.push([value, Date.now()]), 0));
  }, 4);
  window.benchEnd = () => { clearInterval(timer); return { seen, nodes: nodes.size }; };
}
"""
NUMBER: Final = (
    "Number(document.querySelector('{}')?.textContent.replaceAll('.', '').replace(',', '.') || NaN)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Where a page has the last price or the newest candle: JavaScript that reads it, and finds its node."""

    name: str
    read: str
    node: str


OWN: Final = (
    View(
        name="last price",
        read=NUMBER.format(".hb-last-label"),
        node="document.querySelector('.hb-last-label')",
    ),
    View(
        name="candles",
        read="document.querySelector('.hb-plot').data[0].close.at(-1)",
        node="document.querySelector('.hb-plot .main-svg')",
    ),
)
STREAMLIT: Final = (
    View(
        name="last price",
        read="Number(document.querySelector('.bench-last').textContent || NaN)",
        node="document.querySelector('.bench-last')",
    ),
    View(
        name="candles",
        read="document.querySelector('.js-plotly-plot')._fullData[0].close.at(-1)",
        node="document.querySelector('.js-plotly-plot .main-svg')",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Prices, when each was painted, and how many different nodes showed them."""

    prices: list[float]
    times_ms: list[float]
    nodes: int


def watch(page: Page, view: View, *, seconds: float) -> Seen:
    """Watch a price for a while."""
    page.evaluate(SAMPLER, [view.read, view.node])
    page.wait_for_timeout(seconds * 1_000)
    told: Any = page.evaluate("window.benchEnd()")
    return Seen(
        prices=[price for price, _ in told["seen"]],
        times_ms=[time_ms for _, time_ms in told["seen"]],
        nodes=told["nodes"],
    )


def node_count(page: Page) -> int:
    """Count the elements of the page."""
    count: int = page.evaluate("document.querySelectorAll('*').length")
    return count


def heap_mib(session: CDPSession) -> float:
    """Give what the page's scripts hold once nothing is left to be collected."""
    session.send("HeapProfiler.collectGarbage")
    usage: Any = session.send("Runtime.getHeapUsage")
    return float(usage["usedSize"]) / 2**20
