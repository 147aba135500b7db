"""What the client makes of bytes: events wherever they are cut, books that prove their chain, pauses."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homebroker.client import Book, BookChange, BrokenChainError, LocalBook, Pauses, UnreadableEventError
from homebroker.client import events as client_events
from homebroker.client.events import EventReader, RawEvent

TEXT = (
    b"retry: 1000\n\n"
    b": a comment\n\n"
    b'id: t1.b2.1\nevent: trade\ndata: {"price":1}\n\n'
    b"id: t1.b3.1\r\nevent: book\r\ndata: one\r\ndata: two\r\n\r\n"
    b"data:no space\rid: \xc3\xa7\r\r"
    b"event: nothing\n\n"
    b"data: without a name\nunknown: field\n\n"
    b"id: t9\nevent: trade\ndata: cut off\n"
)
EVENTS = [
    RawEvent("t1.b2.1", "trade", b'{"price":1}'),
    RawEvent("t1.b3.1", "book", b"one\ntwo"),
    RawEvent("ç", "message", b"no space"),
    RawEvent("ç", "message", b"without a name"),
]


@given(st.lists(st.integers(0, len(TEXT)), max_size=12))
def test_events_are_the_same_wherever_the_bytes_are_cut(cuts: list[int]) -> None:
    reader, places = EventReader(), [0, *sorted(cuts), len(TEXT)]
    chunks = [TEXT[start:end] for start, end in pairwise(places)]
    assert [event for chunk in chunks for event in reader.read(chunk)] == EVENTS


def test_what_is_no_stream_is_said_to_be_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_events, "EVENT_BYTES_MAX", 1_000)
    reader = EventReader()
    with pytest.raises(UnreadableEventError):
        for _ in range(3):
            reader.read(b"data: " + b"a" * 400)
    reader = EventReader()
    with pytest.raises(UnreadableEventError):
        for _ in range(4):
            reader.read(b"data: " + b"a" * 400 + b"\n")
    with pytest.raises(UnreadableEventError):
        EventReader().read(b"id: \xff\n")


def _change(previous_offset: int, offset: int, **sides: tuple[tuple[float, int, int], ...]) -> BookChange:
    return BookChange(
        symbol="PETR4",
        offset=offset,
        previous_offset=previous_offset,
        time_ms=offset,
        bids=sides.get("bids", ()),
        asks=sides.get("asks", ()),
    )


def test_a_book_follows_its_changes() -> None:
    book = LocalBook("PETR4")
    book.begin(Book(symbol="PETR4", offset=5, time_ms=1, bids=((9.0, 3, 1), (8.0, 1, 1)), asks=()))
    book.apply(_change(5, 9, bids=((9.0, 0, 0), (8.5, 4, 2)), asks=((10.0, 7, 1), (9.5, 1, 1))))
    assert (book.bids(), book.asks(1)) == ([(8.5, 4, 2), (8.0, 1, 1)], [(9.5, 1, 1)])
    assert (book.bid, book.ask, book.offset, book.time_ms) == (8.5, 9.5, 9, 9)


@pytest.mark.parametrize("previous_offset", [4, 6, -1])
def test_a_change_that_does_not_follow_is_told_and_the_book_knows_nothing(previous_offset: int) -> None:
    book = LocalBook("PETR4")
    book.begin(Book(symbol="PETR4", offset=5, time_ms=1, bids=((9.0, 3, 1),), asks=()))
    with pytest.raises(BrokenChainError):
        book.apply(_change(previous_offset, 9))
    assert (book.offset, book.bids(), book.bid) == (None, [], None)
    with pytest.raises(BrokenChainError):
        book.apply(_change(5, 9))


def test_pauses_grow_to_a_bound_are_never_in_step_and_begin_anew() -> None:
    pauses = Pauses(first_s=0.5, most_s=8.0, dice=random.Random(1))
    told_s = [pauses.next_s() for _ in range(2_000)]
    expected_s = [min(8.0, 0.5 * 2.0**number) for number in range(20)]
    assert all(
        most_s / 2 <= pause_s <= most_s for pause_s, most_s in zip(told_s[:20], expected_s, strict=True)
    )
    assert len(set(told_s[10:])) > 1_900
    assert pauses.next_s(at_least_s=60.0) == 60.0
    pauses.begin_anew()
    assert pauses.next_s() <= 0.5
