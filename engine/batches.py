"""Kafka's record batches as arrays: where each record's value lies in what a fetch brought.

A fetch brings whole batches and perhaps the beginning of one more. Batches of format 2 are read here, without
a Python object a record; what does not hold together is an error, wherever in the bytes it is.

References
----------
Apache Kafka, Implementation, Message Format: https://kafka.apache.org/documentation/#messageformat
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from engine.crc32c import crc32c
from engine.kernel.compile import compiled, inlined

_Bytes: TypeAlias = NDArray[np.uint8]
_Integers: TypeAlias = NDArray[np.int64]

_PREFIX_BYTES: Final = 12  # base offset and length: what the length does not count
_HEADER_BYTES: Final = 61
_RECORD_BYTES_MIN: Final = 7
_VARINT_BITS_MAX: Final = 63

_LENGTH_AT: Final = 8
_MAGIC_AT: Final = 16
_CHECKSUM_AT: Final = 17
_ATTRIBUTES_AT: Final = 21
_LAST_DELTA_AT: Final = 23
_FIRST_TIME_AT: Final = 27
_MAX_TIME_AT: Final = 35
_COUNT_AT: Final = 57

_CODEC: Final = 0x07
_BROKER_TIME: Final = 0x08
_CONTROL: Final = 0x20

_WHOLE: Final = 0
_BAD_LENGTH: Final = 1
_BAD_FORMAT: Final = 2
_BAD_COUNT: Final = 3
_BAD_ORDER: Final = 4
_BAD_CHECKSUM: Final = 5
_BAD_RECORD: Final = 6
_COMPRESSED: Final = 7
_FAULTS: Final = (
    "",
    "has an impossible length",
    "is not of format 2",
    "has an impossible number of records",
    "does not follow the offsets before it",
    "does not have the checksum it should",
    "has a record that ends outside it",
    "is compressed",
)


class BrokenBatchError(ValueError):
    """Bytes that should be record batches and are not."""


class Survey(Struct, frozen=True):
    """What a buffer's batches say of themselves, before their records are read.

    `whole_bytes` of the buffer are whole batches, `next_offset` is the one behind the last of them, -1 when
    there is none.
    """

    whole_bytes: int
    records: int
    next_offset: int
    compressed: bool


class RawRecords(Struct, frozen=True, eq=False):
    """Records of one partition, in order, as places in the bytes that brought them.

    Attributes
    ----------
    data : ndarray of uint8
        The bytes, shape (b,), read-only.
    offsets, times_ms : ndarray of int64
        Shape (n,); the offsets rise, perhaps with gaps.
    starts, ends : ndarray of int64
        Where each value begins in `data` and before where it ends, shape (n,); -1 for a record without one.
    """

    data: _Bytes
    offsets: _Integers
    times_ms: _Integers
    starts: _Integers
    ends: _Integers

    def __len__(self) -> int:
        return len(self.offsets)

    def view(self, row: int) -> memoryview | None:
        """Give one record's value, uncopied."""
        return None if self.starts[row] < 0 else self.data[self.starts[row] : self.ends[row]].data

    def value(self, row: int) -> bytes | None:
        """Give a copy of one record's value."""
        view = self.view(row)
        return None if view is None else bytes(view)


def survey_batches(buffer: bytes | memoryview) -> Survey:
    """Look through the headers of a buffer's whole batches.

    Raises
    ------
    BrokenBatchError
        When a header says what cannot be.
    """
    found = np.zeros(4, np.int64)
    at, fault = _survey(_bytes_of(buffer), found)
    _check(buffer, at, fault)
    return Survey(int(found[0]), int(found[1]), int(found[2]), bool(found[3]))


def parse_batches(buffer: bytes | memoryview, survey: Survey, *, first_offset: int = 0) -> RawRecords:
    """Find the records of a buffer's whole batches; those of control batches are left out.

    Parameters
    ----------
    buffer : bytes or memoryview
        What a fetch brought, its batches not compressed.
    survey : Survey
        Of the same buffer.
    first_offset : int
        Records before it are left out: a fetch brings the whole batch that an offset lies in.

    Raises
    ------
    BrokenBatchError
        When a batch's checksum is wrong, its records do not fill it, or it is compressed.
    """
    data = _bytes_of(buffer)
    places = np.empty((4, survey.records), np.int64)
    at, fault, count = _parse(data, survey.whole_bytes, places)
    _check(buffer, at, fault)
    first = int(np.searchsorted(places[0, :count], first_offset))
    offsets, times_ms, starts, ends = places[:, first:count]
    return RawRecords(data, offsets, times_ms, starts, ends)


def warm_up() -> None:
    """Load the compiled code, or compile it where it is not kept yet."""
    parse_batches(b"", survey_batches(b""))


def _bytes_of(buffer: bytes | memoryview) -> _Bytes:
    data = np.frombuffer(buffer, np.uint8)
    # Always read-only, so that there is one compiled version.
    data.flags.writeable = False
    return data


def _check(buffer: bytes | memoryview, at: int, fault: int) -> None:
    if fault != _WHOLE:
        offset = int.from_bytes(buffer[at : at + 8], "big", signed=True)
        raise BrokenBatchError(f"the batch of offset {offset} {_FAULTS[fault]} (byte {at} of {len(buffer)})")


