"""Streams: what is told to whom and when; slow clients, full feeds, paces."""

from __future__ import annotations

import json

import pytest
from sse_starlette import ServerSentEvent

from api.feed import Feed, TooManySubscribersError
from api.feed.places import Place
from api.feed.subscription import body
from api.live.publisher import PRIVATE_LETTERS, PUBLIC_LETTERS, Publisher
from api.live.retelling import RETOLD_TOPICS, Retelling
from api.live.view import LiveView
from engine.domain import Side
from engine.topics import ACCOUNTS, BOOK, EXECUTIONS, OUTPUT_TOPICS, TRANSACTIONS
from tests.api.exchange import Exchange
from tests.api.feed_listeners import Server, market_batches


async def test_a_slow_client_is_dropped_with_a_word_and_the_others_go_on() -> None:
    server = Server(queue_bytes_max=3_000)
    batches = market_batches(3, 60)
    server.read(batches[0])
    slow = await server.listen(["trades", "book"], None)
    quick = await server.listen(["trades", "book"], None)
    for batch in batches[1:]:
        server.read(batch)
        await quick.collect()
    last = (await slow.collect())[-1]
    assert (last.name, last.data["reason"], slow.ended) == ("dropped", "slow_client", True)
    assert not quick.ended
    # Its id is that of the last event it got, so coming back with it brings the rest.
    again = await server.listen(["trades", "book"], last.id)
    missed = [event.data for event in again.events]
    assert missed == [event.data for event in quick.events[len(slow.events) - 1 :]]
    await again.leave()
    await quick.leave()


async def test_a_full_feed_takes_no_more_and_leaving_makes_room() -> None:
    server = Server(subscribers_max=1)
    server.read(market_batches(1, 3)[0])
    first = await server.listen(["trades"], None)
    with pytest.raises(TooManySubscribersError):
        await server.listen(["trades"], None)
    await first.leave()
    await (await server.listen(["trades"], None)).leave()


async def test_the_end_comes_after_what_was_waiting() -> None:
    server = Server()
    batches = market_batches(1, 20)
    server.read(batches[0])
    listener = await server.listen(["trades", "book"], None)
    for batch in batches[1:]:
        server.read(batch)
    server.feed.end_all("server_shutdown", b"{}")
    events = await listener.collect()
    assert events[-1].name == "server_shutdown"
    assert events[-1].id == events[-2].id
    assert listener.ended


async def test_a_candle_is_told_as_closed_when_the_logs_time_passes_it() -> None:
    server, exchange = Server(), Exchange()
    server.read(exchange.open())
    exchange.place("o-1", Side.SELL, 5, 10.0)
    server.read(exchange.place("o-2", Side.BUY, 5, 10.0, investor_id="bia"))
    server.read(exchange.records)
    listener = await server.listen(["candles:1s"], None)
    exchange.time_ms += 1_000
    server.read(exchange.place("o-3", Side.BUY, 5, 9.0, symbol="VALE3"))
    told = [event.data["closed"] for event in await listener.collect() if event.name == "candle"]
    await listener.leave()
    assert told == [False, True]


async def test_public_events_name_no_investor_and_no_order() -> None:
    server = Server()
    batches = market_batches(9, 40)
    server.read(batches[0])
    listener = await server.listen(["trades", "book", "candles:1m", "tickers"], None)
    for batch in batches[1:]:
        server.read(batch)
    text = json.dumps([event.data for event in await listener.collect()])
    await listener.leave()
    assert "ana" not in text
    assert "o-" not in text
    assert "_order_id" not in text


