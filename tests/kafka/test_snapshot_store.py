"""Snapshots saved to a real Kafka and loaded again, also where something has happened to them."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from structlog.testing import capture_logs

from engine.log import Connection, LogReader, LogRecord, LogWriter, NewRecord, read_between
from engine.log.raw_reading import RawReader
from engine.snapshot_records import CHUNK_BYTES_MAX, decode_manifest, is_manifest
from engine.snapshot_store import Snapshot, SnapshotStore
from engine.topics import SNAPSHOTS, TOPIC_SETTINGS
from tests.kafka.spoiled_snapshots import (
    Change,
    save_spoiled,
    with_a_byte_flipped,
    with_an_unreadable_manifest,
    with_another_chunks_digest,
    with_chunks_before_the_topic,
    without_chunk,
)
from tests.market import Market, RunningBroker

pytestmark = pytest.mark.kafka
_SOAK = os.environ.get("HOMEBROKER_TEST_SOAK") == "1"
_HEADER = b'{"arrays":["orders","accounts"]}'
_ROW = np.dtype([("price", "i8"), ("quantity", "i4")])


def _parts(seed: int, size: int) -> list[Any]:
    """Make parts of unlike kinds and lengths, `size` bytes in all."""
    dice = random.Random(seed)
    rows = np.frombuffer(dice.randbytes(120), _ROW)
    return [rows, np.empty(0, np.int64), b"", dice.randbytes(7), bytearray(dice.randbytes(size - 127))]


def _bytes(parts: Sequence[Any]) -> list[bytes]:
    return [part.tobytes() if isinstance(part, np.ndarray) else bytes(part) for part in parts]


async def _save(connection: Connection, *offsets: int, size: int = 2_500_000) -> None:
    """Save a snapshot a time as a new engine would; each is told by its offset."""
    for offset in offsets:
        async with SnapshotStore(connection, 0) as store:
            await _save_by(store, offset, size)


async def _save_by(store: SnapshotStore, offset: int, size: int = 2_500_000) -> None:
    parts = _parts(offset, size)
    sizes = [len(part) for part in _bytes(parts)]
    await store.save(offset, header=_HEADER, sizes=sizes, pieces=parts, state_hash=f"{offset:x}")


async def _load(connection: Connection) -> Snapshot | None:
    async with SnapshotStore(connection, 0) as store:
        return await store.load_newest()


async def _records(connection: Connection) -> list[LogRecord]:
    async with LogReader(connection) as reader:
        end = await reader.end_offset(SNAPSHOTS, 0)
    return [record async for batch in read_between(connection, SNAPSHOTS, 0, 0, end) for record in batch]


def _check(snapshot: Snapshot | None, offset: int, size: int = 2_500_000) -> None:
    assert snapshot is not None
    assert (snapshot.offset, snapshot.header, snapshot.state_hash) == (offset, _HEADER, f"{offset:x}")
    assert [bytes(part) for part in snapshot.parts] == _bytes(_parts(offset, size))


async def test_where_there_is_no_snapshot_there_is_none(connection: Connection) -> None:
    assert await _load(connection) is None


@pytest.mark.parametrize(
    "size", [200, CHUNK_BYTES_MAX - len(_HEADER), CHUNK_BYTES_MAX, 2 * CHUNK_BYTES_MAX - len(_HEADER)]
)
async def test_what_was_saved_is_loaded(connection: Connection, size: int) -> None:
    await _save(connection, 7, size=size)
    _check(await _load(connection), 7, size)


async def test_the_newest_is_loaded_and_slots_are_taken_in_turn(connection: Connection) -> None:
    await _save(connection, 10, 20, 30)
    async with SnapshotStore(connection, 0) as store:
        _check(await store.load_newest(), 30)
        await _save_by(store, 40)
        await _save_by(store, 50)
        _check(await store.load_newest(), 50)
    manifests = [record.key for record in await _records(connection) if is_manifest(record.key)]
    assert manifests == [b"0/a/manifest", b"0/b/manifest"] * 2 + [b"0/a/manifest"]
    assert max(len(record.value or b"") for record in await _records(connection)) <= 900_000


async def test_one_that_was_not_finished_is_passed_over_and_spoils_only_the_older(
    connection: Connection,
) -> None:
    await _save(connection, 10, 20)
    async with SnapshotStore(connection, 0) as store:
        _check(await store.load_newest(), 20)
        saving = asyncio.create_task(_save_by(store, 30, 60_000_000))
        async with RawReader(connection, SNAPSHOTS, 0, offset=8) as reader:
            while reader.offset < 8 + 20:
                await reader.read(wait_ms=20_000)
        saving.cancel()
        await asyncio.wait([saving])
    assert {(record.key or b"")[:3] for record in (await _records(connection))[8:]} == {b"0/a"}
    with capture_logs() as logs:
        _check(await _load(connection), 20)
    assert [entry["why"] for entry in logs] == ["that of offset 30 was not finished"]
    await _save(connection, 40)
    _check(await _load(connection), 40)


def _with_another_hash(key: bytes, value: bytes) -> bytes:
    return value.replace(b'"state_hash":"14"', b'"state_hash":"15"') if is_manifest(key) else value


def _of_a_later_version(key: bytes, value: bytes) -> bytes:
    return value.replace(b'"version":1', b'"version":2') if is_manifest(key) else value


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (without_chunk(1), "chunk 1 of 3 is missing"),
        (with_a_byte_flipped(1), "chunk 1 of 3 does not have the digest that it should"),
        (with_another_chunks_digest, "its chunks are not those that its manifest means"),
        (_with_another_hash, "its manifest does not have the digest that it should"),
        (_of_a_later_version, "it is of version 2, and this engine reads 1"),
        (with_chunks_before_the_topic, "it cannot be read"),
        (with_an_unreadable_manifest, "its manifest cannot be read"),
    ],
)
async def test_a_spoiled_one_is_passed_over_and_the_one_before_loaded(
    connection: Connection, change: Change, complaint: str
) -> None:
    await _save(connection, 10)
    parts = _bytes(_parts(20, 2_500_000))
    await save_spoiled(connection, change, 20, header=_HEADER, parts=parts, state_hash="14")
    with capture_logs() as logs:
        _check(await _load(connection), 10)
    (entry,) = logs
    assert entry["why"].startswith(complaint)
    await _save(connection, 30)
    _check(await _load(connection), 30)


async def test_what_the_disk_has_spoiled_is_passed_over(broker: RunningBroker, market: Market) -> None:
    await _save(market.connection, 10, 20)
    (segment,) = (broker.settings.data_dir / "kafka" / f"{SNAPSHOTS}-0").glob("*.log")
    content = segment.read_bytes()
    flipped = len(content) - 1_200_000
    with segment.open("r+b") as file:
        file.seek(flipped)
        file.write(bytes([content[flipped] ^ 1]))
    with capture_logs() as logs:
        snapshot = await _load(market.connection)
    assert logs
    # How far back the reading begins decides whether the older one is seen; what is loaded is whole.
    assert snapshot is None or snapshot.offset == 10
    _restore(segment, content)
    _check(await _load(market.connection), 20)


def _restore(segment: Path, content: bytes) -> None:
    with segment.open("r+b") as file:
        file.write(content)


async def test_nonsense_in_the_topic_is_passed_over(connection: Connection) -> None:
    await _save(connection, 10)
    async with LogWriter(connection) as writer:
        for value in (b"", b"nonsense", b"\xff\xff\xff\xff{}", b'{"contents":1}'):
            await writer.append(SNAPSHOTS, NewRecord(b"0/b/manifest", value))
            await writer.append(SNAPSHOTS, NewRecord(b"0/b/0", value))
    with capture_logs() as logs:
        _check(await _load(connection), 10)
    assert len(logs) == 4


async def test_compaction_leaves_the_newest_two_whole(connection: Connection) -> None:
    """With the topic's own settings, but for segments that end soon."""
    admin = AIOKafkaAdminClient(**connection.options())
    await admin.start()
    try:
        await admin.delete_topics([SNAPSHOTS])
        settings = {**TOPIC_SETTINGS[SNAPSHOTS], "segment.bytes": "1048576", "segment.ms": "1000"}
        await admin.create_topics(
            [NewTopic(SNAPSHOTS, num_partitions=1, replication_factor=1, topic_configs=settings)]
        )
    finally:
        await admin.close()
    await _save(connection, *range(1, 9))

    async def offsets() -> set[int]:
        contents = [
            decode_manifest(record.value or b"").contents
            for record in await _records(connection)
            if is_manifest(record.key)
        ]
        return {one.offset for one in contents}

    # The newest segment is not compacted; in it is the manifest of 8, so that of 6 is not outdated yet.
    for _ in range(60):
        if await offsets() <= {6, 7, 8}:
            break
        await asyncio.sleep(1)
    assert {7, 8} <= await offsets() <= {6, 7, 8}
    _check(await _load(connection), 8)


async def test_the_event_loop_goes_on_while_a_snapshot_is_saved(connection: Connection) -> None:
    size = 200_000_000 if _SOAK else 20_000_000
    laps_s: list[float] = []

    async def run_laps() -> None:
        while True:
            laps_s.append(time.monotonic())
            await asyncio.sleep(0.001)

    running = asyncio.create_task(run_laps())
    try:
        await _save(connection, 10, size=size)
    finally:
        running.cancel()
    pauses_s = [after - before for before, after in pairwise(laps_s)]
    assert sorted(pauses_s)[len(pauses_s) * 99 // 100] < 0.05
    _check(await _load(connection), 10, size)
