"""Equity over time, from the recorder's minutes: what GET /account said then, to the unit."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from api.history import History
from api.live.candles import bucket_start
from api.live.view import LiveView
from api.portfolio import Span, TooManyValuationsError, portfolio
from api.recorder.rows import BatchReader
from api.recorder.store import HistoryStore
from engine.domain import Deposit, SelfTrade, Side, Withdraw
from engine.topics import BOOK
from tests.api.exchange import ME, SYMBOLS, Exchange
from tests.postgresql import empty_database

MINUTE_MS = 60_000
REFERENCES = dict.fromkeys(SYMBOLS, 10.0)


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Give the URL of a database that is not there yet."""
    return f"sqlite:///{tmp_path / 'history.sqlite'}"


@contextmanager
def recorded(exchange: Exchange, url: str) -> Iterator[History]:
    """Write all that an exchange wrote to a history."""
    store = HistoryStore(url)
    store.prepare()
    store.write(BatchReader().batch([record for record in exchange.records if record.topic != BOOK]))
    store.close()
    history = History(url)
    yield history
    history.close()


def traded(seed: int, *, fees_ppm: int = 250) -> tuple[Exchange, float]:
    """Let a limited account trade for an hour or so; gives what was paid in."""
    dice, exchange = random.Random(seed), Exchange()
    exchange.open()
    exchange.list_all(maker_fee_ppm=fees_ppm, taker_fee_ppm=2 * fees_ppm)
    paid_in = 1_000.0
    for number in range(80):
        exchange.time_ms += dice.choice([0, 5, 900, 20_000, 60_000, 400_000, -exchange.time_ms % MINUTE_MS])
        thrown = dice.random()
        if thrown < 0.1:
            amount = dice.randint(1, 900_000)
            exchange.run(Deposit(investor_id=ME, cash_units=amount))
            paid_in += amount / 10_000
        elif thrown < 0.15:
            exchange.run(Withdraw(investor_id=ME, cash_units=12_345))
            paid_in -= 1.2345
        elif thrown < 0.2:
            symbol, shares = dice.choice(SYMBOLS), dice.randint(1, 9)
            exchange.run(Deposit(investor_id=ME, symbol=symbol, quantity=shares))
            paid_in += shares * (live(exchange).last_price(symbol) or 10.0)
        else:
            exchange.place(
                f"o-{number}",
                dice.choice(list(Side)),
                dice.randint(1, 30),
                10 + dice.randint(-9, 9) / 100,
                symbol=dice.choice(SYMBOLS),
                investor_id=dice.choice([ME, ME, "ana", "bia"]),
                self_trade=SelfTrade.NONE,
            )
    return exchange, paid_in


def live(exchange: Exchange, before_ms: int | None = None) -> LiveView:
    """Give the live view of what was written before a time."""
    view = LiveView(books_from_start=True)
    view.apply([r for r in exchange.records if before_ms is None or r.time_ms < before_ms])
    return view


@pytest.mark.parametrize("minutes", [1, 5, 60])
@pytest.mark.parametrize("seed", range(5))
def test_each_point_is_what_the_account_was_then(url: str, seed: int, minutes: int) -> None:
    exchange, paid_in = traded(seed)
    interval_ms = minutes * MINUTE_MS
    # The market goes on until its time is past the next whole interval.
    end_ms = bucket_start(exchange.time_ms, interval_ms) + interval_ms
    with recorded(exchange, url) as history:
        span = Span(interval_ms=interval_ms, start_ms=None, end_ms=end_ms, limit=1_000)
        points = portfolio(history, ME, span, REFERENCES)
    assert points[-1].time_ms == end_ms
    assert points[-1].net_deposits == pytest.approx(paid_in, abs=1e-9)
    for point, following in zip(points, [*points[1:], None], strict=True):
        assert following is None or following.time_ms - point.time_ms == interval_ms
        then = live(exchange, point.time_ms).accounts.account(ME)
        assert then is not None
        assert (point.cash, point.equity) == (then.cash, then.equity)
        assert (point.realized_profit, point.unrealized_profit) == (
            then.realized_profit,
            then.unrealized_profit,
        )
        earned = point.realized_profit + point.unrealized_profit - point.fees
        assert point.equity - point.net_deposits == pytest.approx(earned, abs=1e-6)


def test_points_are_the_first_from_a_start_and_the_last_without_one(url: str) -> None:
    exchange, _ = traded(1)
    start_ms = bucket_start(exchange.records[0].time_ms, MINUTE_MS)
    with recorded(exchange, url) as history:

        def times(start: int | None, end: int, limit: int) -> list[int]:
            span = Span(
                interval_ms=MINUTE_MS,
                start_ms=start if start is None else start_ms + start * MINUTE_MS,
                end_ms=start_ms + end * MINUTE_MS + 1,
                limit=limit,
            )
            points = portfolio(history, ME, span, REFERENCES)
            return [(point.time_ms - start_ms) // MINUTE_MS for point in points]

        assert times(None, 5, 2) == [4, 5]
        assert times(2, 9, 3) == [2, 3, 4]
        assert times(-50, 2, 9) == [1, 2]
        assert times(7, 6, 9) == []
        empty = Span(interval_ms=MINUTE_MS, start_ms=None, end_ms=start_ms, limit=9)
        assert portfolio(history, "nobody", empty, REFERENCES) == []


def test_so_many_points_that_the_database_would_be_kept_busy_are_refused(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange, _ = traded(1)
    monkeypatch.setattr("api.portfolio.VALUATIONS_MAX", 10)
    span = Span(interval_ms=MINUTE_MS, start_ms=None, end_ms=exchange.time_ms, limit=100)
    with recorded(exchange, url) as history, pytest.raises(TooManyValuationsError) as error:
        portfolio(history, ME, span, REFERENCES)
    assert error.value.points_max == 5


def test_postgresql_gives_the_same_points(url: str, postgresql_server: str) -> None:
    exchange, _ = traded(4)
    span = Span(interval_ms=5 * MINUTE_MS, start_ms=None, end_ms=exchange.time_ms, limit=100)
    with recorded(exchange, url) as history:
        expected = portfolio(history, ME, span, REFERENCES)
    with empty_database(postgresql_server) as postgresql, recorded(exchange, postgresql) as history:
        assert portfolio(history, ME, span, REFERENCES) == expected
        newest = history.finished_orders(ME, None, 5)
        assert len(newest) == 5
        assert history.order(ME, newest[0].order_id) == newest[0]
    assert len(expected) > 10
