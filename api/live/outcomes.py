"""What became of commands that cause no order's report when all is well: deposits, listings, phases."""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import takewhile

from msgspec import Struct

from engine.wire.records import decode_execution

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
        self._done: deque[tuple[int, str]] = deque(maxlen=KEPT_MAX)
        self._refused: deque[tuple[int, bytes]] = deque(maxlen=KEPT_MAX)
        self._waiting: dict[int, list[tuple[str, asyncio.Future[Outcome]]]] = {}

    def done(self, offset: int, subject: str) -> None:
        """Take in that a command changed an account or an asset; `subject` is whose, or which."""
        self._done.append((offset, subject))
        if offset in self._waiting:
            self._tell(Outcome(offset=offset), subject)

    def refused(self, offset: int, report: bytes) -> None:
        """Take in the refusal of a command, as the record that tells of it."""
        self._refused.append((offset, report))
        if offset in self._waiting:
            self._tell(_refusal(report), None)

    async def wait(self, offset: int, subject: str, *, timeout_ms: int) -> Outcome | None:
        """Give what became of a command about an account or an asset, or None when that is not known in time.

        A command that is refused may change other accounts all the same: orders that are due expire with it.
        """
        kept = self._kept(offset, subject)
        if kept is not None:
            return kept
        waiting: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        together = self._waiting.setdefault(offset, [])
        together.append((subject, waiting))
        try:
            return await asyncio.wait_for(waiting, timeout_ms / 1_000)
        except TimeoutError:
            return None
        finally:
            together.remove((subject, waiting))
            if not together:
                self._waiting.pop(offset, None)

    def _kept(self, offset: int, subject: str) -> Outcome | None:
        # The command is one of the newest, so these pass over few.
        for kept, report in takewhile(lambda refused: refused[0] >= offset, reversed(self._refused)):
            if kept == offset:
                return _refusal(report)
        found = (offset, subject) in takewhile(lambda done: done[0] >= offset, reversed(self._done))
        return Outcome(offset=offset) if found else None

    def _tell(self, outcome: Outcome, changed: str | None) -> None:
        for subject, waiting in self._waiting[outcome.offset]:
            if changed in {None, subject} and not waiting.done():
                waiting.set_result(outcome)


def _refusal(report: bytes) -> Outcome:
    refusal = decode_execution(report)
    return Outcome(offset=refusal.offset, reason=refusal.reason, message=refusal.message or "")
