"""The simulator on real Kafka: a fresh market's past, the life after it, and later starts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from engine import service
from engine.domain import CancelAll, ListAsset, Place
from engine.log import Connection, LogReader, LogRecord, read_between
from engine.progress import State
from engine.topics import EXECUTIONS, ORDERS, TRANSACTIONS
from engine.wire.commands import decode_command
from engine.wire.records import decode_execution, decode_transaction
from homebroker import simulator
from homebroker.simulator.opening import SIMULATED_IDS
from homebroker.simulator.warm_up import history

pytestmark = pytest.mark.kafka
CONFIG = simulator.SimulatorConfig(rate=100.0, seed=3, warmup_hours=0.05, investor_id="demo")
PATIENCE_SECONDS = 60.0


@pytest_asyncio.fixture(autouse=True)
async def engine(connection: Connection) -> AsyncIterator[None]:
    task = asyncio.create_task(service.run(connection, report=lambda _state, _detail: None))
    yield
    task.cancel()
    await asyncio.wait({task})


class Simulator:
    """A simulator at work, and what it last said of itself."""

    def __init__(self, connection: Connection) -> None:
        self.states: list[State] = []
        self._task = asyncio.create_task(
            simulator.run(connection, CONFIG, report=lambda state, _detail: self.states.append(state))
        )

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition():
                assert not self._task.done(), "the simulator ended by itself"
                await asyncio.sleep(0.05)

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})


async def whole(connection: Connection, topic: str) -> list[LogRecord]:
    async with LogReader(connection) as reader:
        end = await reader.end_offset(topic, 0)
    return [record async for batch in read_between(connection, topic, 0, 0, end) for record in batch]


async def test_a_fresh_market_gets_the_history_that_its_seed_says_and_then_lives(
    connection: Connection,
) -> None:
    simulated = Simulator(connection)
    await simulated.until(lambda: State.READY in simulated.states)
    trades_at_start = len(await whole(connection, TRANSACTIONS))
    assert trades_at_start > 0
    await simulated.until(lambda: simulated.states.count(State.READY) >= 3)
    await simulated.stop()
    assert simulated.states[0] is State.STARTING
    assert len(await whole(connection, TRANSACTIONS)) > trades_at_start

    records = await whole(connection, ORDERS)
    start_ms, length_ms = records[0].time_ms, int(CONFIG.warmup_hours * 3_600_000)
    expected = list(
        history(
            seed=3,
            start_ms=start_ms,
            end_ms=start_ms + length_ms,
            investor_id=CONFIG.investor_id,
            rate=CONFIG.rate,
        )
    )
    found = [(decode_command(record.value), record.time_ms) for record in records[: len(expected)]]
    assert found == expected
    assert isinstance(decode_command(records[len(expected)].value), CancelAll)


async def test_a_second_start_cancels_the_old_orders_and_never_uses_an_id_twice(
    connection: Connection,
) -> None:
    for _ in range(2):
        simulated = Simulator(connection)
        await simulated.until(lambda s=simulated: s.states.count(State.READY) >= 2)
        await simulated.stop()
    records = await whole(connection, ORDERS)
    commands = [decode_command(record.value) for record in records]
    listed = [command.symbol for command in commands if isinstance(command, ListAsset)]
    assert len(listed) == len(set(listed)), "the market is opened once"
    ids = [command.order_id for command in commands if isinstance(command, Place)]
    assert len(ids) == len(set(ids))

    last_start = max(index for index, command in enumerate(commands) if isinstance(command, CancelAll))
    earlier = {command.order_id for command in commands[:last_start] if isinstance(command, Place)}
    executions = [decode_execution(record.value or b"") for record in await whole(connection, EXECUTIONS)]
    standing: dict[str, int] = {}
    for execution in executions:
        if execution.offset <= last_start:
            standing[execution.order_id] = execution.remaining_quantity
    left = {order_id for order_id, remaining in standing.items() if remaining and order_id in earlier}
    assert left == set()


async def test_only_simulated_investors_trade_by_themselves(connection: Connection) -> None:
    simulated = Simulator(connection)
    await simulated.until(lambda: State.READY in simulated.states)
    await simulated.stop()
    trades = [decode_transaction(record.value or b"") for record in await whole(connection, TRANSACTIONS)]
    traders = {trader for trade in trades for trader in (trade.buyer_id, trade.seller_id)}
    assert traders <= set(SIMULATED_IDS)
