"""The research face without a market: arguments, tables, candles, replay, and clear errors."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import homebroker as hb
from bench.flow import flow, opening
from engine.domain import Command, ListAsset, Malformed, OpenAccount
from engine.log import LogRecord
from engine.outputs import Outputs
from engine.shard import Shard
from engine.topics import EXECUTIONS, TRANSACTIONS
from engine.wire.commands import encode_command
from engine.wire.records import ExecutionReport, Transaction, decode_execution, decode_transaction
from homebroker.errors import StartError
from homebroker.notebook import open_notebooks
from homebroker.research.arguments import since_ms
from homebroker.research.blocking import run_blocking
from homebroker.research.candles import candles_from
from homebroker.research.frames import frame_of
from homebroker.research.rows import CommandRow, LoggedCommand, command_row
from homebroker.research.topics import TABLES
from homebroker.settings import Settings
from tests.strategies import INVESTORS, SYMBOL, commands

NOW_MS = 1_790_000_000_000
NOW = datetime.fromtimestamp(NOW_MS / 1_000, UTC)
ROOT = Path(__file__).parent.parent.parent
OPENING: list[Command] = [
    ListAsset(symbol=SYMBOL, name=SYMBOL, tick_size_units=100, lot_size=1, reference_price_units=100_000),
    *(OpenAccount(investor_id=investor) for investor in INVESTORS),
]


# Importing


def test_import_loads_nothing_heavy() -> None:
    program = (
        "import sys; import homebroker as hb; assert 'transactions' in dir(hb); "
        "print([name for name in ('pandas', 'numpy', 'aiokafka', 'pydantic', 'msgspec') if name in sys.modules])"
    )
    found = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"


def test_every_public_name_is_there_and_no_other() -> None:
    for name in hb.__all__:
        assert getattr(hb, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'transaction'"):
        _ = hb.transaction  # type: ignore[attr-defined]


# Points in time


@pytest.mark.parametrize(
    ("since", "expected_ms"),
    [
        ("90s", NOW_MS - 90_000),
        ("30m", NOW_MS - 1_800_000),
        (" 1h ", NOW_MS - 3_600_000),
        ("2d", NOW_MS - 2 * 86_400_000),
        ("1w", NOW_MS - 7 * 86_400_000),
        ("999999999w", 0),
        (NOW_MS, NOW_MS),
        (0, 0),
        (NOW, NOW_MS),
        (NOW.astimezone(timezone(timedelta(hours=-3))), NOW_MS),
        (pd.Timestamp(NOW_MS, unit="ms", tz="America/Sao_Paulo"), NOW_MS),
        ("2026-09-21T10:00-03:00", 1_789_995_600_000),
        ("2026-09-21T13:00:00.123Z", 1_789_995_600_123),
    ],
)
def test_since_takes_ages_and_times(since: Any, expected_ms: int) -> None:
    assert since_ms(since, now_ms=NOW_MS) == expected_ms


@pytest.mark.parametrize("since", ["", "h", "-1h", "1 hour", "yesterday", "1.5h", "2026-13-01T00:00Z", "²h"])
def test_since_refuses_texts_that_are_no_time(since: str) -> None:
    with pytest.raises(ValueError, match="is no point in time; say an age such as"):
        since_ms(since, now_ms=NOW_MS)


@pytest.mark.parametrize("since", [True, 1.5, [1], object()])
def test_since_refuses_other_things(since: Any) -> None:
    with pytest.raises(TypeError, match="is no point in time"):
        since_ms(since, now_ms=NOW_MS)


@pytest.mark.parametrize(
    "since", [datetime(2026, 11, 22, 10), pd.Timestamp("2026-11-22"), "2026-11-22T10:00"]
)
def test_since_refuses_times_without_a_zone(since: Any) -> None:
    with pytest.raises(ValueError, match=r"no time zone.*-03:00"):
        since_ms(since, now_ms=NOW_MS)


@pytest.mark.parametrize("since", [-1, 10**18, "1969-12-31T00:00Z"])
def test_since_refuses_times_out_of_bounds(since: Any) -> None:
    with pytest.raises(ValueError, match="1970 to 9999"):
        since_ms(since, now_ms=NOW_MS)


@given(st.integers(0, 253_402_300_799_999))
def test_since_is_exact_to_the_millisecond(time_ms: int) -> None:
    time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=time_ms)
    assert since_ms(time, now_ms=NOW_MS) == time_ms


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"limit": 0}, "must be from 1 to"),
        ({"limit": -5}, "must be from 1 to"),
        ({"limit": 1.5}, "is no count of rows"),
        ({"limit": True}, "is no count of rows"),
        ({"symbol": "petr4"}, "is no symbol"),
        ({"symbol": ""}, "is no symbol"),
        ({"symbol": 4}, "is no symbol"),
    ],
)
def test_bad_arguments_are_refused_before_a_market_is_looked_for(
    arguments: dict[str, Any], error: str
) -> None:
    with pytest.raises((ValueError, TypeError), match=error):
        hb.transactions(**arguments)


def test_bad_investors_intervals_and_topics_are_refused() -> None:
    with pytest.raises(ValueError, match="no investor's id"):
        hb.accounts("")
    with pytest.raises(ValueError, match="choose one of 1s, 5s"):
        hb.candles("PETR4", "2m")
    with pytest.raises(ValueError, match="of one symbol"):
        hb.candles(None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="choose one of transactions"):
        asyncio.run(anext(hb.follow("trades")))
    with pytest.raises(ValueError, match="no time to wait"):
        asyncio.run(anext(hb.follow("transactions", seconds=0)))


# No market


@pytest.fixture
def quiet_aiokafka() -> Iterator[None]:
    logger = logging.getLogger("aiokafka")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(level)


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def _address(server: socket.socket) -> str:
    return f"127.0.0.1:{server.getsockname()[1]}"


def test_no_market_says_where_it_looked_and_what_to_do(
    listening: socket.socket, monkeypatch: pytest.MonkeyPatch, quiet_aiokafka: None
) -> None:
    address = _address(listening)
    listening.close()
    monkeypatch.setenv("HOMEBROKER_KAFKA_BOOTSTRAP_SERVERS", address)
    with pytest.raises(hb.NoMarketError, match=rf"{address}.*`make run`.*HOMEBROKER_KAFKA_BOOTSTRAP_SERVERS"):
        hb.transactions("PETR4", since="1h")


def test_a_port_where_something_silent_listens_is_no_market(
    listening: socket.socket, monkeypatch: pytest.MonkeyPatch, quiet_aiokafka: None
) -> None:
    monkeypatch.setenv("HOMEBROKER_KAFKA_BOOTSTRAP_SERVERS", _address(listening))
    with pytest.raises(hb.NoMarketError, match=_address(listening)):
        hb.transactions("PETR4")


def test_follow_without_a_market_says_so_too(
    listening: socket.socket, monkeypatch: pytest.MonkeyPatch, quiet_aiokafka: None
) -> None:
    address = _address(listening)
    listening.close()
    monkeypatch.setenv("HOMEBROKER_KAFKA_BOOTSTRAP_SERVERS", address)
    with pytest.raises(hb.NoMarketError, match=address):
        asyncio.run(anext(hb.follow("transactions")))


# Asynchronous work for synchronous callers


async def _where() -> int:
    await asyncio.sleep(0)
    return threading.get_ident()


def test_blocking_runs_in_this_thread_without_a_loop_and_in_another_within_one() -> None:
    async def inside() -> int:
        return run_blocking(_where())

    assert run_blocking(_where()) == threading.get_ident()
    assert asyncio.run(inside()) != threading.get_ident()


def test_blocking_passes_errors_on() -> None:
    async def fails() -> None:
        raise LookupError("as it should")

    async def inside() -> None:
        run_blocking(fails())

    with pytest.raises(LookupError, match="as it should"):
        asyncio.run(inside())


def test_an_interrupt_cancels_the_work_and_waits_for_its_end() -> None:
    ended = []

    async def waits() -> None:
        try:
            # What Ctrl-C does to a thread that waits for a result.
            threading.Timer(0.01, lambda: os.kill(os.getpid(), 2)).start()
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            ended.append(True)

    async def inside() -> None:
        run_blocking(waits())

    with pytest.raises(KeyboardInterrupt):
        # Not asyncio.run: its own handler would turn the interrupt into a cancellation of `inside`.
        asyncio.new_event_loop().run_until_complete(inside())
    assert ended == [True]


# Tables


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


def test_what_a_record_lacks_is_missing_and_what_it_has_is_exact() -> None:
    shard = Shard(0)
    run = hb.replay([*OPENING, {"command": "cancel", "order_id": "none", "investor_id": "ana"}])
    refused = run.executions.iloc[-1]
    assert shard.offset == -1, "a replay has a shard of its own"
    assert refused["reason"] == "unknown_order"
    assert refused[["side", "price", "quantity", "average_price", "transaction_id"]].isna().all()
    assert run.executions["quantity"].dtype == "Int64"
    assert run.executions["filled_quantity"].dtype == np.int64
    big = hb.replay(
        [
            *OPENING,
            {
                "command": "place",
                "order_id": "o",
                "investor_id": "ana",
                "symbol": SYMBOL,
                "side": "buy",
                "quantity": 99_999_999,
                "price": 999_999.99,
            },
        ]
    ).executions.iloc[-1]
    assert (big["quantity"], big["price"]) == (99_999_999, 999_999.99)


def test_an_unreadable_record_is_named() -> None:
    good = msgspec.json.encode(_trade())
    records = [
        LogRecord(TRANSACTIONS, 0, 40 + place, NOW_MS, b"", value) for place, value in enumerate([good, b"{"])
    ]
    with pytest.raises(hb.UnreadableRecordError, match="offset 41 of transactions"):
        TABLES[TRANSACTIONS].decode(records)
    with pytest.raises(hb.UnreadableRecordError, match="offset 7 of transactions"):
        TABLES[TRANSACTIONS].decode([LogRecord(TRANSACTIONS, 0, 7, NOW_MS, b"", None)])


# Candles


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


# Replay


def _logged(commands: list[Command]) -> list[LoggedCommand]:
    return [
        LoggedCommand(offset=3 * place, time_ms=NOW_MS + 40 * place, command=command)
        for place, command in enumerate(commands)
    ]


def _through_outputs(logged: list[LoggedCommand]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give what the engine would send for the same log, read back from its bytes."""
    shard, outputs = Shard(0), Outputs(0, {})
    for each in logged:
        events = shard.apply(each.command, offset=each.offset, time_ms=each.time_ms)
        outputs.add(events, offset=each.offset, time_ms=shard.time_ms)
    sent = outputs.take()
    trades = [decode_transaction(record.value) for record in sent.get(TRANSACTIONS, [])]
    reports = [decode_execution(record.value) for record in sent.get(EXECUTIONS, [])]
    return frame_of(Transaction, trades), frame_of(ExecutionReport, reports)


