"""Runs one shard beside Kafka: commands from `orders` in, what they caused out.

Nothing is kept but the log. A start replays all commands and sends only what the output topics lack, so a
crash at any moment loses nothing and repeats nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import msgspec
import structlog

from engine.log import Connection, LogError, LogReader, LogRecord, LogWriter, NewRecord, read_between
from engine.outputs import Identity, OutputRecord, Outputs
from engine.progress import Report, State
from engine.shard import Shard
from engine.topics import ACCOUNTS, ASSETS, EXECUTIONS, ORDERS, TRANSACTIONS
from engine.wire.commands import decode_command

_POLL_MS = 500
_BATCH_MAX = 2_000
_TAIL_MAX = 1_000
_SNAPSHOT_EVERY_BOOK_RECORDS = 5_000
_REPORT_EVERY_S = 1.0
_SEND_PATIENCE_S = 5.0
_RETRY_FIRST_S = 0.5
_RETRY_MAX_S = 5.0
_IDENTIFIED_TOPICS = (TRANSACTIONS, EXECUTIONS, ACCOUNTS, ASSETS)

_log = structlog.get_logger("engine")


class UnusableLogError(RuntimeError):
    """The topics contradict each other, so that no engine can rebuild this market from them."""


class _Identified(msgspec.Struct):
    offset: int
    index: int


_decode_identity = msgspec.json.Decoder(_Identified).decode


async def run(connection: Connection, *, report: Report, shard_number: int = 0) -> None:
    """Run a shard until cancelled; when Kafka is away, wait for it and begin anew from the log.

    Parameters
    ----------
    connection : Connection
        The Kafka that holds the market.
    report : Report
        Told where the engine stands, about once a second.
    shard_number : int
        The partition of `orders` to own.

    Raises
    ------
    UnusableLogError
        When the log of orders is not whole.
    """
    retry_s = _RETRY_FIRST_S
    while True:
        try:
            async with LogReader(connection) as reader, LogWriter(connection) as writer:
                engine = _Engine(shard_number, connection, reader, writer, report)
                await engine.recover()
                retry_s = _RETRY_FIRST_S
                await engine.serve()
        except LogError as error:
            _log.warning("kafka is away; starting over from the log", error=str(error), retry_s=retry_s)
            report(State.RETRYING, f"Kafka is away; trying again in {retry_s:.1f} s")
            await asyncio.sleep(retry_s)
            retry_s = min(2 * retry_s, _RETRY_MAX_S)


class _Engine:
    """One life of a shard: from the beginning of the log until the connection breaks."""

    def __init__(
        self, number: int, connection: Connection, reader: LogReader, writer: LogWriter, report: Report
    ) -> None:
        self._number = number
        self._connection = connection
        self._reader = reader
        self._writer = writer
        self._report = report
        self._shard = Shard(number)
        self._outputs = Outputs(number, {})
        self._book_records = 0
        self._reported_s = 0.0

    async def recover(self) -> None:
        """Replay the log as it stands now, sending what the output topics lack."""
        first = await self._reader.first_offset(ORDERS, self._number)
        end = await self._reader.end_offset(ORDERS, self._number)
        if first > 0:
            raise UnusableLogError(
                f"The topic {ORDERS} begins at offset {first}: its oldest commands were deleted, so the "
                "market cannot be rebuilt. Set retention.ms=-1 on it and begin with empty topics."
            )
        already_sent = {topic: await self._last_identity(topic) for topic in _IDENTIFIED_TOPICS}
        for topic, identity in already_sent.items():
            if identity[0] >= end:
                raise UnusableLogError(
                    f"The topic {topic} tells of offset {identity[0]}, but {ORDERS} ends at {end}: they are "
                    "not of one market. Begin with empty topics, or restore the orders."
                )
        self._outputs = Outputs(self._number, already_sent)
        self._reader.start({(ORDERS, self._number): 0})
        while self._shard.offset < end - 1:
            self._apply(await self._read())
            # What readers have of the books is replaced by whole ones at the end.
            self._shard.take_book_changes()
            await self._send()
            self._tell(State.STARTING, f"replaying the log: {self._shard.offset + 1:,} of {end:,} commands")
        self._book_records = 0
        self._outputs.add_books(self._shard.book_snapshots())
        await self._send()
        _log.info("caught up with the log", commands=end)

    async def serve(self) -> None:
        """Apply commands as they come, until cancelled or the connection breaks."""
        while True:
            self._tell(State.READY, f"{self._shard.offset + 1:,} commands applied")
            if batch := await self._read():
                self._apply(batch)
                self._collect_books()
                await self._send()

    async def _read(self) -> list[LogRecord]:
        return await self._reader.read(wait_ms=_POLL_MS, records_max=_BATCH_MAX)

    def _apply(self, batch: Sequence[LogRecord]) -> None:
        for record in batch:
            events = self._shard.apply(
                decode_command(record.value), offset=record.offset, time_ms=record.time_ms
            )
            self._outputs.add(events, offset=record.offset, time_ms=self._shard.time_ms)

    def _collect_books(self) -> None:
        if self._book_records < _SNAPSHOT_EVERY_BOOK_RECORDS:
            self._book_records += self._outputs.add_books(self._shard.take_book_changes())
        else:
            self._book_records = 0
            self._outputs.add_books(self._shard.book_snapshots())

    async def _send(self) -> None:
        sending = asyncio.gather(
            *(self._append(topic, records) for topic, records in self._outputs.take().items() if records)
        )
        try:
            while not (await asyncio.wait([sending], timeout=_SEND_PATIENCE_S))[0]:
                self._report(State.RETRYING, "Kafka does not take the outputs; waiting for it")
            await sending
        finally:
            sending.cancel()

    async def _append(self, topic: str, records: Sequence[OutputRecord]) -> None:
        await self._writer.append_all(
            topic, [NewRecord(*record) for record in records], partition=self._number
        )

    async def _last_identity(self, topic: str) -> Identity:
        first = await self._reader.first_offset(topic, self._number)
        end = await self._reader.end_offset(topic, self._number)
        last: Identity = (-1, -1)
        # More than the very last: an engine that was cut off may repeat older records behind newer ones.
        async for batch in read_between(
            self._connection, topic, self._number, max(first, end - _TAIL_MAX), end
        ):
            for record in batch:
                if record.value is not None:
                    identified = _decode_identity(record.value)
                    last = max(last, (identified.offset, identified.index))
        return last

    def _tell(self, state: State, detail: str) -> None:
        now_s = time.monotonic()
        if now_s - self._reported_s >= _REPORT_EVERY_S:
            self._reported_s = now_s
            self._report(state, detail)
