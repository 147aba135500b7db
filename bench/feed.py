"""Streams and books from one API process on one core, beside the same HTTP server sending constant bytes.

Events are trades that are written into Kafka as the engine would; each is numbered by its quantity. Its
delay counts from the moment when Kafka has acknowledged it, which is when it can be read.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

import psutil
import uvloop

from bench.feed_clients import Askers, Listeners, quantiles_ms
from bench.processes import Measured, api_process, constant_server_process
from bench.report import Figure, print_figures
from engine.domain import Phase, Side
from engine.log import LogWriter, NewRecord
from engine.topics import ASSETS, BOOK, TRANSACTIONS
from engine.wire.records import AssetRecord, BookRecord, PriceLevel, Transaction, encode
from homebroker.broker.temporary import temporary_broker
from homebroker.ports import free_port
from homebroker.settings import Settings

SYMBOL: Final = "PETR4"
_LEVELS: Final = 100
_EVENT_BYTES: Final = 200
_BOOK_PATH: Final = f"/book/{SYMBOL}"
_STREAM_PATH: Final = f"/stream?symbols={SYMBOL}&channels=trades"
_TRADE_NUMBER: Final = re.compile(rb'"quantity":(\d+)')
_SENT_NS: Final = re.compile(rb'"sent":(\d+)')
_ASKERS: Final = 16
_LONE_RATE: Final = 20
_SETTLE_S: Final = 1.0
_ROUNDS: Final = 2


def run(*, listeners: int, rate: int, seconds: int) -> None:
    """Measure and print."""
    with temporary_broker() as settings, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(settings, _Plan(listeners, rate, seconds)))


class _Plan(NamedTuple):
    listeners: int
    rate: int
    seconds: int


async def _run(settings: Settings, plan: _Plan) -> None:
    settings = settings.model_copy(
        update={"api_port": free_port(), "streams_per_address": plan.listeners + 10, "database_url": ""}
    )
    async with LogWriter(settings.connection) as writer:
        market = Market(writer)
        await market.open()
        with api_process(settings) as api, _on_cores(api):
            figures = await _alone(settings.api_port, market, plan)
            book_bytes = await _answer_bytes(settings.api_port)
            plain_server = constant_server_process(settings, plan.rate, _EVENT_BYTES, book_bytes)
            with plain_server as (plain, plain_port), _on_cores(plain):
                for number in range(1, _ROUNDS + 1):
                    found = [
                        *await _crowd(api, settings.api_port, market, plan),
                        *await _plain_crowd(plain, plain_port, plan),
                        *await _books(api, settings.api_port, plain_port, market, plan),
                    ]
                    figures += [figure._replace(name=f"{number}. {figure.name}") for figure in found]
            api.check_alive()
    title = f"feed: {plan.listeners:,} listeners, {plan.rate} events/s each, one API process on one core"
    print_figures(title, figures)


class Market:
    """Writes what an engine would, and remembers when each trade could be read."""

    def __init__(self, writer: LogWriter) -> None:
        self._writer = writer
        self._trades = 0
        self._kept_s: dict[int, float] = {}
        self._book_offset = 0

    async def open(self) -> None:
        """List the symbol and give it a book."""
        asset = AssetRecord(
            shard=0,
            offset=0,
            index=0,
            time_ms=_now_ms(),
            symbol=SYMBOL,
            name="Petrobras PN",
            tick_size=0.01,
            lot_size=1,
            reference_price=38.5,
            price_band=None,
            maker_fee_bps=0.0,
            taker_fee_bps=0.0,
            phase=Phase.CONTINUOUS,
        )
        await self._writer.append(ASSETS, NewRecord(SYMBOL.encode(), encode(asset)))
        levels = range(1, _LEVELS + 1)
        await self._append_book(
            snapshot=True,
            bids=tuple((round(38.5 - level / 100, 2), 100 * level, level) for level in levels),
            asks=tuple((round(38.5 + level / 100, 2), 100 * level, level) for level in levels),
        )

    def kept_s(self, number: int) -> float:
        """Give the moment when a trade could be read; one that was told before that counts from now."""
        return self._kept_s.get(number) or time.monotonic()

    async def trade(self) -> None:
        """Trade, and wait until the trade can be read."""
        number = self._trades = self._trades + 1
        trade = Transaction(
            transaction_id=f"0-{number}-0",
            symbol=SYMBOL,
            price=38.5,
            quantity=number,
            buyer_id="ana",
            seller_id="bia",
            buy_order_id=f"b-{number}",
            sell_order_id=f"s-{number}",
            taker_side=Side.BUY,
            time_ms=_now_ms(),
            shard=0,
            offset=number,
            index=0,
        )
        await self._writer.append(TRANSACTIONS, NewRecord(SYMBOL.encode(), encode(trade)))
        self._kept_s[number] = time.monotonic()

    async def change_book(self) -> None:
        """Change one level near the top of the book."""
        quantity = 1 + self._book_offset % 1_000
        await self._append_book(snapshot=False, bids=((38.45, quantity, 1),), asks=())

    async def _append_book(
        self, *, snapshot: bool, bids: tuple[PriceLevel, ...], asks: tuple[PriceLevel, ...]
    ) -> None:
        previous, self._book_offset = self._book_offset, self._book_offset + 1
        record = BookRecord(
            symbol=SYMBOL,
            shard=0,
            offset=self._book_offset,
            previous_offset=previous,
            time_ms=_now_ms(),
            snapshot=snapshot,
            bids=bids,
            asks=asks,
        )
        await self._writer.append(BOOK, NewRecord(SYMBOL.encode(), encode(record)))


async def _alone(port: int, market: Market, plan: _Plan) -> list[Figure]:
    listener = Listeners(_TRADE_NUMBER, market.kept_s)
    await listener.connect(port, _STREAM_PATH, 1)
    await asyncio.sleep(_SETTLE_S)
    listener.counting = True
    sent = await _at_rate(market.trade, _LONE_RATE, plan.seconds)
    await _until_all(listener, sent)
    listener.close()
    p50_ms, p99_ms = quantiles_ms(listener.delays_s())
    return [
        Figure("one listener, Kafka to client, p50", p50_ms, "ms"),
        Figure("one listener, Kafka to client, p99", p99_ms, "ms"),
    ]


async def _crowd(api: Measured, port: int, market: Market, plan: _Plan) -> list[Figure]:
    crowd = Listeners(_TRADE_NUMBER, market.kept_s)
    await crowd.connect(port, _STREAM_PATH, plan.listeners)
    await asyncio.sleep(_SETTLE_S)
    crowd.counting, before_s = True, api.processor_s()
    sent = await _at_rate(market.trade, plan.rate, plan.seconds)
    await _until_all(crowd, sent * plan.listeners)
    used_s = api.processor_s() - before_s
    crowd.close()
    await asyncio.sleep(_SETTLE_S)
    return _crowd_figures("API", crowd, used_s, plan)


async def _plain_crowd(plain: Measured, port: int, plan: _Plan) -> list[Figure]:
    crowd = Listeners(_SENT_NS, lambda sent_ns: sent_ns / 1e9)
    await crowd.connect(port, "/stream", plan.listeners)
    await asyncio.sleep(_SETTLE_S)
    crowd.counting, before_s = True, plain.processor_s()
    await asyncio.sleep(plan.seconds)
    crowd.counting, used_s = False, plain.processor_s() - before_s
    crowd.close()
    await asyncio.sleep(_SETTLE_S)
    return _crowd_figures("constant bytes", crowd, used_s, plan)


def _crowd_figures(name: str, crowd: Listeners, used_s: float, plan: _Plan) -> list[Figure]:
    p50_ms, p99_ms = quantiles_ms(crowd.delays_s())
    return [
        Figure(f"{name}: events delivered", crowd.events / plan.seconds, "events/s"),
        Figure(f"{name}: delay p50", p50_ms, "ms"),
        Figure(f"{name}: delay p99", p99_ms, "ms"),
        Figure(f"{name}: processor time an event delivered", 1e6 * used_s / crowd.events, "µs"),
    ]


async def _books(api: Measured, port: int, plain_port: int, market: Market, plan: _Plan) -> list[Figure]:
    # The book changes all the while, so that no answer can be kept for ever.
    changing = asyncio.create_task(_at_rate(market.change_book, plan.rate, 3 * plan.seconds))
    askers, before_s = Askers(_BOOK_PATH), api.processor_s()
    rate = await askers.run(port, connections=_ASKERS, seconds=plan.seconds)
    used_s = api.processor_s() - before_s
    changing.cancel()
    await asyncio.gather(changing, return_exceptions=True)
    plain = await Askers("/book").run(plain_port, connections=_ASKERS, seconds=plan.seconds)
    return [
        Figure(f"GET /book, 20 levels, {plan.rate} changes/s", rate, "requests/s"),
        Figure("GET /book: processor time", 1e6 * used_s / askers.answers, "µs"),
        Figure("GET constant bytes, as many", plain, "requests/s"),
        Figure("GET /book / constant bytes", rate / plain, "×"),
    ]


async def _at_rate(act: Callable[[], Coroutine[None, None, None]], rate: int, seconds: int) -> int:
    # Open load: each act has its moment, whatever became of those before it.
    acts: list[asyncio.Task[None]] = []
    begin_s = time.monotonic()
    for number in range(rate * seconds):
        await asyncio.sleep(max(0.0, begin_s + number / rate - time.monotonic()))
        acts.append(asyncio.create_task(act()))
    await asyncio.gather(*acts)
    return rate * seconds


async def _until_all(listeners: Listeners, events: int) -> None:
    for _ in range(600):
        if listeners.events >= events:
            break
        await asyncio.sleep(0.05)
    if listeners.events != events:
        raise RuntimeError(f"{listeners.events:,} events came instead of {events:,}")


async def _answer_bytes(port: int) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {_BOOK_PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    return len(answer.partition(b"\r\n\r\n")[2])


@contextmanager
def _on_cores(measured: Measured) -> Iterator[None]:
    # The server has the first core to itself, as far as this machine allows; all clients share the others.
    cores = psutil.Process().cpu_affinity()
    assert cores is not None
    measured.pin(cores[:1])
    psutil.Process().cpu_affinity(cores[1:] or cores)
    try:
        yield
    finally:
        psutil.Process().cpu_affinity(cores)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
