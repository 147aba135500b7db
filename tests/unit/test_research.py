"""The research face without a market: importing it, what it may be asked, and clear errors."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import homebroker as hb
from engine.domain import Command, ListAsset, OpenAccount
from homebroker.research.arguments import since_ms
from homebroker.research.blocking import run_blocking
from tests.strategies import INVESTORS, SYMBOL

NOW_MS = 1_790_000_000_000
NOW = datetime.fromtimestamp(NOW_MS / 1_000, UTC)
ROOT = Path(__file__).parent.parent.parent
OPENING: list[Command] = [
    ListAsset(symbol=SYMBOL, name=SYMBOL, tick_size_units=100, lot_size=1, reference_price_units=100_000),
    *(OpenAccount(investor_id=investor, unlimited=True) for investor in INVESTORS),
]


# Importing


def test_import_loads_nothing_heavy() -> None:
    program = (
        "import sys; import homebroker as hb; assert 'transactions' in dir(hb); "
        "print(sorted({'pandas', 'numpy', 'aiokafka', 'pydantic', 'msgspec'} & set(sys.modules)))"
    )
    found = subprocess.run(
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


@settings(deadline=None)
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
    with pytest.raises(ValueError, match="must be more than 0"):
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


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let Ctrl-C interrupt, also where the tests were started in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_cancels_the_work_and_waits_for_its_end(interruptible: None) -> None:
    ended = []

    async def waits() -> None:
        # What Ctrl-C does to a thread that waits for a result.
        threading.Timer(0.01, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0.01)
            ended.append("cancelled")
            raise

    async def inside() -> None:
        run_blocking(waits())

    # Not asyncio.run: its own handler would turn the interrupt into a cancellation of `inside`.
    with closing(asyncio.new_event_loop()) as loop, pytest.raises(KeyboardInterrupt):
        loop.run_until_complete(inside())
    assert ended == ["cancelled"]
