"""The engine against the plain reference book, event for event, over random sequences of commands."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

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
    Place,
    Side,
    Status,
    Trade,
)
from engine.shard import Shard
from tests.reference_book import ReferenceBook
from tests.strategies import INVESTORS, SYMBOL, commands

_LISTING = ListAsset(
    symbol=SYMBOL, name="Petrobras", tick_size_units=100, lot_size=1, reference_price_units=100_000
)
_CASH_UNITS = 10**9
_FINAL = {Status.FILLED, Status.CANCELED, Status.EXPIRED}


class Market:
    """A shard with three investors, fed one command after the other."""

    def __init__(self) -> None:
        self.shard = Shard(0)
        self.offset = 0
        self.apply(_LISTING)
        for investor in INVESTORS:
            self.apply(OpenAccount(investor_id=investor))
            self.apply(Deposit(investor_id=investor, cash_units=_CASH_UNITS))

    def apply(self, command: Command) -> list[Event]:
        """Apply a command at the next offset."""
        events = self.shard.apply(command, offset=self.offset, time_ms=1_790_000_000_000)
        self.offset += 1
        return events


def _expected(reference: ReferenceBook, command: Command) -> list[tuple[object, ...]]:
    match command:
        case Place():
            return reference.place(command)
        case Cancel():
            return reference.cancel(command)
        case CancelAll():
            return reference.cancel_all(command)
        case Amend():
            return reference.amend(command)
    raise AssertionError(command)


def _happened(events: list[Event]) -> list[tuple[object, ...]]:
    happened: list[tuple[object, ...]] = []
    for event in events:
        match event:
            case Trade():
                maker, taker = event.sell_order_id, event.buy_order_id
                if event.taker_side is Side.SELL:
                    maker, taker = taker, maker
                happened.append(("trade", maker, taker, event.price_units, event.quantity))
            case Execution(execution_type=ExecutionType.TRADE):
                pass
            case Execution():
                reason = event.reason and str(event.reason)
                happened.append((str(event.execution_type), event.order_id, reason))
    return happened


@settings(max_examples=300, deadline=None)
@given(st.lists(commands, max_size=60))
def test_engine_and_reference_agree_event_for_event(sequence: list[Command]) -> None:
    market, reference = Market(), ReferenceBook()
    for command in sequence:
        happened = _happened(market.apply(command))
        if isinstance(command, CancelAll):
            happened.sort()
        assert happened == _expected(reference, command)
        (book,) = market.shard.book_snapshots()
        for side, levels in ((Side.BUY, book.bids), (Side.SELL, book.asks)):
            assert {level.price_units: level.quantity for level in levels} == reference.levels(side)


@settings(max_examples=200, deadline=None)
@given(st.lists(commands, max_size=60))
def test_cash_and_shares_are_conserved_and_held_for_what_rests(sequence: list[Command]) -> None:
    market, reference = Market(), ReferenceBook()
    accounts: dict[str, AccountChanged] = {}
    shares: dict[str, tuple[int, int]] = {}
    for command in sequence:
        for event in market.apply(command):
            if isinstance(event, AccountChanged):
                accounts[event.investor_id] = event
                for position in event.positions:
                    shares[event.investor_id] = (position.quantity, position.held_quantity)
        _expected(reference, command)
    unchanged = len(INVESTORS) - len(accounts)
    assert sum(a.cash_units for a in accounts.values()) + unchanged * _CASH_UNITS == 3 * _CASH_UNITS
    assert sum(quantity for quantity, _ in shares.values()) == 0
    for investor in INVESTORS:
        own = [order for order in reference.resting if order.place.investor_id == investor]
        held_cash = sum(order.left * order.price for order in own if order.place.side is Side.BUY)
        held_shares = sum(order.left for order in own if order.place.side is Side.SELL)
        assert (accounts[investor].held_cash_units if investor in accounts else 0) == held_cash
        assert shares.get(investor, (0, 0))[1] == held_shares


@settings(max_examples=200, deadline=None)
@given(st.lists(commands, max_size=60))
def test_every_accepted_order_reports_a_consistent_life(sequence: list[Command]) -> None:
    market = Market()
    filled: dict[str, int] = {}
    ended: set[str] = set()
    for command in sequence:
        for event in market.apply(command):
            if not isinstance(event, Execution) or event.execution_type is ExecutionType.REJECTED:
                continue
            assert event.order_id not in ended, "an order ends once"
            if event.execution_type is ExecutionType.NEW:
                assert event.order_id not in filled
                filled[event.order_id] = 0
            if event.execution_type is ExecutionType.TRADE:
                filled[event.order_id] += event.last_quantity or 0
            assert event.filled_quantity == filled[event.order_id]
            assert event.quantity is not None
            if event.status in _FINAL:
                ended.add(event.order_id)
                assert event.remaining_quantity == 0
            else:
                assert event.remaining_quantity == event.quantity - event.filled_quantity > 0
    for order_id in filled:
        assert (market.shard.order(order_id) is None) == (order_id in ended)


@settings(max_examples=100, deadline=None)
@given(st.lists(commands, max_size=60), st.sets(st.integers(0, 59)))
def test_book_records_rebuild_the_book_however_they_are_batched(
    sequence: list[Command], takes: set[int]
) -> None:
    market = Market()
    levels: dict[Side, dict[int, int]] = {Side.BUY: {}, Side.SELL: {}}
    last_offset = -1
    for number, command in enumerate(sequence):
        market.apply(command)
        if number not in takes and number != len(sequence) - 1:
            continue
        for change in market.shard.take_book_changes():
            assert change.snapshot == (last_offset < 0)
            assert change.previous_offset == last_offset < change.offset
            last_offset = change.offset
            for side, changed in ((Side.BUY, change.bids), (Side.SELL, change.asks)):
                for level in changed:
                    levels[side][level.price_units] = level.quantity
                    assert (level.quantity == 0) == (level.order_count == 0)
    (book,) = market.shard.book_snapshots()
    for side, whole in ((Side.BUY, book.bids), (Side.SELL, book.asks)):
        rebuilt = {price: quantity for price, quantity in levels[side].items() if quantity}
        assert rebuilt == {level.price_units: level.quantity for level in whole}
