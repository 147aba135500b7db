"""The studies of prices and trades against their definitions, written plainly."""

from __future__ import annotations

import io
import itertools
import math
import statistics
from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard import downloads
from dashboard.analysis import prices, trades
from homebroker.client import Candle
from tests.dashboard import answers

T0 = 1_790_000_000_000 // 60_000 * 60_000


def _candles(closes: list[float], *, first: int = 0) -> list[Candle]:
    return [
        answers.candle(close, time_ms=T0 + 60_000 * (first + place)) for place, close in enumerate(closes)
    ]


def _trades(rows: list[tuple[int, float, int, str]]) -> pd.DataFrame:
    newest_first = [
        answers.trade(price=price, quantity=quantity, taker_side=side, time_ms=T0 + 1_000 * second)
        for second, price, quantity, side in rows
    ][::-1]
    return trades.frame(newest_first)


CLOSES = prices.closes({"A": _candles([10.0, 11.0, 9.9, 9.9]), "B": _candles([20.0, 21.0], first=1)})
ROWS = st.lists(
    st.tuples(
        st.integers(0, 600),
        st.integers(900, 1_100).map(lambda c: c / 100),
        st.integers(1, 9_999),
        st.sampled_from(["buy", "sell"]),
    ),
    min_size=1,
    max_size=60,
)


def test_prices_stand_until_the_next_trade_and_not_before_the_first() -> None:
    assert CLOSES["A"].tolist() == [10.0, 11.0, 9.9, 9.9]
    assert [None if math.isnan(price) else price for price in CLOSES["B"]] == [None, 20.0, 21.0, 21.0]


def test_symbols_are_compared_from_their_own_first_price() -> None:
    changes = prices.compared(CLOSES)
    assert changes["A"].tolist() == pytest.approx([0.0, 10.0, -1.0, -1.0])
    assert changes["B"].dropna().tolist() == pytest.approx([0.0, 5.0, 5.0])
    assert prices.compared(prices.closes({})).empty


def test_a_return_is_of_two_prices_and_the_first_has_none() -> None:
    found = prices.returns(CLOSES[["A"]])["A"]
    assert found.tolist() == pytest.approx([math.log(1.1), math.log(0.9), 0.0])
    assert found.index.tolist() == CLOSES.index.tolist()[1:]


def test_volatility_is_the_root_of_the_mean_square_by_the_year() -> None:
    found = prices.volatility(CLOSES[["A"]], interval="1m", window=2)["A"]
    moves = [math.log(11 / 10), math.log(9.9 / 11), 0.0]
    a_year = 252 * 7 * 60
    expected = [100 * math.sqrt((a**2 + b**2) / 2 * a_year) for a, b in itertools.pairwise(moves)]
    assert found.tolist() == pytest.approx(expected)


@given(st.lists(st.tuples(*[st.floats(1.0, 100.0)] * 2), min_size=4, max_size=40))
def test_correlation_is_numpy_s(pairs: list[tuple[float, float]]) -> None:
    closes = prices.closes({"A": _candles([a for a, _ in pairs]), "B": _candles([b for _, b in pairs])})
    moves = np.diff(np.log(np.array(pairs)), axis=0)
    found = prices.correlation(closes).loc["A", "B"]
    if (moves.std(axis=0) < 1e-6).any():
        return
    assert found == pytest.approx(np.corrcoef(moves.T)[0, 1], abs=1e-6)


def test_a_distribution_counts_every_return_once() -> None:
    closes = [10.0 * math.exp(0.01 * math.sin(7 * place)) for place in range(300)]
    table = prices.distribution(prices.closes({"A": _candles(closes)})["A"])
    assert table["count"].sum() == 299
    assert table["normal"].sum() == pytest.approx(299, rel=0.2)
    assert prices.distribution(prices.closes({"A": _candles([1.0, 1.0, 1.0])})["A"]).empty


def test_the_summary_tells_each_symbol_s_returns() -> None:
    row = prices.summary(CLOSES).loc["A"]
    assert row["change_percent"] == pytest.approx(-1.0)
    assert row["best_percent"] == pytest.approx(100 * math.log(1.1))
    assert row["worst_percent"] == pytest.approx(100 * math.log(0.9))


@given(ROWS)
def test_no_share_is_lost_in_profile_flow_or_sizes(rows: list[tuple[int, float, int, str]]) -> None:
    table = _trades(rows)
    bought = sum(quantity for _, _, quantity, side in rows if side == "buy")
    sold = sum(quantity for _, _, quantity, side in rows if side == "sell")
    profile = trades.volume_profile(table, 0.01)
    assert (profile["bought"].sum(), profile["sold"].sum()) == (bought, sold)
    assert len(profile) <= trades.PROFILE_ROWS_MAX
    flow = trades.order_flow(table, interval_s=60)
    assert (flow["bought"].sum(), flow["sold"].sum()) == (bought, sold)
    sizes = trades.by_size(table)
    assert (sizes["trades"].sum(), sizes["shares"].sum()) == (len(rows), bought + sold)


@given(ROWS)
def test_order_flow_is_told_by_the_minute(rows: list[tuple[int, float, int, str]]) -> None:
    sums: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for second, _, quantity, side in rows:
        sums[(T0 + 1_000 * second) // 60_000][side == "sell"] += quantity
    expected = [(b - s) / (b + s) for _, (b, s) in sorted(sums.items())]
    assert trades.order_flow(_trades(rows), interval_s=60)["imbalance"].tolist() == pytest.approx(expected)


def test_a_size_belongs_to_the_class_that_it_begins() -> None:
    table = _trades([(0, 10.0, size, "buy") for size in (1, 9, 10, 99, 100, 5_000, 90_000)])
    counts = dict(trades.by_size(table)[["size", "trades"]].itertuples(index=False))
    assert counts == {
        "1–9": 2,
        "10–49": 1,
        "50–99": 1,
        "100–199": 1,
        "200–499": 0,
        "500–999": 0,
        "1000–4999": 0,
        "5000+": 2,
    }


def test_without_a_trade_every_table_is_empty_and_whole() -> None:
    nothing = _trades([])
    assert trades.volume_profile(nothing, 0.01).empty
    assert trades.order_flow(nothing, interval_s=60).empty
    assert trades.by_size(nothing)["trades"].sum() == 0


def test_downloads_are_the_table() -> None:
    table = prices.compared(CLOSES)
    parquet = pd.read_parquet(io.BytesIO(downloads.parquet(table)))
    csv = pd.read_csv(io.BytesIO(downloads.csv(table)), parse_dates=["time"])
    for read in (parquet, csv):
        assert read["A"].tolist() == pytest.approx(table["A"].tolist())
        assert read["time"].tolist() == table.index.tolist()
    assert statistics.mean(parquet["B"].dropna()) == pytest.approx(10 / 3)
