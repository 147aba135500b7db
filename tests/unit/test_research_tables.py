"""Records as tables, and trades as candles."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import homebroker as hb
from api.live.candles import INTERVALS_MS
from engine.batches import RawRecords
from engine.domain import (
    Command,
    ExecutionType,
    Liquidity,
    ListAsset,
    OpenAccount,
    OrderType,
    Reason,
    SelfTrade,
    Side,
    Status,
    TimeInForce,
)
from engine.identity import SeenOutputs
from engine.topics import BOOK, EXECUTIONS, TRANSACTIONS
from engine.wire.records import BookRecord, ExecutionReport, Transaction, decode_execution
from homebroker.research.candles import candles_from
from homebroker.research.frames import frame_of
from homebroker.research.frames import given as given_as
from homebroker.research.rows import AccountRow
from homebroker.research.scanning import Scanner, source_of
from homebroker.research.schemas import table_of_structs
from homebroker.research.topics import TOPICS
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


def _records(values: list[bytes | None], *, first_offset: int = 0) -> RawRecords:
    data = b"".join(value or b"" for value in values)
    ends = np.cumsum([len(value or b"") for value in values])
    starts = np.concatenate([[0], ends[:-1]])
    there = np.array([value is not None for value in values])
    offsets = first_offset + np.arange(len(values))
    return RawRecords(
        np.frombuffer(data, np.uint8),
        offsets,
        NOW_MS + offsets,
        np.where(there, starts, -1),
        np.where(there, ends, -1),
    )


def _pieces(topic: str) -> Any:
    return TOPICS[topic].pieces()


def test_an_unreadable_record_is_named() -> None:
    good = msgspec.json.encode(_trade())
    for bad in (
        b"{",
        None,
        b'{"price": "much"}',
        good.replace(b"sell", b"sold"),
        good.replace(b"100", b"1e2"),
    ):
        with pytest.raises(hb.UnreadableRecordError, match="offset 41 of transactions"):
            _pieces(TRANSACTIONS).piece(_records([good, bad], first_offset=40), 0)


_REPORT = (
    b'{"shard":0,"offset":0,"index":0,"time_ms":1,"execution_type":"new","status":"new","order_id":"o",'
    b'"client_order_id":null,"investor_id":"ana","symbol":"PETR4","side":null,"type":null,"time_in_force":null,'
    b'"price":null,"stop_price":null,"quantity":3,"filled_quantity":1,"remaining_quantity":2,"average_price":null}'
)
_TEXTS = st.text("aZ09-_.", min_size=1, max_size=20) | st.sampled_from(['say "a"', "back\\slash", "ação", ""])
_REPORTS = st.builds(
    ExecutionReport,
    shard=st.just(0),
    offset=st.just(0),
    index=st.just(0),
    time_ms=st.integers(0, 2**45),
    execution_type=st.sampled_from(ExecutionType),
    status=st.sampled_from(Status),
    order_id=_TEXTS,
    client_order_id=st.none() | _TEXTS,
    investor_id=_TEXTS,
    symbol=_TEXTS,
    side=st.none() | st.sampled_from(Side),
    type=st.none() | st.sampled_from(OrderType),
    time_in_force=st.none() | st.sampled_from(TimeInForce),
    price=st.none() | st.integers(-(10**15), 10**15).map(lambda units: units / 10_000),
    stop_price=st.none() | st.integers(1, 10**10).map(lambda units: units / 10_000),
    quantity=st.none() | st.integers(-(2**50), 2**62),
    filled_quantity=st.integers(0, 10**8),
    remaining_quantity=st.integers(0, 10**8),
    average_price=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    display_quantity=st.none() | st.integers(1, 10**8),
    post_only=st.booleans(),
    self_trade=st.just(SelfTrade.EXPIRE_TAKER) | st.sampled_from(SelfTrade),
    expires_at_ms=st.none() | st.integers(0, 2**45),
    fee=st.none() | st.integers(0, 10**10).map(lambda units: units / 10_000),
    liquidity=st.none() | st.sampled_from(Liquidity),
    reason=st.none() | st.sampled_from(Reason),
    message=st.none() | _TEXTS,
)


@settings(deadline=None)
@given(st.lists(_REPORTS, max_size=30), st.integers(0, 30))
def test_scanned_reports_are_the_decoded_ones(reports: list[ExecutionReport], odd_from: int) -> None:
    reports = [msgspec.structs.replace(each, offset=place) for place, each in enumerate(reports)]
    values: list[bytes | None] = [
        # JSON says the same with white space, which the fast way leaves to the other.
        msgspec.json.encode(each) if place < odd_from else msgspec.json.format(msgspec.json.encode(each))
        for place, each in enumerate(reports)
    ]
    table = _pieces(EXECUTIONS).piece(_records(values), 0)
    assert table.equals(table_of_structs(ExecutionReport, reports))


@pytest.mark.parametrize("values", [("1", "2"), ("1", "null"), ("null", "1"), ("1", "null", "2")])
@pytest.mark.parametrize(
    "name", ["price", "client_order_id", "side", "filled_quantity", "post_only", "self_trade"]
)
def test_a_key_that_comes_twice_counts_as_by_the_decoder(name: str, values: tuple[str, ...]) -> None:
    words = {
        "client_order_id": {"1": '"c-1"', "2": '"c-2"'},
        "side": {"1": '"buy"', "2": '"sell"'},
        "post_only": {"1": "true", "2": "false"},
        "self_trade": {"1": '"none"', "2": '"expire_both"'},
    }.get(name, {})
    fields = ",".join(f'"{name}":{words.get(value, value)}' for value in values)
    record = _REPORT.replace(b"}", f",{fields}}}".encode())
    pieces = _pieces(EXECUTIONS)
    if name in {"filled_quantity", "post_only", "self_trade"} and "null" in values:
        with pytest.raises(hb.UnreadableRecordError, match="offset 0 of executions"):
            pieces.piece(_records([record]), 0)
    else:
        expected = table_of_structs(ExecutionReport, [decode_execution(record)])
        assert pieces.piece(_records([record]), 0).equals(expected)


def test_reports_with_and_without_rare_terms_are_scanned_and_not_decoded() -> None:
    rare = (
        b'null,"display_quantity":2,"post_only":true,"self_trade":"none","expires_at_ms":7,"last_price":1.5}'
    )
    values: list[bytes | None] = [_REPORT, _REPORT.replace(b"null}", rare), _REPORT]
    records = _records(values)
    stopped, table = Scanner(ExecutionReport).scan(source_of(records.data, records.starts, records.ends), 0)
    assert stopped == len(values)
    assert table.select(["display_quantity", "post_only", "self_trade", "expires_at_ms"]).to_pylist() == [
        {"display_quantity": None, "post_only": False, "self_trade": "expire_taker", "expires_at_ms": None},
        {"display_quantity": 2, "post_only": True, "self_trade": "none", "expires_at_ms": 7},
        {"display_quantity": None, "post_only": False, "self_trade": "expire_taker", "expires_at_ms": None},
    ]


def test_decimals_are_the_nearest_floats_however_many_digits_they_have() -> None:
    dice = random.Random(1)
    prices = [dice.uniform(0, 10 ** dice.randint(0, 9)) for _ in range(3_000)]
    prices += [round(price, dice.randint(0, 8)) for price in prices]
    values: list[bytes | None] = [
        msgspec.json.encode(_trade(price=price, offset=place)) for place, price in enumerate(prices)
    ]
    assert _pieces(TRANSACTIONS).piece(_records(values), 0).column("price").to_pylist() == prices


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), max_size=30), st.integers(0, 30), st.data())
def test_repeats_are_dropped_as_by_the_engine_s_own_reader(
    identities: list[tuple[int, int]], begin: int, data: st.DataObject
) -> None:
    trades = [_trade(offset=offset, index=index) for offset, index in identities]
    seen = SeenOutputs()
    expected = [trade for place, trade in enumerate(trades) if seen.is_new(trade) and place >= begin]
    pieces = _pieces(TRANSACTIONS)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(trades)), max_size=3)))
    found = []
    for first, last in zip([0, *cuts], [*cuts, len(trades)], strict=True):
        if first < last:
            encoded = [msgspec.json.encode(trade) for trade in trades[first:last]]
            found.append(pieces.piece(_records(encoded, first_offset=first), begin))
    table = pa.concat_tables([pieces.schema.empty_table(), *found])
    assert table.equals(table_of_structs(Transaction, expected))


@pytest.mark.parametrize("begin", [0, 1, 3, 4])
def test_of_records_before_the_beginning_only_what_they_say_of_repeats_is_kept(begin: int) -> None:
    def book(offset: int, symbol: str) -> bytes:
        return msgspec.json.encode(
            BookRecord(
                symbol=symbol,
                shard=0,
                offset=offset,
                previous_offset=offset - 1,
                time_ms=NOW_MS,
                snapshot=symbol == "VALE3",
                bids=((1.0, offset, 1),),
                asks=(),
            )
        )

    # The engine that began anew at 8 says again what one before it had said of PETR4.
    said = [(7, "PETR4"), (8, "VALE3"), (7, "PETR4"), (9, "PETR4")]
    records = _records([book(*each) for each in said])
    kept = [offset for place, (offset, _) in enumerate(said) if place >= begin and place != 2]
    assert _pieces(BOOK).piece(records, begin).column("offset").to_pylist() == kept
    pieces = _pieces(BOOK)
    halves = [pieces.piece(_records([book(*each) for each in said[:2]]), begin)]
    halves.append(pieces.piece(_records([book(*each) for each in said[2:]], first_offset=2), begin))
    assert pa.concat_tables(halves).column("offset").to_pylist() == kept


@pytest.mark.parametrize("kind", ["arrow", "polars"])
def test_other_kinds_of_tables_say_the_same(kind: Any) -> None:
    table = table_of_structs(Transaction, [_trade(), _trade(taker_side="sell")])
    other = given_as(table, kind)
    assert other["price"].to_pylist() if kind == "arrow" else other["price"].to_list() == [38.51, 38.51]
    assert (other["time_ms"].to_pylist() if kind == "arrow" else other["time_ms"].to_list()) == [NOW_MS] * 2
    with pytest.raises(ValueError, match="choose one of pandas, arrow, polars"):
        hb.transactions(to="excel")


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
    st.sampled_from(["1s", "1m", "4h", "1d"]),
)
def test_candles_are_the_trades_folded(trades: list[tuple[int, int, int]], interval: str) -> None:
    times_ms = np.cumsum([NOW_MS, *(gap for gap, _, _ in trades)])[1:].tolist()
    frame = frame_of(
        Transaction,
        [
            _trade(time_ms=time_ms, price=ticks / 100, quantity=quantity)
            for time_ms, (_, ticks, quantity) in zip(times_ms, trades, strict=True)
        ],
    )
    candles = candles_from(frame, interval)
    assert list(candles.itertuples(name=None)) == _slow_candles(frame, INTERVALS_MS[interval])
    assert candles.dtypes.map(str).tolist() == ["float64"] * 4 + ["int64"] * 2
    assert str(candles.index.dtype) == "datetime64[ms, UTC]"
