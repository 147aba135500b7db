"""Streams: nothing missed, nothing twice, however often and wherever a listener comes back."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.feed import Feed
from api.live.candles import INTERVALS_MS
from api.live.publisher import PUBLIC_LETTERS
from api.openings import MarketOpening, stream
from engine.domain import Side
from engine.log import LogRecord
from tests.api.exchange import Exchange
from tests.api.feed_listeners import Client, Clock, Server, market_batches, parsed


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 1_000_000))
def test_a_client_that_comes_and_goes_between_servers_misses_nothing(seed: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        asyncio.run(_come_and_go(seed, patch))


async def _come_and_go(seed: int, patch: pytest.MonkeyPatch) -> None:
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
    clock = Clock(patch)
    servers[0].read(batches[0])
    servers[1].read(batches[0])
    for server in servers:
        server.crowd(dice.choice([0, 100]))
    listener = await servers[0].listen(kinds, None)
    client.take(listener.events)
    held: list[LogRecord] = []
    taken = len(listener.events)
    for batch in batches[1:]:
        servers[0].read(batch)
        held += batch
        await clock.move(dice.choice([0.0, 0.002, 0.01]))
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
    await clock.move(1.0)
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


async def test_who_missed_more_candles_than_are_kept_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.live.candles.ROWS_MAX", dict.fromkeys(INTERVALS_MS, 4))
    servers = Server(), Server()
    exchange = Exchange()
    for server in servers:
        server.read(exchange.open())
    listener = await servers[0].listen(["trades", "candles:1s"], None)
    last_id = (await listener.collect())[-1].id
    await listener.leave()
    start = len(exchange.records)
    for number, named in ((3, "candle"), (12, "reset")):
        for each in range(number):
            exchange.time_ms += 1_000
            exchange.place(f"s-{number}-{each}", Side.SELL, 1, 10.0)
            exchange.place(f"b-{number}-{each}", Side.BUY, 1, 10.0, investor_id="bia")
        servers[1].read(exchange.records[start:])
        start = len(exchange.records)
        back = await servers[1].listen(["trades", "candles:1s"], last_id)
        assert back.events[0].name == named
        await back.leave()
        trades_only = await servers[1].listen(["trades"], last_id)
        assert "reset" not in [event.name for event in trades_only.events]
        await trades_only.leave()


async def test_no_id_goes_back_where_another_server_sent_the_topics_in_another_order() -> None:
    feed = Feed(PUBLIC_LETTERS)
    names = {"t": "trades:PETR4", "b": "book:PETR4"}
    for source, offset in (("t", 0), ("b", 0), ("b", 1), ("t", 1)):
        feed.add(names[source], "event", b"{}", source=source, offset=offset)
    feed.settle({"t": 2, "b": 2})
    # The other one had told both changes of the book before the first trade.
    missed = feed.since("t0.b2.0", names.values())
    assert missed is not None
    assert [(entry.source, entry.offset) for entry in missed.entries] == [("t", 0), ("t", 1)]
    again = feed.since(missed.entries[0].event_id, names.values())
    assert again is not None
    assert [(entry.source, entry.offset) for entry in again.entries] == [("t", 1)]
