"""Records as columns, straight from their bytes, by compiled code.

A record of the engine's is an object of texts and numbers without white space or escapes. What is not so
stops the scan at its record, which is then decoded by the book; so whatever is taken here must be what
`engine.wire.records` would make of it.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import Any, Final, NamedTuple, get_type_hints

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct
from numpy.typing import NDArray

from engine.kernel.octets import SLACK, Octets, equal_octets, padded
from engine.kernel.uncounted import compiled, inlined
from engine.wire.json_scan import (
    CLOSE,
    COLON,
    COMMA,
    NOT_SIMPLE,
    OPEN,
    is_null,
    read_whole,
    skip_flag,
    skip_scalar,
    skip_text,
)
from homebroker.research.schemas import schema_of, words_of
from homebroker.research.texts import Integers, Texts, strings_of

_TEXT: Final = 0
_WHOLE: Final = 1
_DECIMAL: Final = 2
_FLAG: Final = 3
_TRUE_LENGTH: Final = len("true")
_ABSENT: Final = -1
_MINUS: Final = ord("-")
_POINT: Final = ord(".")
_ZERO: Final = ord("0")
_DIGITS_MAX: Final = 15
_POWERS: Final = np.array([10.0**decimals for decimals in range(_DIGITS_MAX + 1)])
_UNKNOWN: Final = -1


class Source(NamedTuple):
    """Where n records' values are; `octets` has `SLACK` bytes behind the last."""

    octets: Octets
    starts: Integers
    ends: Integers


class _Keys(NamedTuple):
    """What a record may have: k keys, how each is read, and as bits which may be null and which must be."""

    octets: Octets
    starts: Integers
    lengths: Integers
    reads: Integers
    nullable: int
    needed: int


class _Columns(NamedTuple):
    """What was read, by key and record.

    `numbers` has a text's place, a whole number, or the bits of a float64; `lengths` a text's length, else
    0, -1 where there is no value.
    """

    numbers: Integers
    lengths: Integers


@inlined
def _known_key(keys: _Keys, octets: Octets, start: int, length: int, expected: int) -> int:
    """Give a key's number; `expected` is tried first, and those behind it, as they stand in that order."""
    count = len(keys.starts)
    for step in range(count):
        key = expected + step
        if key >= count:
            key -= count
        if keys.lengths[key] == length and equal_octets(keys.octets, keys.starts[key], octets, start, length):
            return key
    return _UNKNOWN


@inlined
def _read_decimal(octets: Octets, at: int) -> tuple[int, float]:
    """Read a number without an exponent, exactly; gives the place behind it and the nearest float."""
    negative = octets[at] == _MINUS
    if negative:
        at += 1
    start = at
    mantissa = 0
    digit = int(octets[at]) - _ZERO
    while 0 <= digit <= 9:
        mantissa = mantissa * 10 + digit
        at += 1
        digit = int(octets[at]) - _ZERO
    digits = at - start
    decimals = 0
    if digits == 0 or (digits > 1 and octets[start] == _ZERO):
        return NOT_SIMPLE, 0.0
    if octets[at] == _POINT:
        at += 1
        digit = int(octets[at]) - _ZERO
        while 0 <= digit <= 9 and decimals < _DIGITS_MAX:
            mantissa = mantissa * 10 + digit
            decimals += 1
            at += 1
            digit = int(octets[at]) - _ZERO
        if decimals == 0:
            return NOT_SIMPLE, 0.0
    # With so few digits both are floats exactly, and a division of them is correctly rounded.
    if digits + decimals > _DIGITS_MAX:
        return NOT_SIMPLE, 0.0
    value = mantissa / _POWERS[decimals]
    return at, -value if negative else value


@inlined
def _read_value(octets: Octets, at: int, last: int, reads: int) -> tuple[int, int, float, int]:
    """Read a value; gives the place behind it, its number, its float and its length."""
    if reads == _TEXT:
        end = skip_text(octets, at, last)
        return end, at + 1, 0.0, end - at - 2
    if reads == _DECIMAL:
        end, value = _read_decimal(octets, at)
        return end, 0, value, 0
    if reads == _FLAG:
        end = skip_flag(octets, at)
        return end, int(end - at == _TRUE_LENGTH), 0.0, 0
    negative = octets[at] == _MINUS
    end, number = read_whole(octets, at + 1 if negative else at)
    return end, -number if negative else number, 0.0, 0


@inlined
def _read_record(
    octets: Octets, start: int, end: int, keys: _Keys, columns: _Columns, floats: Any, record: int
) -> bool:
    last = end - 1
    if start < 0 or last <= start or octets[last] != CLOSE or octets[start] != OPEN:
        return False
    given = 0
    expected = 0
    at = start
    follows = OPEN
    while octets[at] == follows:
        at += 1
        behind = skip_text(octets, at, last)
        if behind == NOT_SIMPLE or octets[behind] != COLON:
            return False
        key = _known_key(keys, octets, at + 1, behind - at - 2, expected)
        at = behind + 1
        if key == _UNKNOWN:
            at = skip_scalar(octets, at, last)
        elif is_null(octets, at):
            if keys.nullable >> key & 1 == 0:
                return False
            at += 4
            columns.lengths[key, record] = _ABSENT
            expected = key + 1
        else:
            at, number, value, length = _read_value(octets, at, last, keys.reads[key])
            if keys.reads[key] == _DECIMAL:
                floats[key, record] = value
            else:
                columns.numbers[key, record] = number
            columns.lengths[key, record] = length
            given |= 1 << key
            expected = key + 1
        if at == NOT_SIMPLE:
            return False
        if at == last:
            return given & keys.needed == keys.needed
        follows = COMMA
    return False


