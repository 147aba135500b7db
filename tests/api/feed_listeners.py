"""API servers fed by hand, and clients of their streams, for tests of the feed."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec import convert

from api.feed import Feed, Subscription
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


class Clock:
    """The running event loop's clock, which stands until it is moved."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        loop = asyncio.get_running_loop()
        self._now_s = loop.time()
        patch.setattr(loop, "time", lambda: self._now_s)

    async def move(self, seconds: float) -> None:
        """Let time pass, and what was to be done by then be done."""
        self._now_s += seconds
        for _ in range(5):
            await asyncio.sleep(0)


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

    def crowd(self, listeners: int) -> list[Subscription]:
        """Have so many listen to all that there is, so that a round is followed by a pause."""
        names = [f"{kind}:*" for kind in ("trades", "book", "tickers", "candles:1s")]
        return [self.feed.subscribe(names) for _ in range(listeners)]

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
