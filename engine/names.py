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
from engine.kernel.growth import PAGE_PLACES, PLACE, entered_in_next, page_of_next
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

_TABLE_PLACES_MIN: Final = 1_024
_SPREAD: Final = signed(0x9E37_79B9_7F4A_7C15)


class NameTable(NamedTuple):
    """What compiled code needs to find a name.

    `table` is open-addressing: rows of `entries` + 1, 0 where free; its size is a power of two, at most half
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
    row = int(table[place]) - 1
    while row != NONE:
        entry = entries[row]
        if entry.length == length and equal_octets(text, entry.start, octets, start, length):
            break
        place = (place + 1) & (len(table) - 1)
        row = int(table[place]) - 1
    return row


@compiled
def _find_escaped(names: NameTable, octets: Octets, length: int) -> int:
    return find_name(names, octets, 0, length)


@compiled
def _enter_names(names: NameTable, first: int, last: int) -> None:
    table, entries, text = names
    for row in range(first, last):
        place = _place(text, entries[row].start, entries[row].length, len(table))
        while table[place] != 0:
            place = (place + 1) & (len(table) - 1)
        table[place] = row + 1


@compiled
def _enter_all(names: NameTable, next_one: NameTable, count: int) -> None:
    _enter_names(names, 0, count)
    _enter_names(next_one, 0, entered_in_next(count, len(names.table)))


@compiled
def _prepare_next(next_one: NameTable, row: int) -> None:
    """Do a new name's part of what the next table needs."""
    places = len(next_one.table) // 2
    page = page_of_next(row, places)
    if page != NONE:
        next_one.table[page * PAGE_PLACES] = 0
    _enter_names(next_one, entered_in_next(row, places), entered_in_next(row + 1, places))


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
        self._table, self._next = self._tables()

    def fill(self, entries: npt.NDArray[Any], text: Octets) -> None:
        """Make the table the one whose entries and text these are, its own names among them."""
        assert self.count <= len(entries)
        self.count = len(entries)
        self.text_length = len(text)
        self.entries[: len(entries)] = entries
        self.text[: len(text)] = text
        self._table, self._next = self._tables()

    @property
    def table(self) -> NameTable:
        """What compiled code finds names by; good until the next `add`."""
        return self._table

    def find(self, escaped: bytes) -> int:
        """Give a name's row, NONE when it has none. Cost O(1)."""
        return _find_escaped(self._table, padded(escaped), len(escaped))

    def add(self, escaped: bytes) -> int:
        """Give a name's row, a new one where it has none; NONE when there is no room for another.

        Cost O(1); no name waits for others to move to a larger table.
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
            self._table, self._next = self._next, self._empty(2 * len(self._next.table))
        _enter_names(self._table, row, row + 1)
        _prepare_next(self._next, row)
        return row

    def escaped(self, row: int) -> bytes:
        """Give a name's bytes, escaped for JSON."""
        start, length = self.entries[row].tolist()
        return self.text[start : start + length].tobytes()

    def name(self, row: int) -> str:
        """Give a name as it is."""
        return unescaped(self.escaped(row))

    def _tables(self) -> tuple[NameTable, NameTable]:
        places = _TABLE_PLACES_MIN
        while places < 2 * self.count:
            places *= 2
        tables = self._empty(places), self._empty(2 * places)
        _enter_all(*tables, self.count)
        return tables

    def _empty(self, places: int) -> NameTable:
        # Zeros, which the system supplies as they are written to.
        return NameTable(np.zeros(places, PLACE), self.entries, self.text)


def investor_names(capacity: int, bytes_max: int) -> Names:
    """Give a table of investor ids; the house's is in it, in the row that its account has."""
    names = Names(capacity, bytes_max)
    row = names.add(HOUSE_ID.encode())
    assert row == HOUSE
    return names
