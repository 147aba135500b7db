"""The engine's answers to commands, for requests that wait for them."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence

from engine.wire.records import ExecutionReport

KEPT_MAX = 10_000


class Answers:
    """Reports by the offset of the command that caused them; the newest `kept_max` commands' are kept.

    An answer may be read before the request knows its own command's offset, so answers are kept as well as
    waited for.
    """

    def __init__(self, *, kept_max: int = KEPT_MAX) -> None:
        self._kept_max = kept_max
        self._reports: OrderedDict[int, list[ExecutionReport]] = OrderedDict()
        self._open: set[int] = set()
        self._waiting: dict[int, list[asyncio.Future[None]]] = {}

    def add(self, report: ExecutionReport) -> None:
        """Take in a report; the command's answer is whole only after `settle`."""
        self._reports.setdefault(report.offset, []).append(report)
        self._open.add(report.offset)
        if len(self._reports) > self._kept_max:
            oldest, _ = self._reports.popitem(last=False)
            self._open.discard(oldest)

    def settle(self, *, before: int) -> None:
        """Say that all reports of commands before an offset were added. Cost O(unsettled commands)."""
        settled = {offset for offset in self._open if offset < before}
        self._open -= settled
        for offset in settled & self._waiting.keys():
            for waiting in self._waiting[offset]:
                if not waiting.done():
                    waiting.set_result(None)

    async def wait(self, offset: int, *, timeout_ms: int) -> Sequence[ExecutionReport] | None:
        """Give all reports of a command, or None when they are not there in time."""
        if offset not in self._reports or offset in self._open:
            waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            together = self._waiting.setdefault(offset, [])
            together.append(waiting)
            try:
                await asyncio.wait_for(waiting, timeout_ms / 1_000)
            except TimeoutError:
                return None
            finally:
                together.remove(waiting)
                if not together:
                    self._waiting.pop(offset, None)
        return self._reports.get(offset)
