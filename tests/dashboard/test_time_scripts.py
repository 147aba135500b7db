"""What the browser makes of time: clocks that are set, tabs that were away; by a clock of the test's own."""

from __future__ import annotations

import datetime as dt

import pytest

from tests.dashboard.conftest import HIDING, Scripts

pytestmark = pytest.mark.browser

HOUR = dt.timedelta(hours=1)
LOOKING = """
window.asked = 0;
window.looking = new it.Looking(async () => { window.asked += 1; return window.waitMs ?? null; }, 2000);
"""


def test_who_is_away_has_nothing_asked_and_is_served_at_once_and_once_on_coming_back(
    scripts: Scripts,
) -> None:
    page = scripts.page
    page.clock.install(time=0)
    page.clock.pause_at(1)
    scripts.ask("looking.js", HIDING + LOOKING)

    again = "looking.again(), null"

    def asked(after_ms: int = 0, then: str = "null") -> int:
        page.evaluate(then)
        if after_ms:
            page.clock.run_for(after_ms)
        count: int = page.evaluate("window.asked")
        return count

    assert [asked(), asked(1_999), asked(1), asked(4_000)] == [1, 1, 2, 4]
    assert asked(1_000, "leave(true)") == 4
    assert asked(0, "leave(false)") == 4, "it is not due yet"
    assert [asked(1_000), asked(60_000, "leave(true)")] == [5, 5]
    page.clock.fast_forward(300_000)
    assert [asked(), asked(0, "leave(false)"), asked(0, "leave(false)"), asked(2_000)] == [5, 6, 6, 7]
    assert [asked(0, again), asked(1_999), asked(1)] == [8, 8, 9]
    assert [asked(0, f"window.waitMs = 500; {again}"), asked(500), asked(500)] == [10, 11, 12]
    # One that hangs is waited for, and of two at once the newer says when the next is due.
    hangs = f"window.waitMs = new Promise((resolve) => answers.push(resolve)); {again}"
    assert asked(9_000, f"window.answers = []; {hangs}") == 13
    assert [asked(0, "leave(true); leave(false)"), asked(0, hangs)] == [13, 14]
    assert asked(1_999, "window.waitMs = null; answers[1](2000); answers[0](500)") == 14
    assert [asked(1), asked(1_999)] == [15, 15]
    assert asked(60_000, "leave(true)") == 15
    assert asked(60_000, "looking.close(); leave(false)") == 15
    scripts.page.reload()


@pytest.mark.parametrize("set_by", [-HOUR, HOUR])
def test_the_market_s_time_is_its_records_whatever_the_browser_s_clock_is_set_to(
    scripts: Scripts, set_by: dt.timedelta
) -> None:
    page = scripts.page
    begun = dt.datetime(2026, 11, 29, 12, tzinfo=dt.UTC)
    page.clock.install(time=begun)
    page.clock.pause_at(begun + dt.timedelta(seconds=1))
    first = scripts.ask("market_clock.js", "window.clock = new it.MarketClock(); return String(clock.now())")
    now = "window.clock.now()"
    page.evaluate("clock.see(5_000_000); clock.see(4_000_000)")
    page.clock.run_for(1_500)
    page.clock.set_system_time(begun + set_by)
    told = [page.evaluate(now)]
    page.clock.run_for(500)
    told += [page.evaluate(now), page.evaluate(f"clock.see(5_100_000), {now}")]
    assert first == "-Infinity"
    assert told == [5_001_500, 5_002_000, 5_100_000]
    page.reload()


@pytest.mark.parametrize(("ago_s", "reloads"), [(3_600, True), (1, False), (-3_600, True)])
def test_a_page_is_loaded_anew_once_in_a_while_and_a_clock_that_was_set_back_forbids_none(
    scripts: Scripts, ago_s: int, reloads: bool
) -> None:
    page = scripts.page
    page.evaluate(
        f"sessionStorage.setItem('homebroker-reloaded-ms', Date.now() - {ago_s * 1_000}); window.isOld = true"
    )
    scripts.ask("visitor.js", "it.reloadOnce()")
    if reloads:
        page.wait_for_function("!window.isOld")
    else:
        page.wait_for_timeout(200)
        assert page.evaluate("window.isOld")
