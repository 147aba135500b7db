"""The engine in the API's own process, in the place of Kafka."""

from __future__ import annotations

from api.recorder.rows import BatchReader
from api.recorder.store import HistoryStore
from api.sender import BrokerUnavailableError
from api.services import Services
from engine.domain import Command
from engine.topics import BOOK
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


class RecordedEngine(NearEngine):
    """One with a recorder beside it that is never behind."""

    def __init__(self, exchange: Exchange, services: Services) -> None:
        super().__init__(exchange, services)
        self._store = HistoryStore(services.config.database_url)
        self._store.prepare()
        self._reader = BatchReader()
        self._recorded = 0
        self._record()

    async def append(self, command: Command) -> int:
        """Apply a command, write down what came of it, and let the view read it."""
        offset = await super().append(command)
        self._record()
        return offset

    def close(self) -> None:
        """Close the history."""
        self._store.close()

    def _record(self) -> None:
        new = self.exchange.records[self._recorded :]
        self._recorded += len(new)
        self._store.write(self._reader.batch([record for record in new if record.topic != BOOK]))
