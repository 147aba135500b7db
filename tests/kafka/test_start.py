"""A view's start beside a real Kafka: with the history where that is this log's, with the log where not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog

from api.beginning import HistoryStart
from api.feed import Feed, private_feed
from api.feed.places import Place
from api.history import History
from api.live import follower
from api.live.follower import Follower
from api.live.publisher import PRIVATE_LETTERS, PUBLIC_LETTERS
from api.live.retelling import RETOLD_TOPICS
from api.live.view import LiveView
from api.recorder.rows import BatchReader
from api.recorder.store import HistoryStore
from engine.domain import Side
from engine.log import Connection, LogRecord, LogWriter, NewRecord
from engine.topics import BOOK, OUTPUT_TOPICS
from tests.api.exchange import ME, Exchange
from tests.api.random_market import by_topic
from tests.kafka.waiting import until

pytestmark = pytest.mark.kafka


def played(orders: int) -> Exchange:
    """Give a market with some trades."""
    exchange = Exchange()
    exchange.open()
    for number in range(orders):
        exchange.time_ms += 300
        side = Side.SELL if number % 2 else Side.BUY
        exchange.place(f"o-{number}", side, 5, 10.0, investor_id="ana" if number % 2 else ME)
    exchange.place("open", Side.BUY, 5, 9.0, investor_id=ME)
    return exchange


async def write(connection: Connection, records: list[LogRecord]) -> None:
    """Send records to Kafka."""
    async with LogWriter(connection) as writer:
        for topic, of_topic in by_topic(records).items():
            new = [NewRecord(each.key, each.value or b"", each.time_ms) for each in of_topic]
            if new:
                await writer.append_all(topic, new)


def record(url: str, records: list[LogRecord], *, share: float = 1.0) -> None:
    """Write the first part of each topic to a database."""
    store = HistoryStore(url)
    store.prepare()
    parts = [part[: int(share * len(part))] for topic, part in by_topic(records).items() if topic != BOOK]
    store.write(BatchReader().batch([each for part in parts for each in part]))
    store.close()


class Api:
    """A follower with its feeds."""

    def __init__(self, connection: Connection, url: str) -> None:
        self.history = History(url)
        self.public, self.private = Feed(PUBLIC_LETTERS), private_feed(PRIVATE_LETTERS)
        start = HistoryStart(connection, self.history)
        self.follower = Follower(connection, start, self.public, self.private)


@asynccontextmanager
async def following(connection: Connection, url: str) -> AsyncIterator[Api]:
    """Follow the log for as long as the context lasts, once it has caught up."""
    api = Api(connection, url)
    task = asyncio.create_task(api.follower.run())
    try:
        await until(lambda: api.follower.caught_up or task.done(), "caught up")
        assert not task.done(), task.exception()
        yield api
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        api.history.close()


def assert_has_all(view: LiveView, exchange: Exchange) -> None:
    """See that a view is as one that read the log."""
    whole = LiveView(books_from_start=True)
    whole.apply(exchange.records)
    assert view.ticker("PETR4") == whole.ticker("PETR4")
    assert view.trades["PETR4"].newest(9) == whole.trades["PETR4"].newest(9)
    assert view.accounts.snapshot(ME) == whole.accounts.snapshot(ME)
    assert view.orders.open(ME, limit=9) == whole.orders.open(ME, limit=9)
    assert view.positions == whole.positions


@pytest.mark.parametrize("share", [0.4, 1.0])
async def test_a_view_begins_with_the_history_and_reads_on(
    connection: Connection, tmp_path: Path, share: float
) -> None:
    exchange, url = played(300), f"sqlite:///{tmp_path / 'history.sqlite'}"
    await write(connection, exchange.records)
    record(url, exchange.records, share=share)
    with structlog.testing.capture_logs() as lines:
        async with following(connection, url) as api:
            assert_has_all(api.follower.view, exchange)
            # Only one that read the log knows orders that ended before.
            assert api.follower.view.orders.get(ME, "o-0") is None
            start = len(exchange.records)
            exchange.place("new", Side.SELL, 5, 9.0)
            await write(connection, exchange.records[start:])
            await until(lambda: api.follower.view.trades["PETR4"].last_price == 9.0, "the new trade")
            await until(lambda: api.follower.view.orders.open_count(ME) == 0, "the new report")
    assert next(line["event"] for line in lines) == "began with the history"


@pytest.mark.parametrize("share", [0.4, 1.0])
async def test_who_comes_back_to_a_server_that_began_with_the_history_misses_nothing(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    monkeypatch.setattr(follower, "REPLAYED_MAX", 100)
    monkeypatch.setattr(follower, "_REPEATED_MAX", 20)
    exchange, url = played(300), f"sqlite:///{tmp_path / 'history.sqlite'}"
    # An engine that was cut off had written the same again: where retelling begins, and at the end.
    topics = {
        topic: [
            each._replace(offset=place)
            for place, each in enumerate(
                part if topic == BOOK else [*part[:-87], *part[-97:-87], *part[-87:], *part[-3:]]
            )
        ]
        for topic, part in by_topic(exchange.records).items()
    }
    assert all(len(topics[topic]) > 120 for topic in RETOLD_TOPICS)
    written = [each for part in topics.values() for each in part]
    await write(connection, written)
    record(url, written, share=share)
    async with following(connection, url) as api:
        assert_has_all_of(api.follower.view, topics)
        for feed, letters in ((api.public, {"t": "transactions", "b": BOOK}), (api.private, PRIVATE)):
            for back in (0, 1, 50, 100):
                ends = {letter: len(topics[topic]) for letter, topic in letters.items()}
                position = {letter: max(0, end - back) for letter, end in ends.items()}
                place = Place(position=position, told=position[next(iter(letters))])
                channels = {"trades:PETR4", "book:PETR4"} if feed is api.public else {ME}
                missed = feed.since(str(place), channels)
                assert missed is not None
                for letter, topic in letters.items():
                    told = [entry.offset for entry in missed.entries if entry.source == letter]
                    assert told == expected(
                        topics[topic], position[letter], of=None if feed is api.public else ME
                    )
            too_old = Place(position=dict.fromkeys(letters, 0), told=0)
            assert feed.since(str(too_old), channels) is None


PRIVATE = {"e": "executions", "a": "accounts"}


def expected(records: list[LogRecord], first: int, *, of: str | None) -> list[int]:
    """Give the offsets of the records from one on that are not repeats, of an investor or of all."""
    seen: set[bytes | None] = set()
    found = []
    for each in records:
        if each.value not in seen and each.offset >= first and (of is None or each.key == of.encode()):
            found.append(each.offset)
        seen.add(each.value)
    return found


def assert_has_all_of(view: LiveView, topics: dict[str, list[LogRecord]]) -> None:
    """See that a view has read all topics."""
    assert view.positions == {topic: len(topics[topic]) for topic in OUTPUT_TOPICS}


async def test_another_markets_history_is_not_begun_with(connection: Connection, tmp_path: Path) -> None:
    exchange, url = played(60), f"sqlite:///{tmp_path / 'history.sqlite'}"
    other = played(40)
    other.place("other", Side.SELL, 1, 12.0)
    record(url, other.records)
    await write(connection, exchange.records)
    with structlog.testing.capture_logs() as lines:
        async with following(connection, url) as api:
            assert_has_all(api.follower.view, exchange)
            assert api.follower.view.orders.get(ME, "o-0") is not None
    [why] = [line["why"] for line in lines if line["event"] == "beginning with the log's first record"]
    assert "another market" in why
    assert "HOMEBROKER_DATABASE_URL" in why


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///{folder}/none.sqlite",
        "sqlite:///{folder}/broken.sqlite",
        "postgresql+psycopg://nobody@127.0.0.1:1/none",
    ],
)
async def test_without_a_history_the_log_is_read(connection: Connection, tmp_path: Path, url: str) -> None:
    exchange = played(20)
    await write(connection, exchange.records)
    (tmp_path / "broken.sqlite").write_bytes(b"this is no database" * 100)
    with structlog.testing.capture_logs() as lines:
        async with following(connection, url.format(folder=tmp_path)) as api:
            assert_has_all(api.follower.view, exchange)
    [why] = [line["why"] for line in lines if line["event"] == "beginning with the log's first record"]
    assert "see that the recorder runs" in why
