"""Live books against the engine's own."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from api.live.books import LiveBooks
from api.payloads import BookChange, BookLevels
from engine.domain import Side
from engine.log import LogRecord
from engine.topics import BOOK
from engine.wire.records import PriceLevel, book_record, decode_book
from tests.api.exchange import Exchange

moves = st.lists(
    st.tuples(
        st.sampled_from(list(Side)),
        st.integers(1, 9),
        st.integers(-4, 4),
        st.sampled_from(["silent", "told", "snapshot"]),
    ),
    min_size=1,
    max_size=40,
)


def played(orders: list[tuple[Side, int, int, str]]) -> tuple[Exchange, list[LogRecord]]:
    """Play orders; gives what the engine wrote of books, whole ones at the start included."""
    exchange = Exchange()
    exchange.open()
    exchange.snapshot_books()
    for number, (side, quantity, ticks, afterwards) in enumerate(orders):
        exchange.place(f"o-{number}", side, quantity, 10 + ticks / 100)
        if afterwards == "snapshot":
            exchange.snapshot_books()
    return exchange, [record for record in exchange.records if record.topic == BOOK]


def engine_book(exchange: Exchange) -> tuple[tuple[PriceLevel, ...], tuple[PriceLevel, ...]]:
    """Give the engine's own book of PETR4."""
    (book,) = [book for book in exchange.shard.book_snapshots() if book.symbol == "PETR4"]
    record = book_record(book, 0)
    return record.bids, record.asks


@given(moves, st.data())
@settings(deadline=None)
def test_a_book_read_from_any_snapshot_on_is_the_engines(
    orders: list[tuple[Side, int, int, str]], data: st.DataObject
) -> None:
    exchange, records = played(orders)
    snapshots = [place for place, record in enumerate(records) if decode_book(record.value or b"").snapshot]
    books = LiveBooks(from_start=False)
    first = data.draw(st.sampled_from([place for place in snapshots if _is_petr4(records[place])]))
    for record in records[data.draw(st.integers(0, first)) :]:
        books.apply(decode_book(record.value or b""))
    levels = books["PETR4"].levels()
    assert (levels.bids, levels.asks) == engine_book(exchange)


@given(moves, st.data())
@settings(deadline=None)
def test_a_listener_that_applies_what_it_is_told_has_the_engines_book(
    orders: list[tuple[Side, int, int, str]], data: st.DataObject
) -> None:
    exchange, records = played(orders)
    books = LiveBooks(from_start=True)
    joined = data.draw(st.integers(0, len(records)))
    for record in records[:joined]:
        books.apply(decode_book(record.value or b""))
    opening = books["PETR4"].levels()
    sides = {level[0]: level for level in opening.bids}, {level[0]: level for level in opening.asks}
    offset = opening.offset
    for record in records[joined:]:
        told = books.apply(decode_book(record.value or b""))
        if told is None or told.symbol != "PETR4":
            continue
        if isinstance(told, BookLevels):
            sides = {level[0]: level for level in told.bids}, {level[0]: level for level in told.asks}
        else:
            assert told.previous_offset == offset < told.offset
            for side, levels in zip(sides, (told.bids, told.asks), strict=True):
                for price, quantity, count in levels:
                    side.pop(price, None)
                    if quantity:
                        side[price] = (price, quantity, count)
        offset = told.offset
    bids = tuple(sides[0][price] for price in sorted(sides[0], reverse=True))
    asks = tuple(sides[1][price] for price in sorted(sides[1]))
    assert (bids, asks) == engine_book(exchange)


def test_a_repeat_changes_nothing_and_is_not_told() -> None:
    _, records = played([(Side.BUY, 5, -1, "told"), (Side.BUY, 5, -2, "told")])
    books = LiveBooks(from_start=True)
    told = [books.apply(decode_book(record.value or b"")) for record in [*records, *records]]
    assert None not in told[: len(records)]
    assert told[len(records) :] == [None] * len(records)


def test_after_a_gap_a_book_waits_for_the_next_snapshot() -> None:
    exchange, records = played(
        [(Side.BUY, 5, -1, "told"), (Side.BUY, 5, -2, "told"), (Side.BUY, 5, -3, "told")]
    )
    changes = [record for record in records if _is_petr4(record)]
    books = LiveBooks(from_start=True)
    without_one = [changes[0], changes[1], *changes[3:]]
    told = [books.apply(decode_book(record.value or b"")) for record in without_one]
    assert told[-1] is None
    assert not books["PETR4"].known
    for record in exchange.snapshot_books():
        books.apply(decode_book(record.value or b""))
    # A snapshot at the very offset of the last change brings nothing new, one after the next command does.
    exchange.place("o-9", Side.BUY, 1, 9.5)
    for record in exchange.snapshot_books():
        books.apply(decode_book(record.value or b""))
    levels = books["PETR4"].levels()
    assert books["PETR4"].known
    assert (levels.bids, levels.asks) == engine_book(exchange)


def test_the_best_prices_are_the_highest_bid_and_the_lowest_ask() -> None:
    _, records = played(
        [(Side.BUY, 5, -1, ""), (Side.BUY, 5, -2, ""), (Side.SELL, 5, 1, ""), (Side.SELL, 5, 3, "")]
    )
    books = LiveBooks(from_start=True)
    assert (books["PETR4"].bid, books["PETR4"].ask) == (None, None)
    for record in records:
        books.apply(decode_book(record.value or b""))
    assert (books["PETR4"].bid, books["PETR4"].ask) == (9.99, 10.01)
    assert books["PETR4"].levels(1).bids == ((9.99, 5, 1),)


def test_a_change_names_the_offset_that_it_follows() -> None:
    _, records = played([(Side.BUY, 5, -1, "told")])
    books = LiveBooks(from_start=True)
    told = [books.apply(decode_book(record.value or b"")) for record in records if _is_petr4(record)]
    snapshot, change = told
    assert isinstance(snapshot, BookLevels)
    assert isinstance(change, BookChange)
    assert change.previous_offset == snapshot.offset


def _is_petr4(record: LogRecord) -> bool:
    return record.key == b"PETR4"
