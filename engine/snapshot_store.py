"""A shard's snapshots in the topic `snapshots`: saved while the engine serves, the newest whole one loaded.

What makes a snapshot valid is its manifest, sent when all of its chunks are kept. Whatever is torn or does
not have the digest that it should is passed over, with a warning that says why.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import chain
from typing import Self

import msgspec
import numpy as np
import structlog
from msgspec import Struct

from engine.log import (
    BrokenLogError,
    Connection,
    LogReader,
    LogRecord,
    LogWriter,
    LostLogError,
    NewRecord,
    read_between,
)
from engine.log.raw_reading import RawReader
from engine.snapshot_records import (
    CHUNK_BYTES_MAX,
    SLOTS,
    VERSION,
    Buffer,
    ChunkHead,
    Contents,
    chunk_key,
    chunk_value,
    cut,
    decode_manifest,
    digest_of,
    digest_of_all,
    is_manifest,
    manifest_key,
    manifest_of,
    octets,
    split_chunk,
)
from engine.topics import SNAPSHOTS

_FETCH_BYTES_MAX = 16 * 1024 * 1024
_WAIT_MS = 1_000
_WINDOW_FIRST = 8
_WINDOW_MAX = 64

_log = structlog.get_logger("engine")


class Snapshot(Struct, frozen=True, kw_only=True):
    """A shard's state after the command at `offset`, as it was saved.

    The parts may be written to, and stand at any address: what needs alignment copies them.
    """

    offset: int
    header: bytes
    parts: tuple[memoryview, ...]
    state_hash: str


class _UnusableError(Exception):
    """Why a snapshot cannot be used."""


class SnapshotStore:
    """The snapshots of one shard; its context ends with the writer's connection."""

    def __init__(self, connection: Connection, shard: int) -> None:
        self._connection = connection
        self._shard = shard
        # Of its own, so that the engine's outputs need not wait behind a chunk.
        self._writer = LogWriter(connection)
        self._looked = False
        self._slot: str | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._writer.close()

    async def save(
        self, offset: int, *, header: bytes, sizes: Sequence[int], pieces: Iterable[Buffer], state_hash: str
    ) -> None:
        """Save a snapshot, giving the event loop back after each chunk and resting as long as that took.

        Parameters
        ----------
        offset : int
            The last command that is in it.
        header : bytes
            What the parts mean.
        sizes : sequence of int
            Bytes of each part.
        pieces : iterable of buffers
            The bytes of all parts, in order, cut anywhere; they are asked for in a thread, as they are sent.
        state_hash : str
            Kept beside it.

        Raises
        ------
        LogError
            When Kafka did not take it; the one before stays as it is.
        """
        assert header, "what the parts mean is said"
        if not self._looked:
            # The newest whole snapshot must not be the one that is overwritten.
            await self.load_newest()
        slot = SLOTS[1] if self._slot == SLOTS[0] else SLOTS[0]
        all_sizes = (len(header), *sizes)
        digests, begins_at = await self._send_chunks(offset, slot, sum(all_sizes), chain([header], pieces))
        contents = Contents(
            version=VERSION,
            shard=self._shard,
            offset=offset,
            slot=slot,
            begins_at=begins_at,
            chunks=len(digests),
            sizes=all_sizes,
            digest=digest_of_all(digests),
            state_hash=state_hash,
        )
        await self._append(manifest_key(self._shard, slot), msgspec.json.encode(manifest_of(contents)))
        self._slot = slot

    async def load_newest(self) -> Snapshot | None:
        """Load the newest snapshot that is whole; None when there is none.

        Reads from the end of the topic backward, no further than it must.
        """
        self._looked = True
        async for record in self._manifests():
            try:
                contents = _contents(record, self._shard)
                snapshot = await self._load(contents, record.offset)
            except _UnusableError as why:
                _log.warning("a snapshot is passed over", shard=self._shard, at=record.offset, why=str(why))
            else:
                self._slot = contents.slot
                return snapshot
        return None

    async def _send_chunks(
        self, offset: int, slot: str, total: int, pieces: Iterable[Buffer]
    ) -> tuple[list[str], int]:
        chunks = -(-total // CHUNK_BYTES_MAX)
        stretches = cut(map(octets, pieces), CHUNK_BYTES_MAX)
        digests: list[str] = []
        begins_at = -1
        for chunk in range(chunks):
            start_s = time.monotonic()
            # Hashing leaves the interpreter to others.
            digest, value = await asyncio.to_thread(self._sealed, offset, chunk, chunks, stretches)
            kept_at = await self._append(chunk_key(self._shard, slot, chunk), value)
            begins_at = kept_at if chunk == 0 else begins_at
            digests.append(digest)
            await asyncio.sleep(time.monotonic() - start_s)
        return digests, begins_at

    def _sealed(
        self, offset: int, chunk: int, chunks: int, stretches: Iterator[list[memoryview]]
    ) -> tuple[str, bytes]:
        pieces = next(stretches)
        digest = digest_of(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        head = ChunkHead(
            version=VERSION, shard=self._shard, offset=offset, chunk=chunk, chunks=chunks, digest=digest
        )
        return digest, chunk_value(head, pieces)

    async def _append(self, key: bytes, value: bytes) -> int:
        return await self._writer.append(SNAPSHOTS, NewRecord(key, value), partition=self._shard)

    async def _manifests(self) -> AsyncIterator[LogRecord]:
        """Give the manifests in the topic, the newest first."""
        async with LogReader(self._connection) as reader:
            first = await reader.first_offset(SNAPSHOTS, self._shard)
            end = await reader.end_offset(SNAPSHOTS, self._shard)
        window = _WINDOW_FIRST
        unfinished = True
        while end > first:
            start = max(first, end - window)
            for record in reversed(await self._read(start, end)):
                if is_manifest(record.key):
                    unfinished = False
                    yield record
                elif unfinished and (split := split_chunk(record.value)):
                    unfinished = False
                    _log.warning(
                        "a snapshot is passed over",
                        shard=self._shard,
                        at=record.offset,
                        why=f"that of offset {split[0].offset} was not finished",
                    )
            end, window = start, min(2 * window, _WINDOW_MAX)

    async def _read(self, start: int, end: int) -> list[LogRecord]:
        """Read a stretch of the topic, as far as it can be read."""
        found: list[LogRecord] = []
        try:
            async for batch in read_between(self._connection, SNAPSHOTS, self._shard, start, end):
                found += batch
        except BrokenLogError as error:
            _log.warning("a part of the snapshots cannot be read", shard=self._shard, why=str(error))
        return found

    async def _load(self, contents: Contents, end: int) -> Snapshot:
        content = bytearray(sum(contents.sizes))
        digests = [""] * contents.chunks
        try:
            await self._load_chunks(contents, end, content, digests)
        except (BrokenLogError, LostLogError) as error:
            raise _UnusableError(f"it cannot be read: {error}") from error
        if "" in digests:
            raise _UnusableError(f"chunk {digests.index('')} of {contents.chunks} is missing")
        if digest_of_all(digests) != contents.digest:
            raise _UnusableError("its chunks are not those that its manifest means")
        parts: list[memoryview] = []
        start = 0
        for size in contents.sizes:
            parts.append(memoryview(content)[start : start + size])
            start += size
        return Snapshot(
            offset=contents.offset,
            header=bytes(parts[0]),
            parts=tuple(parts[1:]),
            state_hash=contents.state_hash,
        )

    async def _load_chunks(
        self, contents: Contents, end: int, content: bytearray, digests: list[str]
    ) -> None:
        async with RawReader(
            self._connection, SNAPSHOTS, self._shard, offset=contents.begins_at, bytes_max=_FETCH_BYTES_MAX
        ) as reader:
            while reader.offset < end:
                records = await reader.read(wait_ms=_WAIT_MS)
                for row in range(int(np.searchsorted(records.offsets, end))):
                    # Hashing leaves the interpreter to others, and there is much to hash.
                    await asyncio.to_thread(_take_chunk, records.view(row), contents, content, digests)


def _contents(record: LogRecord, shard: int) -> Contents:
    try:
        manifest = decode_manifest(record.value or b"")
    except msgspec.MsgspecError as error:
        raise _UnusableError(f"its manifest cannot be read: {error}") from error
    contents = manifest.contents
    if contents.version != VERSION:
        raise _UnusableError(f"it is of version {contents.version}, and this engine reads {VERSION}")
    if manifest_of(contents).digest != manifest.digest:
        raise _UnusableError("its manifest does not have the digest that it should")
    if contents.shard != shard:
        raise _UnusableError(f"it is of shard {contents.shard}")
    return contents


def _take_chunk(value: memoryview | None, contents: Contents, content: bytearray, digests: list[str]) -> None:
    split = split_chunk(value)
    if split is None:
        return
    head, payload = split
    of = (contents.version, contents.shard, contents.offset, contents.chunks)
    if (head.version, head.shard, head.offset, head.chunks) != of or not 0 <= head.chunk < contents.chunks:
        return  # of another engine that takes itself for the owner still
    start = head.chunk * CHUNK_BYTES_MAX
    size = min(CHUNK_BYTES_MAX, len(content) - start)
    if len(payload) != size or digest_of(payload) != head.digest:
        raise _UnusableError(f"chunk {head.chunk} of {head.chunks} does not have the digest that it should")
    content[start : start + size] = payload
    digests[head.chunk] = head.digest
