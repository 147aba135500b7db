"""Streams: nothing missed, nothing twice, however often and wherever a listener comes back."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import convert

from api.feed import Feed, TooManySubscribersError
from api.live.publisher import PRIVATE_LETTERS, PUBLIC_LETTERS, Publisher
from api.live.view import LiveView
from api.openings import MarketOpening, stream
from engine.domain import SelfTrade, Side
from engine.log import LogRecord
from engine.topics import OUTPUT_TOPICS
from homebroker.client import Book, BookChange, LocalBook
from tests.api.exchange import Exchange


@dataclass(frozen=True)
class Event:
    """An event as a client reads it."""

    id: str
    name: str
    data: Any


def parsed(text: str) -> list[Event]:
    """Read what a stream sent."""
    events = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        if "data" in fields:
            events.append(Event(fields["id"], fields["event"], json.loads(fields["data"])))
    return events


class Server:
    """One API server's view and public feed, fed by hand."""

    def __init__(self, **limits: int) -> None:
        self.feed = Feed(PUBLIC_LETTERS, **limits)
        self.view = LiveView(books_from_start=True)
        self.publisher = Publisher(self.view, self.feed, Feed(PRIVATE_LETTERS))
        self.publisher.start(dict.fromkeys(OUTPUT_TOPICS, 0))
        self.now_s = 0.0

    def read(self, records: list[LogRecord], *, after_s: float = 0.06) -> None:
        """Take in a batch, a while after the one before."""
        self.now_s += after_s
        self.publisher.publish(self.view.apply(records), states=True)
        self.publisher.publish_due(self.now_s)

    async def listen(self, kinds: Collection[str], last_id: str | None) -> Listener:
        """Connect a client to PETR4."""
        opening = MarketOpening(view=self.view, symbols=("PETR4",), kinds=tuple(kinds))
        listener = Listener(self.feed, opening, last_id)
        await listener.read()
        return listener


class Listener:
    """A client of the stream."""

    def __init__(self, feed: Feed, opening: MarketOpening, last_id: str | None) -> None:
        self._stream = stream(feed, lambda: opening, last_id)
        self.events: list[Event] = []
        self.ended = False

    async def read(self) -> None:
        """Read what there is."""
        try:
            while True:
                # A queue that has something gives it at once; one that has nothing is left alone.
                step = asyncio.ensure_future(anext(self._stream))
                for _ in range(5):
                    await asyncio.sleep(0)
                if not step.done():
                    self._step = step
                    return
                self.events += parsed(step.result().decode())
        except StopAsyncIteration:
            self.ended = True

    async def collect(self) -> list[Event]:
        """Take what came since the last look, and go on listening."""
        for _ in range(5):
            await asyncio.sleep(0)
        if not self.ended and self._step.done():
            try:
                self.events += parsed(self._step.result().decode())
            except StopAsyncIteration:
                self.ended = True
            else:
                await self.read()
        return self.events

    async def leave(self) -> None:
        """Break the connection."""
        if not self.ended:
            self._step.cancel()
            await asyncio.gather(self._step, return_exceptions=True)
        await self._stream.aclose()


def market_batches(seed: int, orders: int) -> list[list[LogRecord]]:
    """Play random orders; gives what the engine wrote, command by command."""
    dice = random.Random(seed)
    exchange = Exchange()
    batches = [exchange.open()]
    for number in range(orders):
        exchange.time_ms += dice.choice([0, 10, 700])
        batches.append(
            exchange.place(
                f"o-{number}",
                dice.choice(list(Side)),
                dice.randint(1, 9),
                10 + dice.randint(-3, 3) / 100,
                symbol=dice.choice(["PETR4", "PETR4", "VALE3"]),
                self_trade=SelfTrade.NONE,
            )
        )
    return batches


