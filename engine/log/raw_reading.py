"""Reading one partition as raw batches: for the engine, which decodes them with compiled code."""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple, Self

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaConnectionError, KafkaError, RequestTimedOutError, for_code
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.structs import TopicPartition

from engine.batches import BrokenBatchError, RawRecords, Survey, parse_batches, survey_batches
from engine.log.compression import plain_batches
from engine.log.connection import SILENCE_MAX_MS, BrokenLogError, Connection, end_tasks, stop_client

_FETCH_WAIT_MS = 500
_RETRY_S = 0.1
_READ_UNCOMMITTED = 0
_NO_RECORDS = parse_batches(b"", survey_batches(b""))


class _Answer(NamedTuple):
    """What a fetch brought."""

    buffer: bytes
    end_offset: int


class RawReader:
    """Reads one partition in order from an offset of the caller's choice.

    While the caller works on what it was given, the next fetch is under way. Each reader has a connection of
    its own, on which the broker lets fetches wait for records.

    Parameters
    ----------
    offset : int
        The first to read.
    bytes_max : int
        What one fetch may bring, unless the first batch alone is larger.
    """

    def __init__(
        self,
        connection: Connection,
        topic: str,
        partition: int,
        *,
        offset: int,
        bytes_max: int = 4 * 1024 * 1024,
    ) -> None:
        self._client = AIOKafkaClient(**connection.options())
        self._at = TopicPartition(topic, partition)
        self._offset = offset
        self._bytes_max = bytes_max
        self._end_offset = -1
        self._fetching: asyncio.Task[_Answer] | None = None

    async def __aenter__(self) -> Self:
        try:
            await self._client.bootstrap()
            self._client.set_topics([self._at.topic])
        except (KafkaError, asyncio.CancelledError):
            await stop_client(self._client.close)
            raise
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._fetching is not None:
            await end_tasks(self._fetching)
        await stop_client(self._client.close)

    @property
    def offset(self) -> int:
        """The offset that will be read next."""
        return self._offset

    @property
    def end_offset(self) -> int:
        """The partition's end when Kafka last answered; -1 before it did."""
        return self._end_offset

    async def read(self, *, wait_ms: int) -> RawRecords:
        """Read what one fetch brings; no records when `wait_ms` passed without one.

        The very first fetch is not waited for again when there are none: the end is known then.

        Raises
        ------
        LogError
            When Kafka is away or has not answered for a while, when the offset is not in the partition, or
            when what it gave is broken. The same offset is read again by the next call.
        """
        until_s = time.monotonic() + wait_ms / 1_000
        is_first = self._end_offset < 0
        while True:
            if self._fetching is None:
                self._fetching = asyncio.create_task(self._fetch(self._offset))
            fetched, _ = await asyncio.wait([self._fetching], timeout=max(0.0, until_s - time.monotonic()))
            if not fetched:
                return _NO_RECORDS
            answer, self._fetching = self._fetching, None
            records = await self._take(answer.result())
            if len(records) or is_first or time.monotonic() >= until_s:
                return records

    async def _take(self, answer: _Answer) -> RawRecords:
        first = self._offset
        try:
            survey = survey_batches(answer.buffer)
            if answer.buffer and not survey.whole_bytes:
                raise BrokenBatchError("not even the first batch is whole")
            records = _parse(answer.buffer, survey, first)
        except BrokenBatchError as error:
            raise BrokenLogError(
                f"{self._at.topic}, partition {self._at.partition}, from {first} on: {error}"
            ) from error
        next_offset = max(first, survey.next_offset)
        following = asyncio.create_task(self._fetch(next_offset))
        try:
            # Its request is on its way before the caller keeps this thread busy.
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            following.cancel()
            raise
        self._offset, self._end_offset, self._fetching = next_offset, answer.end_offset, following
        return records

    async def _fetch(self, offset: int) -> _Answer:
        give_up_s = time.monotonic() + SILENCE_MAX_MS / 1_000
        while True:
            leader = self._client.cluster.leader_for_partition(self._at)
            if leader is None or leader == -1:
                error: KafkaError = KafkaConnectionError(f"{self._at} has no leader")
            else:
                code, answer = await self._ask(leader, offset)
                error = for_code(code)(f"{self._at}, offset {offset}")
                if code == 0:
                    return answer
                if not error.invalid_metadata:
                    raise error
            if time.monotonic() > give_up_s:
                raise error
            # Another broker leads the partition now, or will in a moment.
            self._client.force_metadata_update()
            await asyncio.sleep(_RETRY_S)

    async def _ask(self, leader: int, offset: int) -> tuple[int, _Answer]:
        partitions = [(self._at.partition, offset, self._bytes_max)]
        # The first answer tells where the partition ends, whether there is anything to read or not.
        wait_ms = 0 if self._end_offset < 0 else _FETCH_WAIT_MS
        request = FetchRequest(wait_ms, 1, self._bytes_max, _READ_UNCOMMITTED, [(self._at.topic, partitions)])
        try:
            response = await self._client.send(leader, request)
        except RequestTimedOutError as error:
            raise KafkaConnectionError(
                f"Kafka has not answered for {SILENCE_MAX_MS / 1_000:.0f} s"
            ) from error
        ((_, ((_, code, end_offset, *_, buffer),)),) = response.topics
        return code, _Answer(buffer or b"", end_offset)


def _parse(buffer: bytes, survey: Survey, first_offset: int) -> RawRecords:
    if survey.compressed:
        # Nothing of ours compresses, so this need not be fast.
        buffer = plain_batches(buffer[: survey.whole_bytes])
        survey = survey_batches(buffer)
    return parse_batches(buffer, survey, first_offset=first_offset)
