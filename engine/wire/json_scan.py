"""Pieces of JSON in an array of bytes, as far as they are simple: no escapes, no exponents, ASCII alone.

Every function takes the place where its piece begins and gives the place behind it, NOT_SIMPLE where
it is anything but what the function reads. A closing brace as the record's last byte keeps all of them from
running on behind it.
"""

from __future__ import annotations

from typing import Final

from engine.kernel.bits import lowest_bit
from engine.kernel.octets import FIRST_BITS, VECTOR_BYTES, Octets, load_word, plain_text_ends
from engine.kernel.uncounted import inlined

NOT_SIMPLE: Final = -1

QUOTE: Final = ord('"')
COLON: Final = ord(":")
COMMA: Final = ord(",")
OPEN: Final = ord("{")
CLOSE: Final = ord("}")
_POINT: Final = ord(".")
_MINUS: Final = ord("-")
_ZERO: Final = ord("0")
_SPACE: Final = ord(" ")
_LINE_FEED: Final = ord("\n")
_RETURN: Final = ord("\r")
_TAB: Final = ord("\t")

_DIGITS_MAX: Final = 15
DECIMALS_MAX: Final = 4


def _word(text: str) -> int:
    return int.from_bytes(text.encode(), "little")


_NULL: Final = _word("null")
_TRUE: Final = _word("true")
_FALSE: Final = _word("false")
_FOUR: Final = int(FIRST_BITS[4])
_FIVE: Final = int(FIRST_BITS[5])


@inlined
def is_space(octet: int) -> bool:
    """Tell whether a byte is white space."""
    return octet <= _SPACE and octet in (_SPACE, _LINE_FEED, _RETURN, _TAB)


@inlined
def skip_space(octets: Octets, at: int) -> int:
    """Go to the next byte that is no white space."""
    while is_space(octets[at]):
        at += 1
    return at


@inlined
def skip_text(octets: Octets, at: int, last: int) -> int:
    """Go behind a string.

    Its bytes are from `at` + 1 to before the place given less 1.
    """
    if octets[at] != QUOTE:
        return NOT_SIMPLE
    at += 1
    while at < last:
        ends = plain_text_ends(octets, at)
        if ends != 0:
            at += lowest_bit(ends)
            break
        at += VECTOR_BYTES
    return at + 1 if at < last and octets[at] == QUOTE else NOT_SIMPLE


@inlined
def is_null(octets: Octets, at: int) -> bool:
    """Tell whether null stands here."""
    return load_word(octets, at) & _FOUR == _NULL


@inlined
def skip_flag(octets: Octets, at: int) -> int:
    """Go behind true (four bytes) or false (five)."""
    word = load_word(octets, at)
    if word & _FOUR == _TRUE:
        return at + 4
    return at + 5 if word & _FIVE == _FALSE else NOT_SIMPLE


@inlined
def read_whole(octets: Octets, at: int) -> tuple[int, int]:
    """Read a whole number without a sign; gives the place behind it and the number."""
    start = at
    number = 0
    digit = int(octets[at]) - _ZERO
    while 0 <= digit <= 9:
        number = number * 10 + digit
        at += 1
        digit = int(octets[at]) - _ZERO
    length = at - start
    if length == 0 or length > _DIGITS_MAX or (length > 1 and octets[start] == _ZERO):
        return NOT_SIMPLE, 0
    return at, number


@inlined
def read_units(octets: Octets, at: int, whole_max: int) -> tuple[int, int]:
    """Read a number of at most four decimals; gives the place behind it and the number in ten-thousandths."""
    at, number = read_whole(octets, at)
    if at == NOT_SIMPLE or number > whole_max:
        return NOT_SIMPLE, 0
    decimals = 0
    if octets[at] == _POINT:
        at += 1
        digit = int(octets[at]) - _ZERO
        while 0 <= digit <= 9 and decimals < DECIMALS_MAX:
            number = number * 10 + digit
            decimals += 1
            at += 1
            digit = int(octets[at]) - _ZERO
        if decimals == 0:
            return NOT_SIMPLE, 0
    for _ in range(decimals, DECIMALS_MAX):
        number *= 10
    return at, number


@inlined
def skip_scalar(octets: Octets, at: int, last: int) -> int:
    """Go behind a string, a number, true or false."""
    if octets[at] == QUOTE:
        return skip_text(octets, at, last)
    if octets[at] > _ZERO + 9:
        return skip_flag(octets, at)
    at, _ = read_whole(octets, at + 1 if octets[at] == _MINUS else at)
    if at != NOT_SIMPLE and octets[at] == _POINT:
        at += 1
        start = at
        while _ZERO <= octets[at] <= _ZERO + 9:
            at += 1
        if at == start:
            return NOT_SIMPLE
    return at
