"""Raw batches read and written, beside a real Kafka that is not always as it should be."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError, NotLeaderForPartitionError, OffsetOutOfRangeError
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from msgspec import Struct

from engine.log import Connection, LogError, LogReader, LogWriter, NewRecord, read_between
from engine.log.raw_reading import RawReader
from engine.log.raw_writing import UNDER_WAY_MAX, RawWriter
from engine.log.sealing import EncodedRecords, frame
from engine.topics import EXECUTIONS, ORDERS, TRANSACTIONS
from tests.market import Market, RunningBroker

pytestmark = pytest.mark.kafka
_TIME_MS = 1_763_800_000_000
_WAIT_MS = 20_000
# Sooner than a broker that is silent is taken to be away.
_AT_ONCE_S = 8.0


@pytest.fixture(scope="module", autouse=True)
def _collect_lost_connections() -> Iterator[None]:
    """Close what aiokafka forgets: the connections on which a frozen broker never gave its first answer."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


class _Encoded(Struct, frozen=True):
    records: memoryview
    count: int
    first_time_ms: int
    max_time_ms: int


def _encoded(first: int, count: int) -> _Encoded:
    builder = DefaultRecordBatchBuilder(
        2, 0, is_transactional=0, producer_id=-1, producer_epoch=-1, base_sequence=-1, batch_size=2**20
    )
    for delta in range(count):
        value = b"%d" % (first + delta)
        builder.append(delta, _TIME_MS + first + delta, key=b"ana", value=value, headers=[])
    records = memoryview(bytes(builder.build()))[61:]
    return _Encoded(records, count, _TIME_MS + first, _TIME_MS + first + count - 1)


async def _append(connection: Connection, count: int, *, per_batch: int = 100) -> None:
    async with RawWriter(connection, [ORDERS], 0) as writer:
        for first in range(0, count, per_batch):
            await _begin(writer, {ORDERS: _encoded(first, min(per_batch, count - first))})
        await _settle(writer)


async def _begin(writer: RawWriter, batches: dict[str, EncodedRecords]) -> None:
    while (earlier := writer.wait_before(batches)) is not None:
        await asyncio.wait([earlier])
    writer.begin(batches)


async def _settle(writer: RawWriter) -> None:
    await asyncio.gather(*writer.under_way)
    writer.check()


async def _read(reader: RawReader, count: int) -> list[tuple[int, int, bytes | None]]:
    found: list[tuple[int, int, bytes | None]] = []
    while len(found) < count:
        records = await reader.read(wait_ms=_WAIT_MS)
        assert len(records), f"{len(found)} of {count} records came"
        found += [
            (int(offset), int(time_ms), records.value(row))
            for row, (offset, time_ms) in enumerate(zip(records.offsets, records.times_ms, strict=True))
        ]
    return found


async def test_batches_are_kept_in_order_and_read_from_any_offset(connection: Connection) -> None:
    await _append(connection, 1_234)
    expected = [(place, _TIME_MS + place, b"%d" % place) for place in range(1_234)]
    records = [
        (record.offset, record.time_ms, record.value)
        async for batch in read_between(connection, ORDERS, 0, 0, 1_234)
        for record in batch
    ]
    assert records == expected
    for offset in (0, 99, 100, 555, 1_233):
        async with RawReader(connection, ORDERS, 0, offset=offset, bytes_max=4_000) as reader:
            assert await _read(reader, 1_234 - offset) == expected[offset:]
            assert (reader.offset, reader.end_offset) == (1_234, 1_234)


async def test_a_reader_waits_for_what_is_yet_to_come(connection: Connection) -> None:
    async with RawReader(connection, ORDERS, 0, offset=0) as reader, LogWriter(connection) as writer:
        assert len(await reader.read(wait_ms=0)) == 0
        assert len(await reader.read(wait_ms=700)) == 0
        waiting = asyncio.create_task(_read(reader, 1))
        await writer.append(ORDERS, NewRecord(b"ana", b"first", _TIME_MS))
        assert await waiting == [(0, _TIME_MS, b"first")]
        await writer.append(ORDERS, NewRecord(b"ana", b"second", _TIME_MS))
        assert await _read(reader, 1) == [(1, _TIME_MS, b"second")]


async def test_a_read_that_is_given_up_loses_nothing(connection: Connection) -> None:
    await _append(connection, 1_000)
    async with RawReader(connection, ORDERS, 0, offset=0, bytes_max=4_000) as reader:
        found: list[int] = []
        while len(found) < 1_000:
            reading = asyncio.create_task(reader.read(wait_ms=_WAIT_MS))
            # Cancelled in whatever place it has come to.
            for _ in range(len(found) % 7):
                await asyncio.sleep(0)
            if len(found) % 2:
                reading.cancel()
                await asyncio.wait([reading])
                if reading.cancelled():
                    found += (await reader.read(wait_ms=_WAIT_MS)).offsets.tolist()
                    continue
            found += (await reading).offsets.tolist()
        assert found == list(range(1_000))


async def test_compressed_records_and_transactions_of_others_are_read(connection: Connection) -> None:
    options: dict[str, Any] = connection.options()
    async with AIOKafkaProducer(**options, transactional_id="other", compression_type="gzip") as producer:
        for place in range(3):
            async with producer.transaction():
                # In one transaction a batch; behind each stands a control batch.
                value = b"%d" % place * 1_000
                await producer.send_and_wait(ORDERS, value, partition=0, timestamp_ms=_TIME_MS)
    async with RawReader(connection, ORDERS, 0, offset=0) as reader:
        found = await _read(reader, 3)
        assert [(offset, value) for offset, _, value in found] == [
            (2 * place, b"%d" % place * 1_000) for place in range(3)
        ]
        assert len(await reader.read(wait_ms=200)) == 0
        assert reader.offset == 6


