"""What the routes work with, made once for a running API."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from operator import attrgetter

from api.beginning import HistoryStart
from api.config import ApiConfig
from api.feed import Feed, private_feed
from api.history import WRITTEN_TOPICS, History, HistoryUnavailableError, HistoryWatch
from api.live.follower import Follower
from api.live.publisher import PRIVATE_LETTERS, PUBLIC_LETTERS
from api.live.view import LiveView
from api.payloads import OrderRow
from api.sender import CommandSender
from api.streaming import StreamCounts
from engine.domain import Status
from engine.topics import EXECUTIONS

RECORDER_TIMEOUT_S = 3.0
DOWNLOADS_MAX = 4
"""How many downloads of the history a process serves at a time."""
_RECORDER_POLL_S = 0.05


class Services:
    """The live view and its feeds, the way to the log, and the history."""

    def __init__(self, config: ApiConfig) -> None:
        self.config = config
        self.public_feed = Feed(PUBLIC_LETTERS)
        self.private_feed = private_feed(PRIVATE_LETTERS)
        self.stream_counts = StreamCounts(
            of_user_max=config.streams_per_user, of_address_max=config.streams_per_address
        )
        self.history = History(config.database_url)
        start = HistoryStart(config.connection, self.history)
        self.follower = Follower(config.connection, start, self.public_feed, self.private_feed)
        self.history_watch = HistoryWatch(
            self.history, lambda: self.view.positions if self.follower.caught_up else {}
        )
        self.sender = CommandSender(config.connection)
        self.downloads = asyncio.Semaphore(DOWNLOADS_MAX)

    @property
    def view(self) -> LiveView:
        """The market as it is now."""
        return self.follower.view

    async def order(self, investor_id: str, order_id: str) -> OrderRow | None:
        """Give an investor's order, also one that the live view has let go.

        Raises
        ------
        HistoryUnavailableError
            When the database is needed and does not answer.
        """
        orders = self.view.orders
        live = orders.get(investor_id, order_id)
        # A refusal may be of an id that was an older order's, which is then what is meant by it.
        if live is not None and not (live.status is Status.REJECTED and orders.has_let_go(investor_id)):
            return live
        try:
            return await asyncio.to_thread(self.history.order, investor_id, order_id) or live
        except HistoryUnavailableError:
            if live is None:
                raise
            return live

    async def placed_order(self, investor_id: str, order_id: str) -> OrderRow | None:
        """Give an investor's order as it was when it was accepted, if that is still known.

        Raises
        ------
        HistoryUnavailableError
            When the database does not answer, or the recorder is too far behind.
        """
        await self.wait_for_recorder(EXECUTIONS)
        return await asyncio.to_thread(self.history.placed_order, investor_id, order_id)

    async def finished_orders(self, investor_id: str, symbol: str | None, *, limit: int) -> list[OrderRow]:
        """Give an investor's newest finished orders, newest first, the history's behind the live view's.

        Raises
        ------
        HistoryUnavailableError
            When the database is needed and does not answer.
        """
        orders = self.view.orders
        if not orders.has_let_go(investor_id):
            return orders.finished(investor_id, symbol, limit=limit)
        stored = await asyncio.to_thread(self.history.finished_orders, investor_id, symbol, limit)
        live = orders.finished(investor_id, symbol, limit=limit)
        first = {order.order_id for order in stored}
        live = [order for order in live if order.order_id not in first or order.status is not Status.REJECTED]
        known = {order.order_id for order in live}
        older = [order for order in stored if order.order_id not in known]
        return newest_first([*live, *older])[:limit]

    async def wait_for_recorder(self, *topics: str) -> None:
        """Wait until the history has all that the live view had read of some topics when this was asked.

        Raises
        ------
        HistoryUnavailableError
            When the database does not answer, or the recorder is too far behind.
        """
        wanted = {topic: self.view.positions.get(topic, 0) for topic in topics or WRITTEN_TOPICS}
        give_up_s = time.monotonic() + RECORDER_TIMEOUT_S
        while True:
            stored = await asyncio.to_thread(self.history.positions_in_log)
            if all(stored.get(topic, 0) >= position for topic, position in wanted.items()):
                return
            if time.monotonic() > give_up_s:
                raise HistoryUnavailableError("the recorder is behind the log")
            await asyncio.sleep(_RECORDER_POLL_S)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow the log for as long as the context lasts."""
        tasks = [asyncio.create_task(each.run()) for each in (self.follower, self.history_watch)]
        try:
            yield
        finally:
            self.say_goodbye()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.sender.close()
            await asyncio.to_thread(self.history.close)

    def say_goodbye(self) -> None:
        """End every stream now."""
        farewell = b'{"reason":"server_shutdown","message":"The server stops; come back in a moment."}'
        for feed in (self.public_feed, self.private_feed):
            feed.end_all("server_shutdown", farewell)


def newest_first(orders: Iterable[OrderRow]) -> list[OrderRow]:
    """Sort orders by when they were accepted; those of one time stay as they are."""
    return sorted(orders, key=attrgetter("created_ms"), reverse=True)
