"""How fast somebody may come: buckets that fill again, pauses that grow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.identity.limits import Buckets, GrowingPauses, Pace


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    buckets = Buckets(rate_per_s=2, burst=3)
    assert [buckets.take("a", now_s=0.0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert buckets.take("b", now_s=0.0) == 0
    assert buckets.take("a", now_s=0.25) == pytest.approx(0.25)
    assert buckets.take("a", now_s=0.5) == 0
    assert buckets.take("a", now_s=0.5) == pytest.approx(0.5)
    assert [buckets.take("a", now_s=1e6) for _ in range(4)] == [0, 0, 0, 0.5]


@given(st.lists(st.floats(0, 3), max_size=200), st.floats(0.5, 20), st.integers(1, 10))
def test_in_no_span_of_time_are_there_more_than_burst_and_rate_allow(
    gaps_s: list[float], rate_per_s: float, burst: int
) -> None:
    buckets, now_s, taken_s = Buckets(rate_per_s=rate_per_s, burst=burst), 0.0, []
    for gap_s in gaps_s:
        now_s += gap_s
        wait_s = buckets.take("a", now_s=now_s)
        assert 0 <= wait_s <= 1 / rate_per_s
        if wait_s == 0:
            taken_s.append(now_s)
    for first, start_s in enumerate(taken_s):
        for last in range(first, len(taken_s)):
            assert last - first + 1 <= burst + (taken_s[last] - start_s) * rate_per_s + 1e-6


def test_who_waits_as_long_as_told_is_let_in() -> None:
    buckets = Buckets(rate_per_s=3, burst=1)
    assert buckets.take("a", now_s=0.0) == 0
    wait_s = buckets.take("a", now_s=0.1)
    assert buckets.take("a", now_s=0.1 + wait_s + 1e-9) == 0


def test_of_too_many_keys_the_longest_silent_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.identity.limits.REMEMBERED_MAX", 2)
    buckets = Buckets(rate_per_s=1, burst=1)
    buckets.take("a", now_s=0.0)
    buckets.take("b", now_s=0.0)
    assert buckets.take("a", now_s=0.0) > 0
    buckets.take("c", now_s=0.0)
    assert buckets.take("a", now_s=0.0) > 0
    assert buckets.take("b", now_s=0.0) == 0


def test_orders_cancels_and_all_others_have_buckets_of_their_own() -> None:
    pace = Pace(orders_per_second=0.5, requests_per_second=0.5)
    kinds = [("POST", "/orders"), ("DELETE", "/orders/o"), ("GET", "/orders"), ("PATCH", "/orders/o")]
    assert [pace.wait_s("u", *kind, now_s=0.0) for kind in kinds] == [0, 0, 0, 2]
    assert pace.wait_s("u", "DELETE", "/orders", now_s=0.0) == 2
    assert pace.wait_s("u", "GET", "/account", now_s=0.0) == 2
    assert pace.wait_s("v", "POST", "/orders", now_s=0.0) == 0


def test_after_some_failures_each_pause_is_twice_the_one_before() -> None:
    pauses = GrowingPauses(free_failures=2, pause_max_s=10)
    told, now_s = [], 0.0
    for _ in range(8):
        wait_s = pauses.pause_s("a", now_s=now_s)
        told.append(wait_s)
        now_s += wait_s
        assert pauses.pause_s("a", now_s=now_s) == 0
        pauses.begin("a", now_s=now_s)
    assert told == [0, 0, 1, 2, 4, 8, 10, 10]
    assert pauses.pause_s("b", now_s=now_s) == 0


def test_a_try_counts_from_its_beginning_until_it_is_forgiven() -> None:
    pauses = GrowingPauses(free_failures=1, pause_max_s=10)
    pauses.begin("a", now_s=0.0)
    assert pauses.pause_s("a", now_s=0.0) == 1
    pauses.forgive("a")
    assert pauses.pause_s("a", now_s=0.0) == 0
    pauses.begin("a", now_s=0.0)
    pauses.forget("a")
    assert pauses.pause_s("a", now_s=0.0) == 0


def test_failures_of_long_ago_are_forgotten_and_a_long_row_of_them_is_no_trouble() -> None:
    pauses = GrowingPauses(free_failures=1, pause_max_s=60)
    for _ in range(5_000):
        pauses.begin("a", now_s=0.0)
    assert pauses.pause_s("a", now_s=0.0) == 60
    pauses.begin("a", now_s=1_000.0)
    assert pauses.pause_s("a", now_s=1_000.0) == 1
