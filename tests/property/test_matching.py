"""What holds of every market, whatever its commands: nothing is made of nothing, and reports tell the truth.

The reference is held to the same: it is no use as a measure where it is wrong itself.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain import (
    HOUSE_ID,
    AccountChanged,
    BookChanged,
    Deposit,
    Event,
    Execution,
    ExecutionType,
    Level,
    Liquidity,
    Phase,
    Place,
    SetPhase,
    Side,
    Status,
    TimeInForce,
    Trade,
    Withdraw,
)
from engine.shard import Shard
from tests.property.ledger import Ledger, brought
from tests.property.market import examples, played
from tests.property.orders import Reader
from tests.reference import ReferenceShard
from tests.scenarios import Exchange
from tests.strategies import LIMITED, Step, logs

MakeExchange = Callable[[int], Exchange]
every_exchange = pytest.mark.parametrize("make_exchange", [Shard, ReferenceShard])


@every_exchange
@settings(max_examples=examples(150), deadline=None)
@given(log=logs)
def test_cash_and_shares_are_conserved(make_exchange: MakeExchange, log: list[Step]) -> None:
    ledger = Ledger()
    for step, events in played(make_exchange(0), log):
        ledger.follow(step, events)
        ledger.check_conserved()


@every_exchange
@settings(max_examples=examples(150), deadline=None)
@given(log=logs)
def test_what_open_orders_need_is_held(make_exchange: MakeExchange, log: list[Step]) -> None:
    ledger = Ledger()
    for step, events in played(make_exchange(0), log):
        ledger.follow(step, events)
        ledger.check_held()


@every_exchange
@settings(max_examples=examples(150), deadline=None)
@given(log=logs)
def test_nobody_limited_ever_owes_or_promises_more_than_there_is(
    make_exchange: MakeExchange, log: list[Step]
) -> None:
    ledger = Ledger()
    for step, events in played(make_exchange(0), log):
        ledger.follow(step, events)
        ledger.check_covered()
    assert ledger.limited >= set(LIMITED)


@every_exchange
@settings(max_examples=examples(150), deadline=None)
@given(log=logs)
def test_every_fill_pays_the_fee_of_its_orders_acceptance(
    make_exchange: MakeExchange, log: list[Step]
) -> None:
    reader, paid = Reader(), 0
    for step, events in played(make_exchange(0), log):
        uncrosses = isinstance(step.command, SetPhase)
        if isinstance(step.command, Deposit | Withdraw) and step.command.investor_id == HOUSE_ID:
            paid += brought(step.command, events, reader).get("cash", 0)
        for event in events:
            terms = None
            if isinstance(event, Execution) and event.fee_units is not None:
                terms = reader.terms[event.order_id]
                takes = event.liquidity is Liquidity.TAKER or (uncrosses and not _triggered(events, event))
                ppm = terms.taker_fee_ppm if takes else terms.maker_fee_ppm
                value = (event.last_price_units or 0) * (event.last_quantity or 0)
                assert event.fee_units == (2 * value * ppm + 1_000_000) // 2_000_000
                paid += event.fee_units
            reader.read(event)
        house = reader.accounts.get(HOUSE_ID)
        assert paid == (house.cash_units if house else 0)


def _triggered(events: list[Event], fill: Execution) -> bool:
    """Tell whether a fill comes of stop orders, which are elected only behind an uncrossing."""
    before = events[: events.index(fill)]
    return any(
        isinstance(event, Execution)
        and event.execution_type is ExecutionType.TRIGGERED
        and event.stop_price_units is not None
        for event in before
    )


@every_exchange
@settings(max_examples=examples(150), deadline=None)
@given(log=logs)
def test_every_accepted_order_lives_a_consistent_life(make_exchange: MakeExchange, log: list[Step]) -> None:
    exchange, reader = make_exchange(0), Reader()
    for _, events in played(exchange, log):
        assert events, "every command is answered"
        for event in events:
            reader.read(event)
        for order_id in reader.orders:
            assert exchange.order(order_id) is not None
        for order_id in reader.ended:
            assert exchange.order(order_id) is None


@every_exchange
@settings(max_examples=examples(150), deadline=None)
@given(log=logs)
def test_every_trade_is_reported_to_both_and_settled(make_exchange: MakeExchange, log: list[Step]) -> None:
    for _, events in played(make_exchange(0), log):
        trades = [event for event in events if isinstance(event, Trade)]
        fills = [event for event in events if isinstance(event, Execution) and event.last_quantity]
        changed = {event.investor_id for event in events if isinstance(event, AccountChanged)}
        assert len(fills) == 2 * len(trades)
        for index, trade in enumerate(trades):
            maker, taker = fills[2 * index : 2 * index + 2]
            bought, sold = (taker, maker) if trade.taker_side is Side.BUY else (maker, taker)
            assert (bought.order_id, sold.order_id) == (trade.buy_order_id, trade.sell_order_id)
            assert (bought.side, sold.side) == (Side.BUY, Side.SELL)
            for fill in (maker, taker):
                assert (fill.trade_index, fill.last_quantity) == (index, trade.quantity)
                assert fill.last_price_units == trade.price_units
            for order, sign in ((bought, 1), (sold, -1)):
                limit = order.price_units
                assert limit is None or sign * limit >= sign * trade.price_units, "within both limits"
            assert {trade.buyer_id, trade.seller_id} <= changed


@every_exchange
@settings(max_examples=examples(150), deadline=None)
@given(log=logs)
def test_an_open_market_neither_crosses_nor_lets_due_stops_wait(
    make_exchange: MakeExchange, log: list[Step]
) -> None:
    reader = Reader()
    for _, events in played(make_exchange(0), log):
        for event in events:
            reader.read(event)
        for symbol, phase in reader.phases.items():
            if phase is not Phase.AUCTION:
                bids, asks = (reader.resting(symbol, side) for side in Side)
                assert not bids or not asks or max(bids) < min(asks)
        for order in reader.orders.values():
            last = reader.last_units.get(order.symbol)
            is_open = reader.phases[order.symbol] is Phase.CONTINUOUS
            waits = order.status is Status.PENDING_TRIGGER and is_open
            if waits and order.stop_price_units is not None and last is not None:
                short = order.stop_price_units - last
                assert short > 0 if order.side is Side.BUY else short < 0


@every_exchange
@settings(max_examples=examples(150), deadline=None)
@given(log=logs)
def test_orders_for_an_auction_trade_there_or_not_at_all(
    make_exchange: MakeExchange, log: list[Step]
) -> None:
    reader = Reader()
    times = {Phase.CONTINUOUS: TimeInForce.AT_OPEN, Phase.CLOSED: TimeInForce.AT_CLOSE}
    for step, events in played(make_exchange(0), log):
        command, before = step.command, dict(reader.phases)
        for event in events:
            reader.read(event)
            if not isinstance(event, Execution) or event.time_in_force not in times.values():
                continue
            if event.last_quantity:
                assert isinstance(command, SetPhase) and before[command.symbol] is Phase.AUCTION
                assert event.time_in_force is times[command.phase]
        for order in reader.orders.values():
            if order.time_in_force in times.values():
                moment_is_over = order.time_in_force is times.get(reader.phases[order.symbol])
                assert order.status is Status.PENDING_TRIGGER and not moment_is_over


@every_exchange
@settings(max_examples=examples(150), deadline=None)
@given(log=logs)
def test_books_count_the_orders_that_rest(make_exchange: MakeExchange, log: list[Step]) -> None:
    exchange, reader, icebergs = make_exchange(0), Reader(), set[str]()
    for step, events in played(exchange, log):
        for event in events:
            reader.read(event)
        if isinstance(step.command, Place) and step.command.display_quantity is not None:
            icebergs.add(step.command.order_id)
    for book in exchange.book_snapshots():
        for side, levels in ((Side.BUY, book.bids), (Side.SELL, book.asks)):
            resting = reader.resting(book.symbol, side)
            assert [level.price_units for level in levels] == sorted(resting, reverse=side is Side.BUY)
            for level in levels:
                orders = resting[level.price_units]
                whole = sum(order.remaining_quantity for order in orders)
                assert len(orders) <= level.quantity <= whole
                assert level.order_count == len(orders)
                if not any(order.order_id in icebergs for order in orders):
                    assert level.quantity == whole


@every_exchange
@settings(max_examples=examples(150), deadline=None)
@given(log=logs, takes=st.sets(st.integers(0, 100)), snapshots=st.sets(st.integers(0, 100), max_size=3))
def test_book_records_rebuild_the_book_however_they_are_batched(
    make_exchange: MakeExchange, log: list[Step], takes: set[int], snapshots: set[int]
) -> None:
    exchange, rebuilt = make_exchange(0), dict[str, _Rebuilt]()
    for offset, _ in enumerate(played(exchange, log)):
        changes = exchange.take_book_changes() if offset in takes else []
        assert [change.offset for change in changes] == sorted(change.offset for change in changes)
        for change in changes + (exchange.book_snapshots() if offset in snapshots else []):
            rebuilt.setdefault(change.symbol, _Rebuilt()).follow(change)
    for change in exchange.take_book_changes():
        rebuilt.setdefault(change.symbol, _Rebuilt()).follow(change)
    for book in exchange.book_snapshots():
        levels = rebuilt.get(book.symbol, _Rebuilt()).levels
        assert levels == {
            (side, level.price_units): level
            for side, whole in ((Side.BUY, book.bids), (Side.SELL, book.asks))
            for level in whole
        }


class _Rebuilt:
    """A book as a reader of its records has it."""

    def __init__(self) -> None:
        self.levels: dict[tuple[Side, int], Level] = {}
        self._offset = -1

    def follow(self, change: BookChanged) -> None:
        assert change.previous_offset == self._offset <= change.offset
        assert change.snapshot or change.previous_offset >= 0, "a chain starts with the whole book"
        self._offset = change.offset
        if change.snapshot:
            self.levels.clear()
        for side, levels in ((Side.BUY, change.bids), (Side.SELL, change.asks)):
            for level in levels:
                assert (level.quantity == 0) == (level.order_count == 0)
                self.levels.pop((side, level.price_units), None)
                if level.quantity:
                    self.levels[side, level.price_units] = level
