"""A strategy in the live market, on a paper account, through the real Kafka and the real engine."""

from __future__ import annotations

import asyncio

import pytest

import homebroker as hb
from engine.domain import OrderType, Place, Side
from engine.log import Connection, LogWriter, NewRecord
from engine.topics import ORDERS
from engine.wire.commands import encode_command
from homebroker.simulator.investors import NoiseTrader
from homebroker.strategy import Desk, Fill, Strategy
from homebroker.strategy.examples import MarketMaker
from tests.seeded_market import seeded_market

pytestmark = pytest.mark.kafka


class _Eager(MarketMaker):
    """A market maker at the best prices, that remembers what it is told."""

    def __init__(self) -> None:
        super().__init__(quantity=100, half_spread_ticks=0.0, patience_ms=100)
        self.fills: list[Fill] = []
        self.ages_ms: list[int] = []

    def on_fill(self, desk: Desk, fill: Fill) -> None:
        self.fills.append(fill)
        self.ages_ms.append(desk.time_ms - fill.time_ms)
        super().on_fill(desk, fill)


async def _trade_on(connection: Connection) -> None:
    async with LogWriter(connection) as writer:
        for number in range(10**6):
            order = Place(
                order_id=f"on-{number}",
                investor_id="sim-noise-1",
                symbol="PETR4",
                side=Side.BUY if number % 2 else Side.SELL,
                quantity=100,
                type=OrderType.MARKET,
            )
            await writer.append(ORDERS, NewRecord(b"sim-noise-1", encode_command(order)))
            await asyncio.sleep(0.03)


async def test_a_strategy_trades_live_and_its_report_is_what_the_market_says(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOMEBROKER_KAFKA_BOOTSTRAP_SERVERS", connection.bootstrap_servers)
    async with seeded_market(connection):
        trading = asyncio.create_task(_trade_on(connection))
        strategy = _Eager()
        # In a thread of its own, as a notebook's call is beside the market's processes.
        report = await asyncio.to_thread(
            hb.trade_live, strategy, "PETR4", seconds=4, account=hb.Account(cash=50_000, shares=1_000)
        )
        trading.cancel()
        paper = str(report.orders["order_id"].iloc[0]).rsplit("-", 1)[0]
        executions = hb.executions(paper)
        trades = executions[executions["execution_type"] == "trade"]
        assert len(trades) > 5
        fills = report.fills
        assert fills["order_id"].tolist() == trades["order_id"].tolist()
        assert fills["price"].tolist() == trades["last_price"].tolist()
        assert fills["quantity"].tolist() == trades["last_quantity"].tolist()
        assert fills.index.tolist() == trades.index.tolist()
        # It is told of all until it is stopped; what its orders still did then is in the report alone.
        told = [fill.order_id for fill in strategy.fills]
        assert len(told) > 5
        assert told == trades["order_id"].tolist()[: len(told)]
        assert min(strategy.ages_ms) >= 0
        # All that it left open was cancelled, and the market said so before the report was made.
        # A refused cancel of an order that had just been filled says nothing of the order.
        last = executions[executions["side"].notna()].groupby("order_id")["status"].last()
        assert not set(last) & {"new", "partially_filled", "pending_trigger"}
        assert dict(zip(report.orders["order_id"], report.orders["status"], strict=True)) == last.to_dict()
        account = hb.accounts(paper).iloc[-1]
        assert report.equity["cash"].iloc[-1] == pytest.approx(account["cash"])
        assert report.equity["position"].iloc[-1] == account["quantity"]
        assert account["held_cash"] == 0
        # The book that it saw is the book that there was.
        depth = hb.replay(hb.load_log()).depth(None, levels=1, symbol="PETR4")
        seen = set(report.quotes[["bid", "ask"]].dropna().itertuples(index=False, name=None))
        assert seen <= set(depth[["bid_1", "ask_1"]].itertuples(index=False, name=None))


async def test_a_simulated_investor_trades_live_like_any_strategy(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOMEBROKER_KAFKA_BOOTSTRAP_SERVERS", connection.bootstrap_servers)
    async with seeded_market(connection):
        investor = NoiseTrader(seed=3, timer_ms=100)
        report = await asyncio.to_thread(hb.trade_live, investor, "PETR4", seconds=3)
        # Its dice make some of its orders market orders and some limits that stay for a while.
        orders = report.orders
        assert len(orders) >= 10
        assert orders["price"].isna().any()
        assert orders["price"].notna().any()
        paper = str(orders["order_id"].iloc[0]).rsplit("-", 1)[0]
        executions = hb.executions(paper)
        placed = executions[executions["side"].notna()].groupby("order_id")
        assert set(placed["time_in_force"].first().astype(str)) == {"ioc", "gtd"}
        trades = executions[executions["execution_type"] == "trade"]
        assert len(trades) >= 3
        assert report.fills["order_id"].tolist() == trades["order_id"].tolist()
        assert report.fills["price"].tolist() == trades["last_price"].tolist()
        last = placed["status"].last().to_dict()
        assert dict(zip(orders["order_id"], orders["status"], strict=True)) == last
        assert not set(last.values()) & {"new", "partially_filled", "pending_trigger"}
        account = hb.accounts(paper).iloc[-1]
        assert (report.equity["cash"].iloc[-1], account["held_cash"]) == (pytest.approx(account["cash"]), 0)
        assert report.equity["position"].iloc[-1] == account["quantity"]


async def test_what_a_strategy_raises_ends_it_with_its_orders(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Fails(Strategy):
        def on_start(self, desk: Desk) -> None:
            assert desk.book.bid is not None
            desk.place("buy", 100, desk.rounded(desk.book.bid - 1, Side.BUY))

        def on_update(self, *_told: object) -> None:
            raise LookupError("as it should")

    monkeypatch.setenv("HOMEBROKER_KAFKA_BOOTSTRAP_SERVERS", connection.bootstrap_servers)
    async with seeded_market(connection):
        with pytest.raises(LookupError, match="as it should"):
            await asyncio.to_thread(hb.trade_live, Fails(), "PETR4", seconds=30)
        last = hb.executions(limit=1).iloc[0]
        assert (last["status"], str(last["investor_id"])[:6]) == ("canceled", "paper-")
        with pytest.raises(ValueError, match="not listed"):
            await asyncio.to_thread(hb.trade_live, Fails(), "ZZZZ9", seconds=1)
