"""Record batches whose records are encoded already: the header around them, as Kafka's format 2 has it."""

from __future__ import annotations

import struct
from typing import Protocol

from aiokafka.record.util import calc_crc32c

_HEADER = struct.Struct(">qiibIhiqqqhii")
_PREFIX_BYTES = 12  # base offset and length: what the length does not count
_CHECKSUM_AT = 17
_CHECKED_FROM = 21
_PRODUCER = struct.Struct(">qhi")
_PRODUCER_AT = 43
_FORMAT = 2


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


class SealedBatch:
    """What aiokafka's producer takes in place of its own `BatchBuilder`: complete from the beginning."""

    def __init__(self, batch: EncodedRecords) -> None:
        assert batch.count > 0, "Kafka takes no batch without records"
        self._count = batch.count
        size = _HEADER.size + len(batch.records)
        self._buffer = bytearray(size)
        _HEADER.pack_into(
            self._buffer,
            0,
            0,  # base offset: the broker's to say
            size - _PREFIX_BYTES,
            -1,  # leader epoch: the broker's to say
            _FORMAT,
            0,  # checksum: when the producer is known
            0,  # attributes: not compressed, times of creation
            batch.count - 1,
            batch.first_time_ms,
            batch.max_time_ms,
            -1,
            -1,
            -1,
            batch.count,
        )
        self._buffer[_HEADER.size :] = batch.records
        self._sealed = False

    def record_count(self) -> int:
        """Give the number of records."""
        return self._count

    def size(self) -> int:
        """Give the number of bytes."""
        return len(self._buffer)

    def closed(self) -> bool:
        """Tell that nothing can be added."""
        return True

    def close(self) -> None:
        """Do nothing: it is closed."""

    def append(self, **_record: object) -> None:
        """Refuse a record."""

    def _set_producer_state(self, producer_id: int, producer_epoch: int, base_sequence: int) -> None:
        assert not self._sealed, "a batch that was sent keeps its place in the sequence"
        _PRODUCER.pack_into(self._buffer, _PRODUCER_AT, producer_id, producer_epoch, base_sequence)

    def _build(self) -> bytearray:
        if not self._sealed:
            checksum = calc_crc32c(memoryview(self._buffer)[_CHECKED_FROM:])
            struct.pack_into(">I", self._buffer, _CHECKSUM_AT, checksum)
            self._sealed = True
        return self._buffer


def batch_bytes(batch: EncodedRecords) -> bytes:
    """Give a batch as Kafka would keep it, for those who read it back without Kafka."""
    return bytes(SealedBatch(batch)._build())
