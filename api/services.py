"""What the routes work with, made once for a running API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from api.config import ApiConfig
from api.feed import Feed
from api.history import History
from api.live.follower import Follower
from api.live.publisher import PRIVATE_LETTERS, PUBLIC_LETTERS
from api.live.view import LiveView
from api.payloads import OrderRow
from api.sender import CommandSender


class Services:
    """The live view and its feeds, the way to the log, and the history."""

    def __init__(self, config: ApiConfig) -> None:
        self.config = config
        self.public_feed = Feed(PUBLIC_LETTERS)
        self.private_feed = Feed(PRIVATE_LETTERS)
        self.follower = Follower(config.connection, config.investor_id, self.public_feed, self.private_feed)
        self.sender = CommandSender(config.connection)
        self.history = History(config.database_url)

    @property
    def view(self) -> LiveView:
        """The market as it is now."""
        return self.follower.view

    async def order_in_history(self, order_id: str) -> OrderRow | None:
        """Give an order of the acting investor that the live view has let go.

        Raises
        ------
        HistoryUnavailableError
            When the database does not answer.
        """
        return await asyncio.to_thread(self.history.order, order_id, self.config.investor_id)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow the log for as long as the context lasts."""
        following = asyncio.create_task(self.follower.run())
        try:
            yield
        finally:
            self.say_goodbye()
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            await self.sender.close()
            await asyncio.to_thread(self.history.close)

    def say_goodbye(self) -> None:
        """End every stream now."""
        farewell = b'{"reason":"server_shutdown","message":"The server stops; come back in a moment."}'
        for feed in (self.public_feed, self.private_feed):
            feed.end_all("server_shutdown", farewell)
