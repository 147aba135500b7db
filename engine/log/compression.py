"""Compressed batches made plain ones."""

from __future__ import annotations

from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from engine.batches import BrokenBatchError

_FORMAT = 2


def plain_batches(buffer: bytes) -> bytes:
    """Rewrite whole batches as batches that are not compressed; control batches are left out.

    Raises
    ------
    BrokenBatchError
        When a batch's checksum is wrong.
    UnsupportedCodecError
        When the library that a batch was compressed with is not installed.
    """
    batches = MemoryRecords(buffer)
    plain = bytearray()
    while batches.has_next():
        plain += _plain(batches.next_batch())
    return bytes(plain)


def _plain(batch: DefaultRecordBatch) -> bytes:
    if batch.is_control_batch:
        return b""
    if not batch.validate_crc():
        raise BrokenBatchError(
            f"the batch of offset {batch.base_offset} does not have the checksum it should"
        )
    builder = DefaultRecordBatchBuilder(
        _FORMAT,
        0,
        is_transactional=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=2**31 - 1,
    )
    for record in batch:
        builder.append(
            record.offset - batch.base_offset,
            record.timestamp,
            key=record.key,
            value=record.value,
            headers=record.headers,
        )
    # The base offset stands first and outside what the checksum covers.
    base_offset: int = batch.base_offset
    return base_offset.to_bytes(8, "big") + bytes(builder.build())[8:]
