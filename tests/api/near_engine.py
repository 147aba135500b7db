"""The engine in the API's own process, in the place of Kafka."""

from __future__ import annotations

from api.sender import BrokerUnavailableError
from api.services import Services
from engine.domain import Command
from tests.api.exchange import Exchange


class NearEngine:
    """Takes commands to an engine in this process; silent, it keeps them unanswered."""

    def __init__(self, exchange: Exchange, services: Services) -> None:
        self.exchange = exchange
        self.services = services
        self.silent = False
        self.away = False

    async def append(self, command: Command) -> int:
        """Apply a command and let the view read what came of it."""
        if self.away:
            raise BrokerUnavailableError
        offset = self.exchange.offset
        if self.silent:
            self.exchange.offset += 1
        else:
            self.services.view.apply(self.exchange.run(command))
        return offset
