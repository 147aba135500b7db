"""Feeds the live view from the log, and tells whether it keeps up."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

import structlog
from msgspec import Struct

from api.collecting import uncollected
from api.feed import Feed
from api.live.answering import Answering
from api.live.publisher import Publisher
from api.live.retelling import RETOLD_TOPICS, Retelling
from api.live.view import BOOK_TAIL_MAX, LiveView, ends_reached
from engine.log import Connection, LogError, LogReader, Watchdog, missing_topics, trouble_of
from engine.progress import State
from engine.topics import BOOK, ORDERS, OUTPUT_TOPICS

_POLL_MS = 250
_RECORDS_MAX = 5_000
_PROBE_EVERY_S = 1.0
_PROBE_TIMEOUT_S = 5.0
_RETRY_FIRST_S = 0.5
_RETRY_MAX_S = 5.0
REPLAYED_MAX = 20_000
"""How many records of each topic before the log's end a fresh server gives to listeners who come back to it.

As many as the feeds keep, so that it makes no difference to them how long a server has been running.
"""
_REPEATED_MAX = 1_000
"""How many records that two engines wrote at once are known for repeats where retelling begins."""

_log = structlog.get_logger("api")


class Standing(Struct, frozen=True, kw_only=True):
    """Where the follower stands."""

    state: State
    detail: str


class NoStartError(Exception):
    """There is nothing to begin with but the log; the text says why, and what to do."""


class Start(Protocol):
    """What a view can begin with, other than the log's first record."""

    def begin(self, view: LiveView, firsts: Mapping[str, int], ends: Mapping[str, int]) -> Awaitable[None]:
        """Bring an empty view to some later place of each topic but the books'.

        Raises
        ------
        NoStartError
            When that cannot be done; the view is of no use then.
        """
        ...


class LogChangedError(Exception):
    """The log ends before what was read of it: it is another log than before."""


