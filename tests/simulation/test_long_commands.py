"""Commands that cause more events than the kernel writes in one go, so that it stops in their middle."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from engine.domain import (
    CancelAll,
    Command,
    ListAsset,
    OpenAccount,
    OrderType,
    Phase,
    Place,
    SelfTrade,
    SetPhase,
    Side,
    TimeInForce,
)
from engine.kernel.layout import EVENTS_SOFT_MAX
from tests.simulation.lives import FollowedBooks, books_after_each, new_life, restored_life
from tests.simulation.reference_records import reference_topics
from tests.strategies import START_MS, Step

_DAY_MS = 24 * 3_600_000
_MIDDLE = 4_000
# A trade is two events, so this many go beyond what one call of the kernel writes.
_TRADES = EVENTS_SOFT_MAX // 2 + 80
_SINGLES = EVENTS_SOFT_MAX + 150


def _listing(symbol: str = "PETR4") -> ListAsset:
    return ListAsset(
        symbol=symbol,
        name=symbol,
        tick_size_units=100,
        lot_size=1,
        reference_price_units=100 * _MIDDLE,
    )


def _opening(*investors: str) -> Iterator[Command]:
    yield _listing()
    for investor in investors:
        yield OpenAccount(investor_id=investor, unlimited=True)


def _place(order_id: str, side: Side, ticks: int | None, quantity: int = 1, **fields: Any) -> Place:
    terms: dict[str, Any] = {"investor_id": "ana", "symbol": "PETR4", "time_in_force": TimeInForce.GTC}
    price_units = None if ticks is None else 100 * ticks
    return Place(order_id=order_id, side=side, quantity=quantity, price_units=price_units, **terms | fields)


def _asks(count: int, **fields: Any) -> Iterator[Command]:
    """Let as many sells rest, at 50 prices; every third hides most of it."""
    for number in range(count):
        yield _place(f"s-{number}", Side.SELL, _MIDDLE + number % 50, 1 + number % 3, **fields)


def _cancels() -> Iterator[Command]:
    yield from _opening("ana", "bia")
    yield from _asks(_SINGLES)
    yield _place("b", Side.BUY, _MIDDLE - 1, investor_id="bia")
    yield CancelAll(investor_id="ana")
    yield CancelAll(investor_id="bia", symbol="PETR4")


def _expiries() -> Iterator[Command]:
    yield from _opening("ana", "bia")
    yield from _asks(_SINGLES, time_in_force=TimeInForce.DAY)
    yield _place("b", Side.BUY, _MIDDLE + 20, investor_id="bia")


def _sweep() -> Iterator[Command]:
    yield from _opening("ana", "bia")
    yield from _asks(_TRADES)
    yield _place("b", Side.BUY, _MIDDLE + 60, 3 * _TRADES, investor_id="bia")
    yield _place("s", Side.SELL, _MIDDLE, 3 * _TRADES, display_quantity=4)


def _sweep_of_many_investors() -> Iterator[Command]:
    investors = [f"i-{number}" for number in range(_SINGLES)]
    yield from _opening("ana", *investors)
    for number, investor in enumerate(investors):
        yield _place(f"s-{number}", Side.SELL, _MIDDLE + number % 5, investor_id=investor)
    yield _place("b", Side.BUY, _MIDDLE + 60, _SINGLES + 5)


def _prevented() -> Iterator[Command]:
    yield from _opening("ana", "bia")
    yield from _asks(_SINGLES)
    yield _place("o", Side.SELL, _MIDDLE + 50, investor_id="bia")
    yield _place("b", Side.BUY, _MIDDLE + 60, 2, self_trade=SelfTrade.EXPIRE_MAKER)


def _iceberg_in_slices() -> Iterator[Command]:
    yield from _opening("ana", "bia")
    yield _place("s", Side.SELL, _MIDDLE, 1_000, display_quantity=1)
    yield _place("t", Side.SELL, _MIDDLE, 900, display_quantity=1, investor_id="bia")
    yield _place("b", Side.BUY, None, 2_500, type=OrderType.MARKET, self_trade=SelfTrade.NONE)


def _uncross() -> Iterator[Command]:
    yield from _opening("ana", "bia")
    yield SetPhase(symbol="PETR4", phase=Phase.AUCTION)
    yield from _asks(_TRADES)
    for number in range(_TRADES):
        yield _place(f"b-{number}", Side.BUY, _MIDDLE + 60 - number % 60, 2, investor_id="bia")
    yield SetPhase(symbol="PETR4", phase=Phase.CONTINUOUS)


def _uncross_with_prevention() -> Iterator[Command]:
    """End so many sells of one's own that what is left after one go would uncross at another price."""
    yield from _opening("ana", "bia", "cora")
    yield SetPhase(symbol="PETR4", phase=Phase.AUCTION)
    for number in range(_SINGLES):
        yield _place(f"s-{number}", Side.SELL, _MIDDLE)
    yield _place("s", Side.SELL, _MIDDLE + 4, 300, investor_id="bia")
    yield _place("b", Side.BUY, _MIDDLE + 10, _SINGLES, self_trade=SelfTrade.EXPIRE_MAKER)
    yield _place("c", Side.BUY, _MIDDLE + 6, 100, investor_id="cora")
    yield SetPhase(symbol="PETR4", phase=Phase.CONTINUOUS)


