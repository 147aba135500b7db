"""Clients of two API processes over a network that breaks all the time: nothing missed, nothing twice.

The truth is Kafka's topics, read apart. APIs that are started again begin with the history that a recorder
writes. With HOMEBROKER_TEST_SOAK=1 there are a thousand cuts.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import zip_longest
from typing import Any

import pytest

from api.identity.demo_users import DEMO_USERS
from api.live.candles import INTERVALS_MS, bucket_start
from engine.domain import Cancel, Command, ListAsset, OpenAccount, Place, SelfTrade, Side, TimeInForce
from engine.log import Connection, LogReader, LogWriter, NewRecord
from engine.log.reading import read_between
from engine.topics import ACCOUNTS, BOOK, EXECUTIONS, ORDERS, TRANSACTIONS
from engine.wire.commands import command_key, encode_command
from homebroker.client import (
    AccountChange,
    AsyncClient,
    CandleChange,
    Execution,
    Pauses,
    Stream,
    Ticker,
    Trade,
    asks,
)
from homebroker.settings import Settings
from homebroker.status import remove_status
from tests.cutting_proxy import CuttingProxy
from tests.kafka.waiting import until
from tests.market import Market, free_ports, start_part, stop_part, wait_until_ready

pytestmark = pytest.mark.kafka

SOAK = os.environ.get("HOMEBROKER_TEST_SOAK") == "1"
CUTS = int(os.environ.get("HOMEBROKER_TEST_CUTS", "1000")) if SOAK else 40
KILLS = 8 if SOAK else 1
SEED = 11
SYMBOLS = ("PETR4", "VALE3")
INVESTORS = ("ana", "bia", "demo")
DEMO = next(user for user in DEMO_USERS if user.username == "demo")


class Apis:
    """API processes on one market, which may be killed and started again."""

    def __init__(self, market: Market, count: int) -> None:
        shared = {
            "secret_key": "what signs the tokens of both processes of this test",
            "database_url": market.settings.resolved_database_url,
        }
        self.settings = [
            Settings.model_validate(
                market.settings.model_dump()
                | shared
                | {"data_dir": market.settings.data_dir / f"api-{number}", "api_port": free_ports(1)}
            )
            for number in range(count)
        ]
        self.ports = [settings.api_port for settings in self.settings]
        self._processes = [start_part(settings, "api") for settings in self.settings]

    def wait_until_ready(self) -> None:
        """Wait for all."""
        for settings in self.settings:
            wait_until_ready(settings, "api")

    def kill_and_start(self, number: int) -> None:
        """Kill one the way a power cut would, and start it again."""
        stop_part(self._processes[number], signal.SIGKILL)
        # What the dead one said last is not to be taken for the next one's word.
        remove_status(self.settings[number].data_dir, "api")
        self._processes[number] = start_part(self.settings[number], "api")

    def stop(self) -> None:
        """Stop all; each must end well."""
        assert [stop_part(process) for process in self._processes] == [0] * len(self._processes)


@contextmanager
def running_apis(market: Market, count: int) -> Iterator[Apis]:
    """Run an engine, a recorder and some APIs for as long as the context lasts."""
    engine, recorder = start_part(market.settings, "engine"), start_part(market.settings, "recorder")
    apis = Apis(market, count)
    try:
        apis.wait_until_ready()
        yield apis
    finally:
        apis.stop()
        stop_part(recorder)
        stop_part(engine)


def opening() -> list[Command]:
    """List the symbols and open the accounts."""
    listings = [
        ListAsset(symbol=symbol, name=symbol, tick_size_units=100, lot_size=1, reference_price_units=100_000)
        for symbol in SYMBOLS
    ]
    return [*listings, *(OpenAccount(investor_id=name, unlimited=True) for name in INVESTORS)]


def commands(dice: random.Random) -> Iterator[Command]:
    """Trade at random."""
    number = 0
    while True:
        number += 1
        investor_id = dice.choice(INVESTORS)
        if dice.random() < 0.25 and number > 20:
            yield Cancel(order_id=f"o-{number - dice.randint(1, 19)}", investor_id=investor_id)
            continue
        yield Place(
            order_id=f"o-{number}",
            investor_id=investor_id,
            symbol=dice.choice(SYMBOLS),
            side=dice.choice(list(Side)),
            quantity=dice.randint(1, 9),
            price_units=100_000 + 100 * dice.randint(-4, 4),
            time_in_force=TimeInForce.GTC,
            self_trade=SelfTrade.NONE,
        )


async def send(connection: Connection, sent: list[Command]) -> None:
    """Append commands to the log."""
    async with LogWriter(connection) as writer:
        await writer.append_all(ORDERS, [NewRecord(command_key(each), encode_command(each)) for each in sent])


@asynccontextmanager
async def trading(connection: Connection) -> AsyncIterator[None]:
    """Let the investors trade for as long as the context lasts."""

    async def trade() -> None:
        dice = random.Random(SEED)
        flow = commands(dice)
        async with LogWriter(connection) as writer:
            while True:
                batch = [next(flow) for _ in range(dice.choice([1, 1, 2, 8]))]
                records = [NewRecord(command_key(each), encode_command(each)) for each in batch]
                await writer.append_all(ORDERS, records)
                await asyncio.sleep(0.02 * dice.random())

    task = asyncio.create_task(trade())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Seen:
    """All that a stream's reader was given."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.opened = False
        self.trades: defaultdict[str, list[str]] = defaultdict(list)
        self.candles: defaultdict[str, dict[int, CandleChange]] = defaultdict(dict)
        self.tickers: dict[str, Ticker] = {}
        self.executions: list[tuple[int, int]] = []
        self.accounts: list[tuple[int, int]] = []

    async def read(self) -> None:
        """Read for ever."""
        async with self.stream as stream:
            async for event in stream:
                match event.data:
                    case Trade():
                        self.trades[event.data.symbol].append(event.data.transaction_id)
                    case CandleChange():
                        self.candles[event.data.symbol][event.data.time_ms] = event.data
                    case Ticker():
                        self.tickers[event.data.symbol] = event.data
                    case Execution():
                        self.executions.append((event.data.offset, event.data.index))
                    case AccountChange():
                        self.accounts.append((event.data.offset, event.data.index))
                    case _:
                        self.opened = self.opened or event.name == "opened"


