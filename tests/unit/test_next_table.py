"""The next table of ids has its memory before its first id."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace

from bench.kernel_book import Book, Load, load
from engine.kernel import header as h
from engine.kernel.audit import audit
from engine.kernel.layout import BUCKET, ID_BUCKET, Capacity
from engine.kernel.memory import Array, Memory

_CAPACITY = Capacity(
    orders=1 << 15,
    levels=1 << 15,
    nodes=1 << 15,
    assets=16,
    fees=16,
    accounts=1 << 10,
    positions=1 << 15,
    ids=1 << 16,
    text_chunks=1 << 10,
)
_PAGE_BUCKETS = 4096 // ID_BUCKET.itemsize
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
    book = Book(1, capacity=_CAPACITY)
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


def test_a_table_that_would_not_fit_is_not_supplied(given: Load) -> None:
    book = Book(1, capacity=replace(_CAPACITY, ids=h.IDS_SIZE_MIN))
    before = book.memory.ids.copy()
    marks = book.memory.ids["state"][len(before) // 2 :: _PAGE_BUCKETS, 0]
    marks[:] = _MARK
    book.run(given.rows, given.text)
    words = book.memory.header
    assert words.item(h.IDS_COUNT) * 16 >= words.item(h.IDS_SIZE) * 14, "no further id fits"
    assert (marks == _MARK).all()