@inlined
def _integer(data: _Bytes, at: int, size: int) -> Any:
    value = np.int64(data[at])
    if value >= 128:
        value -= 256
    for place in range(at + 1, at + size):
        value = (value << 8) | np.int64(data[place])
    return value


@inlined
def _varint(data: _Bytes, at: int, end: int) -> tuple[Any, int]:
    """Read a zigzag varint that must end before `end`; gives it and the place behind it, -1 if broken."""
    if at >= end:
        return 0, -1
    byte = np.int64(data[at])
    at += 1
    bits = byte & 0x7F
    shift = 7
    while byte >= 128:
        if at >= end or shift > _VARINT_BITS_MAX:
            return 0, -1
        byte = np.int64(data[at])
        at += 1
        bits |= (byte & 0x7F) << shift
        shift += 7
    # The zigzag's upper bit stands where an int64's sign does, so it is shifted down without one.
    return ((bits >> 1) & 0x7FFF_FFFF_FFFF_FFFF) ^ -(bits & 1), at


@compiled
def _survey(data: _Bytes, found: _Integers) -> tuple[int, int]:
    """Fill `found` with what a `Survey` says; gives a batch's place and what is wrong with it."""
    size = data.shape[0]
    at = 0
    records = 0
    next_offset = -1
    compressed = 0
    while size - at >= _PREFIX_BYTES:
        length = _integer(data, at + _LENGTH_AT, 4)
        if length < _HEADER_BYTES - _PREFIX_BYTES:
            return at, _BAD_LENGTH
        if size - at - _PREFIX_BYTES < length:
            break
        if data[at + _MAGIC_AT] != 2:
            return at, _BAD_FORMAT
        attributes = _integer(data, at + _ATTRIBUTES_AT, 2)
        count = _integer(data, at + _COUNT_AT, 4)
        last_delta = _integer(data, at + _LAST_DELTA_AT, 4)
        if attributes & _CODEC:
            compressed = 1
        elif count < 0 or count * _RECORD_BYTES_MIN > length + _PREFIX_BYTES - _HEADER_BYTES:
            return at, _BAD_COUNT
        else:
            records += count
        base = _integer(data, at, 8)
        if base < 0 or base < next_offset or last_delta < 0:
            return at, _BAD_ORDER
        next_offset = base + last_delta + 1
        at += _PREFIX_BYTES + length
    found[0] = at
    found[1] = records
    found[2] = next_offset
    found[3] = compressed
    return at, _WHOLE


@compiled
def _parse(data: _Bytes, whole_bytes: int, places: _Integers) -> tuple[int, int, int]:
    """Fill `places` with offsets, times, starts, ends; gives a batch's place, its fault, and the records."""
    at = 0
    row = 0
    while at < whole_bytes:
        end = at + _PREFIX_BYTES + _integer(data, at + _LENGTH_AT, 4)
        attributes = _integer(data, at + _ATTRIBUTES_AT, 2)
        if attributes & _CODEC:
            return at, _COMPRESSED, row
        if _integer(data, at + _CHECKSUM_AT, 4) & 0xFFFF_FFFF != crc32c(data, at + _ATTRIBUTES_AT, end):
            return at, _BAD_CHECKSUM, row
        if attributes & _CONTROL == 0:
            row = _parse_records(data, at, end, places, row)
            if row < 0:
                return at, _BAD_RECORD, 0
        at = end
    return at, _WHOLE, row


@inlined
def _parse_records(data: _Bytes, at: int, end: int, places: _Integers, row: int) -> int:
    """Fill `places` from `row` on with one batch's records; gives the next row, -1 when they are broken."""
    base = _integer(data, at, 8)
    attributes = _integer(data, at + _ATTRIBUTES_AT, 2)
    last_delta = _integer(data, at + _LAST_DELTA_AT, 4)
    first_time_ms = _integer(data, at + _FIRST_TIME_AT, 8)
    max_time_ms = _integer(data, at + _MAX_TIME_AT, 8)
    last_row = row + _integer(data, at + _COUNT_AT, 4)
    earlier_delta = -1
    place = at + _HEADER_BYTES
    while row < last_row:
        length, place = _varint(data, place, end)
        if place < 0 or length < _RECORD_BYTES_MIN - 1 or length > end - place:
            return -1
        record_end = place + length
        # Behind the record's own attributes, which have no meaning yet.
        time_delta, place = _varint(data, place + 1, record_end)
        if place < 0:
            return -1
        offset_delta, place = _varint(data, place, record_end)
        if place < 0 or offset_delta <= earlier_delta or offset_delta > last_delta:
            return -1
        key_length, place = _varint(data, place, record_end)
        if place < 0 or key_length > record_end - place:
            return -1
        value_length, place = _varint(data, place + max(key_length, 0), record_end)
        if place < 0 or value_length > record_end - place:
            return -1
        places[0, row] = base + offset_delta
        places[1, row] = max_time_ms if attributes & _BROKER_TIME else first_time_ms + time_delta
        places[2, row] = place if value_length >= 0 else -1
        places[3, row] = place + value_length if value_length >= 0 else -1
        earlier_delta = offset_delta
        row += 1
        place = record_end
    return row if place == end else -1
