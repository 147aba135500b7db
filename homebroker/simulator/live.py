"""The live market's simulated investors: what they see comes from Kafka, what they want goes there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

from api.identity.simulator_wishes import SimulatorWish
from engine.domain import CancelAll, Command
from engine.log import Connection, LogReader, LogWriter
from engine.progress import Report, State
from engine.topics import BOOK, EXECUTIONS, ORDERS, TRANSACTIONS
from homebroker.simulator.crowd import Arrivals, Crowd
from homebroker.simulator.opening import SIMULATED_IDS, record_of
from homebroker.simulator.rehearsal import run_name
from homebroker.simulator.view import MarketView
from homebroker.simulator.weather import Weather
from homebroker.simulator.wishes import follow_wishes
from homebroker.strategy.feed import Feed, in_order

ENGINE_SILENCE_MAX_MS = 10_000
_TICK_S = 0.05
# What is seen may be this old: each fetch costs more than what it brings, and own orders are known anyway.
_LOOK_EVERY_MS = 200
_REPORT_EVERY_MS = 1_000
_BACKLOG_MAX_MS = 1_000
_SLOW_APPEND_S = 2.0
# Enough of the past to know the last prices and the books.
_BOOK_RECORDS_BACK = 10_000
_TRADES_BACK = 20_000


async def trade_live(
    connection: Connection, *, rate: float, seed: int, wishes_url: str, report: Report
) -> None:
    """Let the investors trade until cancelled; their orders of earlier starts are cancelled first.

    What admins wish of them stands in the database at `wishes_url`; empty: nobody wishes anything.

    Raises
    ------
    LogError
        When Kafka is away for too long.
    """
    async with LogReader(connection) as reader, LogWriter(connection) as writer:
        feed, view = Feed(), MarketView()
        await _look_back(reader, feed, view)
        start_ms = _now_ms()
        run = run_name(start_ms)
        crowd = Crowd(seed=seed, run=run, time_ms=start_ms, view=view)
        arrivals = Arrivals(crowd, rate=rate, seed=f"{seed}/{run}/arrivals", start_ms=start_ms)
        live = _Live(reader, writer, feed, arrivals, report)
        await live.send([CancelAll(investor_id=investor_id) for investor_id in SIMULATED_IDS])
        await live.send(crowd.start(start_ms))

        def obey(wish: SimulatorWish) -> None:
            arrivals.come_at(rate if wish.rate is None else wish.rate)
            crowd.move_prices(Weather(scenario=wish.scenario, since_ms=wish.since_ms))

        following = asyncio.create_task(follow_wishes(wishes_url, obey)) if wishes_url else None
        try:
            await live.trade()
        finally:
            if following is not None:
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)


async def _look_back(reader: LogReader, feed: Feed, view: MarketView) -> None:
    ends = {topic: await reader.end_offset(topic, 0) for topic in (BOOK, TRANSACTIONS, EXECUTIONS)}
    starts = {
        BOOK: max(await reader.first_offset(BOOK, 0), ends[BOOK] - _BOOK_RECORDS_BACK),
        TRANSACTIONS: max(await reader.first_offset(TRANSACTIONS, 0), ends[TRANSACTIONS] - _TRADES_BACK),
        EXECUTIONS: ends[EXECUTIONS],
    }
    reader.start({(topic, 0): offset for topic, offset in starts.items()})
    while any([await reader.position(topic, 0) < ends[topic] for topic in ends]):
        for record in await reader.read(wait_ms=500):
            if (heard := feed.event(record)) is not None:
                view.observe(heard.event)


class _Live:
    """One life of the investors: from a start until the connection breaks."""

    def __init__(
        self,
        reader: LogReader,
        writer: LogWriter,
        feed: Feed,
        arrivals: Arrivals,
        report: Report,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._feed = feed
        self._crowd = arrivals.crowd
        self._arrivals = arrivals
        self._report = report
        self._sent = 0
        self._unanswered_since_ms: int | None = None
        self._looked_ms = 0
        self._reported_ms = 0

    async def trade(self) -> None:
        """Send what arrives, as it arrives, and look at the market in between."""
        arrivals = self._arrivals
        while True:
            now_ms = _now_ms()
            due: list[Command] = []
            if now_ms - self._looked_ms >= _LOOK_EVERY_MS:
                self._looked_ms = now_ms
                due += await self._look(now_ms)
            arrivals.skip_to(now_ms - _BACKLOG_MAX_MS)
            silence_ms = 0 if self._unanswered_since_ms is None else now_ms - self._unanswered_since_ms
            if silence_ms <= ENGINE_SILENCE_MAX_MS:
                while arrivals.next_ms <= now_ms:
                    due += arrivals.take()
            await self.send(due)
            self._tell(now_ms, silence_ms)
            await asyncio.sleep(_TICK_S)

    async def send(self, commands: Iterable[Command]) -> None:
        """Append commands and wait until they are kept."""
        records = [record_of(command) for command in commands]
        if not records:
            return
        appending = asyncio.ensure_future(self._writer.append_all(ORDERS, records))
        try:
            while not (await asyncio.wait({appending}, timeout=_SLOW_APPEND_S))[0]:
                self._report(State.RETRYING, "Kafka does not take commands; waiting for it")
        finally:
            appending.cancel()
        appending.result()
        self._sent += len(records)
        if self._unanswered_since_ms is None:
            self._unanswered_since_ms = _now_ms()

    async def _look(self, now_ms: int) -> list[Command]:
        """Let the investors hear what happened, and give what they want done at once."""
        heard = [self._feed.event(record) for record in await self._reader.read(wait_ms=0)]
        reactions: list[Command] = []
        for each in in_order(heard):
            if self._crowd.is_ours(each.event):
                self._unanswered_since_ms = None
            reactions += self._crowd.observe(each.event, max(now_ms, each.time_ms))
        self._arrivals.count(len(reactions))
        return reactions

    def _tell(self, now_ms: int, silence_ms: int) -> None:
        if now_ms - self._reported_ms < _REPORT_EVERY_MS:
            return
        self._reported_ms = now_ms
        if silence_ms > ENGINE_SILENCE_MAX_MS:
            self._report(
                State.RETRYING, f"the engine has not answered for {silence_ms // 1000} s; orders wait for it"
            )
        else:
            self._report(State.READY, f"{self._sent:,} commands sent")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
