"""The live view: an investor's orders and account, tickers, answers, repeats."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.live.answers import Answers
from api.live.orders import LiveOrders, decode_head
from api.live.view import LiveView
from api.payloads import LimitsRow, OrderRow
from engine.domain import (
    Amend,
    Cancel,
    CancelAll,
    Deposit,
    ExecutionType,
    KillSwitch,
    OrderType,
    Phase,
    Reason,
    SetLimits,
    SetPhase,
    Side,
    Status,
    TimeInForce,
)
from engine.topics import EXECUTIONS
from engine.wire.records import ExecutionReport, decode_execution, encode
from tests.api.exchange import ME, Exchange


@pytest.fixture
def exchange() -> Exchange:
    """Give an exchange with symbols and accounts."""
    exchange = Exchange()
    exchange.open()
    return exchange


def seen(exchange: Exchange) -> LiveView:
    """Give the view after all that the exchange wrote."""
    view = LiveView(books_from_start=True)
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


def test_everybody_has_their_own_orders_and_account(exchange: Exchange) -> None:
    exchange.place("o-1", Side.SELL, 10, 10.0)
    exchange.place("o-2", Side.BUY, 4, 10.0, investor_id=ME)
    exchange.place("o-3", Side.BUY, 1, 9.0, investor_id=ME)
    view = seen(exchange)
    assert [order.order_id for order in view.orders.all(ME, limit=9)] == ["o-3", "o-2"]
    assert [order.order_id for order in view.orders.open(ME, limit=9)] == ["o-3"]
    assert [order.order_id for order in view.orders.all("ana", limit=9)] == ["o-1"]
    assert (view.orders.get(ME, "o-1"), view.orders.all("nobody", limit=9)) == (None, [])
    account = view.accounts.account(ME)
    assert account is not None
    assert (account.cash, account.held_cash, account.available_cash, account.equity) == (
        960.0,
        9.0,
        951.0,
        1_000.0,
    )
    sold = view.accounts.account("ana")
    assert sold is not None
    assert (sold.cash, sold.equity, view.accounts.account("nobody")) == (1_040.0, 1_000.0, None)


def test_an_id_that_is_anothers_is_refused_to_one_and_open_for_the_other(exchange: Exchange) -> None:
    exchange.place("mine", Side.BUY, 4, 10.005, investor_id=ME)
    exchange.place("mine", Side.BUY, 4, 9.0)
    view = seen(exchange)
    assert [order.status for order in view.orders.all(ME, limit=9)] == [Status.REJECTED]
    assert [order.status for order in view.orders.all("ana", limit=9)] == [Status.NEW]


def test_who_asks_for_anothers_order_is_told_that_there_is_none(exchange: Exchange) -> None:
    exchange.place("theirs", Side.BUY, 4, 9.0)
    view = seen(exchange)
    answers = []
    for order_id in ("theirs", "nobodys"):
        changes = view.apply(exchange.run(Cancel(order_id=order_id, investor_id=ME)))
        ((_, head, value),) = changes.executions
        assert head.investor_id == ME
        report = decode_execution(value)
        answers.append((report.reason, (report.message or "").replace(order_id, "ID"), report.symbol))
    assert answers[0] == answers[1]
    assert answers[0][0] is Reason.UNKNOWN_ORDER


def test_limits_and_the_kill_switch_stay_until_they_are_set_again(exchange: Exchange) -> None:
    exchange.run(SetLimits(investor_id=ME, order_value_max_units=50_000, open_orders_max=3))
    exchange.run(KillSwitch(investor_id=ME, on=True))
    exchange.run(Deposit(investor_id=ME, cash_units=10_000))
    account = seen(exchange).accounts.account(ME)
    assert account is not None
    assert account.trading_disabled
    assert account.limits == LimitsRow(order_value_max=5.0, open_orders_max=3, orders_per_second_max=None)
    exchange.run(KillSwitch(investor_id=ME, on=False))
    again = seen(exchange).accounts.account(ME)
    assert again is not None
    assert not again.trading_disabled


def test_positions_are_valued_at_the_last_price(exchange: Exchange) -> None:
    exchange.place("o-1", Side.SELL, 10, 10.0)
    exchange.place("o-2", Side.BUY, 4, 10.0, investor_id=ME)
    exchange.place("o-3", Side.BUY, 6, 10.0, investor_id="bia")
    exchange.place("o-4", Side.SELL, 1, 12.0)
    exchange.place("o-5", Side.BUY, 1, 12.0, investor_id="bia")
    (position,) = seen(exchange).accounts.positions(ME)
    assert (position.quantity, position.average_price, position.last_price) == (4, 10.0, 12.0)
    assert (position.market_value, position.unrealized_profit) == (48.0, 8.0)


def test_a_refused_command_leaves_the_order_as_it_was(exchange: Exchange) -> None:
    exchange.place("o-1", Side.BUY, 4, 9.0, investor_id=ME)
    exchange.place("o-1", Side.SELL, 9, 11.0, investor_id=ME)
    exchange.run(Amend(order_id="o-1", investor_id=ME, price_units=90_001))
    exchange.run(Cancel(order_id="unknown", investor_id=ME))
    view = seen(exchange)
    (order,) = view.orders.all(ME, limit=99)
    assert (order.order_id, order.side, order.price, order.status) == ("o-1", Side.BUY, 9.0, Status.NEW)
    assert (order.reason, order.message) == (None, None)


def test_a_refused_order_may_be_placed_again_and_is_then_the_new_one(exchange: Exchange) -> None:
    exchange.run(SetPhase(symbol="PETR4", phase=Phase.HALTED))
    exchange.place("o-1", Side.BUY, 4, 9.0, investor_id=ME)
    assert [order.status for order in seen(exchange).orders.all(ME, limit=99)] == [Status.REJECTED]
    exchange.run(SetPhase(symbol="PETR4", phase=Phase.CONTINUOUS))
    exchange.time_ms += 5
    exchange.place("o-1", Side.BUY, 4, 9.0, investor_id=ME)
    (order,) = seen(exchange).orders.all(ME, limit=99)
    assert (order.status, order.reason, order.created_ms) == (Status.NEW, None, exchange.time_ms)


def kept(exchange: Exchange, **bounds: int) -> LiveOrders:
    """Give the orders of all that the exchange wrote, within bounds."""
    orders = LiveOrders(**bounds)
    for record in exchange.records:
        if record.topic == EXECUTIONS and record.value is not None:
            orders.apply(decode_head(record.value), record.value)
    return orders


def ids(orders: Sequence[OrderRow]) -> list[str]:
    """Give the ids of orders."""
    return [order.order_id for order in orders]


def test_finished_orders_are_let_go_from_the_oldest_and_open_ones_never(exchange: Exchange) -> None:
    exchange.place("open", Side.BUY, 4, 9.0, investor_id=ME)
    for number in range(3):
        exchange.place(f"o-{number}", Side.BUY, 4, 9.0, investor_id=ME, time_in_force=TimeInForce.IOC)
    for bounds in ({"finished_max": 2}, {"finished_of_investor_max": 2}):
        orders = kept(exchange, **bounds)
        assert ids(orders.finished(ME, limit=9)) == ["o-2", "o-1"]
        assert orders.get(ME, "open") is not None
        assert orders.has_let_go(ME)
    assert not kept(exchange).has_let_go(ME)


def test_one_investors_many_orders_push_out_their_own_before_anothers(exchange: Exchange) -> None:
    exchange.place("first", Side.BUY, 4, 9.0, investor_id=ME, time_in_force=TimeInForce.IOC)
    for number in range(50):
        exchange.place(f"o-{number}", Side.BUY, 4, 9.0, time_in_force=TimeInForce.IOC)
    orders = kept(exchange, finished_max=6, finished_of_investor_max=5)
    assert ids(orders.finished(ME, limit=9)) == ["first"]
    assert ids(orders.finished("ana", limit=9)) == ["o-49", "o-48", "o-47", "o-46", "o-45"]


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 1_000_000))
def test_whoever_finishes_orders_the_newest_of_each_and_of_all_are_kept(seed: int) -> None:
    dice = Random(seed)
    finished_max, of_investor_max = dice.randint(1, 12), dice.randint(1, 6)
    orders = LiveOrders(finished_max=finished_max, finished_of_investor_max=of_investor_max)
    ended: list[tuple[str, str]] = []
    for number in range(80):
        investor = dice.choice("abc")
        again = [each for each in ended if each[0] == investor]
        reused = dice.choice(again)[1] if again and dice.random() < 0.2 else None
        report = ended_order(investor, reused or f"o-{number}", number)
        orders.apply(decode_head(report), report)
        if reused:
            ended.remove((investor, reused))
        ended.append((investor, reused or f"o-{number}"))
        left = []
        for investor in "abc":
            mine = [each for each in ended if each[0] == investor][-of_investor_max:]
            found = ids(orders.finished(investor, limit=99))
            assert len(found) <= len(mine)
            assert set(found) <= {order_id for _, order_id in mine}
            left += found
        assert len(left) <= finished_max
        ended = [each for each in ended if each[1] in left]


def ended_order(investor_id: str, order_id: str, offset: int) -> bytes:
    """Give the report of an order that was accepted and ended at once."""
    return encode(
        ExecutionReport(
            shard=0,
            offset=offset,
            index=0,
            time_ms=offset,
            execution_type=ExecutionType.NEW,
            status=Status.EXPIRED,
            order_id=order_id,
            client_order_id=None,
            investor_id=investor_id,
            symbol="PETR4",
            side=Side.BUY,
            type=OrderType.LIMIT,
            time_in_force=TimeInForce.IOC,
            price=9.0,
            stop_price=None,
            quantity=1,
            filled_quantity=0,
            remaining_quantity=0,
            average_price=None,
        )
    )


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
    waiting = asyncio.create_task(view.answers.wait(offset, ME, timeout_ms=60_000))
    await asyncio.sleep(0)
    view.apply(reports[:2], drained=False)
    assert await view.answers.wait(offset, ME, timeout_ms=1) is None
    view.apply(reports[2:], drained=True)
    answer = await waiting
    assert answer is not None
    assert [report.filled_quantity for report in answer] == [0, 1, 2]


async def test_a_later_commands_report_also_makes_an_answer_whole(exchange: Exchange) -> None:
    view = seen(exchange)
    offset = exchange.offset
    view.apply(exchange.place("o-1", Side.BUY, 3, 10.0, investor_id=ME), drained=False)
    assert await view.answers.wait(offset, ME, timeout_ms=1) is None
    view.apply(exchange.place("o-2", Side.BUY, 3, 9.0), drained=False)
    answer = await view.answers.wait(offset, ME, timeout_ms=60_000)
    assert answer is not None
    assert [report.order_id for report in answer] == ["o-1"]


async def test_an_answer_that_came_before_the_question_is_kept(exchange: Exchange) -> None:
    offset = exchange.offset
    exchange.place("o-1", Side.BUY, 3, 10.0, investor_id=ME)
    answer = await seen(exchange).answers.wait(offset, ME, timeout_ms=60_000)
    assert answer is not None
    assert [report.order_id for report in answer] == ["o-1"]


async def test_an_answer_has_only_the_askers_own_reports(exchange: Exchange) -> None:
    exchange.place("theirs", Side.SELL, 1, 10.0)
    view = seen(exchange)
    offset = exchange.offset
    view.apply(exchange.place("mine", Side.BUY, 1, 10.0, investor_id=ME))
    answer = await view.answers.wait(offset, ME, timeout_ms=60_000)
    assert answer is not None
    assert [report.order_id for report in answer] == ["mine", "mine"]


async def test_an_answer_longer_than_what_is_kept_is_whole_for_who_waits(exchange: Exchange) -> None:
    for number in range(30):
        exchange.place(f"o-{number}", Side.BUY, 1, 9.0, investor_id=ME)
    view = seen(exchange)
    view.answers = Answers(kept_max=5)
    offset = exchange.offset
    waiting = asyncio.create_task(view.answers.wait(offset, ME, timeout_ms=60_000))
    await asyncio.sleep(0)
    reports = [r for r in exchange.run(CancelAll(investor_id=ME)) if r.topic == EXECUTIONS]
    view.apply(reports[:10], drained=False)
    view.apply(reports[10:])
    answer = await waiting
    assert answer is not None
    assert [report.order_id for report in answer] == [f"o-{number}" for number in range(30)]


async def test_no_answer_in_time_is_none_and_leaves_nothing_behind() -> None:
    answers = Answers()
    assert await answers.wait(5, ME, timeout_ms=1) is None
    answers.settle(through=8)
    assert await answers.wait(5, ME, timeout_ms=1) is None
