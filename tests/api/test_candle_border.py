"""Candles asked for across the border of memory and database: none missing, none twice, each exact."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator

import numpy as np
import pytest

from api import candles as asking
from api.candles import candles_of
from api.config import ApiConfig
from api.history import History, HistoryUnavailableError
from api.history.candles import CandleSpan, StoredCandles
from api.live.candles import INTERVALS_MS, CandleSeries, candle_rows
from api.live.view import LiveView
from api.payloads import Candle
from api.recorder.rows import BatchReader
from api.recorder.store import HistoryStore
from api.services import Services
from engine.domain import Side
from engine.log import Connection
from engine.topics import BOOK, TRANSACTIONS
from engine.wire.records import Transaction, decode_transaction
from tests.api.exchange import Exchange

KEPT = 5


class Market:
    """Trades, what memory keeps of their candles, what a recorder wrote, and all candles counted apart."""

    def __init__(self, url: str) -> None:
        self.exchange, self.dice = Exchange(), random.Random(5)
        self._trades, self._read, self._recorded = 0, 0, 0
        self._decoded: list[Transaction] = []
        self._store = HistoryStore(url)
        self._store.prepare()
        self._reader = BatchReader()
        config = ApiConfig(connection=Connection(bootstrap_servers="127.0.0.1:1"), database_url=url)
        self.services = Services(config)
        self.services.follower.view = self.view = LiveView(books_from_start=True)
        self.exchange.open()

    def trade(self, count: int, *steps_ms: int) -> None:
        """Let some trades come; memory knows them at once."""
        for _ in range(count):
            self._trades += 1
            self.exchange.time_ms += self.dice.choice(steps_ms)
            price = 10 + self.dice.randint(-5, 5) / 100
            for side, investor in ((Side.SELL, "ana"), (Side.BUY, "bia")):
                self.exchange.place(f"{side}-{self._trades}", side, 2, price, investor_id=investor)
        self.view.apply(self.exchange.records[self._read :])
        self._read = len(self.exchange.records)

    def record(self) -> None:
        """Let the recorder catch up."""
        new = [each for each in self.exchange.records[self._recorded :] if each.topic != BOOK]
        self._recorded = len(self.exchange.records)
        self._store.write(self._reader.batch(new))

    async def ask(self, interval: str, start_ms: int | None, end_ms: int | None, limit: int) -> list[Candle]:
        """Ask for candles as the route does."""
        span = CandleSpan(
            symbol="PETR4",
            interval_ms=INTERVALS_MS[interval],
            start_ms=start_ms,
            end_ms=end_ms,
            limit=limit,
        )
        return await candles_of(self.services, self.view, span, interval)

    def expected(self, interval: str, start_ms: int | None, end_ms: int | None, limit: int) -> list[Candle]:
        """Count all candles anew, and give those asked for."""
        trades = self._decoded
        done = len(trades)
        told = [each for each in self.exchange.records if each.topic == TRANSACTIONS]
        trades += [decode_transaction(each.value or b"") for each in told[done:]]
        series = CandleSeries(INTERVALS_MS[interval], rows_max=10_000)
        times_ms = np.array([trade.time_ms for trade in trades])
        units = np.array([round(trade.price * 10_000) for trade in trades])
        series.add(candle_rows(times_ms, units, np.array([trade.quantity for trade in trades])))
        return series.between(start_ms, end_ms, limit=limit, now_ms=self.view.time_ms)

    def close(self) -> None:
        """Close the database."""
        self._store.close()
        self.services.history.close()


@pytest.fixture
def market(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Market]:
    """Give a market of whose candles memory keeps few."""
    monkeypatch.setattr("api.live.candles.ROWS_MAX", dict.fromkeys(INTERVALS_MS, KEPT))
    market = Market(database_url)
    yield market
    market.close()


STEPS_MS = (0, 300, 1_000, 20_000, 61_000, 4_000_000, 90_000_000)


@pytest.mark.parametrize("interval", sorted(INTERVALS_MS))
async def test_across_the_border_none_is_missing_and_none_is_told_twice(
    market: Market, interval: str
) -> None:
    market.trade(80, *STEPS_MS)
    market.record()
    market.trade(5, 0, 300)
    kept, length_ms = market.view.candles["PETR4"][interval], INTERVALS_MS[interval]
    assert not kept.whole
    border_ms = kept.first_ms
    assert border_ms is not None
    around = [border_ms + step * length_ms for step in (-900, -1, 0, 1)]
    for limit in (1, KEPT + 1, 9_999):
        assert await market.ask(interval, None, None, limit) == market.expected(interval, None, None, limit)
        for start_ms in around:
            for end_ms in (None, *(each for each in around if each >= start_ms)):
                found = await market.ask(interval, start_ms, end_ms, limit)
                assert found == market.expected(interval, start_ms, end_ms, limit)


@pytest.mark.parametrize("interval", ["1s", "1m", "1h"])
async def test_trades_that_come_while_the_database_is_read_move_no_candle_out_of_sight(
    market: Market, interval: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    market.trade(60, *STEPS_MS)
    market.record()
    before = market.expected(interval, None, None, 9_999)
    read = asking.stored_candles

    def slow(history: History, span: CandleSpan) -> StoredCandles:
        found = read(history, span)
        # So many that memory lets go of all that it had.
        market.trade(2 * KEPT + 4, INTERVALS_MS[interval])
        return found

    monkeypatch.setattr(asking, "stored_candles", slow)
    found = await market.ask(interval, None, None, 9_999)
    assert [each.time_ms for each in found] == [each.time_ms for each in before]
    assert found[:-1] == before[:-1]


async def test_a_recorder_that_is_behind_is_waited_for_and_then_given_up(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.services.RECORDER_TIMEOUT_S", 0.2)
    market.trade(30, 61_000)
    market.record()
    market.trade(30, 61_000)
    assert await market.ask("1m", None, None, 3) == market.expected("1m", None, None, 3)
    with pytest.raises(HistoryUnavailableError):
        await market.ask("1m", None, None, 40)
    monkeypatch.setattr("api.services.RECORDER_TIMEOUT_S", 30.0)
    asked = asyncio.create_task(market.ask("1m", None, None, 40))
    await asyncio.sleep(0.1)
    assert not asked.done()
    market.record()
    assert await asked == market.expected("1m", None, None, 40)
