"""Whether the stored log still gives what stands in the output topics, and the states that were saved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Final, NamedTuple, TypeAlias

import msgspec
import numpy as np
from msgspec import Struct

from engine.batches import RawRecords
from engine.log import Connection, LogReader, read_between
from engine.log.raw_reading import RawReader
from engine.outputs import IDENTIFIED_TOPICS, Outputs
from engine.recovery import UnusableLogError
from engine.shard import Shard
from engine.snapshot_records import decode_manifest, is_manifest, manifest_of, split_chunk
from engine.stored_outputs import DifferenceError, StoredAssets, StoredOutputs, StoredReports, values_of
from engine.topics import ASSETS, EXECUTIONS, ORDERS, SNAPSHOTS
from engine.wire.reader import CommandReader

_WAIT_MS: Final = 500
_FETCH_BYTES_MAX: Final = 1024 * 1024
_DESCRIPTION_BYTES_MAX: Final = 800_000
PATIENCE_S: Final = 10.0

Notice: TypeAlias = Callable[[int, int], None]
"""Called with how many commands have been replayed and how many there are."""


class Verified(Struct, frozen=True, kw_only=True):
    """What was compared and found equal.

    `repeated` records were there again, the same, as a fail-over leaves them. `snapshots` had the hash of the
    state; `foreign_snapshots` were saved by another version of the engine and could not be compared.
    `older_reports` are of engines that did not tell all of an order's terms, and equal but for those.
    """

    commands: int
    records: Mapping[str, int]
    repeated: int
    snapshots: int
    foreign_snapshots: int
    older_reports: int


class _Made(Struct, frozen=True):
    """What of a state's description says which engine made it."""

    version: int
    layout: str


class _Saved(NamedTuple):
    offset: int
    state_hash: str
    made: _Made


_decode_made = msgspec.json.Decoder(_Made).decode


async def verify(
    connection: Connection, *, number: int = 0, notice: Notice, patience_s: float = PATIENCE_S
) -> Verified:
    """Run a shard's whole log again, in memory, and compare what comes of it with what is stored.

    Parameters
    ----------
    connection : Connection
        The Kafka that holds the market. Nothing is written to it; an engine may be running beside.
    number : int
        The shard's.
    notice : callable
        Told how far it is.
    patience_s : float
        How long to wait for a record that should be there, while an engine may be on its way to send it.

    Returns
    -------
    Verified
        What was compared. Takes a few megabytes besides the market, however long the log is.

    Raises
    ------
    DifferenceError
        At the first record, or the first snapshot's hash, that is not what the log gives.
    UnusableLogError
        When the log's oldest commands are gone.
    LogError
        When Kafka is away.
    """
    saved = await _saved_states(connection, number)
    async with LogReader(connection) as reader:
        first, end = await reader.first_offset(ORDERS, number), await reader.end_offset(ORDERS, number)
    if first > 0:
        raise UnusableLogError(
            f"The topic {ORDERS} begins at offset {first}: its oldest commands were deleted, "
            "so it cannot be run again."
        )
    async with AsyncExitStack() as stack:
        stored = [
            await stack.enter_async_context(_stored(connection, topic, number, patience_s))
            for topic in IDENTIFIED_TOPICS
        ]
        replay = _Replay(number, stored, saved, lambda commands: notice(commands, end))
        orders = RawReader(connection, ORDERS, number, offset=0, bytes_max=_FETCH_BYTES_MAX)
        await stack.enter_async_context(orders)
        while orders.offset < end:
            records = await orders.read(wait_ms=_WAIT_MS)
            await replay.run(_rows(records, 0, int(np.searchsorted(records.offsets, end))))
        for topic in stored:
            await topic.check_end(end)
    return replay.result()


def _stored(connection: Connection, topic: str, number: int, patience_s: float) -> StoredOutputs:
    kinds: dict[str, type[StoredOutputs]] = {ASSETS: StoredAssets, EXECUTIONS: StoredReports}
    return kinds.get(topic, StoredOutputs)(connection, topic, number, patience_s=patience_s)


