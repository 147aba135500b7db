"""A database that is asked about once a second, to see whether it answers."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from typing import Final

import structlog

AWAY_MAX_S: Final = 3.0
"""A database that has not answered for longer is away."""
LOOK_EVERY_S: Final = 1.0

_log = structlog.get_logger("api")


class AnswerWatch(ABC):
    """Knows for how long a database has left a question unanswered; its clock never goes back.

    Parameters
    ----------
    troubled, well : str
        What the log says when trouble begins, and when it is over.
    """

    def __init__(self, *, troubled: str, well: str) -> None:
        self._troubled = troubled
        self._well = well
        self._asked_s: float | None = None
        self._error = ""

    async def run(self) -> None:
        """Look until cancelled."""
        was_troubled = False
        while True:
            self.asking(time.monotonic())
            await self._look()
            trouble = self.trouble(time.monotonic())
            if was_troubled != (trouble is not None):
                was_troubled = trouble is not None
                if was_troubled:
                    _log.warning(self._troubled, why=trouble)
                else:
                    _log.info(self._well)
            await asyncio.sleep(LOOK_EVERY_S)

    @abstractmethod
    async def _look(self) -> None:
        """Ask the database, and note that it `answered` or `failed`."""

    @abstractmethod
    def trouble(self, now_s: float) -> str | None:
        """Say what is wrong, and what to do; None when nothing is."""

    def asking(self, now_s: float) -> None:
        """Note that the database is asked."""
        if self._asked_s is None:
            self._asked_s = now_s

    def failed(self, error: str) -> None:
        """Note that it did not answer, and why."""
        self._error = error.strip().partition("\n")[0]

    def answered(self) -> None:
        """Note that it answered."""
        self._asked_s, self._error = None, ""

    def why_away(self, now_s: float) -> str | None:
        """Say why it counts as away; None when it does not."""
        if self._asked_s is None or now_s - self._asked_s <= AWAY_MAX_S:
            return None
        return self._error or "it has not answered"
