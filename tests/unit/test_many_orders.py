"""A market with so many open orders that the kernel asks for their surroundings ahead."""

from __future__ import annotations

import pytest

from bench.kernel_book import Book, Done, Load, load
from engine.kernel import header as h
from engine.kernel.audit import audit
from engine.kernel.layout import MANY_ORDERS, Capacity
from engine.kernel.memory import Memory

# Hardly larger than what the streams need, so that compiled code which looks at bounds sees what is beyond.
_CAPACITY = Capacity(
    orders=1 << 15,
    levels=1 << 15,
    nodes=1 << 15,
    assets=128,
    fees=16,
    accounts=1 << 10,
    positions=1 << 17,
    ids=1 << 17,
    text_chunks=1 << 10,
)


@pytest.fixture(params=[1, 100], scope="module")
def deep(request: pytest.FixtureRequest) -> Load:
    """Give a stream after which most of 20,000 orders rest."""
    return load(60_000, request.param, 20_000)


def _market(given: Load, *, batch: int) -> Memory:
    book = Book(given.symbols, capacity=_CAPACITY)
    for first in range(0, len(given.rows), batch):
        book.run(given.rows[first : first + batch], given.text)
    assert book.memory.header[h.OPEN_ORDERS] > MANY_ORDERS
    return book.memory


def _check_equal(ours: Memory, theirs: Memory) -> None:
    for part in ours.parts():
        assert ours.part(*part).tobytes() == theirs.part(*part).tobytes(), part


def test_it_trades_as_the_plain_book_does(deep: Load) -> None:
    facts = deep.facts
    assert Book(deep.symbols, capacity=_CAPACITY).done(deep) == Done(facts.trades, facts.traded_quantity, 0)


def test_its_state_shows_nothing_of_what_was_asked_for(deep: Load) -> None:
    whole, parted = _market(deep, batch=len(deep.rows)), _market(deep, batch=7)
    audit(whole)
    _check_equal(whole, parted)


def test_a_rewound_book_is_as_good_as_a_new_one(deep: Load) -> None:
    book, new = (Book(deep.symbols, capacity=_CAPACITY) for _ in range(2))
    book.run(deep.rows, deep.text)
    book.rewind()
    book.run(deep.rows, deep.text)
    new.run(deep.rows, deep.text)
    audit(book.memory)
    _check_equal(new.memory, book.memory)
