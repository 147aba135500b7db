"""Commands as rows, straight from the bytes of their records.

The four commands that make up the flow are read here when their records are plain: any order of fields, any
white space, unknown fields with plain values. What is not plain, or not a good command, stops the scan at its
record, and `decode_command` looks at it. So whatever is accepted here must be what `decode_command` and
`CommandRows.add` would make of it.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from engine.domain import ID_LENGTH_MAX, PRICE_UNITS_MAX, QUANTITY_MAX, TIME_MS_MAX, UNITS_PER_CURRENCY
from engine.kernel.bits import lowest_bit
from engine.kernel.fingerprint import fingerprint
from engine.kernel.layout import ANY_ASSET, NONE, CommandKind
from engine.kernel.octets import Octets, copy_octets
from engine.kernel.uncounted import compiled, inlined
from engine.names import NameTable, find_name
from engine.wire.commands import RECORD_BYTES_MAX
from engine.wire.json_scan import (
    CLOSE,
    COLON,
    COMMA,
    NOT_SIMPLE,
    OPEN,
    is_null,
    is_space,
    read_units,
    read_whole,
    skip_flag,
    skip_scalar,
    skip_space,
    skip_text,
)
from engine.wire.vocabulary import UNKNOWN, Key, key_of, number_of

_Integers: TypeAlias = npt.NDArray[np.int64]

_PRICE_WHOLE_MAX: Final = PRICE_UNITS_MAX // UNITS_PER_CURRENCY

# How a key's value is read.
_TEXT: Final = 0
_WORD: Final = 1
_FLAG: Final = 2
_WHOLE: Final = 3
_PRICE: Final = 4
_READS: Final = np.full(len(Key), _TEXT, np.int64)
_READS[[Key.COMMAND, Key.SIDE, Key.TYPE, Key.TIME_IN_FORCE, Key.SELF_TRADE]] = _WORD
_READS[Key.POST_ONLY] = _FLAG
_READS[[Key.QUANTITY, Key.DISPLAY_QUANTITY, Key.EXPIRES_AT_MS]] = _WHOLE
_READS[[Key.PRICE, Key.STOP_PRICE]] = _PRICE

# The bounds of a key's number, and of a text's length.
_LEAST: Final = 1
_MOST: Final = np.full(len(Key), ID_LENGTH_MAX, np.int64)
_MOST[[Key.QUANTITY, Key.DISPLAY_QUANTITY]] = QUANTITY_MAX
_MOST[[Key.PRICE, Key.STOP_PRICE]] = PRICE_UNITS_MAX
_MOST[Key.EXPIRES_AT_MS] = TIME_MS_MAX


def _bits(*keys: Key) -> int:
    return sum(1 << key for key in keys)


# By kind of command, as bits of keys: what must be there, what may be, and which of that may be null.
_KINDS: Final = max(CommandKind.PLACE, CommandKind.CANCEL, CommandKind.CANCEL_ALL, CommandKind.AMEND) + 1
_NEEDED: Final = np.full(_KINDS, _bits(Key.COMMAND), np.int64)
_NEEDED[CommandKind.PLACE] = _bits(
    Key.COMMAND, Key.ORDER_ID, Key.INVESTOR_ID, Key.SYMBOL, Key.SIDE, Key.QUANTITY
)
_NEEDED[[CommandKind.CANCEL, CommandKind.AMEND]] = _bits(Key.COMMAND, Key.ORDER_ID, Key.INVESTOR_ID)
_NEEDED[CommandKind.CANCEL_ALL] = _bits(Key.COMMAND, Key.INVESTOR_ID)
_NULLABLE: Final = np.zeros(_KINDS, np.int64)
_NULLABLE[CommandKind.PLACE] = _bits(
    Key.PRICE, Key.STOP_PRICE, Key.EXPIRES_AT_MS, Key.DISPLAY_QUANTITY, Key.CLIENT_ORDER_ID
)
_NULLABLE[CommandKind.AMEND] = _bits(Key.QUANTITY, Key.PRICE)
_NULLABLE[CommandKind.CANCEL_ALL] = _bits(Key.SYMBOL)
_KNOWN: Final = _NEEDED | _NULLABLE
_KNOWN[CommandKind.PLACE] |= _bits(Key.TYPE, Key.TIME_IN_FORCE, Key.POST_ONLY, Key.SELF_TRADE)


class Source(NamedTuple):
    """Where n records' values are.

    `octets` has `SLACK` bytes behind the last value. The others have shape (n,); `starts` is -1 where there
    is no value.
    """

    octets: Octets
    offsets: _Integers
    times_ms: _Integers
    starts: _Integers
    ends: _Integers


class Names(NamedTuple):
    """The names that are known."""

    investors: NameTable
    symbols: NameTable


class Fields(NamedTuple):
    """One record's fields, by key: a number (of a text, the place where it begins), and a text's length."""

    numbers: _Integers
    lengths: _Integers


class Target(NamedTuple):
    """What is written to: rows and texts, both with room for all that comes; and the fields of one record.

    `rows` are COMMAND; `text` has `SLACK` bytes more than are needed.
    """

    rows: npt.NDArray[Any]
    text: Octets
    fields: Fields


def empty_fields() -> Fields:
    """Give room for a record's fields."""
    return Fields(np.zeros(len(Key), np.int64), np.zeros(len(Key), np.int64))


