"""Candles against an independent recount."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.live.candles import INTERVALS_MS, CandleSeries, SymbolCandles, bucket_start, candle_rows
from api.payloads import Candle

NOON_MS = 1_790_002_800_000
steps_ms = st.sampled_from([0, 0, 1, 400, 999, 1_000, 61_000, 3_600_000, 90_000_000])
trades = st.lists(st.tuples(steps_ms, st.integers(1, 10**10), st.integers(1, 10**8)), min_size=1, max_size=60)


def recount(tape: list[tuple[int, int, int]], interval_ms: int, now_ms: int) -> list[Candle]:
    """Count candles one trade at a time, in decimals."""
    day_start = 3 * 3_600_000
    candles: dict[int, list[tuple[int, int]]] = {}
    for time_ms, price, quantity in tape:
        start = time_ms - (time_ms - day_start) % interval_ms
        candles.setdefault(start, []).append((price, quantity))
    return [
        Candle(
            time_ms=start,
            open=float(Decimal(inside[0][0]) / 10_000),
            high=float(Decimal(max(price for price, _ in inside)) / 10_000),
            low=float(Decimal(min(price for price, _ in inside)) / 10_000),
            close=float(Decimal(inside[-1][0]) / 10_000),
            volume=sum(quantity for _, quantity in inside),
            trades=len(inside),
            closed=start + interval_ms <= now_ms,
        )
        for start, inside in candles.items()
    ]


@given(trades, st.lists(st.integers(1, 7), max_size=60), st.sampled_from(sorted(INTERVALS_MS)))
def test_candles_equal_a_recount_however_the_trades_are_batched(
    moves: list[tuple[int, int, int]], batches: list[int], interval: str
) -> None:
    tape, time_ms = [], NOON_MS
    for step_ms, price, quantity in moves:
        time_ms += step_ms
        tape.append((time_ms, price, quantity))
    candles = SymbolCandles()
    rest = list(tape)
    for size in [*batches, len(tape)]:
        if batch := rest[:size]:
            candles.add([t for t, _, _ in batch], [p / 10_000 for _, p, _ in batch], [q for _, _, q in batch])
        rest = rest[size:]
    kept = candles[interval].between(None, None, limit=1_000, now_ms=time_ms)
    assert kept == recount(tape, INTERVALS_MS[interval], time_ms)


def series_of(starts: list[int], **options: int) -> CandleSeries:
    """Make a series of 1 s candles with one trade each."""
    series = CandleSeries(1_000, **({"rows_max": 1_500} | options))
    for start in starts:
        series.add(candle_rows(np.array([start]), np.array([10_000]), np.array([1])))
    return series


def times(candles: list[Candle]) -> list[int]:
    """Give the candles' starts."""
    return [candle.time_ms for candle in candles]


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "limit", "expected"),
    [
        (None, None, 2, [3_000, 9_000]),
        (0, None, 2, [1_000, 2_000]),
        (2_000, 3_000, 9, [2_000, 3_000]),
        (None, 3_000, 2, [2_000, 3_000]),
        (4_000, 8_000, 9, []),
        (9_001, None, 9, []),
        (None, 999, 9, []),
    ],
)
def test_a_range_includes_both_ends_and_a_gap_stays_one(
    start_ms: int | None, end_ms: int | None, limit: int, expected: list[int]
) -> None:
    series = series_of([1_000, 2_000, 3_000, 9_000])
    assert times(series.between(start_ms, end_ms, limit=limit, now_ms=0)) == expected


def test_a_candle_is_closed_from_the_moment_that_the_logs_time_passes_its_end() -> None:
    series = series_of([1_000])
    assert [series.newest(now_ms=now).closed for now in (1_999, 2_000)] == [False, True]  # type: ignore[union-attr]


def test_the_newest_candles_are_kept_and_memory_is_bounded() -> None:
    series = series_of([1_000 * n for n in range(1, 2_001)], rows_max=100)
    kept = times(series.between(None, None, limit=100, now_ms=0))
    assert kept == [1_000 * n for n in range(1_901, 2_001)]
    assert (len(series) <= 126, series.whole, len(series._rows._array)) == (True, False, 126)


def test_what_is_kept_tells_how_far_back_it_goes() -> None:
    series = series_of([1_000 * n for n in range(1, 128)], rows_max=100)
    first_ms = series.first_ms
    assert first_ms is not None
    assert not series.whole
    # The candle of a time and the one before it have to be here.
    assert [series.has_before(first_ms + ahead) for ahead in (-1, 0, 999)] == [False] * 3
    assert series.has_before(first_ms + 1_000)
    assert series_of([5_000]).has_before(0)


def test_a_day_begins_at_midnight_in_brazil() -> None:
    one_second_before_midnight = 1_790_046_000_000 // 86_400_000 * 86_400_000 + 3 * 3_600_000 - 1_000
    day_ms = INTERVALS_MS["1d"]
    assert bucket_start(one_second_before_midnight, day_ms) == one_second_before_midnight + 1_000 - day_ms
    assert bucket_start(one_second_before_midnight + 1_000, day_ms) == one_second_before_midnight + 1_000
