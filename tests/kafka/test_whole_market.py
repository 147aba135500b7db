"""The market as a whole: every part killed under load, and then all is as if nothing had happened."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import msgspec
import psutil
import pytest

from engine.domain import UNITS_PER_CURRENCY, Deposit
from engine.shard import Shard
from engine.topics import ACCOUNTS, EXECUTIONS, ORDERS, TRANSACTIONS
from engine.wire.commands import decode_command
from engine.wire.records import Transaction, decode_transaction
from homebroker.settings import Settings
from homebroker.supervisor.plan import PART_NAMES
from tests.kafka.bystanders import TRADER, Bystanders, differences
from tests.kafka.clean_run import all_answered, check_outputs, seen_once, topic_values
from tests.kafka.running_market import RunningMarket
from tests.market import market_settings, run_apart, start_part, stop_part, wait_until, wait_until_ready

pytestmark = pytest.mark.kafka

_SOAK = os.environ.get("HOMEBROKER_TEST_SOAK") == "1"
_ROUNDS = 10 if _SOAK else 1
# On a busy machine the API may start for a minute. More than the 20,000 records that it can tell must not
# come in this time, or a follower is rightly told that it missed some.
_COMMANDS_PER_S = 50.0 if _SOAK else 200.0
# A hiccup, longer than an answer is waited for, and longer than the session of the engines' group.
_FROZEN_S = (0.7, 2.5, 7.0) if _SOAK else (0.7,)
_MINUTE_MS = 60_000
_SYMBOL = "PETR4"


@pytest.fixture(scope="module")
def bystanders() -> Iterator[list[Bystanders]]:
    """Give room for the market's clients, who were there through it all."""
    present: list[Bystanders] = []
    yield present
    for each in present:
        each.stop()


@pytest.fixture(scope="module")
def survivor(
    kafka_jars: None, tmp_path_factory: pytest.TempPathFactory, bystanders: list[Bystanders]
) -> Iterator[Settings]:
    """Give a market whose every part was frozen and killed while it was busy, its log at rest now."""
    settings = market_settings(
        tmp_path_factory.mktemp("whole"), simulator_warmup_hours=0.2, simulator_rate=_COMMANDS_PER_S
    )
    running = RunningMarket(settings)
    parts = []
    try:
        running.wait_until_open()
        there = Bystanders(f"http://127.0.0.1:{settings.api_port}", _SYMBOL)
        bystanders.append(there)
        there.start()
        dice = random.Random(20261122)
        for _ in range(_ROUNDS):
            for name in dice.sample(PART_NAMES, len(PART_NAMES)):
                _freeze(running.pids()[name], dice.choice(_FROZEN_S))
        for number in range(_ROUNDS):
            shuffled = dice.sample(PART_NAMES, len(PART_NAMES))
            at_once = 1 + number % 2
            for start in range(0, len(shuffled), at_once):
                running.kill(*shuffled[start : start + at_once])
        there.stop_trading()
        # All but the simulator, so that the log comes to rest.
        stop_part(running.process)
        parts.extend(start_part(settings, command) for command in ("broker", "engine", "recorder", "api"))
        for name in ("engine", "recorder", "api"):
            wait_until_ready(settings, name)
        wait_until(lambda: run_apart(all_answered(settings.connection)), "every command is answered")
        yield settings
    finally:
        stop_part(running.process)
        for part in reversed(parts):
            stop_part(part)


def _freeze(pid: int, frozen_s: float) -> None:
    frozen = [*psutil.Process(pid).children(recursive=True), psutil.Process(pid)]
    for process in frozen:
        process.suspend()
    time.sleep(frozen_s)
    for process in frozen:
        process.resume()


@pytest.fixture(scope="module")
def market_now(survivor: Settings) -> Shard:
    """Check the topics against a clean run of the log, and give the market that comes of it."""
    return run_apart(check_outputs(survivor.connection))


def _trades(settings: Settings) -> list[Transaction]:
    return [decode_transaction(value) for value in run_apart(seen_once(settings.connection, TRANSACTIONS))]


def _brought_in(settings: Settings) -> Counter[str]:
    found: Counter[str] = Counter()
    names: set[str] = set()
    for _, _, value in run_apart(topic_values(settings.connection, ORDERS)):
        command = decode_command(value)
        if isinstance(command, Deposit) and command.transfer_id not in names:
            names |= {command.transfer_id} if command.transfer_id else set()
            found[command.symbol or "cash"] += command.cash_units or command.quantity or 0
    return found


def _get(settings: Settings, path: str, **parameters: object) -> Any:
    answer = httpx.get(f"http://127.0.0.1:{settings.api_port}{path}", params=parameters)  # type: ignore[arg-type]
    answer.raise_for_status()
    return answer.json()


def test_every_topic_holds_what_a_clean_run_gives(market_now: Shard) -> None:
    assert market_now.offset > 1_000, "the market was busy"