@inlined
def _read_value(octets: Octets, at: int, last: int, key: int, fields: Fields) -> int:
    """Read a known key's value; gives the place behind it."""
    reads = _READS[key]
    start = at
    if reads == _TEXT:
        at = skip_text(octets, at, last)
        number, measure = start + 1, at - start - 2
        fields.lengths[key] = measure
    elif reads == _WORD:
        at = skip_text(octets, at, last)
        number = number_of(octets, start + 1, at - start - 2, key)
        measure = number - UNKNOWN
    elif reads == _FLAG:
        at = skip_flag(octets, at)
        number, measure = int(at - start == len("true")), 1
    elif reads == _WHOLE:
        at, number = read_whole(octets, at)
        measure = number
    else:
        at, number = read_units(octets, at, _PRICE_WHOLE_MAX)
        measure = number
    fields.numbers[key] = number
    return at if _LEAST <= measure <= _MOST[key] else NOT_SIMPLE


@inlined
def _read_object(octets: Octets, at: int, last: int, fields: Fields) -> tuple[int, int]:
    """Read an object; gives the bits of its keys with a value, or NOT_SIMPLE, and of those with null."""
    given = nulls = 0
    at = skip_space(octets, at)
    follows = OPEN
    while at != NOT_SIMPLE and octets[at] == follows:
        start = skip_space(octets, at + 1)
        end = skip_text(octets, start, last)
        if end == NOT_SIMPLE:
            break
        at = skip_space(octets, end)
        if octets[at] != COLON:
            break
        at = skip_space(octets, at + 1)
        key = key_of(octets, start + 1, end - start - 2)
        bit = 0 if key == UNKNOWN else 1 << key
        if (given | nulls) & bit != 0:
            break
        if is_null(octets, at):
            at += len("null")
            nulls |= bit
        elif key == UNKNOWN:
            at = skip_scalar(octets, at, last)
        else:
            given |= bit
            at = _read_value(octets, at, last, key, fields)
        if at != NOT_SIMPLE:
            at = skip_space(octets, at)
            if at == last:
                return given, nulls
        follows = COMMA
    return NOT_SIMPLE, 0


