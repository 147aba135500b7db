"""The words of commands that the fast path knows, found by one look into a table."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

import numpy as np

from engine.kernel import layout
from engine.kernel.layout import CommandKind
from engine.kernel.octets import FIRST_BITS, SECOND_BITS, Octets, load_word, signed
from engine.kernel.uncounted import inlined

WORD_LENGTH_MAX: Final = 16


class Key(IntEnum):
    """The fields of the commands that the fast path reads."""

    COMMAND = 0
    ORDER_ID = 1
    CLIENT_ORDER_ID = 2
    INVESTOR_ID = 3
    SYMBOL = 4
    SIDE = 5
    TYPE = 6
    TIME_IN_FORCE = 7
    SELF_TRADE = 8
    POST_ONLY = 9
    QUANTITY = 10
    DISPLAY_QUANTITY = 11
    PRICE = 12
    STOP_PRICE = 13
    EXPIRES_AT_MS = 14


# A word's code: the key whose value it is, plus one, times 16, and its number there. For a key itself: as if
# it were one more key's value. 0 is no word.
_KEY_BITS: Final = 4
_NUMBER: Final = 15
KEYS: Final = len(Key) + 1
UNKNOWN: Final = -1


def _codes() -> dict[str, int]:
    values: dict[Key, dict[str, int]] = {
        Key.COMMAND: {
            kind.name.lower(): kind
            for kind in (CommandKind.PLACE, CommandKind.CANCEL, CommandKind.CANCEL_ALL, CommandKind.AMEND)
        },
        Key.SIDE: {word: number for number, word in enumerate(layout.SIDES)},
        Key.TYPE: {word: number for number, word in enumerate(layout.ORDER_TYPES)},
        Key.TIME_IN_FORCE: {word: number for number, word in enumerate(layout.TIMES_IN_FORCE)},
        Key.SELF_TRADE: {word: number for number, word in enumerate(layout.SELF_TRADES)},
    }
    codes = {key.name.lower(): KEYS << _KEY_BITS | key for key in Key}
    for key, words in values.items():
        for word, number in words.items():
            assert word not in codes, f"{word} would have two meanings"
            codes[word] = key + 1 << _KEY_BITS | number
    return codes


def _words(text: str) -> tuple[int, int]:
    octets = text.encode().ljust(WORD_LENGTH_MAX, b"\0")
    assert len(octets) == WORD_LENGTH_MAX, f"{text} is too long for the table"
    return int.from_bytes(octets[:8], "little"), int.from_bytes(octets[8:], "little")


_PLACE_BITS: Final = 7
_ALL_64: Final = (1 << 64) - 1
_SPREAD_SECOND: Final = 0x9E37_79B9_7F4A_7C15


def _place(first: int, second: int, spread: int) -> int:
    return ((first ^ second * _SPREAD_SECOND) * spread & _ALL_64) >> (64 - _PLACE_BITS)


def _spread(words: list[tuple[int, int]]) -> int:
    """Find a factor that gives each word a place of its own."""
    spread = 1
    while len({_place(first, second, spread) for first, second in words}) < len(words):
        spread = (spread * 0xD134_2543_DE82_EF95 + 2) & _ALL_64 | 1
    return spread


_CODE_OF: Final = _codes()
_SPREAD: Final = _spread([_words(text) for text in _CODE_OF])
_FIRST: Final = np.zeros(1 << _PLACE_BITS, np.int64)
_SECOND: Final = np.zeros(1 << _PLACE_BITS, np.int64)
_CODE: Final = np.zeros(1 << _PLACE_BITS, np.int64)
for _text, _code in _CODE_OF.items():
    _at = _place(*_words(_text), _SPREAD)
    _FIRST[_at], _SECOND[_at], _CODE[_at] = *(signed(word) for word in _words(_text)), _code
_SIGNED_SPREAD: Final = signed(_SPREAD)
_SIGNED_SPREAD_SECOND: Final = signed(_SPREAD_SECOND)


@inlined
def _code_of(octets: Octets, start: int, length: int) -> int:
    if length < 0 or length > WORD_LENGTH_MAX:
        return 0
    first = load_word(octets, start) & FIRST_BITS[length]
    second = load_word(octets, start + 8) & SECOND_BITS[length]
    spread = (first ^ second * _SIGNED_SPREAD_SECOND) * _SIGNED_SPREAD
    place = (spread >> (64 - _PLACE_BITS)) & ((1 << _PLACE_BITS) - 1)
    return int(_CODE[place]) if _FIRST[place] == first and _SECOND[place] == second else 0


@inlined
def key_of(octets: Octets, start: int, length: int) -> int:
    """Give the `Key` that bytes spell, UNKNOWN where they spell none."""
    code = _code_of(octets, start, length)
    return code & _NUMBER if code >> _KEY_BITS == KEYS else UNKNOWN


@inlined
def number_of(octets: Octets, start: int, length: int, key: int) -> int:
    """Give the number of the word that bytes spell as the value of a key, UNKNOWN where they spell none."""
    code = _code_of(octets, start, length)
    return code & _NUMBER if code >> _KEY_BITS == key + 1 else UNKNOWN