def _called_in() -> Iterator[Command]:
    """Call in more orders at once than a call of the kernel tells of, and end most of them again."""
    yield from _opening("ana", "bia")
    for number in range(_SINGLES):
        yield _place(
            f"b-{number}",
            Side.BUY,
            _MIDDLE - number % 7,
            investor_id="bia",
            time_in_force=TimeInForce.AT_CLOSE,
        )
    yield SetPhase(symbol="PETR4", phase=Phase.AUCTION)
    yield _place("s", Side.SELL, _MIDDLE - 3, 40)
    yield SetPhase(symbol="PETR4", phase=Phase.CLOSED)


def _dismissed() -> Iterator[Command]:
    yield from _opening("ana")
    for number in range(_SINGLES):
        yield _place(f"b-{number}", Side.BUY, _MIDDLE, time_in_force=TimeInForce.AT_CLOSE)
    yield SetPhase(symbol="PETR4", phase=Phase.CLOSED)


def _stops(order_type: OrderType, ticks: int | None) -> Iterator[Command]:
    """Let a thousand stops wait, each elected by the trade of one before it."""
    yield from _opening("ana", "bia")
    yield from _asks(_TRADES)
    for number in range(_TRADES):
        stop_units = 100 * (_MIDDLE + number % 40)
        yield _place(
            f"x-{number}", Side.BUY, ticks, type=order_type, stop_price_units=stop_units, investor_id="bia"
        )
    yield _place("b", Side.BUY, _MIDDLE, investor_id="bia")


def _market_stops() -> Iterator[Command]:
    return _stops(OrderType.STOP, None)


def _limit_stops() -> Iterator[Command]:
    return _stops(OrderType.STOP_LIMIT, _MIDDLE + 30)


def _positions() -> Iterator[Command]:
    """One account's change, with more positions than the kernel's events have room for."""
    yield OpenAccount(investor_id="ana", unlimited=True)
    for number in range(_SINGLES):
        yield _listing(f"S{number}")
        yield _place(f"o-{number}", Side.SELL, _MIDDLE, symbol=f"S{number}")
    yield CancelAll(investor_id="ana")


_LOGS = [
    _cancels,
    _expiries,
    _sweep,
    _sweep_of_many_investors,
    _prevented,
    _iceberg_in_slices,
    _uncross,
    _uncross_with_prevention,
    _called_in,
    _dismissed,
    _market_stops,
    _limit_stops,
    _positions,
]


@pytest.mark.parametrize("commands", _LOGS)
def test_is_done_whole(commands: Any) -> None:
    log = [Step(command, START_MS) for command in commands()]
    # What is due at midnight expires before this one, which is refused.
    log.append(Step(CancelAll(investor_id="nobody"), START_MS + 2 * _DAY_MS))
    whole, one_by_one = new_life().run(log), new_life().run(log, batch=1)
    assert whole.topics == reference_topics(log)
    assert one_by_one.topics == whole.topics
    assert one_by_one.shard.digest() == whole.shard.digest()
    whole.shard.check()
    middle = new_life().run(log[: len(log) - 2], batch=100)
    again = restored_life(middle.shard.state()).run(log)
    assert again.shard.digest() == whole.shard.digest()
    assert {topic: middle.topics[topic] + values for topic, values in again.topics.items()} == whole.topics


def test_its_books_are_told_once_it_is_done() -> None:
    log = [Step(command, START_MS) for command in _sweep()]
    FollowedBooks(books_after_each(log)).follow(new_life().run(log, batch=1_000).books)
