"""What strategies hear of Kafka: records as the engine's events, each once, in the market's order."""

from __future__ import annotations

from engine.domain import (
    BookChanged,
    Execution,
    ExecutionType,
    Level,
    OrderType,
    Side,
    Status,
    TimeInForce,
    Trade,
)
from engine.log import LogRecord
from engine.topics import BOOK, EXECUTIONS, TRANSACTIONS
from engine.wire.records import Stamp, book_record, encode, execution_record, transaction_record
from homebroker.research.ladder import Ladder
from homebroker.strategy.feed import Feed, Heard, in_order

START_MS = 1_790_000_000_000
TRADE = Trade(
    symbol="PETR4",
    price_units=38_1200,
    quantity=100,
    buyer_id="b",
    seller_id="s",
    buy_order_id="b-1",
    sell_order_id="s-1",
    taker_side=Side.BUY,
)
REPORT = Execution(
    execution_type=ExecutionType.TRADE,
    status=Status.PARTIALLY_FILLED,
    order_id="m-a-1",
    investor_id="m",
    symbol="PETR4",
    side=Side.BUY,
    type=OrderType.LIMIT,
    time_in_force=TimeInForce.GTC,
    price_units=38_0000,
    quantity=100_000,
    filled_quantity=4,
    remaining_quantity=99_996,
    last_quantity=4,
)


def _book(*, bid: int, ask: int, snapshot: bool = True) -> BookChanged:
    return BookChanged(
        symbol="PETR4",
        offset=1,
        previous_offset=-1,
        time_ms=START_MS,
        snapshot=snapshot,
        bids=(Level(bid, 100, 1),),
        asks=(Level(ask, 100, 1),),
    )


def test_the_feed_gives_kafkas_records_as_the_engines_events_each_once() -> None:
    stamp, change = Stamp(0, 5, START_MS), _book(bid=1, ask=2, snapshot=False)
    feed = Feed()
    for topic, value, event in (
        (TRANSACTIONS, encode(transaction_record(TRADE, stamp, 0)), TRADE),
        (EXECUTIONS, encode(execution_record(REPORT, stamp, 0)), REPORT),
        (BOOK, encode(book_record(change, 0)), change),
    ):
        record = LogRecord(topic, 0, 1, START_MS, None, value)
        heard = feed.event(record)
        assert heard is not None
        assert heard[:2] == (event, START_MS)
        assert feed.event(record) is None


def test_what_one_command_caused_is_told_together_trades_first_and_the_book_last() -> None:
    book = _book(bid=1, ask=2)
    heard = [Heard(book, 9, 6), None, Heard(REPORT, 9, 6), Heard(book, 8, 5), Heard(TRADE, 9, 6)]
    told = [(each.offset, type(each.event)) for each in in_order(heard)]
    assert told == [(5, BookChanged), (6, Trade), (6, Execution), (6, BookChanged)]


def test_a_ladder_follows_the_book_and_its_copy_does_not() -> None:
    ladder = Ladder()
    ladder.take(_book(bid=38_0000, ask=38_0100))
    gone = BookChanged(
        symbol="PETR4",
        offset=2,
        previous_offset=1,
        time_ms=START_MS,
        snapshot=False,
        bids=(Level(38_0000, 0, 0), Level(37_9900, 5, 1)),
        asks=(),
    )
    copy = ladder.copy()
    ladder.take(gone)
    assert (sorted(ladder.bids), sorted(ladder.asks)) == ([37_9900], [38_0100])
    assert sorted(copy.bids) == [38_0000]
    ladder.take(_book(bid=36_0000, ask=39_0000))
    assert (sorted(ladder.bids), sorted(ladder.asks)) == ([36_0000], [39_0000]), "a snapshot replaces all"