class Follower:
    """Keeps a live view up to date until cancelled.

    The view is replaced only when the log itself was: after an outage reading goes on where it stopped.
    """

    def __init__(self, connection: Connection, start: Start, public: Feed, private: Feed) -> None:
        self._connection = connection
        self._start = start
        self._public = public
        self._private = private
        self.view = LiveView(books_from_start=False)
        self._publisher = Publisher(self.view, public, private)
        self._why_slow = ""
        self.caught_up = False
        self.behind: Mapping[str, int] = {}
        """Records of each topic that are not read, as of a second ago."""
        self.answering = Answering()
        self.standing = Standing(state=State.STARTING, detail="waiting for Kafka")

    async def run(self) -> None:
        """Follow the log; when Kafka is away, say so and try again."""
        retry_s = _RETRY_FIRST_S
        while True:
            try:
                await self._follow()
            except LogChangedError:
                _log.warning("the log was replaced; reading it anew")
                self.caught_up = False
                self.view = LiveView(books_from_start=False)
            except (LogError, TimeoutError) as error:
                trouble = trouble_of(error)
                _log.warning(trouble, error=str(error) or type(error).__name__, retry_s=retry_s)
                self._stand(State.RETRYING, f"{trouble}; trying again in {retry_s:.1f} s")
                await asyncio.sleep(retry_s)
                retry_s = min(2 * retry_s, _RETRY_MAX_S)
                continue
            retry_s = _RETRY_FIRST_S

    async def _follow(self) -> None:
        missing = await missing_topics(self._connection, OUTPUT_TOPICS)
        if missing:
            self._stand(State.STARTING, f"waiting for the topics {', '.join(sorted(missing))}")
            await asyncio.sleep(_PROBE_EVERY_S)
            return
        async with LogReader(self._connection) as reader:
            ends = await self._ends(reader)
            if not self.view.positions:
                await self._begin(reader, ends)
            reader.start({(topic, 0): offset for topic, offset in self.view.positions.items()})
            with uncollected():
                await self._catch_up(reader, ends)
            await self._read(reader)

    async def _begin(self, reader: LogReader, ends: Mapping[str, int]) -> None:
        firsts = await reader.first_offsets(OUTPUT_TOPICS, 0)
        book_start = max(firsts[BOOK], ends[BOOK] - REPLAYED_MAX - BOOK_TAIL_MAX)
        self._stand(State.STARTING, "reading the history")
        view = await self._started(firsts, ends, books_from_start=book_start == 0)
        begun = {topic: max(first, view.positions.get(topic, 0)) for topic, first in firsts.items()}
        view.positions = {**begun, BOOK: book_start}
        self._publisher = Publisher(view, self._public, self._private)
        published_from = {topic: max(firsts[topic], end - REPLAYED_MAX) for topic, end in ends.items()}
        self._publisher.start(published_from)
        await self._retell(reader, view, firsts, published_from)
        self._publisher.retold()
        # Not before: whatever breaks until then is begun anew.
        self.view = view

    async def _started(
        self, firsts: Mapping[str, int], ends: Mapping[str, int], *, books_from_start: bool
    ) -> LiveView:
        view = LiveView(books_from_start=books_from_start)
        self._why_slow = ""
        try:
            await self._start.begin(view, firsts, ends)
        except NoStartError as error:
            self._why_slow = f"; all of it is read: {error}"
            _log.warning("beginning with the log's first record", why=str(error))
            return LiveView(books_from_start=books_from_start)
        return view

    async def _retell(
        self,
        reader: LogReader,
        view: LiveView,
        firsts: Mapping[str, int],
        published_from: Mapping[str, int],
    ) -> None:
        ends = {
            topic: view.positions[topic]
            for topic in RETOLD_TOPICS
            if published_from[topic] < view.positions[topic]
        }
        if not ends:
            return
        retelling = Retelling(ends)
        reader.start(
            {(topic, 0): max(firsts[topic], published_from[topic] - _REPEATED_MAX) for topic in ends}
        )
        with uncollected():
            while any([await reader.position(topic, 0) < end for topic, end in ends.items()]):
                records = await reader.read(wait_ms=_POLL_MS, records_max=_RECORDS_MAX)
                self._publisher.retell(retelling.changes(records))
                await asyncio.sleep(0)

    async def _catch_up(self, reader: LogReader, ends: Mapping[str, int]) -> None:
        async with self._probing(reader) as probe:
            # Compaction leaves no records at some offsets: only the reader knows how far it is.
            while not ends_reached(await self._positions(reader), ends):
                await self._take(reader, probe)
        if not self.caught_up:
            self.caught_up = True
            self._stand(State.READY, "up to date")
            _log.info("caught up with the log")

    async def _read(self, reader: LogReader) -> None:
        async with self._probing(reader) as probe:
            while True:
                await self._take(reader, probe)

    async def _take(self, reader: LogReader, probe: asyncio.Task[None]) -> None:
        if probe.done():
            probe.result()
        due_in_s = self._publisher.due_in_s(time.monotonic())
        wait_ms = _POLL_MS if due_in_s is None else min(_POLL_MS, math.ceil(1_000 * due_in_s))
        records = await reader.read(wait_ms=wait_ms, records_max=_RECORDS_MAX)
        changes = self.view.apply(records, drained=len(records) < _RECORDS_MAX)
        if records:
            self._publisher.publish(changes, states=self.caught_up)
        self._publisher.publish_due(time.monotonic())
        if len(records) == _RECORDS_MAX:
            await asyncio.sleep(0)

    @asynccontextmanager
    async def _probing(self, reader: LogReader) -> AsyncIterator[asyncio.Task[None]]:
        probe = asyncio.create_task(self._probe(reader))
        try:
            yield probe
        finally:
            probe.cancel()
            await asyncio.gather(probe, return_exceptions=True)

    async def _probe(self, reader: LogReader) -> None:
        watchdogs = {topic: Watchdog(topic) for topic in OUTPUT_TOPICS}
        while True:
            # In this order: reading goes on meanwhile, and may pass ends that were asked for before.
            positions = await self._positions(reader)
            ends = await self._ends(reader)
            if any(positions[topic] > end for topic, end in ends.items()):
                raise LogChangedError
            for topic, end in ends.items():
                watchdogs[topic].look(position=positions[topic], end=end, now_s=time.monotonic())
            self.answering.look(
                commands=await self._commands(reader), outputs=sum(ends.values()), now_s=time.monotonic()
            )
            self.behind = {topic: max(0, end - positions[topic]) for topic, end in ends.items()}
            behind = sum(self.behind.values())
            state = State.READY if self.caught_up else State.STARTING
            why = "" if self.caught_up else self._why_slow
            self._stand(state, f"{behind:,} records behind the log{why}" if behind > 0 else "up to date")
            await asyncio.sleep(_PROBE_EVERY_S)

    async def _ends(self, reader: LogReader) -> dict[str, int]:
        async with asyncio.timeout(_PROBE_TIMEOUT_S):
            return await reader.end_offsets(OUTPUT_TOPICS, 0)

    @staticmethod
    async def _commands(reader: LogReader) -> int:
        async with asyncio.timeout(_PROBE_TIMEOUT_S):
            return await reader.end_offset(ORDERS, 0)

    @staticmethod
    async def _positions(reader: LogReader) -> dict[str, int]:
        return {topic: await reader.position(topic, 0) for topic in OUTPUT_TOPICS}

    def _stand(self, state: State, detail: str) -> None:
        self.standing = Standing(state=state, detail=detail)
