"""Whether updates leave alone what a person has in hand: the chart's node, its zoom, a half-typed order."""

from __future__ import annotations

from typing import Final

from playwright.sync_api import Page

_NODE: Final = "document.querySelector('.hb-plot .main-svg')"
_SEEN: Final = """
(() => {
  const [left, right] = document.querySelector('.hb-plot').layout.xaxis.range;
  const price = document.querySelector('.st-key-ticket_price input');
  return { width: right - left, typed: price.value, isFocused: document.activeElement === price };
})()
"""
_TYPED: Final = "38,"
_NOTCHES: Final = 5
_REST_MS: Final = 1_000
_DRAWS_A_SECOND_MIN: Final = 1


def survive(page: Page, *, seconds: int) -> None:
    """Zoom, begin to type a price, and let updates come for a while.

    Raises
    ------
    AssertionError
        When the plot was made anew, or view, text or focus are not those from before; or nothing was drawn.
    """
    page.locator(".hb-plot .nsewdrag").first.hover()
    for _ in range(_NOTCHES):
        page.mouse.wheel(0, -120)
    page.wait_for_timeout(_REST_MS)
    page.get_by_label("Price (R$)").fill(_TYPED)
    page.evaluate(f"window.nodeBefore = {_NODE}; window.draws = 0")
    page.evaluate("document.querySelector('.hb-plot').on('plotly_afterplot', () => (window.draws += 1))")
    before = page.evaluate(_SEEN)
    assert (before["typed"], before["isFocused"]) == (_TYPED, True)
    page.wait_for_timeout(seconds * 1_000)
    assert page.evaluate(_SEEN) == before
    assert page.evaluate(f"window.nodeBefore === {_NODE}")
    assert page.evaluate("window.draws") >= seconds * _DRAWS_A_SECOND_MIN
