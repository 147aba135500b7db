"""Private streams: everybody's own events, all of them, once; never another's."""

from __future__ import annotations

import asyncio
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.feed import Feed, TooManySubscribersError, private_feed
from api.live.publisher import PRIVATE_LETTERS, PUBLIC_LETTERS, Publisher
from api.live.view import LiveView
from api.openings import AccountOpening, stream
from engine.domain import Deposit, OpenAccount, SelfTrade, Side
from engine.log import LogRecord
from engine.topics import ACCOUNTS, EXECUTIONS, OUTPUT_TOPICS
from tests.api.exchange import Exchange
from tests.api.feed_listeners import Event, Listener

# Names that would carry other names' events if a channel were more than a name.
TRICKY = ("*", ":*", "ana:*", "ana:x", "account:*", "trades:PETR4")
INVESTORS = ("ana", "bia", *TRICKY)


class Server:
    """One API server's view and private feed, fed by hand."""

    def __init__(self, feed: Feed | None = None) -> None:
        self.feed = feed or private_feed(PRIVATE_LETTERS)
        self.view = LiveView(books_from_start=True)
        self.publisher = Publisher(self.view, Feed(PUBLIC_LETTERS), self.feed)
        self.publisher.start(dict.fromkeys(OUTPUT_TOPICS, 0))

    def read(self, records: list[LogRecord]) -> None:
        """Take in a batch."""
        self.publisher.publish(self.view.apply(records), states=True)

    async def listen(self, investor_id: str, last_id: str | None = None) -> Listener:
        """Connect an investor."""
        opening = AccountOpening(view=self.view, investor_id=investor_id)
        listener = Listener(self.feed, opening, last_id)
        await listener.read()
        return listener


def market_batches(seed: int, orders: int) -> list[list[LogRecord]]:
    """Let many investors trade; gives what the engine wrote, command by command."""
    dice = random.Random(seed)
    exchange = Exchange()
    opening = exchange.open()
    for investor in TRICKY:
        opening = opening + exchange.run(OpenAccount(investor_id=investor, unlimited=True))
    batches = [opening]
    for number in range(orders):
        exchange.time_ms += 10
        batches.append(
            exchange.place(
                f"o-{number}",
                dice.choice(list(Side)),
                dice.randint(1, 9),
                10 + dice.randint(-3, 3) / 100,
                investor_id=dice.choice(INVESTORS),
                self_trade=SelfTrade.NONE,
            )
        )
    return batches


def written_of(batches: list[list[LogRecord]], investor_id: str) -> dict[str, list[object]]:
    """Give what the engine wrote of an investor, by event."""
    return {
        event: [
            json.loads(record.value or b"")
            for batch in batches
            for record in batch
            if record.topic == topic and record.key == investor_id.encode()
        ]
        for event, topic in (("execution", EXECUTIONS), ("account", ACCOUNTS))
    }


def told(events: list[Event]) -> dict[str, list[object]]:
    """Give what a client was sent, by event, without the opening."""
    return {name: [event.data for event in events if event.name == name] for name in ("execution", "account")}


async def test_everybody_hears_all_of_their_own_and_nothing_of_others() -> None:
    server, batches = Server(), market_batches(1, 120)
    server.read(batches[0])
    listeners = {investor: await server.listen(investor) for investor in INVESTORS}
    for batch in batches[1:]:
        server.read(batch)
    for investor, listener in listeners.items():
        assert told(await listener.collect()) == written_of(batches[1:], investor), investor
        assert len(told(listener.events)["execution"]) > 5
        await listener.leave()


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1_000_000))
def test_whoever_comes_and_goes_between_servers_misses_nothing_and_hears_nothing_twice(seed: int) -> None:
    asyncio.run(_come_and_go(seed))


