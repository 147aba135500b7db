"""Records as tables, and trades as candles."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import homebroker as hb
from engine.domain import Command, ListAsset, OpenAccount
from engine.log import LogRecord
from engine.topics import TRANSACTIONS
from engine.wire.records import Transaction
from homebroker.research.candles import candles_from
from homebroker.research.frames import frame_of
from homebroker.research.rows import AccountRow
from homebroker.research.topics import TABLES
from tests.strategies import INVESTORS, SYMBOL

NOW_MS = 1_790_000_000_000
NOW = datetime.fromtimestamp(NOW_MS / 1_000, UTC)
ROOT = Path(__file__).parent.parent.parent
OPENING: list[Command] = [
    ListAsset(symbol=SYMBOL, name=SYMBOL, tick_size_units=100, lot_size=1, reference_price_units=100_000),
    *(OpenAccount(investor_id=investor, unlimited=True) for investor in INVESTORS),
]


def _trade(**changed: Any) -> Transaction:
    fields: dict[str, Any] = {
        "transaction_id": "0-5-0",
        "symbol": "PETR4",
        "price": 38.51,
        "quantity": 100,
        "buyer_id": "ana",
        "seller_id": "bia",
        "buy_order_id": "o-1",
        "sell_order_id": "o-0",
        "taker_side": "sell",
        "time_ms": NOW_MS,
        "shard": 0,
        "offset": 5,
        "index": 0,
    }
    return msgspec.convert(fields | changed, Transaction)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_table_of_trades_has_the_topic_s_fields_with_fitting_types(count: int) -> None:
    frame = frame_of(Transaction, [_trade(time_ms=NOW_MS + place) for place in range(count)])
    assert len(frame) == count
    assert frame.index.name == "time"
    assert str(frame.index.dtype) == "datetime64[ms, UTC]"
    assert frame.index.tolist() == [NOW + timedelta(milliseconds=place) for place in range(count)]
    assert frame["price"].dtype == np.float64
    assert {frame[name].dtype for name in ("quantity", "shard", "offset", "index")} == {np.dtype(np.int64)}
    assert {str(frame[name].dtype) for name in ("symbol", "buyer_id", "transaction_id")} == {"str"}
    assert frame["taker_side"].cat.categories.tolist() == ["buy", "sell"]
    assert frame["taker_side"].tolist() == ["sell"] * count
    assert [*frame.columns, "time_ms"] == sorted(
        Transaction.__struct_fields__, key=[*frame.columns, "time_ms"].index
    )


def test_nothing_held_is_zero_and_no_position_is_missing() -> None:
    def row(**position: Any) -> AccountRow:
        return AccountRow(
            shard=0, offset=1, index=0, time_ms=NOW_MS, investor_id="ana", cash=1.5, held_cash=0.0, **position
        )

    held = frame_of(AccountRow, [row(symbol="PETR4", quantity=5, held_quantity=0), row()])["held_quantity"]
    assert held.dtype == "Int64"
    assert held.tolist() == [0, pd.NA]


def test_an_unreadable_record_is_named() -> None:
    good = msgspec.json.encode(_trade())
    records = [
        LogRecord(TRANSACTIONS, 0, 40 + place, NOW_MS, b"", value) for place, value in enumerate([good, b"{"])
    ]
    with pytest.raises(hb.UnreadableRecordError, match="offset 41 of transactions"):
        TABLES[TRANSACTIONS].decode(records)
    with pytest.raises(hb.UnreadableRecordError, match="offset 7 of transactions"):
        TABLES[TRANSACTIONS].decode([LogRecord(TRANSACTIONS, 0, 7, NOW_MS, b"", None)])


def _slow_candles(trades: pd.DataFrame, interval_ms: int) -> list[tuple[Any, ...]]:
    buckets: dict[int, list[tuple[float, int]]] = {}
    for time, price, quantity in zip(trades.index, trades["price"], trades["quantity"], strict=True):
        time_ms = int(time.timestamp() * 1_000)
        # A day of the market begins at 03:00 UTC; shorter intervals divide that.
        start_ms = (time_ms - 10_800_000) // interval_ms * interval_ms + 10_800_000
        buckets.setdefault(start_ms, []).append((price, quantity))
    return [
        (
            pd.Timestamp(start_ms, unit="ms", tz="UTC"),
            rows[0][0],
            max(price for price, _ in rows),
            min(price for price, _ in rows),
            rows[-1][0],
            sum(quantity for _, quantity in rows),
            len(rows),
        )
        for start_ms, rows in buckets.items()
    ]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 200_000), st.integers(1, 10**6), st.integers(1, 10**6)), max_size=60),
    st.sampled_from([1_000, 60_000, 14_400_000, 86_400_000]),
)
def test_candles_are_the_trades_folded(trades: list[tuple[int, int, int]], interval_ms: int) -> None:
    times_ms = np.cumsum([NOW_MS, *(gap for gap, _, _ in trades)])[1:].tolist()
    frame = frame_of(
        Transaction,
        [
            _trade(time_ms=time_ms, price=ticks / 100, quantity=quantity)
            for time_ms, (_, ticks, quantity) in zip(times_ms, trades, strict=True)
        ],
    )
    candles = candles_from(frame, interval_ms)
    assert list(candles.itertuples(name=None)) == _slow_candles(frame, interval_ms)
    assert candles.dtypes.map(str).tolist() == ["float64"] * 4 + ["int64"] * 2
    assert str(candles.index.dtype) == "datetime64[ms, UTC]"