class Client:
    """What a page makes of the events; fails on any gap or repeat."""

    def __init__(self) -> None:
        self.trades: list[str] = []
        self.candles: dict[int, Any] = {}
        self.book = LocalBook("PETR4")
        self.ticker: Any = None
        self.last_id: str | None = None

    def take(self, events: list[Event]) -> None:
        """Apply events."""
        for event in events:
            self.last_id = event.id
            if event.name == "trade":
                assert event.data["transaction_id"] not in self.trades
                self.trades.append(event.data["transaction_id"])
            elif event.name == "candle":
                self.candles[event.data["time_ms"]] = event.data
            elif event.name == "book_snapshot":
                self.book.begin(convert(event.data, Book))
            elif event.name == "book":
                self.book.apply(convert(event.data, BookChange))
            elif event.name == "ticker":
                self.ticker = event.data
            else:
                assert event.name == "opened"


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 1_000_000))
def test_a_client_that_comes_and_goes_between_servers_misses_nothing(seed: int) -> None:
    asyncio.run(_come_and_go(seed))


async def _come_and_go(seed: int) -> None:
    # The dice are our own: drawing each choice by Hypothesis makes a failure take minutes to shrink.
    dice = random.Random(seed)
    batches = market_batches(seed, 30)
    # The second server reads in larger steps, so it sends the topics' records in another order.
    servers = (Server(), Server())
    client, taken = Client(), 0
    kinds = dice.choice(
        [
            ["trades", "book", "candles:1s", "tickers"],
            ["trades", "book:250ms", "candles:1s:100ms", "tickers:1s"],
            ["candles:1s:500ms"],
            ["candles:1s"],
            ["candles:1s", "tickers"],
        ]
    )
    servers[0].read(batches[0])
    servers[1].read(batches[0])
    listener = await servers[0].listen(kinds, None)
    client.take(listener.events)
    held: list[LogRecord] = []
    taken = len(listener.events)
    for batch in batches[1:]:
        servers[0].read(batch)
        held += batch
        moving = dice.random() < 0.4
        if moving or dice.random() < 0.3:
            servers[1].read(held)
            held = []
        if moving:
            events = await listener.collect()
            client.take(events[taken : dice.randint(taken, len(events))])
            await listener.leave()
            listener = await dice.choice(servers).listen(kinds, client.last_id)
            taken = 0
    servers[1].read(held)
    for server in servers:
        server.read([], after_s=10.0)
    client.take((await listener.collect())[taken:])
    await listener.leave()
    view = servers[0].view
    traded = view.candles.get("PETR4")
    candles = traded["1s"].between(None, None, limit=99, now_ms=view.time_ms) if traded else []
    shown = [client.candles[start] for start in sorted(client.candles)]
    assert [(c["time_ms"], c["volume"], c["close"], c["closed"]) for c in shown] == [
        (c.time_ms, c.volume, c.close, c.closed) for c in candles
    ]
    if "trades" in kinds:
        newest = view.trades["PETR4"].newest(999) if "PETR4" in view.trades else []
        assert client.trades == [trade.transaction_id for trade in reversed(newest)]
        whole = view.books["PETR4"].levels()
        assert (client.book.offset, client.book.bids(), client.book.asks()) == (
            whole.offset,
            list(whole.bids),
            list(whole.asks),
        )
        assert client.ticker["last_price"] == view.ticker("PETR4").last_price
        assert (client.ticker["bid"], client.ticker["ask"]) == (
            view.books["PETR4"].bid,
            view.books["PETR4"].ask,
        )


async def test_who_comes_back_to_the_same_server_sees_each_event_once_wherever_it_was_cut_off() -> None:
    server, kinds = Server(), ["trades", "book", "candles:1s", "tickers"]
    batches = market_batches(4, 25)
    server.read(batches[0])
    listener = await server.listen(kinds, None)
    for batch in batches[1:]:
        server.read(batch)
    events = await listener.collect()
    await listener.leave()
    opened = [event.name for event in events].index("opened")
    for cut in range(opened, len(events)):
        back = await server.listen(kinds, events[cut].id)
        rest = [(event.name, event.data) for event in events[cut + 1 :]]
        assert [(event.name, event.data) for event in back.events] == rest
        await back.leave()