def test_a_replay_gives_what_the_engine_sends() -> None:
    logged = _logged([*opening(2), *flow(4_000, symbols=2, seed=3)])
    run = hb.replay(logged)
    trades, reports = _through_outputs(logged)
    assert len(trades) > 500
    assert_frame_equal(run.transactions, trades)
    assert_frame_equal(run.executions, reports)


@given(st.lists(st.one_of(commands, st.just(Malformed(message="no JSON", investor_id="ana"))), max_size=40))
def test_a_table_of_orders_replays_as_the_orders_themselves(some: list[Command]) -> None:
    logged = _logged([*OPENING, *some])
    table = frame_of(CommandRow, [command_row(each) for each in logged])
    direct, through_table = hb.replay(logged), hb.replay(table)
    assert_frame_equal(through_table.transactions, direct.transactions)
    assert_frame_equal(through_table.executions, direct.executions)


def test_commands_in_every_form_replay_alike() -> None:
    values = [*opening(1), *flow(300, seed=5)]
    records = [msgspec.json.decode(encode_command(command)) for command in values]
    assert_frame_equal(hb.replay(values).transactions, hb.replay(iter(records)).transactions)
    assert_frame_equal(hb.replay(values).executions, hb.replay(records).executions)


def test_a_replay_in_pieces_is_the_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    logged = _logged([*opening(1), *flow(1_000, seed=6)])
    whole = hb.replay(logged)
    monkeypatch.setattr("homebroker.research.replaying._PIECE_ROWS", 64)
    assert_frame_equal(hb.replay(logged).executions, whole.executions)
    assert_frame_equal(hb.replay(logged).transactions, whole.transactions)