@compiled
def _scan(source: Source, first: int, keys: _Keys, columns: _Columns, floats: NDArray[np.float64]) -> int:
    octets, starts, ends = source
    record = first
    while record < len(starts):
        if not _read_record(octets, starts[record], ends[record], keys, columns, floats, record):
            break
        record += 1
    return record


class Scanner:
    """Reads records of one kind into columns.

    Parameters
    ----------
    row_type : type
        A struct of texts, enums, flags, whole and decimal numbers. What has a default may be left out.
    """

    def __init__(self, row_type: type[Struct]) -> None:
        self._schema = schema_of(row_type)
        self._enums = _enums_of(row_type)
        self._defaults = _defaults_of(row_type)
        self._keys = _keys_of(row_type)

    def scan(self, source: Source, first: int) -> tuple[int, pa.Table]:
        """Read records from one on, as far as they are plain.

        Returns
        -------
        tuple of int and Table
            The record that stopped the scan, n when none did; and a row for each that was read.
        """
        count = len(source.starts)
        columns = _Columns(
            np.zeros((len(self._schema), count), np.int64),
            np.full((len(self._schema), count), _ABSENT, np.int64),
        )
        floats = columns.numbers.view(np.float64)
        stopped = _scan(source, first, self._keys, columns, floats)
        arrays = [
            self._column(source, columns, floats, key, slice(first, stopped))
            for key in range(len(self._schema))
        ]
        return stopped, pa.Table.from_arrays(arrays, schema=self._schema)

    def _column(
        self, source: Source, columns: _Columns, floats: NDArray[np.float64], key: int, rows: slice
    ) -> pa.Array:
        field = self._schema.field(key)
        absent = columns.lengths[key, rows] == _ABSENT
        missing = absent if field.nullable or self._defaults[key] is not None else None
        if self._keys.reads[key] == _DECIMAL:
            return pa.array(floats[key, rows], mask=missing)
        if self._keys.reads[key] == _WHOLE:
            return pa.array(columns.numbers[key, rows], mask=missing)
        if self._keys.reads[key] == _FLAG:
            return pa.array(np.where(absent, self._defaults[key], columns.numbers[key, rows] != 0))
        lengths = np.maximum(columns.lengths[key, rows], 0)
        texts = strings_of(
            Texts(source.octets, columns.numbers[key, rows], lengths), escaped=False, missing=missing
        )
        enum = self._enums[key]
        if enum is None:
            return texts
        words = words_of(enum)
        places = pc.index_in(texts, value_set=words).cast(pa.int8())
        if places.null_count != texts.null_count:
            # A word that no engine wrote: the decoder of records says which.
            raise UnknownWordError
        default = self._defaults[key]
        if default is not None:
            places = places.fill_null(list(enum).index(default))
        return pa.DictionaryArray.from_arrays(places, words)


class UnknownWordError(ValueError):
    """A text stands where one of an enum's words must."""


def source_of(data: Octets, starts: Integers, ends: Integers) -> Source:
    """Give records' values with the room behind them that compiled code needs."""
    if len(ends) and int(ends.max()) + SLACK > len(data):
        data = padded(data.tobytes())
    return Source(data, np.ascontiguousarray(starts), np.ascontiguousarray(ends))


@cache
def _keys_of(row_type: type[Struct]) -> _Keys:
    schema = schema_of(row_type)
    names = [name.encode() for name in schema.names]
    reads = {pa.int64(): _WHOLE, pa.float64(): _DECIMAL, pa.bool_(): _FLAG}
    lengths = np.array([len(name) for name in names], np.int64)
    return _Keys(
        padded(b"".join(names)),
        np.cumsum(lengths) - lengths,
        lengths,
        np.array([reads.get(field.type, _TEXT) for field in schema], np.int64),
        _bits([field.nullable for field in schema]),
        _bits(
            [
                not field.nullable and default is None
                for field, default in zip(schema, _defaults_of(row_type), strict=True)
            ]
        ),
    )


def _bits(flags: list[bool]) -> int:
    return sum(1 << place for place, flag in enumerate(flags) if flag)


def _defaults_of(row_type: type[Struct]) -> list[Any]:
    """Give what a field is where it is left out; None where that is nothing, or not allowed."""
    defaults = [field.default for field in msgspec.structs.fields(row_type)]
    return [None if default is msgspec.NODEFAULT else default for default in defaults]


def _enums_of(row_type: type[Struct]) -> list[type[StrEnum] | None]:
    hints = get_type_hints(row_type)
    found: list[type[StrEnum] | None] = []
    for name in row_type.__struct_fields__:
        kinds = [kind for kind in getattr(hints[name], "__args__", (hints[name],)) if kind is not type(None)]
        found.append(kinds[0] if issubclass(kinds[0], StrEnum) else None)
    return found
