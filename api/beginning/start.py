"""Whether a view can begin with the history, and where it is in the log then."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Final

import structlog
from sqlalchemy import Connection as Database

from api.beginning.states import begin_accounts, begin_assets, begin_orders
from api.beginning.tape import begin_tape
from api.collecting import uncollected
from api.history import History, HistoryUnavailableError, QueryTooLongError
from api.live.follower import NoStartError
from api.live.view import LiveView
from api.recorder.provenance import ForeignHistoryError, check_ends, check_same_log, of_partition
from api.recorder.rows import At, Place
from api.recorder.store import read_places
from engine.log import Connection
from engine.topics import ACCOUNTS, ASSETS, EXECUTIONS, TRANSACTIONS

READ_MAX_S: Final = 60.0
"""How long the database may take over a question, SQLite over all of them; reading the log is next."""
_NO_HISTORY: Final = (
    "there is no history; see that the recorder runs, and HOMEBROKER_DATABASE_URL is the same here and there"
)
_BEGINNINGS: Final = {
    ASSETS: begin_assets,
    TRANSACTIONS: begin_tape,
    ACCOUNTS: begin_accounts,
    EXECUTIONS: begin_orders,
}

_log = structlog.get_logger("api")


class HistoryStart:
    """Begins views with what the recorder has written."""

    def __init__(self, connection: Connection, history: History) -> None:
        self._connection = connection
        self._history = history

    async def begin(self, view: LiveView, firsts: Mapping[str, int], ends: Mapping[str, int]) -> None:
        """Bring an empty view to where the history is in the log, but for the books.

        Parameters
        ----------
        view : LiveView
            Empty; what is in it after an error is worth nothing.
        firsts, ends : mapping
            The oldest offset that each topic still has, and the one behind its newest.

        Raises
        ------
        NoStartError
            When there is no history, it does not answer, or it is of another log.
        LogError, TimeoutError
            When Kafka does not give the records by which that is known.
        """
        begun_s = time.monotonic()
        try:
            places = await asyncio.to_thread(self._places)
            if not places:
                raise NoStartError(_NO_HISTORY)
            check_ends({at: place.next_offset for at, place in places.items()}, of_partition(ends, 0))
            await check_same_log(self._connection, places, of_partition(firsts, 0))
            await asyncio.to_thread(self.read, view)
        except HistoryUnavailableError as error:
            raise NoStartError(_NO_HISTORY) from error
        except QueryTooLongError as error:
            raise NoStartError(f"the database was busy for longer than {READ_MAX_S:.0f} s") from error
        except ForeignHistoryError as error:
            raise NoStartError(str(error)) from error
        _log.info("began with the history", seconds=round(time.monotonic() - begun_s, 2), **view.positions)

    def _places(self) -> dict[At, Place]:
        with self._history.snapshot(seconds_max=READ_MAX_S) as database:
            return read_places(database)

    def read(self, view: LiveView) -> None:
        """Bring an empty view to where the history is, all at one moment; blocks."""
        with uncollected(), self._history.snapshot(seconds_max=READ_MAX_S) as database:
            for (topic, partition), place in read_places(database).items():
                # What was not read to any place is read from the log's beginning, on nothing.
                if topic in _BEGINNINGS:
                    _begin(view, database, topic, partition, place)


def _begin(view: LiveView, database: Database, topic: str, shard: int, place: Place) -> None:
    _BEGINNINGS[topic](view, database)
    last = None
    if place.last_offset is not None and place.last_index is not None:
        last = place.last_offset, place.last_index
    view.begin_at(topic, shard, position=place.next_offset, last=last, time_ms=place.time_ms or 0)