def test_a_replay_refuses_what_is_no_log() -> None:
    with pytest.raises(ValueError, match="in the log's order"):
        hb.replay([*reversed(_logged(OPENING))])
    with pytest.raises(ValueError, match="is no command"):
        hb.replay(["place"])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="no table of commands"):
        hb.replay(pd.DataFrame({"price": [1.0]}))
    with pytest.raises(ValueError, match="no table of commands"):
        hb.replay(pd.DataFrame({"command": ["cancel"]}))
    wrong = hb.replay([{"command": "buy", "symbol": "PETR4"}]).executions.iloc[0]
    assert (wrong["status"], wrong["reason"]) == ("rejected", "malformed")


# JupyterLab


def test_jupyter_gets_the_market_s_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    called: list[tuple[str, list[str], dict[str, str]]] = []
    monkeypatch.setattr(os, "execve", lambda *arguments: called.append(arguments))
    monkeypatch.chdir(tmp_path)
    open_notebooks(Settings(kafka_bootstrap_servers="far:9092", kafka_sasl_password="secret"))  # type: ignore[arg-type] # noqa: S106
    ((program, arguments, environment),) = called
    assert program == sys.executable
    assert arguments[1:3] == ["-m", "jupyterlab"]
    assert f"--ServerApp.root_dir={ROOT / 'notebooks'}" in arguments
    assert "--ip=127.0.0.1" in arguments
    assert environment["HOMEBROKER_KAFKA_BOOTSTRAP_SERVERS"] == "far:9092"
    assert environment["HOMEBROKER_KAFKA_SASL_PASSWORD"] == "secret"
    assert environment["HOMEBROKER_DATA_DIR"] == str(tmp_path / ".homebroker")
    assert environment["PATH"] == os.environ["PATH"]
    assert "HOMEBROKER_API_PORT" not in environment


def test_jupyter_without_notebooks_says_where_they_come_from(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("homebroker.notebook.NOTEBOOKS", tmp_path / "none")
    with pytest.raises(StartError, match="come with the repository"):
        open_notebooks(Settings())
