"""Names and their row numbers: investor ids and symbols, for good, in the order of their first appearance.

They lie in arrays, so that compiled code can find them and a snapshot can copy them. The text of a name is
UTF-8, escaped for JSON; of what a name may have, that changes `"` and the backslash alone.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.domain import HOUSE_ID
from engine.escaping import unescaped
from engine.kernel.bits import rotate_left
from engine.kernel.layout import HOUSE, NAME, NONE
from engine.kernel.memory import reserved
from engine.kernel.octets import (
    FIRST_BITS,
    SLACK,
    Octets,
    equal_octets,
    load_word,
    padded,
    signed,
)
from engine.kernel.uncounted import compiled, inlined

_TABLE_ROWS_MIN: Final = 1_024
_SPREAD: Final = signed(0x9E37_79B9_7F4A_7C15)


class NameTable(NamedTuple):
    """What compiled code needs to find a name.

    `table` is open-addressing: rows of `entries`, NONE where free; its size is a power of two, at most half
    of it is taken.
    """

    table: npt.NDArray[np.int32]
    entries: npt.NDArray[Any]
    text: Octets


@inlined
def _place(octets: Octets, start: int, length: int, size: int) -> int:
    """Give where in a table of a size to look first."""
    mixed = length
    for done in range(0, length, 8):
        word = load_word(octets, start + done) & FIRST_BITS[min(length - done, 8)]
        # A product's upper half depends on all bits of its factors; it goes to where the place is taken from.
        mixed = rotate_left((mixed ^ word) * _SPREAD, 32)
    return mixed & (size - 1)


@inlined
def find_name(names: NameTable, octets: Octets, start: int, length: int) -> int:
    """Give the row of the name whose bytes stand in an array with `SLACK` behind them; NONE if unknown."""
    table, entries, text = names
    place = _place(octets, start, length, len(table))
    row = int(table[place])
    while row != NONE:
        entry = entries[row]
        if entry.length == length and equal_octets(text, entry.start, octets, start, length):
            break
        place = (place + 1) & (len(table) - 1)
        row = int(table[place])
    return row


@compiled
def _find_escaped(names: NameTable, octets: Octets, length: int) -> int:
    return find_name(names, octets, 0, length)


@compiled
def _enter_names(names: NameTable, first: int, last: int) -> None:
    table, entries, text = names
    for row in range(first, last):
        place = _place(text, entries[row].start, entries[row].length, len(table))
        while table[place] != NONE:
            place = (place + 1) & (len(table) - 1)
        table[place] = row


class Names:
    """An append-only table of names.

    The arrays depend on the sequence of new names alone.

    Parameters
    ----------
    capacity : int
        How many names there may be.
    bytes_max : int
        How many bytes they may have together, below 2³¹.

    Attributes
    ----------
    entries : ndarray of NAME, shape (capacity,)
        Rows below `count` are in use.
    text : ndarray of uint8
        Bytes below `text_length` are in use.
    """

    def __init__(self, capacity: int, bytes_max: int) -> None:
        assert bytes_max < 1 << 31
        self.capacity = capacity
        self.bytes_max = bytes_max
        self.count = 0
        self.text_length = 0
        self.entries: npt.NDArray[Any] = reserved(capacity, NAME)
        self.text: Octets = reserved(bytes_max + SLACK, np.uint8)
        self._make_table()

    def fill(self, entries: npt.NDArray[Any], text: Octets) -> None:
        """Make the table the one whose entries and text these are, its own names among them."""
        assert self.count <= len(entries)
        self.count = len(entries)
        self.text_length = len(text)
        self.entries[: len(entries)] = entries
        self.text[: len(text)] = text
        self._make_table()

    @property
    def table(self) -> NameTable:
        """What compiled code finds names by; good until the next `add`."""
        return self._table

    def find(self, escaped: bytes) -> int:
        """Give a name's row, NONE when it has none. Cost O(1)."""
        return _find_escaped(self._table, padded(escaped), len(escaped))

    def add(self, escaped: bytes) -> int:
        """Give a name's row, a new one where it has none; NONE when there is no room for another.

        Cost O(1), now and then O(count): the hash table doubles when it is half full.
        """
        row = self.find(escaped)
        if row != NONE:
            return row
        start, end = self.text_length, self.text_length + len(escaped)
        if self.count == self.capacity or end > self.bytes_max:
            return NONE
        row = self.count
        self.entries[row] = (start, len(escaped))
        self.text[start:end] = np.frombuffer(escaped, np.uint8)
        self.count += 1
        self.text_length = end
        if 2 * self.count > len(self._table.table):
            self._make_table()
        else:
            _enter_names(self._table, row, row + 1)
        return row

    def escaped(self, row: int) -> bytes:
        """Give a name's bytes, escaped for JSON."""
        start, length = self.entries[row].tolist()
        return self.text[start : start + length].tobytes()

    def name(self, row: int) -> str:
        """Give a name as it is."""
        return unescaped(self.escaped(row))

    def _make_table(self) -> None:
        rows = _TABLE_ROWS_MIN
        while rows < 2 * self.count:
            rows *= 2
        self._table = NameTable(np.full(rows, NONE, np.int32), self.entries, self.text)
        _enter_names(self._table, 0, self.count)


def investor_names(capacity: int, bytes_max: int) -> Names:
    """Give a table of investor ids; the house's is in it, in the row that its account has."""
    names = Names(capacity, bytes_max)
    row = names.add(HOUSE_ID.encode())
    assert row == HOUSE
    return names
