"""What became of commands that cause no order's report when all is well: deposits, listings, phases."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from itertools import takewhile

from msgspec import Struct

from engine.wire.records import ExecutionReport

KEPT_MAX = 10_000


class Outcome(Struct, frozen=True, kw_only=True):
    """Done, or refused with a reason and a sentence."""

    offset: int
    reason: str | None = None
    message: str = ""


class Outcomes:
    """The newest outcomes, and the requests that wait for one.

    An outcome may be read before the request knows its own command's offset, so the newest are kept.
    """

    def __init__(self) -> None:
        self._done: deque[int] = deque(maxlen=KEPT_MAX)
        self._refused: deque[Outcome] = deque(maxlen=KEPT_MAX)
        self._waiting: dict[int, list[asyncio.Future[Outcome]]] = {}

    def done(self, offset: int) -> None:
        """Take in that a command changed an account or an asset."""
        self._done.append(offset)
        if offset in self._waiting:
            self._tell(Outcome(offset=offset))

    def refused(self, report: ExecutionReport) -> None:
        """Take in the refusal of a command."""
        outcome = Outcome(offset=report.offset, reason=report.reason, message=report.message or "")
        self._refused.append(outcome)
        if outcome.offset in self._waiting:
            self._tell(outcome)

    async def wait(self, offset: int, *, timeout_ms: int) -> Outcome | None:
        """Give what became of a command, or None when that is not known in time."""
        kept = self._kept(offset)
        if kept is not None:
            return kept
        waiting: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        together = self._waiting.setdefault(offset, [])
        together.append(waiting)
        try:
            return await asyncio.wait_for(waiting, timeout_ms / 1_000)
        except TimeoutError:
            return None
        finally:
            together.remove(waiting)
            if not together:
                self._waiting.pop(offset, None)

    def _kept(self, offset: int) -> Outcome | None:
        # The command is one of the newest, so these pass over few.
        newest: Iterable[Outcome] = takewhile(lambda kept: kept.offset >= offset, reversed(self._refused))
        for outcome in newest:
            if outcome.offset == offset:
                return outcome
        found = offset in takewhile(lambda done: done >= offset, reversed(self._done))
        return Outcome(offset=offset) if found else None

    def _tell(self, outcome: Outcome) -> None:
        for waiting in self._waiting[outcome.offset]:
            if not waiting.done():
                waiting.set_result(outcome)