@inlined
def _read_record(octets: Octets, start: int, end: int, fields: Fields) -> bool:
    """Read a record's value; tells whether it is a good command of a kind that is read here."""
    if start < 0 or end - start > RECORD_BYTES_MAX:
        return False
    last = end - 1
    while last > start and is_space(octets[last]):
        last -= 1
    if last <= start or octets[last] != CLOSE:
        return False
    fields.numbers[:] = 0
    fields.lengths[:] = 0
    given, nulls = _read_object(octets, start, last, fields)
    kind = fields.numbers[Key.COMMAND]
    if given == NOT_SIMPLE or given & _NEEDED[kind] != _NEEDED[kind] or nulls & ~_NULLABLE[kind] != 0:
        return False
    others = given & ~_KNOWN[kind]
    while others != 0:
        key = lowest_bit(others)
        fields.numbers[key] = 0
        fields.lengths[key] = 0
        others &= others - 1
    return True


@inlined
def _write_numbers(row: Any, numbers: _Integers) -> None:
    row.price = numbers[Key.PRICE]
    row.stop_price = numbers[Key.STOP_PRICE]
    row.expires_at_ms = numbers[Key.EXPIRES_AT_MS]
    row.quantity = numbers[Key.QUANTITY]
    row.display_quantity = numbers[Key.DISPLAY_QUANTITY]
    row.kind = numbers[Key.COMMAND]
    row.side = numbers[Key.SIDE]
    row.type = numbers[Key.TYPE]
    row.time_in_force = numbers[Key.TIME_IN_FORCE]
    row.self_trade = numbers[Key.SELF_TRADE]
    row.flag = numbers[Key.POST_ONLY]


@inlined
def _write_texts(row: Any, octets: Octets, fields: Fields, text: Octets, text_length: int) -> int:
    row.text = text_length
    row.id_length = fields.lengths[Key.ORDER_ID]
    row.client_length = fields.lengths[Key.CLIENT_ORDER_ID]
    row.investor_length = fields.lengths[Key.INVESTOR_ID]
    row.symbol_length = fields.lengths[Key.SYMBOL]
    row.message_length = 0
    for key in range(Key.ORDER_ID, Key.SYMBOL + 1):
        copy_octets(octets, fields.numbers[key], text, text_length, fields.lengths[key])
        text_length += fields.lengths[key]
    return text_length


@inlined
def _find_field(names: NameTable, octets: Octets, fields: Fields, key: int) -> int:
    length = fields.lengths[key]
    return NONE if length == 0 else find_name(names, octets, fields.numbers[key], length)


@inlined
def _write_names(row: Any, octets: Octets, fields: Fields, names: Names) -> bool:
    """Write who and what the row speaks of; tells whether its symbol is known, and so a symbol at all."""
    row.account = _find_field(names.investors, octets, fields, Key.INVESTOR_ID)
    asset = _find_field(names.symbols, octets, fields, Key.SYMBOL)
    has_symbol = fields.lengths[Key.SYMBOL] != 0
    is_any = fields.numbers[Key.COMMAND] == CommandKind.CANCEL_ALL and not has_symbol
    row.asset = ANY_ASSET if is_any else asset
    low = high = 0
    if fields.lengths[Key.ORDER_ID] != 0:
        low, high = fingerprint(octets, fields.numbers[Key.ORDER_ID], fields.lengths[Key.ORDER_ID])
    row.id_low = low
    row.id_high = high
    return asset != NONE or not has_symbol


@compiled
def scan_records(
    source: Source, first: int, names: Names, target: Target, text_length: int
) -> tuple[int, int]:
    """Write rows for records, from one on, as far as they are plain.

    Parameters
    ----------
    source : Source
        The records.
    first : int
        The record to begin with.
    names : Names
        The names that are known.
    target : Target
        A record's row is written at the record's number.
    text_length : int
        Where in the target's text to go on.

    Returns
    -------
    tuple of int
        The record that stopped the scan, n when none did, and the text's length.
    """
    octets, offsets, times_ms, starts, ends = source
    rows, text, fields = target
    record = first
    while record < len(starts) and _read_record(octets, starts[record], ends[record], fields):
        row = rows[record]
        if not _write_names(row, octets, fields, names):
            break
        row.offset = offsets[record]
        row.time_ms = times_ms[record]
        _write_numbers(row, fields.numbers)
        text_length = _write_texts(row, octets, fields, text, text_length)
        record += 1
    return record, text_length
