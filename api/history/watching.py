"""Whether the history keeps up: its database answers, and the recorder writes what the log has."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final

from api.history.reading import History, HistoryUnavailableError, NoTablesError
from api.watching import AnswerWatch
from engine.topics import ACCOUNTS, EXECUTIONS, TRANSACTIONS

STILL_MAX_S: Final = 10.0
"""A recorder that has left records unwritten for longer, and wrote none, does not keep up."""
WRITTEN_TOPICS: Final = (TRANSACTIONS, EXECUTIONS, ACCOUNTS)
"""What the recorder writes of what the live view has read."""


def records_behind(known: Mapping[str, int], stored: Mapping[str, int]) -> int:
    """Give how many records the recorder has yet to write, by the next offsets of live view and history."""
    return sum(max(0, known.get(topic, 0) - stored.get(topic, 0)) for topic in WRITTEN_TOPICS)


class HistoryWatch(AnswerWatch):
    """Looks at the history about once a second.

    Parameters
    ----------
    history : History
        The database.
    known : callable
        Gives the next offset to read of each topic, as far as the live view has read it; none before it has
        caught up with the log.
    """

    def __init__(self, history: History, known: Callable[[], Mapping[str, int]]) -> None:
        super().__init__(troubled="the history does not keep up", well="the history keeps up again")
        self._history = history
        self._known = known
        self._stored: Mapping[str, int] = {}
        self._behind = 0
        self._still_since_s: float | None = None

    async def _look(self) -> None:
        try:
            stored: Mapping[str, int] = await asyncio.to_thread(self._history.positions_in_log)
        except NoTablesError:
            stored = {}
        except HistoryUnavailableError as error:
            self.failed(str(error))
            return
        self.read(stored, time.monotonic())

    def read(self, stored: Mapping[str, int], now_s: float) -> None:
        """Note that it answered: how far the recorder has got in each topic."""
        self.answered()
        behind = records_behind(self._known(), stored)
        if behind == 0 or stored != self._stored:
            self._still_since_s = None
        elif self._still_since_s is None:
            self._still_since_s = now_s
        self._stored, self._behind = stored, behind

    def trouble(self, now_s: float) -> str | None:
        """Say why the history does not keep up, and what to do; None when it does."""
        why = self.why_away(now_s)
        if why is not None:
            return f"the history's database cannot be read ({why}); see that it runs and its disk is there"
        still_s = 0.0 if self._still_since_s is None else now_s - self._still_since_s
        if still_s > STILL_MAX_S:
            return (
                f"the recorder has written nothing for {still_s:.0f} s, and {self._behind:,} records wait; "
                "see homebroker status, and that the history's database can be written and has room"
            )
        return None
