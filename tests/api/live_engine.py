"""The engine in the API's own process, whose records are also streamed."""

from __future__ import annotations

import time

from fastapi import FastAPI

from api.live.publisher import Publisher
from engine.domain import Command, SelfTrade, Side
from engine.topics import OUTPUT_TOPICS
from tests.api.near_engine import NearEngine


class LiveEngine(NearEngine):
    """Takes commands, and tells the streams what came of them, as the follower of Kafka does."""

    def __init__(self, app: FastAPI) -> None:
        services = app.state.services
        super().__init__(services.sender.exchange, services)
        self._publisher = Publisher(services.view, services.public_feed, services.private_feed)
        positions = services.view.positions
        self._publisher.start({topic: positions.get(topic, 0) for topic in OUTPUT_TOPICS})
        self._trades = 0
        services.sender = self

    async def append(self, command: Command) -> int:
        """Apply a command and tell what came of it."""
        offset = self.exchange.offset
        self._publisher.publish(self.services.view.apply(self.exchange.run(command)), states=True)
        self._publisher.publish_due(time.monotonic())
        return offset

    def trade(self) -> None:
        """Let ana sell a share to bia."""
        self._trades += 1
        for side, investor in ((Side.SELL, "ana"), (Side.BUY, "bia")):
            records = self.exchange.place(
                f"{side}-{self._trades}", side, 1, 10.0, investor_id=investor, self_trade=SelfTrade.NONE
            )
            self._publisher.publish(self.services.view.apply(records), states=True)
        self._publisher.publish_due(time.monotonic())