@pytest.mark.parametrize(("table", "topic"), [("transactions", TRANSACTIONS), ("executions", EXECUTIONS)])
def test_the_history_has_each_record_once(survivor: Settings, table: str, topic: str) -> None:
    values = run_apart(seen_once(survivor.connection, topic))
    wanted = [(fields["offset"], fields["index"]) for fields in map(msgspec.json.decode, values)]

    def recorded() -> list[tuple[int, int]]:
        with closing(sqlite3.connect(survivor.data_dir / "history.sqlite")) as database:
            query = f'SELECT "offset", "index" FROM {table} ORDER BY 1, 2'  # noqa: S608 - our own tables
            return database.execute(query).fetchall()

    wait_until(lambda: len(recorded()) >= len(wanted), "the recorder has caught up")
    assert recorded() == wanted


def test_the_api_shows_the_books_of_a_clean_run(survivor: Settings, market_now: Shard) -> None:
    for book in market_now.book_snapshots():
        shown = _get(survivor, f"/book/{book.symbol}", levels=1_000)
        for side in ("bids", "asks"):
            levels = [[x.price_units / 10_000, x.quantity, x.order_count] for x in getattr(book, side)]
            assert shown[side] == levels, book.symbol


def test_the_candles_are_a_recount_of_the_trades(survivor: Settings) -> None:
    counted: dict[str, dict[int, list[Any]]] = {}
    for trade in _trades(survivor):
        start_ms = trade.time_ms // _MINUTE_MS * _MINUTE_MS
        candle = counted.setdefault(trade.symbol, {}).setdefault(
            start_ms, [start_ms, trade.price, trade.price, trade.price, trade.price, 0, 0]
        )
        candle[2], candle[3] = max(candle[2], trade.price), min(candle[3], trade.price)
        candle[4] = trade.price
        candle[5] += trade.quantity
        candle[6] += 1
    fields = ("time_ms", "open", "high", "low", "close", "volume", "trades")
    for symbol, candles in counted.items():
        shown = _get(survivor, f"/candles/{symbol}", interval="1m", limit=1_000)["candles"]
        assert [[candle[name] for name in fields] for candle in shown] == list(candles.values()), symbol


def test_cash_and_shares_are_as_many_as_were_brought_in(survivor: Settings) -> None:
    cash: dict[str, float] = {}
    shares: dict[tuple[str, str], int] = {}
    for value in run_apart(seen_once(survivor.connection, ACCOUNTS)):
        account = msgspec.json.decode(value)
        cash[account["investor_id"]] = account["cash"]
        for position in account["positions"]:
            shares[account["investor_id"], position["symbol"]] = position["quantity"]
    traded = {trade.symbol for trade in _trades(survivor)}
    brought_in = _brought_in(survivor)
    assert sum(round(amount * UNITS_PER_CURRENCY) for amount in cash.values()) == brought_in["cash"]
    for symbol in traded:
        assert sum(count for (_, held), count in shares.items() if held == symbol) == brought_in[symbol], (
            symbol
        )


def test_who_followed_the_market_has_seen_each_trade_once_and_has_its_books(
    survivor: Settings, bystanders: list[Bystanders], market_now: Shard
) -> None:
    (there,) = bystanders
    by_symbol: dict[str, list[Transaction]] = {}
    for trade in _trades(survivor):
        by_symbol.setdefault(trade.symbol, []).append(trade)
    for symbol, trades in by_symbol.items():
        last = trades[-1].transaction_id
        wait_until(lambda seen=there.trades[symbol], last=last: seen[-1:] == [last], "the last trade is seen")  # type: ignore[misc]
        odd = differences(there.trades[symbol], [trade.transaction_id for trade in trades])
        assert odd == [], symbol
    for book in market_now.book_snapshots():
        sides = [
            [(x.price_units / 10_000, x.quantity, x.order_count) for x in side]
            for side in (book.bids, book.asks)
        ]
        assert [list(side) for side in there.books[book.symbol]] == sides, book.symbol
    there.check()
    assert there.streams[0].connections > 1, "its connection was cut"
    assert [(stream.resets, stream.broken_chains) for stream in there.streams] == [(0, 0)] * 2


def test_who_traded_through_it_all_has_each_order_and_deposit_once(
    survivor: Settings, bystanders: list[Bystanders], market_now: Shard
) -> None:
    (there,) = bystanders
    for topic, seen in ((EXECUTIONS, there.executions), (ACCOUNTS, there.accounts)):
        records = [
            fields
            for fields in map(msgspec.json.decode, run_apart(seen_once(survivor.connection, topic)))
            if fields["investor_id"] == TRADER
        ]
        last = (records[-1]["offset"], records[-1]["index"])
        wait_until(lambda seen=seen, last=last: seen[-1:] == [last], f"the last of {topic} is seen")  # type: ignore[misc]
        assert differences(seen, [(each["offset"], each["index"]) for each in records]) == [], topic
        if topic == EXECUTIONS:
            begun = [each["client_order_id"] for each in records if each["execution_type"] == "new"]
            assert len(begun) == len(set(begun))
            assert set(there.placed) <= set(begun)
    assert there.sent_again > 0, "an answer was lost"
    asked = [
        command
        for command in (
            decode_command(value) for _, _, value in run_apart(topic_values(survivor.connection, ORDERS))
        )
        if isinstance(command, Deposit) and command.investor_id == TRADER and command.transfer_id
    ]
    done = {command.transfer_id: command.cash_units or 0 for command in asked}
    assert sum(done.values()) == there.paid_in * UNITS_PER_CURRENCY
    there.check()
