"""Runs one shard beside Kafka: commands from `orders` in, what they caused out.

Nothing is kept but the log and snapshots of what comes of it. A start goes on from the newest snapshot,
replays the commands behind it and sends only what the output topics lack, so a crash at any moment loses
nothing and repeats nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence

import structlog

from engine import metrics, warm_up
from engine.batches import RawRecords
from engine.log import Connection, LogError, Watchdog, end_tasks, trouble_of
from engine.log.raw_reading import RawReader
from engine.log.raw_writing import RawWriter
from engine.log.sealing import EncodedRecords, frame
from engine.outputs import OutputBatches, Outputs
from engine.ownership import Ownership
from engine.progress import Report, State
from engine.recovery import UnusableLogError, identities_sent, restore
from engine.shard import Shard
from engine.snapshot_store import SnapshotStore
from engine.snapshots import SNAPSHOT_COMMANDS, Snapshots
from engine.topics import ORDERS, OUTPUT_TOPICS
from engine.wire.reader import CommandReader

__all__ = ["UnusableLogError", "run"]

_POLL_MS = 500
_FETCH_BYTES_MAX = 1024 * 1024
_BOOKS_WHOLE_EVERY_RECORDS = 5_000
_REPORT_EVERY_S = 1.0
_SEND_PATIENCE_S = 5.0
_RETRY_FIRST_S = 0.5
_RETRY_MAX_S = 5.0
_TAKEOVER_MAX_S = 10.0

_log = structlog.get_logger("engine")


async def run(
    connection: Connection,
    *,
    report: Report,
    shard_number: int = 0,
    snapshot_commands: int = SNAPSHOT_COMMANDS,
    instance: str | None = None,
) -> None:
    """Run a shard whenever it is ours, until cancelled.

    When Kafka is away, wait for it and begin anew from the log.

    Parameters
    ----------
    connection : Connection
        The Kafka that holds the market.
    report : Report
        Told where the engine stands, about once a second.
    shard_number : int
        The partition of `orders` to own.
    snapshot_commands : int
        Commands between two snapshots, at least.
    instance : str, optional
        A name that this engine has again when it is started again, and no other living engine has.

    Raises
    ------
    UnusableLogError
        When the log of orders is not whole.
    """
    report(
        State.STARTING, "loading the compiled kernel; the first start ever compiles it, which takes a while"
    )
    await asyncio.to_thread(warm_up.load)
    retry_s = _RETRY_FIRST_S
    async with Ownership(connection, shard_number, instance) as ownership:
        while True:
            try:
                await _until_owned(ownership, report)
                await _own(connection, ownership, report, shard_number, snapshot_commands)
                retry_s = _RETRY_FIRST_S
            except LogError as error:
                trouble = trouble_of(error)
                _log.warning(f"{trouble}; starting over from the log", error=str(error), retry_s=retry_s)
                report(State.RETRYING, f"{trouble}; trying again in {retry_s:.1f} s")
                await asyncio.sleep(retry_s)
                retry_s = min(2 * retry_s, _RETRY_MAX_S)


async def _until_owned(ownership: Ownership, report: Report) -> None:
    acquiring = asyncio.ensure_future(ownership.acquired())
    start_s = time.monotonic()
    try:
        while not (await asyncio.wait({acquiring}, timeout=_REPORT_EVERY_S))[0]:
            # By then, an owner that is dead would have been missed.
            if ownership.stands_by and time.monotonic() - start_s > _TAKEOVER_MAX_S:
                report(State.STANDING_BY, "another engine owns the shard; ready to take over")
            else:
                report(State.STARTING, "waiting for the shard")
        acquiring.result()
    finally:
        await end_tasks(acquiring)


async def _own(
    connection: Connection, ownership: Ownership, report: Report, number: int, snapshot_commands: int
) -> None:
    """Serve the shard for as long as it is ours."""
    serving = asyncio.ensure_future(_serve(connection, report, number, snapshot_commands))
    losing = asyncio.ensure_future(ownership.lost())
    try:
        await asyncio.wait({serving, losing}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            serving.result()
    finally:
        await end_tasks(serving, losing)


async def _serve(connection: Connection, report: Report, number: int, snapshot_commands: int) -> None:
    async with SnapshotStore(connection, number) as store:
        sent, shard = await asyncio.gather(
            identities_sent(connection, number), restore(connection, store, number)
        )
        start = shard.offset + 1
        async with (
            RawReader(connection, ORDERS, number, offset=start, bytes_max=_FETCH_BYTES_MAX) as reader,
            RawWriter(connection, OUTPUT_TOPICS, number) as writer,
            Snapshots(store, shard, every_commands=snapshot_commands) as snapshots,
        ):
            engine = _Engine(
                shard=shard,
                outputs=Outputs(number, sent),
                reader=reader,
                sender=_Sender(writer, report),
                snapshots=snapshots,
                report=report,
            )
            await engine.recover()
            await engine.serve()


class _Engine:
    """One life of a shard: from a snapshot or an empty market until the connection breaks."""

    def __init__(
        self,
        *,
        shard: Shard,
        outputs: Outputs,
        reader: RawReader,
        sender: _Sender,
        snapshots: Snapshots,
        report: Report,
    ) -> None:
        self._shard = shard
        self._outputs = outputs
        self._reader = reader
        self._sender = sender
        self._snapshots = snapshots
        self._report = report
        self._commands = CommandReader(shard.investors, shard.symbols)
        self._watchdog = Watchdog(ORDERS)
        self._book_records = 0
        self._reported_s = 0.0

    async def recover(self) -> None:
        """Replay the log as it stands now, sending what the output topics lack."""
        while (end := self._reader.end_offset) < 0:
            await self._apply_next()
        while self._shard.offset < end - 1:
            self._tell(State.STARTING, f"replaying the log: {self._shard.offset + 1:,} of {end:,} commands")
            # What readers have of the books is replaced by whole ones at the end.
            self._shard.take_book_changes()
            await self._send()
            await self._apply_next()
        self._outputs.add_books(self._shard.book_snapshots())
        await self._send()
        await self._sender.settle()
        _log.info("caught up with the log", commands=self._shard.offset + 1)

    async def serve(self) -> None:
        """Apply commands as they come, until cancelled or the connection breaks."""
        while True:
            self._tell(State.READY, f"{self._shard.offset + 1:,} commands applied")
            self._look()
            if records := await self._apply_next():
                self._collect_books()
                await self._send()
                self._sender.time_answer(int(records.times_ms[0]))
            else:
                await self._sender.settle()
            await self._snapshots.take_when_due(self._sender.settle)

    async def _apply_next(self) -> RawRecords:
        records = await self._reader.read(wait_ms=_POLL_MS)
        if records:
            with metrics.APPLY_SECONDS.time():
                self._shard.apply_all(self._commands.read(records), self._outputs.add)
            metrics.COMMANDS.inc(len(records))
            metrics.BATCH_COMMANDS.observe(len(records))
        metrics.LAG_COMMANDS.set(max(0, self._reader.end_offset - self._shard.offset - 1))
        return records

    def _look(self) -> None:
        self._watchdog.look(position=self._reader.offset, end=self._reader.end_offset, now_s=time.monotonic())

    def _collect_books(self) -> None:
        if self._book_records < _BOOKS_WHOLE_EVERY_RECORDS:
            self._book_records += self._outputs.add_books(self._shard.take_book_changes())
        else:
            self._book_records = 0
            self._outputs.add_books(self._shard.book_snapshots())

    async def _send(self) -> None:
        await self._sender.begin(self._outputs.take())

    def _tell(self, state: State, detail: str) -> None:
        now_s = time.monotonic()
        if now_s - self._reported_s >= _REPORT_EVERY_S:
            self._reported_s = now_s
            self._report(state, detail)


class _Sender:
    """Sends outputs in order, some requests under way while the engine works on what comes next."""

    def __init__(self, writer: RawWriter, report: Report) -> None:
        self._writer = writer
        self._report = report

    async def begin(self, outputs: OutputBatches) -> None:
        """Begin to send; raises `LogError` when what was sent before has failed."""
        for batches in _requests(outputs):
            while (earlier := self._writer.wait_before(batches)) is not None:
                await self._wait_for(earlier)
            self._writer.begin(batches)
            metrics.REQUESTS.set(len(self._writer.under_way))

    def time_answer(self, command_ms: int) -> None:
        """Measure, once all that was sent so far is kept, how long after a command's time that is."""

        def measure(request: asyncio.Task[None]) -> None:
            if not request.cancelled():
                metrics.ANSWER_SECONDS.observe(max(0.0, time.time() - command_ms / 1_000))

        if self._writer.under_way:
            self._writer.under_way[-1].add_done_callback(measure)

    async def settle(self) -> None:
        """Wait until what is under way is kept; raises `LogError` when it is not."""
        while self._writer.under_way:
            await self._wait_for(self._writer.under_way[0])
        metrics.REQUESTS.set(0)
        self._writer.check()

    async def _wait_for(self, request: asyncio.Task[None]) -> None:
        while not (await asyncio.wait([request], timeout=_SEND_PATIENCE_S))[0]:
            self._report(State.RETRYING, "Kafka does not take the outputs; waiting for it")


def _requests(outputs: OutputBatches) -> Iterator[Mapping[str, EncodedRecords]]:
    """Give what goes out at once: a request takes one batch a topic."""
    batches: dict[str, Sequence[EncodedRecords]] = {
        **outputs.encoded,
        **{topic: list(frame(records)) for topic, records in outputs.plain.items()},
    }
    for place in range(max(map(len, batches.values()))):
        at_once = {topic: of_topic[place] for topic, of_topic in batches.items() if place < len(of_topic)}
        if kept := {topic: batch for topic, batch in at_once.items() if batch.count}:
            yield kept
