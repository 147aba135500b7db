"""Record batches whose records are encoded already: the header around them, as Kafka's format 2 has it."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, Protocol

from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c
from msgspec import Struct

BATCH_BYTES_MAX: Final = 512 * 1024
"""What the records of a batch have together at most, unless one alone has more."""

_HEADER: Final = struct.Struct(">qiibIhiqqqhii")
_PREFIX_BYTES: Final = 12  # base offset and length: what the length does not count
_CHECKSUM_AT: Final = 17
_CHECKED_FROM: Final = 21
_FORMAT: Final = 2


class EncodedRecords(Protocol):
    """Encoded records that are to become one batch.

    `records` are format 2's, one behind the other, offset deltas counting from 0 and time deltas from
    `first_time_ms`.
    """

    @property
    def records(self) -> bytes | memoryview: ...
    @property
    def count(self) -> int: ...
    @property
    def first_time_ms(self) -> int: ...
    @property
    def max_time_ms(self) -> int: ...


class ProducerState(NamedTuple):
    """Who sends a batch, and how many records it has sent to the partition before."""

    producer_id: int = -1
    epoch: int = -1
    sequence: int = -1


class _Framed(Struct, frozen=True):
    records: memoryview
    count: int
    first_time_ms: int
    max_time_ms: int


def sealed_size(batch: EncodedRecords) -> int:
    """Give the bytes of a batch with its header."""
    return _HEADER.size + len(batch.records)


def seal(batch: EncodedRecords, producer: ProducerState, target: memoryview) -> None:
    """Write a batch, complete, into exactly as many bytes as it takes."""
    assert batch.count > 0, "Kafka takes no batch without records"
    assert len(target) == sealed_size(batch)
    _HEADER.pack_into(
        target,
        0,
        0,  # base offset: the broker's to say
        len(target) - _PREFIX_BYTES,
        -1,  # leader epoch: the broker's to say
        _FORMAT,
        0,  # checksum: of what follows, below
        0,  # attributes: not compressed, times of creation
        batch.count - 1,
        batch.first_time_ms,
        batch.max_time_ms,
        *producer,
        batch.count,
    )
    target[_HEADER.size :] = batch.records
    struct.pack_into(">I", target, _CHECKSUM_AT, calc_crc32c(target[_CHECKED_FROM:]))


def batch_bytes(batch: EncodedRecords) -> bytes:
    """Give a batch as Kafka would keep it, for those who read it back without Kafka."""
    content = bytearray(sealed_size(batch))
    seal(batch, ProducerState(), memoryview(content))
    return bytes(content)


def frame(records: Iterable[tuple[bytes, bytes, int]]) -> Iterator[EncodedRecords]:
    """Encode records, each a key, a value and a time that never goes back, in as few batches as they fit."""
    builder, times_ms = _builder(), list[int]()
    for key, value, time_ms in records:
        if builder.append(len(times_ms), time_ms, key, value, []) is None:
            yield _framed(builder, times_ms)
            builder, times_ms = _builder(), []
            builder.append(0, time_ms, key, value, [])
        times_ms.append(time_ms)
    if times_ms:
        yield _framed(builder, times_ms)


def _builder() -> DefaultRecordBatchBuilder:
    return DefaultRecordBatchBuilder(
        magic=_FORMAT,
        compression_type=0,
        is_transactional=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=BATCH_BYTES_MAX,
    )


def _framed(builder: DefaultRecordBatchBuilder, times_ms: list[int]) -> EncodedRecords:
    return _Framed(memoryview(builder.build())[_HEADER.size :], len(times_ms), times_ms[0], times_ms[-1])
