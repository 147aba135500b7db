"""Order flow replayed through real Kafka gives the trades that it must."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from rich.console import Console

from engine import service
from engine.log import Connection
from homebroker.order_flow.command import run_replay
from homebroker.order_flow.reading import TRADES_HEADER, FlowTrade, read_trades
from homebroker.order_flow.replay import ReplayError, ReplayResult, first_difference, replay_flow
from tests.unit.order_flow import expected_trades, flow_text, random_flow
from tests.unit.test_order_flow_mapping import B3_COMMANDS, B3_TRADES, SHARED_DATA

pytestmark = pytest.mark.kafka
FLOW = random_flow(11, rows=900)


@pytest_asyncio.fixture(autouse=True)
async def engine(connection: Connection) -> AsyncIterator[None]:
    task = asyncio.create_task(service.run(connection, report=lambda _state, _detail: None))
    yield
    task.cancel()
    await asyncio.wait({task})


@pytest.fixture
def flow_path(tmp_path: Path) -> Path:
    path = tmp_path / "made_up3.commands.csv"
    path.write_text(flow_text(FLOW))
    return path


def trades_file(folder: Path, trades: list[FlowTrade]) -> Path:
    lines = [",".join(str(field) for field in trade) for trade in trades]
    path = folder / "trades.csv"
    path.write_text("\n".join((TRADES_HEADER, *lines)) + "\n")
    return path


async def replayed(connection: Connection, path: Path, *, speed: float | None = None) -> ReplayResult:
    return await replay_flow(
        connection, path, symbol=None, speed=speed, notice=lambda _step, _done, _total: None
    )


async def test_the_trades_are_those_of_the_independent_matcher_again_and_again(
    connection: Connection, flow_path: Path
) -> None:
    first = await replayed(connection, flow_path)
    assert first.symbol == "UP3"
    assert first.trades == expected_trades(FLOW)
    assert first.commands + first.ignored_rows == len(FLOW)
    again = await replayed(connection, flow_path, speed=1_000_000)
    assert again.symbol == "UP3-2"
    assert again.trades == first.trades


async def test_the_command_compares_and_says_where_trades_differ(
    connection: Connection, flow_path: Path, tmp_path: Path
) -> None:
    expected = expected_trades(FLOW)
    equal, out = await commanded(connection, flow_path, trades_file(tmp_path, expected))
    assert equal == 0
    assert f"{len(expected):,} trades" in out and "Equal" in out
    wrong = [*expected[:4], expected[4]._replace(buy_id="other"), *expected[5:]]
    different, out = await commanded(connection, flow_path, trades_file(tmp_path, wrong))
    assert different == 1
    assert "Different: trade 5" in out


async def test_a_listed_symbol_is_refused(connection: Connection, flow_path: Path) -> None:
    await replayed(connection, flow_path)
    with pytest.raises(ReplayError, match="UP3 is listed already"):
        await replay_flow(connection, flow_path, symbol="UP3", speed=None, notice=lambda *_: None)
    with pytest.raises(ReplayError, match="no symbol"):
        await replay_flow(connection, flow_path, symbol="up 3", speed=None, notice=lambda *_: None)


@pytest.fixture
def bad_path(tmp_path: Path) -> Path:
    path = tmp_path / "bad_up3.csv"
    path.write_text(flow_text(FLOW) + "9999,limit,x,B,-1,5\n")
    return path


async def test_a_bad_file_sends_nothing(connection: Connection, flow_path: Path, bad_path: Path) -> None:
    code, out = await commanded(connection, bad_path, None)
    assert code == 2
    assert "line 902: price '-1'" in out
    assert (await replayed(connection, flow_path)).symbol == "UP3", "the symbol is still free"


@pytest.mark.skipif(not B3_COMMANDS.exists(), reason=f"the exchange's day is not at {SHARED_DATA}")
async def test_the_real_day_gives_the_exchanges_own_trades(connection: Connection) -> None:
    result = await replayed(connection, B3_COMMANDS)
    assert first_difference(result.trades, list(read_trades(B3_TRADES))) is None
    assert len(result.trades) == 627


async def commanded(connection: Connection, path: Path, trades_path: Path | None) -> tuple[int, str]:
    out = io.StringIO()
    console = Console(file=out, width=200)
    code = await asyncio.to_thread(run_replay, connection, path, trades_path=trades_path, console=console)
    return code, out.getvalue()
