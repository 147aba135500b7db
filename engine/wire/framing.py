"""Records of Kafka's format (version 2) written by compiled code, in batches that are sent as they are.

A record's length, and its value's, stand before what they measure and are numbers of varying length. Room is
left for two bytes each, which is right for all but very long records; those are moved.

References
----------
The Kafka protocol's "Record Batch" and "Record".
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from engine.kernel.compile import called, inlined
from engine.kernel.layout import NONE
from engine.wire.addresses import load_byte, row_reader, store_byte
from engine.wire.json_text import is_plain, put_text, put_unescaped

BATCH_BYTES_MAX: Final = 512 * 1024
"""Records of a batch have at most so many bytes together, unless one alone has more."""
LENGTH_BYTES: Final = 2
FRAME_BYTES_MAX: Final = 32
"""What a record has beside its key and value."""

_TWO_BYTES_BELOW: Final = 1 << 13  # a length; its number is twice that

BATCH: Final = np.dtype(
    [("start", "i8"), ("end", "i8"), ("count", "i8"), ("first_time_ms", "i8"), ("max_time_ms", "i8")]
)
"""Where a batch's records stand in the topic's buffer, and what its header will say."""

PLACE: Final = np.dtype([("buffer", "i8"), ("size", "i8"), ("batch_rows", "i8"), ("batches_max", "i8")])
"""Where a topic's records go: addresses of bytes and of rows of BATCH, and how many there are of them."""

# How far the encoding of a topic is. The next record goes to `start` in the buffer; `batches` are in use, the
# last of them under way. `index` is the next record's among those of the command at `offset`; records up to
# (`sent_offset`, `sent_index`) are `skipped`. `wanted` is the room that the next record may need, where there
# is less.
ENCODING: Final = np.dtype(
    [
        ("place", PLACE),
        ("start", "i8"),
        ("batches", "i8"),
        ("offset", "i8"),
        ("index", "i8"),
        ("sent_offset", "i8"),
        ("sent_index", "i8"),
        ("skipped", "i8"),
        ("wanted", "i8"),
    ]
)
BATCHES_AT_ONCE: Final = 2
"""Batches that a record may begin: the first of all, and another when it does not fit in that."""

_batch_at = row_reader(BATCH)


@inlined
def has_room(encoding: Any, wanted: int) -> bool:
    """Tell whether there is room for so many bytes; if not, they are noted as wanted."""
    has_bytes = encoding.start + wanted <= encoding.place.size
    if has_bytes and encoding.batches + BATCHES_AT_ONCE <= encoding.place.batches_max:
        return True
    encoding.wanted = wanted
    return False


@called
def open_record(encoding: Any, time_ms: int) -> int:
    """Begin a record; give the address for its key."""
    if encoding.batches == 0:
        _begin_batch(encoding)
    batch = _batch_at(encoding.place.batch_rows, encoding.batches - 1)
    if batch.count == 0:
        batch.first_time_ms = time_ms
    at = encoding.place.buffer + encoding.start + LENGTH_BYTES
    store_byte(at, 0)  # attributes
    at = _put_varint(at + 1, time_ms - batch.first_time_ms)
    return _put_varint(at, batch.count)


@called
def put_key(at: int, start: int, length: int) -> int:
    """Put the record's key, a text escaped for JSON, without its escapes; give the address for its value."""
    if is_plain(start, length):
        return put_text(_put_varint(at, length), start, length) + LENGTH_BYTES
    unescaped = put_unescaped(at, start, length) - at
    return put_unescaped(_put_varint(at, unescaped), start, length) + LENGTH_BYTES


@called
def close_record(encoding: Any, value: int, end: int, time_ms: int) -> bool:
    """End a record whose value stands between two addresses.

    Returns
    -------
    bool
        False when it was one too many for the batch: another was begun, and the record is to be put again.
    """
    end = _put_length(value - LENGTH_BYTES, end)
    store_byte(end, 0)  # no headers
    end = _put_length(encoding.place.buffer + encoding.start, end + 1) - encoding.place.buffer
    batch = _batch_at(encoding.place.batch_rows, encoding.batches - 1)
    if end - batch.start > BATCH_BYTES_MAX and batch.count > 0:
        _begin_batch(encoding)
        return False
    batch.end = end
    batch.count += 1
    batch.max_time_ms = time_ms  # the market's time never goes back
    encoding.start = end
    return True


@called
def take_index(encoding: Any, offset: int) -> int:
    """Count a record of the command at an offset; give its index, NONE when it was sent before."""
    if encoding.offset != offset:
        encoding.offset = offset
        encoding.index = 0
    index = encoding.index
    encoding.index += 1
    if offset > encoding.sent_offset or (offset == encoding.sent_offset and index > encoding.sent_index):
        return int(index)
    encoding.skipped += 1
    return NONE


@called
def _begin_batch(encoding: Any) -> None:
    batch = _batch_at(encoding.place.batch_rows, encoding.batches)
    batch.start = batch.end = encoding.start
    batch.count = 0
    encoding.batches += 1


@inlined
def _put_varint(at: int, value: int) -> int:
    zigzag = 2 * value if value >= 0 else -2 * value - 1
    while zigzag > 0x7F:
        store_byte(at, (zigzag & 0x7F) | 0x80)
        zigzag >>= 7
        at += 1
    store_byte(at, zigzag)
    return at + 1


@inlined
def _put_length(place: int, end: int) -> int:
    length = end - place - LENGTH_BYTES
    if length < _TWO_BYTES_BELOW:
        store_byte(place, ((2 * length) & 0x7F) | 0x80)
        store_byte(place + 1, (2 * length) >> 7)
        return end
    return _put_long_length(place, end)


@called
def _put_long_length(place: int, end: int) -> int:
    length = end - place - LENGTH_BYTES
    longer = _put_varint(end, length) - end - LENGTH_BYTES  # behind the end there is room to try
    for at in range(end - 1, place + LENGTH_BYTES - 1, -1):
        store_byte(at + longer, load_byte(at))
    _put_varint(place, length)
    return end + longer
