"""The live view: an investor's orders and account, tickers, answers, repeats."""

from __future__ import annotations

import asyncio

import pytest

from api.live.answers import Answers
from api.live.orders import LiveOrders
from api.live.view import LiveView
from engine.domain import Amend, Cancel, OrderType, Phase, SetPhase, Side, Status, TimeInForce
from engine.topics import EXECUTIONS
from engine.wire.records import decode_execution
from tests.api.exchange import ME, Exchange


@pytest.fixture
def exchange() -> Exchange:
    """Give an exchange with symbols and accounts."""
    exchange = Exchange()
    exchange.open()
    return exchange


def seen(exchange: Exchange) -> LiveView:
    """Give the view after all that the exchange wrote."""
    view = LiveView(ME, books_from_start=True)
    view.apply(exchange.records)
    return view


def test_records_read_twice_count_once(exchange: Exchange) -> None:
    exchange.place("o-1", Side.SELL, 10, 10.0)
    exchange.place("o-2", Side.BUY, 4, 10.0, investor_id=ME)
    view = seen(exchange)
    told = view.apply(exchange.records)
    assert not (told.trades or told.books or told.executions or told.accounts)
    (candle,) = view.candles["PETR4"]["1m"].between(None, None, limit=9, now_ms=0)
    assert (candle.volume, candle.trades, len(view.trades["PETR4"])) == (4, 1, 1)


def test_only_the_acting_investors_orders_and_account_are_kept(exchange: Exchange) -> None:
    exchange.place("o-1", Side.SELL, 10, 10.0)
    exchange.place("o-2", Side.BUY, 4, 10.0, investor_id=ME)
    exchange.place("o-3", Side.BUY, 1, 9.0, investor_id=ME)
    view = seen(exchange)
    assert [order.order_id for order in view.orders.all()] == ["o-3", "o-2"]
    assert [order.order_id for order in view.orders.open()] == ["o-3"]
    account = view.account.account()
    assert account is not None
    assert (account.cash, account.held_cash, account.available_cash, account.equity) == (
        960.0,
        9.0,
        951.0,
        1_000.0,
    )


def test_positions_are_valued_at_the_last_price(exchange: Exchange) -> None:
    exchange.place("o-1", Side.SELL, 10, 10.0)
    exchange.place("o-2", Side.BUY, 4, 10.0, investor_id=ME)
    exchange.place("o-3", Side.BUY, 6, 10.0, investor_id="bia")
    exchange.place("o-4", Side.SELL, 1, 12.0)
    exchange.place("o-5", Side.BUY, 1, 12.0, investor_id="bia")
    (position,) = seen(exchange).account.positions()
    assert (position.quantity, position.average_price, position.last_price) == (4, 10.0, 12.0)
    assert (position.market_value, position.unrealized_profit) == (48.0, 8.0)


def test_a_refused_command_leaves_the_order_as_it_was(exchange: Exchange) -> None:
    exchange.place("o-1", Side.BUY, 4, 9.0, investor_id=ME)
    exchange.place("o-1", Side.SELL, 9, 11.0, investor_id=ME)
    exchange.run(Amend(order_id="o-1", investor_id=ME, price_units=90_001))
    exchange.run(Cancel(order_id="unknown", investor_id=ME))
    view = seen(exchange)
    (order,) = view.orders.all()
    assert (order.order_id, order.side, order.price, order.status) == ("o-1", Side.BUY, 9.0, Status.NEW)
    assert (order.reason, order.message) == (None, None)


def test_a_refused_order_may_be_placed_again_and_is_then_the_new_one(exchange: Exchange) -> None:
    exchange.run(SetPhase(symbol="PETR4", phase=Phase.HALTED))
    exchange.place("o-1", Side.BUY, 4, 9.0, investor_id=ME)
    assert [order.status for order in seen(exchange).orders.all()] == [Status.REJECTED]
    exchange.run(SetPhase(symbol="PETR4", phase=Phase.CONTINUOUS))
    exchange.time_ms += 5
    exchange.place("o-1", Side.BUY, 4, 9.0, investor_id=ME)
    (order,) = seen(exchange).orders.all()
    assert (order.status, order.reason, order.created_ms) == (Status.NEW, None, exchange.time_ms)


