"""Markets with little room: what does not fit is refused, and the rest goes on."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from engine.domain import (
    AccountChanged,
    Amend,
    Cancel,
    CancelAll,
    Command,
    Deposit,
    Event,
    Execution,
    ExecutionType,
    ListAsset,
    OpenAccount,
    OrderType,
    Phase,
    Place,
    Reason,
    SetPhase,
    Side,
    Status,
    TimeInForce,
)
from engine.kernel.header import IDS_SIZE_MIN
from engine.kernel.layout import ORDERS_KEPT, Capacity
from engine.shard import Shard
from tests.simulation.lives import CAPACITY, new_life, restored_life
from tests.simulation.logs import busy_log
from tests.strategies import START_MS

_SMALL = msgspec.structs.replace(CAPACITY, orders=ORDERS_KEPT + 100)


def _listing(symbol: str) -> ListAsset:
    return ListAsset(symbol=symbol, name=symbol, tick_size_units=1, lot_size=1, reference_price_units=100)


class _Market:
    """A shard and its next offset."""

    def __init__(self, capacity: Capacity, *opening: Command) -> None:
        self.shard = Shard(0, capacity)
        self.run(_listing("A"))
        self.run(OpenAccount(investor_id="ana", unlimited=True))
        for command in opening:
            self.run(command)

    def run(self, command: Command) -> list[Event]:
        return self.shard.apply(command, offset=self.shard.offset + 1, time_ms=START_MS)

    def refusal(self, command: Command) -> Reason | None:
        """Give why a command is refused; None when it is not."""
        rejected = [
            event
            for event in self.run(command)
            if isinstance(event, Execution) and event.status is Status.REJECTED
        ]
        return rejected[0].reason if rejected else None

    def fill_up(self, orders: Iterator[Place]) -> list[str]:
        """Place orders until one is refused; gives the ids of those that were not."""
        accepted: list[str] = []
        for order in orders:
            reason = self.refusal(order)
            if reason is not None:
                assert reason is Reason.LIMIT_EXCEEDED
                return accepted
            accepted.append(order.order_id)
        raise AssertionError("it never fills up")


def _buy(number: int, ticks: int = 50) -> Place:
    return Place(
        order_id=f"o-{number}",
        investor_id="ana",
        symbol="A",
        side=Side.BUY,
        quantity=1,
        price_units=ticks,
        time_in_force=TimeInForce.GTC,
    )


def test_no_room_for_another_order() -> None:
    market = _Market(_SMALL)
    accepted = market.fill_up(_buy(number) for number in range(10_000))
    assert len(accepted) == _SMALL.orders
    assert market.refusal(_buy(20_000)) is Reason.LIMIT_EXCEEDED
    market.shard.check()
    # The id of a refused order may be used again; the rows of ended orders are, when enough have ended.
    market.run(CancelAll(investor_id="ana"))
    for number in range(20_000, 25_000):
        assert market.refusal(_buy(number)) is None
        assert market.refusal(Cancel(order_id=f"o-{number}", investor_id="ana")) is None
    market.shard.check()


def test_a_full_market_still_trades_and_restores() -> None:
    log = busy_log(seed=9, count=8_000)
    capacity = msgspec.structs.replace(CAPACITY, orders=ORDERS_KEPT + 700)
    clean = new_life(capacity).run(log, batch=1)
    refused = sum(b'"limit_exceeded"' in value for value in clean.topics["executions"])
    traded = len(clean.topics["transactions"])
    assert refused > 1_000 and traded > 500
    middle = new_life(capacity).run(log[:5_000])
    again = restored_life(middle.shard.state(), capacity=capacity).run(log, batch=77)
    assert again.shard.digest() == clean.shard.digest()
    assert {topic: middle.topics[topic] + values for topic, values in again.topics.items()} == clean.topics
    again.shard.check()


def test_no_room_for_another_transfer_id() -> None:
    market = _Market(msgspec.structs.replace(CAPACITY, ids=IDS_SIZE_MIN))
    done = 0
    while market.refusal(_deposit(done)) is None:
        done += 1
        assert done < IDS_SIZE_MIN
    assert done > IDS_SIZE_MIN // 4
    market.shard.check()
    # What was done is still known, what has no name still goes.
    assert market.refusal(_deposit(0)) is None
    assert market.refusal(msgspec.structs.replace(_deposit(0), cash_units=2)) is Reason.DUPLICATE_TRANSFER_ID
    (account,) = market.run(Deposit(investor_id="ana", cash_units=5))
    assert isinstance(account, AccountChanged)
    assert account.cash_units == done + 5
    market.shard.check()


def _deposit(number: int) -> Deposit:
    return Deposit(investor_id="ana", cash_units=1, transfer_id=f"t-{number}")


def test_no_room_for_another_level() -> None:
    _check_goes_on_after_cancels(msgspec.structs.replace(CAPACITY, levels=100))


def test_no_room_for_another_node() -> None:
    _check_goes_on_after_cancels(msgspec.structs.replace(CAPACITY, nodes=100), step=64)


def _check_goes_on_after_cancels(capacity: Capacity, step: int = 1) -> None:
    market = _Market(capacity)
    accepted = market.fill_up(_buy(number, 1 + number * step) for number in range(1_000))
    assert 50 < len(accepted) < 100
    market.shard.check()
    market.run(CancelAll(investor_id="ana"))
    assert market.refusal(_buy(2_000)) is None
    market.shard.check()


def test_orders_that_there_is_no_room_for_in_the_book_end_with_their_auction() -> None:
    market = _Market(msgspec.structs.replace(CAPACITY, levels=100))
    # While they wait, one queue has them all.
    for number in range(150):
        waiting = msgspec.structs.replace(_buy(number, 1 + number), time_in_force=TimeInForce.AT_CLOSE)
        assert market.refusal(waiting) is None
    market.shard.check()
    market.run(SetPhase(symbol="A", phase=Phase.AUCTION))
    ended = [
        event.reason
        for event in market.run(SetPhase(symbol="A", phase=Phase.CLOSED))
        if isinstance(event, Execution) and event.execution_type is ExecutionType.EXPIRED
    ]
    assert len(ended) == 150
    assert 50 < ended.count(Reason.LIMIT_EXCEEDED) < 60
    assert set(ended) == {Reason.LIMIT_EXCEEDED, Reason.NOT_FILLED}
    assert market.shard.open_orders == 0
    market.shard.check()


def test_stops_that_there_is_no_room_for_in_the_book_end_where_they_trigger() -> None:
    market = _Market(
        msgspec.structs.replace(CAPACITY, levels=100), OpenAccount(investor_id="bia", unlimited=True)
    )
    stop_limit = msgspec.structs.replace(_buy(0), type=OrderType.STOP_LIMIT, stop_price_units=100)
    # While they wait, one queue has them all.
    for number in range(150):
        stop = msgspec.structs.replace(stop_limit, order_id=f"o-{number}", price_units=1 + number)
        assert market.refusal(stop) is None
    sale = msgspec.structs.replace(_buy(200, 200), investor_id="bia", side=Side.SELL)
    assert market.refusal(sale) is None
    happened = [event for event in market.run(_buy(201, 200)) if isinstance(event, Execution)]
    ended = [event.reason for event in happened if event.execution_type is ExecutionType.EXPIRED]
    assert 50 < len(ended) < 60
    assert set(ended) == {Reason.LIMIT_EXCEEDED}
    triggered = [event for event in happened if event.execution_type is ExecutionType.TRIGGERED]
    assert len(triggered) == market.shard.open_orders == 150 - len(ended)
    market.shard.check()


def test_no_room_for_another_text() -> None:
    market = _Market(msgspec.structs.replace(CAPACITY, text_chunks=3_000))
    long_ids = (
        msgspec.structs.replace(_buy(number), order_id=f"{number}" * 16) for number in range(1_000, 9_000)
    )
    accepted = market.fill_up(long_ids)
    assert 1_000 < len(accepted) < 1_500
    market.run(CancelAll(investor_id="ana"))
    assert market.shard.open_orders == 0
    market.shard.check()


def test_no_room_for_another_account_or_asset() -> None:
    market = _Market(msgspec.structs.replace(CAPACITY, accounts=3, assets=2))
    assert market.refusal(OpenAccount(investor_id="bia")) is None
    assert market.refusal(OpenAccount(investor_id="cora")) is Reason.LIMIT_EXCEEDED
    assert market.refusal(Deposit(investor_id="cora", cash_units=1)) is Reason.UNKNOWN_INVESTOR
    assert market.refusal(_listing("B")) is None
    assert market.refusal(_listing("C")) is Reason.LIMIT_EXCEEDED
    assert market.refusal(msgspec.structs.replace(_listing("B"), name="B again")) is None
    market.shard.check()


def test_no_room_for_other_fees() -> None:
    market = _Market(msgspec.structs.replace(CAPACITY, fees=3))
    for maker, reason in ((1, None), (2, None), (3, Reason.LIMIT_EXCEEDED), (1, None), (0, None)):
        assert market.refusal(msgspec.structs.replace(_listing("A"), maker_fee_ppm=maker)) is reason
    assert market.refusal(msgspec.structs.replace(_listing("B"), maker_fee_ppm=3)) is Reason.LIMIT_EXCEEDED
    assert market.refusal(msgspec.structs.replace(_buy(1), symbol="B")) is Reason.UNKNOWN_SYMBOL
    market.shard.check()


def test_no_room_for_another_position() -> None:
    market = _Market(
        msgspec.structs.replace(CAPACITY, positions=512), OpenAccount(investor_id="bia", unlimited=True)
    )
    symbols = ["A", *(f"S{number}" for number in range(511))]
    for symbol in symbols[1:]:
        assert market.refusal(_listing(symbol)) is None
    for symbol in symbols:
        assert market.refusal(Deposit(investor_id="ana", symbol=symbol, quantity=5)) is None
    order = msgspec.structs.replace(_buy(1), investor_id="bia")
    assert market.refusal(order) is Reason.LIMIT_EXCEEDED
    assert market.refusal(Deposit(investor_id="bia", symbol="A", quantity=5)) is Reason.LIMIT_EXCEEDED
    # Those that there are serve on.
    assert market.refusal(Deposit(investor_id="ana", symbol="A", quantity=5)) is None
    assert market.refusal(_buy(2)) is None
    assert market.refusal(Amend(order_id="o-2", investor_id="ana", quantity=9)) is None
    market.shard.check()