async def test_an_offset_that_is_not_there_is_an_error(connection: Connection) -> None:
    await _append(connection, 10)
    async with RawReader(connection, ORDERS, 0, offset=11) as reader:
        for _ in range(2):
            with pytest.raises(OffsetOutOfRangeError, match="offset 11"):
                await reader.read(wait_ms=_WAIT_MS)


async def test_a_reader_follows_the_partitions_leader(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _append(connection, 10)
    async with RawReader(connection, ORDERS, 0, offset=0) as reader:
        ask = reader._ask
        moved = iter([True, True])

        async def ask_a_former_leader(leader: int, offset: int) -> Any:
            code, answer = await ask(leader, offset)
            return (NotLeaderForPartitionError.errno if next(moved, False) else code), answer

        monkeypatch.setattr(reader, "_ask", ask_a_former_leader)
        assert len(await _read(reader, 10)) == 10
        assert next(moved, None) is None


async def test_reader_says_so_when_kafka_falls_silent_and_goes_on_afterwards(
    broker: RunningBroker, market: Market
) -> None:
    await _append(market.connection, 10)
    async with RawReader(market.connection, ORDERS, 0, offset=0) as reader:
        assert len(await _read(reader, 10)) == 10
        broker.freeze()
        try:
            with pytest.raises(LogError, match="not answered"):
                for _ in range(100):
                    assert len(await reader.read(wait_ms=500)) == 0
        finally:
            broker.freeze(False)
        async with LogWriter(market.connection) as writer:
            await writer.append(ORDERS, NewRecord(b"ana", b"next", _TIME_MS))
        assert await _read(reader, 1) == [(10, _TIME_MS, b"next")]


async def test_a_killed_broker_is_an_error_at_once(kafka_jars: None, tmp_path: Path) -> None:
    broker = RunningBroker(tmp_path)
    try:
        async with RawReader(broker.connection, ORDERS, 0, offset=0) as reader:
            await reader.read(wait_ms=100)
            await asyncio.to_thread(broker.kill)
            async with asyncio.timeout(_AT_ONCE_S):
                with pytest.raises(LogError):
                    await reader.read(wait_ms=_WAIT_MS)
    finally:
        broker.stop()


async def _ends(connection: Connection) -> list[int]:
    async with LogReader(connection) as reader:
        return [await reader.end_offset(topic, 0) for topic in (TRANSACTIONS, EXECUTIONS)]


async def test_a_request_appends_to_several_topics_and_the_next_ones_do_not_wait_for_it(
    connection: Connection,
) -> None:
    async with RawWriter(connection, [TRANSACTIONS, EXECUTIONS], 0) as writer:
        first, begun = await _ends(connection), 0
        most = 0
        for place in range(200):
            await _begin(
                writer, {TRANSACTIONS: _encoded(place, 1), EXECUTIONS: _encoded(begun, place % 3 + 1)}
            )
            begun += place % 3 + 1
            most = max(most, len(writer.under_way))
        await _settle(writer)
        assert most == UNDER_WAY_MAX
        assert await _ends(connection) == [first[0] + 200, first[1] + begun]
    found = [
        record.value
        async for batch in read_between(connection, EXECUTIONS, 0, first[1], first[1] + begun)
        for record in batch
    ]
    assert found == [b"%d" % place for place in range(begun)]


@pytest.mark.parametrize("kept", [0, 1])
async def test_nothing_is_kept_behind_a_batch_that_was_refused(connection: Connection, kept: int) -> None:
    ends = await _ends(connection)
    async with RawWriter(connection, [TRANSACTIONS, EXECUTIONS], 0) as writer:
        for place in range(kept):
            await _begin(writer, {TRANSACTIONS: _encoded(place, 1)})
            await _settle(writer)
        with pytest.raises(MessageSizeTooLargeError):
            await _begin(writer, {TRANSACTIONS: _too_large()})
            for place in range(10):
                await _begin(writer, {TRANSACTIONS: _encoded(place, 1)})
        await asyncio.gather(*writer.under_way)
        with pytest.raises(MessageSizeTooLargeError):
            writer.begin({EXECUTIONS: _encoded(0, 1)})
        assert await _ends(connection) == [ends[0] + kept, ends[1]]


def _too_large() -> _Encoded:
    (batch,) = frame([(b"ana", b"v" * 2**21, _TIME_MS)])
    return _Encoded(memoryview(batch.records), 1, _TIME_MS, _TIME_MS)


async def test_a_writer_says_so_when_kafka_falls_silent(broker: RunningBroker, market: Market) -> None:
    async with RawWriter(market.connection, [EXECUTIONS], 0) as writer:
        await _begin(writer, {EXECUTIONS: _encoded(0, 1)})
        await _settle(writer)
        broker.freeze()
        try:
            await _begin(writer, {EXECUTIONS: _encoded(1, 1)})
            with pytest.raises(LogError, match="not answered"):
                await _settle(writer)
        finally:
            broker.freeze(False)


async def test_a_writer_ends_with_the_broker(kafka_jars: None, tmp_path: Path) -> None:
    broker = RunningBroker(tmp_path)
    try:
        async with RawWriter(broker.connection, [EXECUTIONS], 0) as writer:
            await _begin(writer, {EXECUTIONS: _encoded(0, 1)})
            await _settle(writer)
            await asyncio.to_thread(broker.kill)
            async with asyncio.timeout(_AT_ONCE_S):
                with pytest.raises(LogError):
                    await _begin(writer, {EXECUTIONS: _encoded(1, 1)})
                    await _settle(writer)
    finally:
        broker.stop()
