"""A preview tells what the engine then does, when nothing comes between."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from api.live.view import LiveView
from api.preview import Estimate, estimate
from api.preview.reading import situation_of
from engine.domain import (
    OPEN_STATUSES,
    AccountChanged,
    Cancel,
    Deposit,
    Execution,
    ExecutionType,
    KillSwitch,
    ListAsset,
    OpenAccount,
    OrderType,
    Phase,
    Place,
    Reason,
    SelfTrade,
    SetLimits,
    SetPhase,
    Side,
    Status,
    TimeInForce,
)
from tests.api.exchange import Exchange

TRADER = "cora"
BANDED, FREE = "VALE3", "PETR4"
TICK = 100


class Trial:
    """A market with the live view beside it; every order is previewed, then placed."""

    def __init__(self) -> None:
        self.exchange = Exchange()
        self.view = LiveView(books_from_start=True)
        self.exchange.open()
        # Fees only where a band bounds the price: else how fills are cut decides what the cash covers.
        self.exchange.run(
            ListAsset(
                symbol=BANDED,
                name=BANDED,
                tick_size_units=TICK,
                lot_size=1,
                reference_price_units=100_000,
                price_band=0.01,
                maker_fee_ppm=300,
                taker_fee_ppm=700,
            )
        )
        self.exchange.run(OpenAccount(investor_id=TRADER))
        self.exchange.run(Deposit(investor_id=TRADER, cash_units=4_000_000))
        for symbol in (BANDED, FREE):
            self.exchange.run(Deposit(investor_id=TRADER, symbol=symbol, quantity=40))
        self.view.apply(self.exchange.records)

    def preview(self, place: Place) -> Estimate:
        """Reckon what an order would do."""
        return estimate(place, situation_of(self.view, place, self.view.books[place.symbol].levels()))

    def place(self, place: Place) -> tuple[list[Execution], AccountChanged | None]:
        """Place an order; gives its reports, and its account's change if there was one."""
        shard, offset = self.exchange.shard, self.exchange.offset
        spied = shard.apply
        events = []
        shard.apply = lambda *args, **kw: events.extend(spied(*args, **kw)) or events  # type: ignore[method-assign]
        try:
            self.view.apply(self.exchange.run(place))
        finally:
            del shard.apply  # type: ignore[method-assign]
        assert self.exchange.offset == offset + 1
        reports = [e for e in events if isinstance(e, Execution) and e.order_id == place.order_id]
        changes = [e for e in events if isinstance(e, AccountChanged) and e.investor_id == place.investor_id]
        return reports, changes[0] if changes else None


def check(trial: Trial, place: Place) -> Estimate:
    """Preview an order, place it, and compare."""
    told = trial.preview(place)
    before = trial.view.accounts.account(place.investor_id)
    assert before is not None
    reports, change = trial.place(place)
    last = reports[-1]
    if reports[0].execution_type is ExecutionType.REJECTED:
        assert told.refusal is not None, reports[0]
        assert (told.refusal.reason, told.refusal.text) == (reports[0].reason, reports[0].message)
        return told
    assert told.refusal is None, (told.refusal, place)
    trades = [each for each in reports if each.execution_type is ExecutionType.TRADE]
    by_price: dict[int, int] = {}
    for each in trades:
        assert each.last_price_units is not None
        by_price[each.last_price_units] = by_price.get(each.last_price_units, 0) + (each.last_quantity or 0)
    assert dict(told.fills) == by_price, place
    left = place.quantity - last.filled_quantity
    rests = last.status in OPEN_STATUSES
    assert (told.resting_quantity, told.expiring_quantity) == ((left, 0) if rests else (0, left))
    fees_units = sum(each.fee_units or 0 for each in trades)
    assert abs(told.fee_units - fees_units) <= len(trades)
    if change is not None and place.side is Side.BUY and place.self_trade is SelfTrade.EXPIRE_TAKER:
        assert change.held_cash_units - round(before.held_cash * 10_000) == told.held_units
    return told


def thrown_order(dice: random.Random, number: int) -> Place:
    """Throw an order: mostly sound, its prices even ticks for others and odd ones for the trader."""
    investor = dice.choice([TRADER, TRADER, "ana", "bia"])
    kind = dice.choice([*[OrderType.LIMIT] * 6, *list(OrderType)]) if investor == TRADER else OrderType.LIMIT
    priced = kind in {OrderType.LIMIT, OrderType.STOP_LIMIT}
    lasting = dice.choice([TimeInForce.GTC, TimeInForce.DAY])
    time_in_force = dice.choice([lasting, lasting, TimeInForce.IOC, TimeInForce.FOK])
    if kind in {OrderType.STOP, OrderType.STOP_LIMIT} and dice.random() < 0.9:
        time_in_force = lasting
    elif dice.random() < 0.15:
        time_in_force = dice.choice([TimeInForce.AT_OPEN, TimeInForce.AT_CLOSE])
    # Others' stops are not to be seen, so others have none.
    odd = 1 if investor == TRADER else 0
    price_units = 100_000 + (2 * dice.randint(-4, 4) + odd) * TICK
    place = Place(
        order_id=f"o-{number}",
        investor_id=investor,
        symbol=dice.choice([BANDED, FREE]),
        side=dice.choice(list(Side)),
        quantity=dice.choice([1, 2, 3, 5, 8, 13, 60]),
        type=kind,
        price_units=price_units if priced else None,
        stop_price_units=100_000 + dice.randint(-4, 4) * TICK if "stop" in kind else None,
        time_in_force=time_in_force,
        post_only=dice.random() < 0.1,
        self_trade=dice.choice(list(SelfTrade)),
    )
    return twisted(dice, place) if dice.random() < 0.15 else place