def test_finished_orders_are_let_go_from_the_oldest_and_open_ones_never(exchange: Exchange) -> None:
    orders = LiveOrders(finished_max=2)
    exchange.place("open", Side.BUY, 4, 9.0, investor_id=ME)
    for number in range(3):
        exchange.place(f"o-{number}", Side.BUY, 4, 9.0, investor_id=ME, time_in_force=TimeInForce.IOC)
    for record in exchange.records:
        if record.topic == EXECUTIONS:
            orders.apply(decode_execution(record.value or b""))
    assert [order.order_id for order in orders.finished()] == ["o-2", "o-1"]
    assert orders.get("open") is not None


def test_a_ticker_tells_the_day_of_the_markets_newest_trade(exchange: Exchange) -> None:
    def trade(price: float, symbol: str = "PETR4") -> None:
        exchange.place(f"s-{exchange.offset}", Side.SELL, 2, price, symbol=symbol)
        exchange.place(f"b-{exchange.offset}", Side.BUY, 2, price, symbol=symbol, investor_id="bia")

    before = seen(exchange).ticker("PETR4")
    assert (before.last_price, before.open, before.volume, before.change) == (None, None, 0, None)
    trade(10.0)
    trade(11.0)
    first = seen(exchange).ticker("PETR4")
    assert (first.open, first.high, first.low, first.last_price, first.volume) == (10.0, 11.0, 10.0, 11.0, 4)
    assert (first.change, first.change_percent) == (1.0, 10.0)
    exchange.time_ms += 86_400_000
    trade(9.9)
    second = seen(exchange).ticker("PETR4")
    assert (second.open, second.volume, second.change, second.change_percent) == (9.9, 2, -1.1, -10.0)
    exchange.time_ms += 86_400_000
    trade(5.0, "VALE3")
    quiet = seen(exchange).ticker("PETR4")
    assert (quiet.open, quiet.high, quiet.volume, quiet.last_price, quiet.change) == (None, None, 0, 9.9, 0.0)


async def test_an_answer_is_whole_when_its_last_report_was_read(exchange: Exchange) -> None:
    exchange.place("s-1", Side.SELL, 1, 10.0)
    exchange.place("s-2", Side.SELL, 1, 10.0)
    view = seen(exchange)
    offset = exchange.offset
    caused = exchange.place("o-1", Side.BUY, 3, 10.0, investor_id=ME, type=OrderType.LIMIT)
    reports = [record for record in caused if record.topic == EXECUTIONS]
    waiting = asyncio.create_task(view.answers.wait(offset, timeout_ms=60_000))
    await asyncio.sleep(0)
    view.apply(reports[:2], drained=False)
    assert await view.answers.wait(offset, timeout_ms=1) is None
    view.apply(reports[2:], drained=True)
    answer = await waiting
    assert answer is not None
    assert [report.filled_quantity for report in answer] == [0, 1, 2]


async def test_a_later_commands_report_also_makes_an_answer_whole(exchange: Exchange) -> None:
    view = seen(exchange)
    offset = exchange.offset
    view.apply(exchange.place("o-1", Side.BUY, 3, 10.0, investor_id=ME), drained=False)
    assert await view.answers.wait(offset, timeout_ms=1) is None
    view.apply(exchange.place("o-2", Side.BUY, 3, 9.0), drained=False)
    answer = await view.answers.wait(offset, timeout_ms=60_000)
    assert answer is not None
    assert [report.order_id for report in answer] == ["o-1"]


async def test_an_answer_that_came_before_the_question_is_kept(exchange: Exchange) -> None:
    offset = exchange.offset
    exchange.place("o-1", Side.BUY, 3, 10.0, investor_id=ME)
    answer = await seen(exchange).answers.wait(offset, timeout_ms=60_000)
    assert answer is not None
    assert [report.order_id for report in answer] == ["o-1"]


async def test_no_answer_in_time_is_none_and_leaves_nothing_behind() -> None:
    answers = Answers()
    assert await answers.wait(5, timeout_ms=1) is None
    answers.settle(before=9)
    assert await answers.wait(5, timeout_ms=1) is None
