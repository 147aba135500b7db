"""The engine's answers to commands, for requests that wait for them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import TypeAlias

from msgspec import Struct

from api.live.orders import ReportHead
from engine.wire.records import ExecutionReport, decode_execution

Told: TypeAlias = tuple[int, ReportHead, bytes]
"""A report: its offset in the log, what is read of every one, and the record."""
KEPT_MAX = 10_000
_BEFORE_ALL = -1


class _Question(Struct, eq=False):
    """A request that waits: for which command's reports, to whom, and those read so far."""

    offset: int
    investor_id: str
    reports: list[ExecutionReport]
    whole: asyncio.Future[None]


class Answers:
    """The newest `kept_max` reports, and the requests that wait for those of their command.

    An answer may be read before the request knows its own command's offset, so reports are kept as well as
    waited for. A command may cause reports of others' orders, too: an answer has only the investor's own.
    """

    def __init__(self, *, kept_max: int = KEPT_MAX) -> None:
        self._kept: deque[Told] = deque(maxlen=kept_max)
        self._whole_to = _BEFORE_ALL
        self._questions: set[_Question] = set()

    def add(self, reports: Sequence[Told]) -> None:
        """Take in reports, in the log's order; a command's answer is whole only after `settle`."""
        self._kept.extend(reports)
        for question in self._questions:
            question.reports += _answering(question, reports)

    def settle(self, *, through: int) -> None:
        """Say that all reports of commands up to an offset, it included, were added."""
        self._whole_to = max(self._whole_to, through)
        for question in self._questions:
            if question.offset <= through and question.reports and not question.whole.done():
                question.whole.set_result(None)

    async def wait(
        self, offset: int, investor_id: str, *, timeout_ms: int
    ) -> Sequence[ExecutionReport] | None:
        """Give all reports that a command caused to its investor, or None when they are not there in time."""
        whole: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        question = _Question(offset, investor_id, [], whole)
        # The command is one of the newest, so this passes over few.
        newest = takewhile(lambda told: told[1].offset >= offset, reversed(self._kept))
        question.reports += reversed(_answering(question, newest))
        if offset <= self._whole_to and question.reports:
            return question.reports
        self._questions.add(question)
        try:
            await asyncio.wait_for(whole, timeout_ms / 1_000)
        except TimeoutError:
            return None
        finally:
            self._questions.discard(question)
        return question.reports


def _answering(question: _Question, reports: Iterable[Told]) -> list[ExecutionReport]:
    return [
        decode_execution(value)
        for _, report, value in reports
        if report.offset == question.offset and report.investor_id == question.investor_id
    ]