class _Replay:
    """A market that is run again beside what is stored of it."""

    def __init__(
        self, number: int, stored: Sequence[StoredOutputs], saved: list[_Saved], notice: Callable[[int], None]
    ) -> None:
        self._shard = Shard(number)
        self._commands = CommandReader(self._shard.investors, self._shard.symbols)
        self._outputs = Outputs(number, {})
        self._stored = stored
        self._notice = notice
        ours = _decode_made(self._shard.state().describe())
        self._foreign = sum(state.made != ours for state in saved)
        self._saved = sorted({state for state in saved if state.made == ours})
        self._count = 0
        self._equal_states = 0

    async def run(self, records: RawRecords) -> None:
        """Run some commands and compare what comes of them."""
        for piece in self._cut(records):
            self._shard.apply_all(self._commands.read(piece), self._outputs.add)
            self._shard.take_book_changes()
            await self._compare()
            self._check_states()
            self._count += len(piece)
            self._notice(self._count)

    def result(self) -> Verified:
        """Give what was compared."""
        return Verified(
            commands=self._count,
            records={topic.topic: topic.compared for topic in self._stored},
            repeated=sum(topic.repeated for topic in self._stored),
            snapshots=self._equal_states,
            foreign_snapshots=self._foreign,
            older_reports=sum(topic.older for topic in self._stored if isinstance(topic, StoredReports)),
        )

    def _cut(self, records: RawRecords) -> Iterator[RawRecords]:
        """Cut records behind each command that a state was saved after."""
        start = 0
        for state in tuple(self._saved):
            end = int(np.searchsorted(records.offsets, state.offset, side="right"))
            if start < end < len(records):
                yield _rows(records, start, end)
                start = end
        if start < len(records):
            yield _rows(records, start, len(records))

    async def _compare(self) -> None:
        sent = self._outputs.take()
        for topic in self._stored:
            for batch in sent.encoded.get(topic.topic, []):
                for value in values_of(batch):
                    await topic.check(value)
            for record in sent.plain.get(topic.topic, []):
                await topic.check(record.value)

    def _check_states(self) -> None:
        while self._saved and self._saved[0].offset <= self._shard.offset:
            state = self._saved.pop(0)
            digest = self._shard.digest()
            if digest != state.state_hash:
                raise DifferenceError(
                    SNAPSHOTS, (state.offset, 0), digest.encode(), state.state_hash.encode()
                )
            self._equal_states += 1


def _rows(records: RawRecords, start: int, end: int) -> RawRecords:
    kept = slice(start, end)
    return RawRecords(
        records.data, records.offsets[kept], records.times_ms[kept], records.starts[kept], records.ends[kept]
    )


async def _saved_states(connection: Connection, number: int) -> list[_Saved]:
    """Find the snapshots in the topic of which the manifest and the first chunk are whole."""
    async with LogReader(connection) as reader:
        first = await reader.first_offset(SNAPSHOTS, number)
        end = await reader.end_offset(SNAPSHOTS, number)
    saved: list[_Saved] = []
    beginning: tuple[int, bytes] | None = None
    async for batch in read_between(connection, SNAPSHOTS, number, first, end):
        for record in batch:
            if is_manifest(record.key):
                saved += _saved(record.value or b"", beginning, number)
            elif (chunk := split_chunk(record.value)) and (chunk[0].shard, chunk[0].chunk) == (number, 0):
                beginning = chunk[0].offset, bytes(chunk[1][:_DESCRIPTION_BYTES_MAX])
    return saved


def _saved(manifest: bytes, beginning: tuple[int, bytes] | None, number: int) -> Iterator[_Saved]:
    try:
        told = decode_manifest(manifest)
        contents = told.contents
        if manifest_of(contents).digest != told.digest or contents.shard != number:
            return
        if beginning is not None and beginning[0] == contents.offset:
            made = _decode_made(beginning[1][: contents.sizes[0]])
            yield _Saved(contents.offset, contents.state_hash, made)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return