@asynccontextmanager
async def reading(*streams: Stream) -> AsyncIterator[list[Seen]]:
    """Read streams for as long as the context lasts."""
    seen = [Seen(stream) for stream in streams]
    tasks = [asyncio.create_task(each.read()) for each in seen]
    try:
        await until(lambda: all(each.opened for each in seen), "all streams are open")
        yield seen
    finally:
        done = [task for task in tasks if task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()


async def stored(connection: Connection, topic: str) -> list[Any]:
    """Give all records of a topic."""
    async with LogReader(connection) as reader:
        end = await reader.end_offset(topic, 0)
    batches = read_between(connection, topic, 0, 0, end)
    return [json.loads(record.value or b"") async for batch in batches for record in batch]


def folded_books(records: list[Any]) -> dict[str, tuple[list[Any], list[Any]]]:
    """Give each symbol's levels after all records."""
    sides: dict[str, tuple[dict[float, Any], dict[float, Any]]] = {}
    for record in records:
        if record["snapshot"]:
            sides[record["symbol"]] = {}, {}
        for side, name in zip(sides.setdefault(record["symbol"], ({}, {})), ("bids", "asks"), strict=True):
            for price, quantity, orders in record[name]:
                side[price] = [price, quantity, orders]
                if not quantity:
                    del side[price]
    return {
        symbol: (
            [bids[price] for price in sorted(bids, reverse=True)],
            [asks_[price] for price in sorted(asks_)],
        )
        for symbol, (bids, asks_) in sides.items()
    }


def recounted_candles(trades: list[Any], symbol: str, interval_ms: int) -> dict[int, tuple[float, ...]]:
    """Count open, high, low, close, volume and trades anew."""
    by_start: defaultdict[int, list[Any]] = defaultdict(list)
    for trade in trades:
        if trade["symbol"] == symbol:
            by_start[bucket_start(trade["time_ms"], interval_ms)].append(trade)
    return {
        start: (
            part[0]["price"],
            max(trade["price"] for trade in part),
            min(trade["price"] for trade in part),
            part[-1]["price"],
            sum(trade["quantity"] for trade in part),
            len(part),
        )
        for start, part in by_start.items()
    }


async def test_nothing_is_missed_or_doubled_however_often_connections_are_cut(market: Market) -> None:
    with running_apis(market, 2) as apis:
        await send(market.connection, opening())
        proxy = CuttingProxy(apis.ports, seed=SEED)
        # What clients ask beside the streams does not pass the proxy: nobody repeats a question.
        direct = AsyncClient(f"http://127.0.0.1:{apis.ports[0]}", username="demo", password=DEMO.password)
        async with direct, proxy.running() as url:
            await _until_listed(direct)
            client = AsyncClient(url, username="demo", password=DEMO.password)
            dice = random.Random(SEED)

            def pauses() -> Pauses:
                return Pauses(first_s=0.02, most_s=0.2, dice=dice)

            streams = (
                client.follow(SYMBOLS, ["trades", "book", "candles:1s", "tickers"], pauses=pauses()),
                client.follow(["PETR4"], ["book:100ms", "candles:1s:250ms", "tickers:1s"], pauses=pauses()),
                client.follow_account(pauses=pauses()),
            )
            async with client, reading(*streams) as (whole, paced, own):
                proxy.cuts = 0
                async with trading(market.connection):
                    for kill in range(KILLS):
                        await until(lambda kill=kill: proxy.cuts > CUTS * (kill + 1) / (KILLS + 1), "cuts")
                        await asyncio.to_thread(apis.kill_and_start, kill % 2)
                        # Two away at once, for long, would be a gap that is too old.
                        await asyncio.to_thread(apis.wait_until_ready)
                    await until(lambda: proxy.cuts > CUTS, "all cuts were made")
                    await until(lambda: sum(map(len, whole.trades.values())) > 2 * CUTS, "many trades")
                proxy.cutting = False
                await _compare(market.connection, whole, paced, own)
                assert whole.stream.connections + paced.stream.connections + own.stream.connections > CUTS / 3


def assert_same(told: list[Any], truth: list[Any]) -> None:
    """See that two lists are the same; says where they begin to differ."""
    pairs = zip_longest(told, truth)
    place = next((number for number, (one, other) in enumerate(pairs) if one != other), None)
    assert place is None, (
        f"from {place} on: {told[place:][:3]} of {len(told)}, {truth[place:][:3]} of {len(truth)}"
    )


async def until_answered(connection: Connection) -> None:
    """Wait until the engine has answered the last command."""
    last = "the trading ends here"
    await send(connection, [Cancel(order_id=last, investor_id="bia")])
    for _ in range(600):
        if (await stored(connection, EXECUTIONS))[-1]["order_id"] == last:
            return
        await asyncio.sleep(0.1)
    pytest.fail("the engine did not answer")


async def _until_listed(client: AsyncClient) -> None:
    for _ in range(500):
        if len(await client.ask(asks.assets())) == len(SYMBOLS):
            return
        await asyncio.sleep(0.05)
    pytest.fail("the symbols were never listed")


async def _compare(connection: Connection, whole: Seen, paced: Seen, own: Seen) -> None:
    # The log is still for good only when the engine has answered all that was sent.
    await until_answered(connection)
    trades, reports = await stored(connection, TRANSACTIONS), await stored(connection, EXECUTIONS)
    accounts, books = await stored(connection, ACCOUNTS), await stored(connection, BOOK)
    mine = [(each["offset"], each["index"]) for each in reports if each["investor_id"] == "demo"]
    last_book = {record["symbol"]: record["offset"] for record in books}

    def is_all_told() -> bool:
        return (
            len(own.executions) >= len(mine)
            and sum(map(len, whole.trades.values())) >= len(trades)
            and all(whole.stream.books[symbol].offset == last_book[symbol] for symbol in SYMBOLS)
            and paced.stream.books["PETR4"].offset == last_book["PETR4"]
        )

    with suppress(TimeoutError):
        async with asyncio.timeout(20):
            await until(is_all_told, "all is told")
    await asyncio.sleep(1.2)  # what is paced, and whatever might come twice
    for seen in (whole, paced, own):
        assert (seen.stream.resets, seen.stream.broken_chains) == (0, 0)
    assert_same(own.executions, mine)
    my_accounts = [(each["offset"], each["index"]) for each in accounts if each["investor_id"] == "demo"]
    # The opening of the account came before the stream, or with it.
    assert_same(own.accounts, my_accounts[len(my_accounts) - len(own.accounts) :])
    for symbol in SYMBOLS:
        told = [trade for trade in trades if trade["symbol"] == symbol]
        assert_same(whole.trades[symbol], [trade["transaction_id"] for trade in told])
        assert whole.tickers[symbol].last_price == told[-1]["price"]
    for seen, symbols in ((whole, SYMBOLS), (paced, ("PETR4",))):
        for symbol in symbols:
            book = seen.stream.books[symbol]
            levels = [list(map(list, book.bids())), list(map(list, book.asks()))]
            assert levels == list(folded_books(books)[symbol]), symbol
            shown = {
                start: (each.open, each.high, each.low, each.close, each.volume, each.trades)
                for start, each in seen.candles[symbol].items()
            }
            assert shown == recounted_candles(trades, symbol, INTERVALS_MS["1s"]), symbol
            assert all(candle.closed for candle in list(seen.candles[symbol].values())[:-1])
