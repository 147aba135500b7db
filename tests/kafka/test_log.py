"""Reading and writing the log when Kafka is not as it should be."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Iterator

import pytest

from engine.log import LogError, LogReader, LogWriter, NewRecord, read_between
from engine.progress import State
from engine.service import run
from engine.topics import EXECUTIONS, ORDERS
from tests.kafka.waiting import until
from tests.market import Market, RunningBroker

# aiokafka forgets the connections on which a frozen broker never gave its first answer; they are collected at
# any time, the test's included.
pytestmark = [pytest.mark.kafka, pytest.mark.filterwarnings("ignore::ResourceWarning")]


@pytest.fixture(scope="module", autouse=True)
def _collect_lost_connections() -> Iterator[None]:
    """Close what aiokafka forgets: the connections on which a frozen broker never gave its first answer."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


async def test_reader_says_so_when_kafka_falls_silent_and_a_new_one_goes_on(
    broker: RunningBroker, market: Market
) -> None:
    async with LogWriter(market.connection) as writer:
        await writer.append(ORDERS, NewRecord(b"ana", b"1"))
    async with LogReader(market.connection) as reader:
        reader.start({(ORDERS, 0): 0})
        assert [record.value for record in await reader.read(wait_ms=5_000)] == [b"1"]
        broker.freeze()
        try:
            with pytest.raises(LogError, match="not answered"):
                for _ in range(100):
                    assert await reader.read(wait_ms=500) == []
        finally:
            broker.freeze(False)
    batches = read_between(market.connection, ORDERS, 0, 0, 1)
    assert [record.value async for batch in batches for record in batch] == [b"1"]


async def test_engine_tells_that_kafka_is_away_and_goes_on_afterwards(
    broker: RunningBroker, market: Market
) -> None:
    told: list[State] = []
    engine = asyncio.create_task(run(market.connection, report=lambda state, _: told.append(state)))
    try:
        await until(lambda: State.READY in told, "the engine is ready")
        broker.freeze()
        try:
            await until(lambda: State.RETRYING in told, "the engine says that Kafka is away")
        finally:
            broker.freeze(False)
        told.clear()
        await until(lambda: State.READY in told, "the engine is ready again")
        async with LogWriter(market.connection) as writer:
            await writer.append(ORDERS, NewRecord(b"ana", b"no command"))
        async with LogReader(market.connection) as reader:
            reader.start({(EXECUTIONS, 0): 0})
            (answer,) = await reader.read(wait_ms=20_000)
        assert b"malformed" in (answer.value or b"")
    finally:
        engine.cancel()
        await asyncio.gather(engine, return_exceptions=True)