def twisted(dice: random.Random, place: Place) -> Place:
    """Change one thing so that a rule may be broken; nobody hides shares, which no preview could know of."""
    changes: list[dict[str, object]] = [
        {"price_units": 100_050},
        {"price_units": None},
        {"price_units": 150_000},
        {"stop_price_units": 99_000},
        {"expires_at_ms": 5},
        {"time_in_force": TimeInForce.GTD},
        {"display_quantity": 61},
        {"quantity": 100_000_000},
        {"type": OrderType.MARKET},
        {"investor_id": "nobody"},
    ]
    return structs.replace(place, **dice.choice(changes))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000_000))
def test_an_order_does_what_its_preview_said(seed: int) -> None:
    dice, trial = random.Random(seed), Trial()
    if dice.random() < 0.3:
        limits = SetLimits(
            investor_id=TRADER,
            order_value_max_units=dice.choice([None, 500_000]),
            open_orders_max=dice.choice([None, 3]),
        )
        trial.view.apply(trial.exchange.run(limits))
    for number in range(40):
        if dice.random() < 0.04:
            phase = dice.choice([Phase.AUCTION, Phase.AUCTION, Phase.HALTED])
            symbol = dice.choice([FREE, FREE, BANDED])
            trial.view.apply(trial.exchange.run(SetPhase(symbol=symbol, phase=phase)))
        elif dice.random() < 0.2:
            for symbol in (FREE, BANDED):
                trial.view.apply(trial.exchange.run(SetPhase(symbol=symbol, phase=Phase.CONTINUOUS)))
        place = thrown_order(dice, number)
        if place.investor_id in {TRADER, "nobody"}:
            compare(trial, place)
        else:
            trial.view.apply(trial.exchange.run(place))
        waiting = [o for o in trial.view.orders.open(TRADER, limit=99) if o.status is Status.PENDING_TRIGGER]
        for order in waiting:
            # The trader's own waiting orders could be set going by the next command.
            trial.view.apply(trial.exchange.run(Cancel(order_id=order.order_id, investor_id=TRADER)))


def compare(trial: Trial, place: Place) -> None:
    """Compare an order with its preview, also of someone without an account."""
    if place.investor_id == TRADER:
        check(trial, place)
        return
    told = trial.preview(place)
    assert told.refusal is not None
    assert told.refusal.reason is Reason.UNKNOWN_INVESTOR
    reports, _ = trial.place(place)
    assert reports[0].message == told.refusal.text


@pytest.fixture
def trial() -> Trial:
    """Give a market where 5 shares are offered at 10.00, 5 at 10.02, and 5 wanted at 9.98."""
    trial = Trial()
    for name, side, price in (("s-1", Side.SELL, 10.0), ("s-2", Side.SELL, 10.02), ("b-1", Side.BUY, 9.98)):
        trial.view.apply(trial.exchange.place(name, side, 5, price, symbol=BANDED))
    return trial


def order(**changes: object) -> Place:
    """Give the trader's order for 8 at 10.02, or another."""
    chosen: dict[str, object] = {
        "order_id": "mine",
        "investor_id": TRADER,
        "symbol": BANDED,
        "side": Side.BUY,
        "quantity": 8,
        "price_units": 100_200,
    }
    return Place(**(chosen | changes))  # type: ignore[arg-type]


def test_a_walk_takes_the_best_price_first_and_pays_the_takers_fee(trial: Trial) -> None:
    told = check(trial, order())
    assert told.fills == [(100_000, 5), (100_200, 3)]
    assert told.fee_units == 350 + 210
    assert (told.resting_quantity, told.held_units) == (0, 0)


def test_what_would_rest_holds_its_price_and_the_highest_fee(trial: Trial) -> None:
    told = check(trial, order(quantity=12))
    assert (told.resting_quantity, told.held_units) == (2, 2 * (100_200 + 70 + 1))


def test_an_order_that_is_too_dear_is_walked_and_refused(trial: Trial) -> None:
    told = check(trial, order(quantity=60))
    assert told.refusal is not None
    assert told.refusal.reason is Reason.INSUFFICIENT_CASH
    assert sum(quantity for _, quantity in told.fills) == 10


def test_ones_own_offer_ends_the_walk_or_is_passed_over(trial: Trial) -> None:
    trial.view.apply(trial.exchange.place("own", Side.SELL, 5, 10.01, symbol=BANDED, investor_id=TRADER))
    told = trial.preview(order())
    assert (told.fills, told.expiring_quantity) == ([(100_000, 5)], 3)
    told = check(trial, order(self_trade=SelfTrade.EXPIRE_MAKER))
    assert told.fills == [(100_000, 5), (100_200, 3)]


def test_a_stop_that_a_trade_has_reached_comes_in_at_once_and_another_waits(trial: Trial) -> None:
    trial.view.apply(trial.exchange.place("b-2", Side.BUY, 1, 10.0, symbol=BANDED, investor_id="bia"))
    stop = {"type": OrderType.STOP, "price_units": None, "quantity": 2}
    assert check(trial, order(order_id="due", stop_price_units=100_000, **stop)).fills == [(100_000, 2)]
    waits = check(trial, order(order_id="waits", stop_price_units=100_500, **stop))
    assert (waits.fills, waits.resting_quantity) == ([], 2)


def test_a_killed_account_is_told_so(trial: Trial) -> None:
    trial.view.apply(trial.exchange.run(KillSwitch(investor_id=TRADER, on=True)))
    told = check(trial, order())
    assert told.refusal is not None
    assert told.refusal.reason is Reason.TRADING_DISABLED