async def _come_and_go(seed: int) -> None:
    dice = random.Random(seed)
    batches = market_batches(seed, 40)
    servers = (Server(), Server())
    for server in servers:
        server.read(batches[0])
    heard: dict[str, list[Event]] = {investor: [] for investor in INVESTORS}
    listeners = {investor: await servers[0].listen(investor) for investor in INVESTORS}
    last_ids = {investor: listener.events[-1].id for investor, listener in listeners.items()}
    counts = {investor: len(listener.events) for investor, listener in listeners.items()}

    async def take(investor: str, cut: bool) -> None:
        events = (await listeners[investor].collect())[counts[investor] :]
        events = events[: dice.randint(0, len(events))] if cut else events
        heard[investor] += events
        last_ids[investor] = events[-1].id if events else last_ids[investor]
        counts[investor] += len(events)

    held: list[LogRecord] = []
    for batch in batches[1:]:
        servers[0].read(batch)
        held += batch
        mover = dice.choice(INVESTORS)
        if dice.random() < 0.5:
            servers[1].read(held)
            held = []
            await take(mover, cut=True)
            await listeners[mover].leave()
            listeners[mover] = await dice.choice(servers).listen(mover, last_ids[mover])
            counts[mover] = 0
    servers[1].read(held)
    for investor, listener in listeners.items():
        await take(investor, cut=False)
        assert told(heard[investor]) == written_of(batches[1:], investor), investor
        assert "reset" not in {event.name for event in heard[investor]}
        await listener.leave()


async def test_the_opening_is_the_investors_own() -> None:
    server = Server()
    for batch in market_batches(2, 60):
        server.read(batch)
    for investor in INVESTORS:
        listener = await server.listen(investor)
        orders, account, opened = listener.events
        assert (orders.name, account.name, opened.name) == ("orders_snapshot", "account_snapshot", "opened")
        mine = server.view.orders.open(investor, limit=99)
        assert [order["order_id"] for order in orders.data] == [order.order_id for order in mine]
        assert account.data["account"]["investor_id"] == investor
        await listener.leave()


async def test_too_old_an_id_brings_a_reset_and_a_fresh_view_of_ones_own() -> None:
    server = Server(Feed(PRIVATE_LETTERS, entries_max=5, every_symbol=False))
    batches = market_batches(3, 40)
    server.read(batches[0])
    listener = await server.listen("ana")
    last_id = listener.events[-1].id
    await listener.leave()
    for batch in batches[1:]:
        server.read(batch)
    back = await server.listen("ana", last_id)
    assert [event.name for event in back.events] == ["reset", "orders_snapshot", "account_snapshot", "opened"]
    await back.leave()


async def test_an_id_of_anothers_stream_brings_nothing_of_theirs() -> None:
    server, batches = Server(), market_batches(4, 40)
    server.read(batches[0])
    theirs = await server.listen("bia")
    for batch in batches[1:]:
        server.read(batch)
    stolen = (await theirs.collect())[3].id
    await theirs.leave()
    mine = await server.listen("ana", stolen)
    assert all(event.data["investor_id"] == "ana" for event in mine.events)
    await mine.leave()


async def test_one_investors_streams_do_not_take_everybodys_room() -> None:
    server = Server()
    server.read(market_batches(1, 1)[0])
    streams = [await server.listen("ana") for _ in range(20)]
    assert server.feed.is_crowded("ana")
    with pytest.raises(TooManySubscribersError):
        await server.listen("ana")
    await (await server.listen("bia")).leave()
    await streams.pop().leave()
    streams.append(await server.listen("ana"))
    for each in streams:
        await each.leave()


async def test_a_record_is_sent_as_the_engine_wrote_it() -> None:
    server, exchange = Server(), Exchange()
    server.read(exchange.open())
    opening = AccountOpening(view=server.view, investor_id="ana")
    frames = stream(server.feed, lambda: opening, None)
    await anext(frames)
    records = exchange.run(Deposit(investor_id="ana", cash_units=10_001))
    server.read(records)
    (record,) = records
    assert b"data: " + (record.value or b"") + b"\n\n" in await anext(frames)
    await frames.aclose()
