"""JSON text written by compiled code, as msgspec would write it.

Every function puts something at an address and gives the address behind it. Nothing checks that there is
room: the caller does, for a whole record, `OVERSHOOT_BYTES` included.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from engine.domain import UNITS_PER_CURRENCY
from engine.kernel.bits import highest_bit
from engine.kernel.compile import called, inlined
from engine.kernel.octets import Octets
from engine.wire.addresses import address_of, copy_bytes, load_byte, store_byte
from engine.wire.records import AVERAGE_EXACT_MAX_UNITS

PIECE_BYTES_MAX: Final = 64
OVERSHOOT_BYTES: Final = PIECE_BYTES_MAX
"""Bytes behind a piece that putting it may overwrite: copying a fixed length is the fastest."""

_MINUS: Final = ord("-")
_DOT: Final = ord(".")
_ZERO: Final = ord("0")
_BACKSLASH: Final = ord("\\")
_LETTER_E: Final = ord("e")
_LETTER_U: Final = ord("u")
_DIGIT_PAIRS: Final = np.frombuffer("".join(f"{n:02}" for n in range(100)).encode(), np.uint8).copy()
_POWERS_OF_TEN: Final = 10 ** np.arange(19, dtype=np.int64)
_POWERS_OF_TEN[0] = 0  # so that zero has a digit
_AVERAGE_DECIMALS: Final = 8
_EXPONENT_BELOW: Final = 1_000  # msgspec writes what is smaller than a hundred-thousandth with an exponent
# From 2**39 on, floats are further apart than ten-thousandths; from 2**40 on, twice as far.
_DENSE_MAX_UNITS: Final = 2**39 * UNITS_PER_CURRENCY
_HALF_DENSE_MAX_UNITS: Final = 2**40 * UNITS_PER_CURRENCY

# What stands for one byte behind a backslash.
_UNESCAPED: Final = np.arange(256, dtype=np.uint8)
for _letter, _byte in zip(b"bfnrt", b"\b\f\n\r\t", strict=True):
    _UNESCAPED[_letter] = _byte


class Pieces:
    """Short fixed texts, put by their numbers."""

    def __init__(self) -> None:
        self._texts: list[bytes] = []

    def add(self, *texts: str) -> int:
        """Take in texts that may be put; give the first one's number, from which the others count on."""
        first = len(self._texts)
        self._texts.extend(text.encode() for text in texts)
        return first

    def table(self) -> Octets:
        """Give the texts, shape (count, PIECE_BYTES_MAX)."""
        assert max(map(len, self._texts)) <= PIECE_BYTES_MAX
        padded = b"".join(text.ljust(PIECE_BYTES_MAX, b"\0") for text in self._texts)
        return np.frombuffer(padded, np.uint8).reshape(-1, PIECE_BYTES_MAX).copy()

    def lengths(self) -> npt.NDArray[np.int64]:
        """Give the texts' lengths in bytes."""
        return np.array([len(text) for text in self._texts], np.int64)


@inlined
def put_piece(at: int, table: Octets, lengths: npt.NDArray[np.int64], piece: int) -> int:
    """Put a piece of `Pieces`."""
    copy_bytes(at, address_of(table) + piece * PIECE_BYTES_MAX, PIECE_BYTES_MAX)
    return at + int(lengths[piece])


@inlined
def put_byte(at: int, byte: int) -> int:
    """Put a byte."""
    store_byte(at, byte)
    return at + 1


@inlined
def put_text(at: int, start: int, length: int) -> int:
    """Put bytes that stand elsewhere as they are."""
    copy_bytes(at, start, length)
    return at + length


@inlined
def _put_digits(at: int, value: int, digits: int) -> int:
    end = place = at + digits
    while digits >= 2:
        rest = value // 100
        pair = 2 * (value - 100 * rest)
        place -= 2
        store_byte(place, _DIGIT_PAIRS[pair])
        store_byte(place + 1, _DIGIT_PAIRS[pair + 1])
        value = rest
        digits -= 2
    if digits:
        store_byte(at, _ZERO + value)
    return end


@called
def put_count(at: int, value: int) -> int:
    """Put an integer that is not negative."""
    # 1233 / 4096 is a little more than the decimal digits in a bit.
    digits = ((highest_bit(value | 1) + 1) * 1_233) >> 12
    if value >= _POWERS_OF_TEN[digits]:
        digits += 1
    return _put_digits(at, value, digits)


