"""The next tables of ids and of positions have their memory before their first entries."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from bench.kernel_book import Book, Load, load
from bench.stream import INVESTORS, stream_opening
from engine.kernel import header as h
from engine.kernel.audit import audit
from engine.kernel.layout import BUCKET, ID_BUCKET, PAGE_BYTES
from engine.kernel.memory import Array, Memory
from engine.names import Names, investor_names
from engine.wire.rows import CommandRows
from tests.simulation.lives import CAPACITY
from tests.strategies import START_MS

_PAGE_BUCKETS = PAGE_BYTES // ID_BUCKET.itemsize
_MARK = -(1 << 30)


@pytest.fixture(scope="module")
def given() -> Load:
    """Give a stream that outgrows two tables."""
    return load(30_000, 1, 1_000)


def _marked_pages(memory: Memory, size: int) -> Array:
    """Mark each page of a table of this size in the half that is not in use; gives a view of the marks."""
    half = len(memory.ids) // 2 * (1 - memory.header.item(h.IDS_HALF))
    table = memory.ids[half + size // BUCKET : half + 2 * size // BUCKET]
    marks = table["state"][::_PAGE_BUCKETS, 0]
    marks[:] = _MARK
    return marks


def _run_until_table(book: Book, given: Load, first: int, marks: Array) -> tuple[int, list[int]]:
    """Run commands one by one until a table is begun; gives the next row and how many pages each wrote to."""
    words, written = book.memory.header, list[int]()
    half = words.item(h.IDS_HALF)
    for row in range(first, len(given.rows)):
        before = np.count_nonzero(marks == _MARK)
        book.run(given.rows[row : row + 1], given.text)
        if words.item(h.IDS_HALF) != half:
            return row + 1, written
        written.append(int(before - np.count_nonzero(marks == _MARK)))
    raise AssertionError("the stream is too short to fill the table")


def test_all_of_its_pages_are_written_before_one_at_a_time(given: Load) -> None:
    book = Book(1, capacity=CAPACITY)
    row = 0
    for size in (2 * h.IDS_SIZE_MIN, 4 * h.IDS_SIZE_MIN):
        marks = _marked_pages(book.memory, size)
        row, written = _run_until_table(book, given, row, marks)
        assert book.memory.header.item(h.IDS_SIZE) == size
        assert sum(written) == len(marks) == size // BUCKET // _PAGE_BUCKETS
        assert max(written) == 1
        # Until the table is nearly full it takes no memory for the next one.
        assert not any(written[: len(written) // 2])
        audit(book.memory)


def test_what_the_largest_table_holds_stays_as_it_is(given: Load) -> None:
    book = Book(1, capacity=replace(CAPACITY, ids=2 * h.IDS_SIZE_MIN))
    book.run(given.rows, given.text)
    words = book.memory.header
    assert words.item(h.IDS_SIZE) == 2 * h.IDS_SIZE_MIN
    assert words.item(h.IDS_COUNT) * 16 >= words.item(h.IDS_SIZE) * 14, "no further id fits"
    audit(book.memory)


def test_the_next_table_of_positions_is_written_to_page_by_page() -> None:
    book = Book(0, capacity=CAPACITY)
    words = book.memory.header
    batch = _shares_for_all(symbols=4, offset=words.item(h.OFFSET) + 1)
    size = 4 * h.POSITION_TABLE_SIZE_MIN
    marks = book.memory.position_table[2 * size : 4 * size : PAGE_BYTES // 4]
    marks[:] = _MARK
    at = []
    for row in range(len(batch)):
        before = np.count_nonzero(marks == _MARK)
        book.run(batch.commands[row : row + 1], batch.text)
        at += [words.item(h.POSITIONS_USED)] * int(before - np.count_nonzero(marks == _MARK))
        if words.item(h.POSITIONS_USED) == 3 * size // 8:
            break
    assert words.item(h.POSITION_TABLE_SIZE) == size
    assert len(at) == len(marks)
    assert len(set(at)) == len(at), "never two at once"
    assert min(at) > size // 4, "never sooner than needed"
    audit(book.memory)


def _shares_for_all(*, symbols: int, offset: int) -> CommandRows:
    """Give commands that list symbols and give each account of a book's opening shares of them."""
    batch = CommandRows(investor_names(1 + INVESTORS, 1 << 16), Names(symbols, 1 << 10))
    for place, command in enumerate(stream_opening(symbols=symbols)):
        batch.add(command, offset + place, START_MS)
    return batch
