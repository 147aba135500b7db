"""A view that began with the history is the view that read the whole log, wherever the history had got to."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.beginning import HistoryStart
from api.candles import candles_of
from api.config import ApiConfig
from api.history.candles import CandleSpan
from api.live.candles import INTERVALS_MS
from api.live.view import LiveView
from api.recorder.rows import BatchReader
from api.recorder.store import HistoryStore
from api.services import Services
from engine.domain import KillSwitch, Side, Status, TimeInForce
from engine.log import Connection, LogRecord
from engine.topics import BOOK
from tests.api.exchange import ME, Exchange
from tests.api.random_market import INVESTORS, by_topic, order_ids, random_exchange, repeated
from tests.postgresql import empty_database

SOAK = os.environ.get("HOMEBROKER_TEST_SOAK") == "1"
COMMANDS = 100
NOWHERE = Connection(bootstrap_servers="127.0.0.1:1")
TRADES_KEPT = 6


@pytest.fixture(autouse=True, params=["all", "few"])
def _bounds(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep as much as ever, or so little that much of what is asked for is in the history alone."""
    if request.param == "few":
        rows_max = dict.fromkeys(INTERVALS_MS, 3) | {"1m": 1_500, "1d": 3}
        for name, value in (
            ("api.beginning.tape.TRADES_MAX", TRADES_KEPT),
            ("api.beginning.tape.TRADES_RECENT", 9),
            ("api.beginning.tape.ROWS_MAX", rows_max),
            ("api.live.candles.ROWS_MAX", rows_max),
        ):
            monkeypatch.setattr(name, value)


@contextmanager
def services_on(database_url: str, view: LiveView) -> Iterator[Services]:
    """Give what the routes work with, on a view."""
    services = Services(ApiConfig(connection=NOWHERE, database_url=database_url))
    services.follower.view = view
    yield services
    services.history.close()


def answers(services: Services) -> dict[str, Any]:
    """Give all that can be asked of a market."""
    return asyncio.run(_answers(services))


async def _answers(services: Services) -> dict[str, Any]:
    view = services.view
    found: dict[str, Any] = {"time_ms": view.time_ms, "market_day_ms": view.market_day_ms}
    for symbol in view.assets:
        found[f"asset {symbol}"] = view.assets[symbol]
        found[f"ticker {symbol}"] = view.ticker(symbol)
        found[f"book {symbol}"] = view.books[symbol].levels()
        trades = view.trades.get(symbol)
        found[f"trades {symbol}"] = [] if trades is None else trades.newest(TRADES_KEPT)
        for interval in INTERVALS_MS:
            for start, limit in ((None, 3), (None, 10_000), (2, 10_000), (-2, 2)):
                found[f"candles {symbol} {interval} {start} {limit}"] = await _candles(
                    services, symbol, interval, start, limit
                )
    for investor in INVESTORS:
        found[f"account {investor}"] = view.accounts.account(investor)
        found[f"positions {investor}"] = view.accounts.positions(investor)
        found[f"open {investor}"] = view.orders.open(investor, limit=999)
        found[f"open count {investor}"] = view.orders.open_count(investor)
        finished = await services.finished_orders(investor, None, limit=999)
        found[f"finished {investor}"] = sorted(finished, key=lambda order: order.order_id)
        for order_id in order_ids(COMMANDS):
            found[f"order {investor} {order_id}"] = await services.order(investor, order_id)
    return found