async def test_who_comes_back_for_more_channels_gets_their_state() -> None:
    server, exchange = Server(), Exchange()
    server.read(exchange.open())
    listener = await server.listen(["trades"], None)
    exchange.place("o-1", Side.SELL, 5, 10.0)
    exchange.place("o-2", Side.BUY, 5, 10.0, investor_id="bia")
    server.read(exchange.records)
    last_id = (await listener.collect())[-1].id
    await listener.leave()
    more = await server.listen(["trades", "candles:1s", "tickers"], last_id)
    assert [event.name for event in more.events] == ["candle", "ticker"]
    await more.leave()


async def test_ids_never_repeat_and_name_a_position(seed: int = 5) -> None:
    server = Server()
    batches = market_batches(seed, 20)
    server.read(batches[0])
    listener = await server.listen(["trades", "book", "tickers"], None)
    for batch in batches[1:]:
        server.read(batch)
    events = await listener.collect()
    await listener.leave()
    live = [event.id for event in events if not event.id.endswith(".s")]
    assert len(live) == len(set(live)) > 20


async def test_too_old_an_id_and_one_of_another_log_bring_a_reset_and_a_fresh_view(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("api.openings.BEHIND_MAX_S", 0.0)
    server = Server(entries_max=5)
    for batch in market_batches(1, 30):
        server.read(batch)
    for last_id in ("t0.b0.0", "t9999.b1.1", "nonsense", "t1.b1.1-1", "t-1.b1.1"):
        listener = await server.listen(["trades", "book"], last_id)
        assert [event.name for event in listener.events] == ["reset", "book_snapshot", "opened"], last_id
        await listener.leave()


async def test_who_was_cut_off_in_the_opening_gets_it_whole_again() -> None:
    server = Server()
    for batch in market_batches(1, 30):
        server.read(batch)
    listener = await server.listen(["book", "tickers"], None)
    first = listener.events[0]
    await listener.leave()
    again = await server.listen(["book", "tickers"], first.id)
    assert [event.name for event in again.events] == ["book_snapshot", "ticker", "opened"]
    await again.leave()


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


async def test_a_server_that_is_behind_lets_whoever_knows_more_wait_for_it() -> None:
    ahead, behind = Server(), Server()
    batches = market_batches(2, 30)
    for server in (ahead, behind):
        server.read(batches[0])
    listener = await ahead.listen(["trades", "book"], None)
    for batch in batches[1:20]:
        ahead.read(batch)
    events = await listener.collect()
    await listener.leave()
    opening = MarketOpening(view=behind.view, symbols=("PETR4",), kinds=("trades", "book"))
    coming = asyncio.create_task(anext(stream(behind.feed, lambda: opening, events[-1].id)))
    await asyncio.sleep(0.05)
    assert not coming.done()
    for batch in batches[1:]:
        behind.read(batch)
    names = {event.name for event in parsed((await coming).decode())}
    assert "reset" not in names
    assert "book" in names


async def test_who_leaves_while_candles_wait_is_told_all_of_them_by_another_server() -> None:
    servers, exchange = (Server(), Server()), Exchange()
    kinds = ["trades", "candles:1s:1s"]
    for server in servers:
        server.read(exchange.open())
    listener = await servers[0].listen(kinds, None)
    for number in range(5):
        exchange.time_ms += 1_000
        records = exchange.place(f"s-{number}", Side.SELL, 1, 10.0)
        records = records + exchange.place(f"b-{number}", Side.BUY, 1, 10.0, investor_id="bia")
        for server in servers:
            server.read(records)
    events = await listener.collect()
    await listener.leave()
    assert events[-1].name == "trade"
    back = await servers[1].listen(kinds, events[-1].id)
    await back.leave()
    candles = {event.data["time_ms"] for event in events + back.events if event.name == "candle"}
    assert candles == {candle.time_ms for candle in servers[1].view.candles["PETR4"]["1s"].since(0, now_ms=0)}
    assert len(candles) == 5