async def test_a_paced_channel_speaks_at_once_then_no_more_often_than_its_pace_and_all_in_one() -> None:
    server, exchange = Server(), Exchange()
    server.read(exchange.open())
    server.read(exchange.place("o-0", Side.BUY, 1, 9.0))
    listener = await server.listen(["book:250ms"], None)
    opened = len(listener.events)

    async def told(number: int, after_s: float) -> list[tuple[int, int, int]]:
        server.read(exchange.place(f"o-{number}", Side.BUY, number, 9.0 + number / 100), after_s=after_s)
        books = [event.data for event in await listener.collect()][opened:]
        return [(book["previous_offset"], book["offset"], len(book["bids"])) for book in books]

    first = exchange.offset
    assert await told(1, 1.0) == [(first - 1, first, 1)]
    assert len(await told(2, 0.1)) == len(await told(3, 0.1)) == 1
    assert await told(4, 0.1) == [(first - 1, first, 1), (first, first + 3, 3)]
    server.read([], after_s=10.0)
    assert len(await listener.collect()) == opened + 2
    # Who comes while something waits begins where all others are: they are told it now.
    assert len(await told(5, 0.1)) == 3
    assert len(await told(6, 0.1)) == 3
    newcomer = await server.listen(["book:250ms"], None)
    last = (await listener.collect())[-1].data
    assert last["offset"] == newcomer.events[0].data["offset"] == exchange.offset - 1
    await newcomer.leave()
    await listener.leave()


@pytest.mark.parametrize(
    "data", [b'{"symbol":"PETR4","name":"Petr\xc3\xb3leo"}', b'{"a":1,\n"b":\r\n2}', b""]
)
def test_an_event_is_written_as_the_library_would(data: bytes) -> None:
    assert body("trade", data) == ServerSentEvent(data.decode(), event="trade", sep="\n").encode()


async def test_a_candle_from_before_a_view_began_is_told_as_closed_too() -> None:
    exchange = Exchange()
    exchange.open()
    exchange.place("o-1", Side.SELL, 5, 10.0)
    exchange.place("o-2", Side.BUY, 5, 10.0, investor_id="bia")
    server, start = Server(), len(exchange.records)
    server.view.apply(exchange.records)
    server.publisher = Publisher(server.view, server.feed, Feed(PRIVATE_LETTERS))
    server.publisher.start(dict(server.view.positions))
    listener = await server.listen(["candles:1m"], None)
    opening = len(await listener.collect())
    exchange.time_ms += 60_000
    exchange.place("o-3", Side.SELL, 5, 10.0, symbol="VALE3")
    server.read(exchange.records[start:])
    told = (await listener.collect())[opening:]
    assert [(event.name, event.data["closed"]) for event in told] == [("candle", True)]
    await listener.leave()


async def test_the_end_of_a_retelling_is_told_also_where_its_last_records_were_repeats() -> None:
    exchange = Exchange()
    exchange.open()
    exchange.place("o-1", Side.SELL, 5, 10.0)
    exchange.place("o-2", Side.BUY, 5, 10.0, investor_id="bia")
    public, private, view = Feed(PUBLIC_LETTERS), Feed(PRIVATE_LETTERS), LiveView(books_from_start=True)
    view.apply(exchange.records)
    # What an engine that was cut off wrote again.
    for topic in RETOLD_TOPICS:
        view.positions[topic] += 3
    publisher = Publisher(view, public, private)
    publisher.start(dict.fromkeys(OUTPUT_TOPICS, 0))
    publisher.retell(
        Retelling(view.positions).changes([r for r in exchange.records if r.topic in RETOLD_TOPICS])
    )
    ends = {
        feed: str(
            Place(
                position={letter: view.positions[topic] for letter, topic in letters.items()},
                told=view.positions[next(iter(letters.values()))],
            )
        )
        for feed, letters in (
            (public, {"t": TRANSACTIONS, "b": BOOK}),
            (private, {"e": EXECUTIONS, "a": ACCOUNTS}),
        )
    }
    assert [feed.since(end, ["any"]) for feed, end in ends.items()] == [None, None]
    publisher.retold()
    for feed, end in ends.items():
        missed = feed.since(end, ["any"])
        assert missed is not None
        assert missed.entries == []