async def _candles(
    services: Services, symbol: str, interval: str, start: int | None, limit: int
) -> list[Any]:
    """Ask for candles from some candle on; for the last ones without a start."""
    view, length_ms = services.view, INTERVALS_MS[interval]
    start_ms = None if start is None else (view.time_ms // length_ms - abs(start) * 10) * length_ms
    end_ms = None if start is None or start > 0 else view.time_ms
    span = CandleSpan(symbol=symbol, interval_ms=length_ms, start_ms=start_ms, end_ms=end_ms, limit=limit)
    return await candles_of(services, view, span, interval)


def recorded(database_url: str, records: dict[str, list[LogRecord]], ends: dict[str, int]) -> None:
    """Let a recorder go on to some place of each topic."""
    store = HistoryStore(database_url)
    store.prepare()
    stored = store.places()
    reader = BatchReader(stored)
    pieces = {
        topic: of_topic[stored[topic, 0].next_offset if (topic, 0) in stored else 0 : ends[topic]]
        for topic, of_topic in records.items()
        if topic != BOOK
    }
    store.write(reader.batch([record for piece in pieces.values() for record in piece]))
    store.close()


def begun(database_url: str) -> LiveView:
    """Give a view that has only read the history."""
    view = LiveView(books_from_start=True)
    with services_on(database_url, view) as services:
        HistoryStart(NOWHERE, services.history).read(view)
    return view


def equal_at_every_cut(database_url: str, exchange: Exchange, seed: int, cuts: int) -> None:
    """Begin where the recorder was at some moments of its own for each topic, and read on to the end."""
    dice = random.Random(seed)
    topics = {topic: repeated(records, dice) for topic, records in by_topic(exchange.records).items()}
    whole = LiveView(books_from_start=True)
    whole.apply([record for records in topics.values() for record in records])
    places = dict.fromkeys(topics, 0)
    views: list[LiveView] = []
    for cut in range(cuts):
        # A topic may be ahead of the others, and the last cut is at the end of all.
        places = {
            topic: len(records) if cut == cuts - 1 else dice.randint(places[topic], len(records))
            for topic, records in topics.items()
        }
        recorded(database_url, topics, places)
        view = begun(database_url)
        assert view.positions == {topic: place for topic, place in places.items() if place and topic != BOOK}
        views.append(view)
    with services_on(database_url, whole) as services:
        expected = answers(services)
    for view in views:
        rest = [
            record for topic, records in topics.items() for record in records[view.positions.get(topic, 0) :]
        ]
        for size in (1, 7, len(rest)):
            view.apply(rest[:size])
            rest = rest[size:]
        with services_on(database_url, view) as services:
            found = answers(services)
        different = {
            name: (found[name], expected[name]) for name in expected if found[name] != expected[name]
        }
        assert not different


def test_the_newest_candles_are_whole_however_many_trades_are_in_them(tmp_path: Path) -> None:
    exchange, url = Exchange(), f"sqlite:///{tmp_path / 'history.sqlite'}"
    exchange.open()
    for number in range(40):
        exchange.time_ms += 300
        side, investor = (Side.SELL, "ana") if number % 2 else (Side.BUY, "bia")
        exchange.place(f"o-{number}", side, 1, 10 + number // 10 / 100, investor_id=investor)
    records = by_topic(exchange.records)
    recorded(url, records, {topic: len(part) for topic, part in records.items()})
    whole = LiveView(books_from_start=True)
    whole.apply(exchange.records)
    for interval in INTERVALS_MS:
        expected = whole.candles["PETR4"][interval].newest(now_ms=0)
        assert begun(url).candles["PETR4"][interval].newest(now_ms=0) == expected


def test_a_refusal_under_the_id_of_an_order_that_ended_before_the_start_does_not_hide_it(
    tmp_path: Path,
) -> None:
    exchange, url = Exchange(), f"sqlite:///{tmp_path / 'history.sqlite'}"
    exchange.open()
    exchange.place("o-1", Side.BUY, 4, 9.0, investor_id=ME, time_in_force=TimeInForce.IOC)
    records = by_topic(exchange.records)
    recorded(url, records, {topic: len(part) for topic, part in records.items()})
    view, start = begun(url), len(exchange.records)
    exchange.run(KillSwitch(investor_id=ME, on=True))
    exchange.place("o-1", Side.BUY, 4, 9.0, investor_id=ME)
    exchange.place("o-2", Side.BUY, 4, 9.0, investor_id=ME)
    whole = LiveView(books_from_start=True)
    whole.apply(exchange.records)
    view.apply(exchange.records[start:])
    for each in (view, whole):
        with services_on(url, each) as services:
            finished = asyncio.run(services.finished_orders(ME, None, limit=9))
            orders = [asyncio.run(services.order(ME, order_id)) for order_id in ("o-1", "o-2")]
        assert [order and order.status for order in orders] == [Status.EXPIRED, Status.REJECTED]
        assert [(order.order_id, order.status) for order in finished] == [
            ("o-2", Status.REJECTED),
            ("o-1", Status.EXPIRED),
        ]


@settings(
    deadline=None,
    max_examples=100 if SOAK else 4,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.integers(0, 1_000_000))
def test_a_view_that_began_with_the_history_answers_as_one_that_read_the_log(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    url = f"sqlite:///{tmp_path_factory.mktemp('beginning') / 'history.sqlite'}"
    equal_at_every_cut(url, random_exchange(seed, COMMANDS), seed, cuts=3)


def test_it_does_so_from_postgresql(postgresql_server: str) -> None:
    for seed in range(2):
        with empty_database(postgresql_server) as url:
            equal_at_every_cut(url, random_exchange(seed, COMMANDS), seed, cuts=3)