@inlined
def put_integer(at: int, value: int) -> int:
    """Put an integer."""
    if value < 0:
        store_byte(at, _MINUS)
        return put_count(at + 1, -value)
    return put_count(at, value)


@inlined
def _put_decimal(at: int, whole: int, part: int, decimals: int) -> int:
    at = put_count(at, whole)
    store_byte(at, _DOT)
    end = _put_digits(at + 1, part, decimals)
    while load_byte(end - 1) == _ZERO and end > at + 2:
        end -= 1
    return end


@called
def _shortest_units(units: int) -> int:
    # Between 2**39 and 2**40 a float is a count of 1/8192. The shortest number that reads as the same float
    # as `units` is one with three decimals if any does, else the nearest one with four.
    in_floats = (units * 512 + 312) // 625
    exactly_512 = in_floats * 625  # the float's own value, in 1/512 of a unit
    lower = exactly_512 // 512
    rest = exactly_512 - 512 * lower
    if lower % 10 == 0 and rest <= 312:
        return lower
    if (lower + 1) % 10 == 0 and rest >= 200:
        return lower + 1
    if rest > 256 or (rest == 256 and lower % 2 == 1):
        return lower + 1
    return lower


@called
def put_money(at: int, units: int) -> int:
    """Put ten-thousandths as a number of the currency's unit.

    The same text as msgspec's for `units` / 10,000 below 2**40 units of the currency in magnitude; beyond
    that, all digits.
    """
    if units < 0:
        store_byte(at, _MINUS)
        at += 1
        units = -units
    if _DENSE_MAX_UNITS <= units < _HALF_DENSE_MAX_UNITS:
        units = _shortest_units(units)
    whole = units // UNITS_PER_CURRENCY
    return _put_decimal(at, whole, units - whole * UNITS_PER_CURRENCY, 4)


@called
def put_average(at: int, total: int, quantity: int) -> int:
    """Put ten-thousandths a share as a number of the currency's unit; as `records.average` has it.

    `quantity` is below 2**49 in magnitude and not 0.
    """
    is_negative = (total < 0) != (quantity < 0)
    total, quantity = abs(total), abs(quantity)
    whole = total // quantity
    if whole >= AVERAGE_EXACT_MAX_UNITS:
        return put_money(at, -whole if is_negative else whole)
    rest = total - whole * quantity
    average = whole * 10_000 + rest * 10_000 // quantity
    if is_negative and average:
        store_byte(at, _MINUS)
        at += 1
    if 0 < average < _EXPONENT_BELOW:
        return _put_exponent(at, average)
    whole = average // 100_000_000
    return _put_decimal(at, whole, average - whole * 100_000_000, _AVERAGE_DECIMALS)


@called
def _put_exponent(at: int, average: int) -> int:
    digits = 1 if average < 10 else (2 if average < 100 else 3)
    exponent = 9 - digits
    while average % 10 == 0:
        average //= 10
        digits -= 1
    end = _put_digits(at + 1, average, digits)
    store_byte(at, load_byte(at + 1))
    store_byte(at + 1, _DOT)
    if digits == 1:
        end = at + 1
    store_byte(end, _LETTER_E)
    store_byte(end + 1, _MINUS)
    store_byte(end + 2, _ZERO + exponent)
    return end + 3


@inlined
def is_plain(start: int, length: int) -> bool:
    """Tell whether a text that is escaped for JSON has no escapes."""
    found = 0
    for place in range(start, start + length):
        found |= load_byte(place) == _BACKSLASH
    return found == 0


@called
def put_unescaped(at: int, start: int, length: int) -> int:
    """Put a text that is escaped for JSON, by msgspec, without its escapes."""
    place, end = start, start + length
    while place < end:
        byte = load_byte(place)
        place += 1
        if byte == _BACKSLASH:
            byte = int(_UNESCAPED[load_byte(place)])
            place += 1
            if byte == _LETTER_U:  # only control characters are written so: \u00XX
                byte = 16 * _hexadecimal(load_byte(place + 2)) + _hexadecimal(load_byte(place + 3))
                place += 4
        store_byte(at, byte)
        at += 1
    return at


@inlined
def _hexadecimal(digit: int) -> int:
    return digit - _ZERO if digit < ord("a") else digit - ord("a") + 10
