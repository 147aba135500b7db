"""The simulated investors are strategies: alone at a desk, in a backtest, and beside one's own."""

from __future__ import annotations

import itertools
from collections import Counter

import pandas as pd
import pytest

import homebroker as hb
from engine.domain import Amend, Cancel, Command, Execution, OrderType, Place, Side, TimeInForce
from engine.shard import Shard
from homebroker.research.ladder import Ladder
from homebroker.simulator.investors import MarketMaker, MomentumTrader, NoiseTrader
from homebroker.simulator.opening import opening_commands
from homebroker.strategy import Desk, Strategy, TapeTrade
from homebroker.strategy.examples import MarketMaker as Example
from homebroker.strategy.seat import Seat, fill_of

START_MS = 1_790_000_000_000
SIMULATION = hb.Simulation(minutes=6, seed=5)


class _Opinion:
    """A worth that a test sets."""

    def __init__(self, price: float) -> None:
        self.now = price
        self.is_calm = 1.0

    def price(self, time_ms: int) -> float:  # noqa: ARG002
        return self.now

    def calm(self) -> float:
        return self.is_calm


class _Alone:
    """A strategy in a market of its own, at a desk that hears of everything at once."""

    def __init__(self, strategy: Strategy, *, position: int = 0) -> None:
        self.shard = Shard(0)
        self.sent: list[Command] = []
        self.ladder = Ladder()
        for command in opening_commands(investor_id=None):
            self._apply(command)
        self.desk = Desk(
            symbol="PETR4",
            investor_id="sim-maker-1",
            tick_units=100,
            lot_size=1,
            cash_units=0,
            position=position,
            ladder=self.ladder,
        )
        self.seat = Seat(strategy, self.desk)

    def run(self, commands: list[Command]) -> list[Command]:
        """Run commands and all that the strategy does about what comes of them."""
        waiting, done = list(commands), []
        while waiting:
            command = waiting.pop(0)
            done.append(command)
            waiting += self._apply(command)
        self.shard.check()
        return done

    def _apply(self, command: Command) -> list[Command]:
        reactions: list[Command] = []
        for event in self.shard.apply(command, offset=self.shard.offset + 1, time_ms=START_MS):
            if isinstance(event, Execution) and event.investor_id == "sim-maker-1":
                assert event.reason is None, event.message
                self.desk.heard(event)
                reactions += self.seat.reported(event, fill_of(event, START_MS), START_MS)
        for change in self.shard.take_book_changes():
            if change.symbol == "PETR4":
                self.ladder.take(change)
                reactions += self.seat.booked(START_MS)
        return reactions

    def stand(self) -> tuple[list[float], list[float]]:
        """Give the prices at which something rests, from the best away."""
        book = self.desk.book
        bids, asks = ([price for price, _ in book.levels(side, 50)] for side in (Side.BUY, Side.SELL))
        return bids, asks


def test_a_maker_quotes_a_ladder_on_both_sides_around_its_opinion() -> None:
    market = _Alone(MarketMaker(worth=_Opinion(38.503), levels=4, half_spread_ticks=1.2))
    market.run(market.seat.start(START_MS))
    assert market.stand() == ([38.49, 38.48, 38.47, 38.46], [38.52, 38.53, 38.54, 38.55])
    # On a grid of threes: from 38.501 and 38.525 outward.
    wide = _Alone(MarketMaker(worth=_Opinion(38.513), levels=3, spacing_ticks=3, half_spread_ticks=1.2))
    wide.run(wide.seat.start(START_MS))
    assert wide.stand() == ([38.49, 38.46, 38.43], [38.55, 38.58, 38.61])


def test_a_maker_quotes_wider_when_prices_move_more() -> None:
    opinion = _Opinion(38.50)
    opinion.is_calm = 0.1  # it counts as no less than a half
    market = _Alone(MarketMaker(worth=opinion, levels=2, half_spread_ticks=1.2))
    market.run(market.seat.start(START_MS))
    assert market.stand() == ([38.47, 38.46], [38.53, 38.54])


@pytest.mark.parametrize("move", [0.01, 0.05, 0.40, -0.01, -0.05, -0.40])
def test_quotes_get_out_of_the_way_first_and_follow_when_the_book_shows_it(move: float) -> None:
    opinion = _Opinion(38.50)
    market = _Alone(MarketMaker(worth=opinion))
    market.run(market.seat.start(START_MS))
    opinion.now += move
    retreat = market.seat.tick(START_MS)
    away = Side.SELL if move > 0 else Side.BUY
    sides = {order.order_id: order.side for order in market.desk.orders.values()}
    assert retreat
    assert {type(command) for command in retreat} == {Amend}
    assert {sides[command.order_id] for command in retreat if isinstance(command, Amend)} == {away}
    done = market.run(retreat)
    follow = done[len(retreat) :]
    assert follow
    assert {sides[command.order_id] for command in follow if isinstance(command, Amend)} == {away.opposite}
    bids, asks = market.stand()
    assert (len(bids), len(asks)) == (10, 10)
    assert asks[0] - bids[0] == pytest.approx(0.02)
    assert (bids[0] + asks[0]) / 2 == pytest.approx(38.50 + move)
    sold = market.run([_market_order(away, 2_000)])
    assert len(sold) == 1, "it follows once, and quotes anew at its next turn"


def test_quotes_never_pile_up_however_the_price_goes() -> None:
    opinion = _Opinion(38.50)
    market = _Alone(MarketMaker(worth=opinion, seed=3))
    market.run(market.seat.start(START_MS))
    for step in range(60):
        opinion.now = 38.50 + 0.3 * ((step * 7) % 11 - 5)
        market.run(market.seat.tick(START_MS))
        assert [len(side) for side in market.stand()] == [10, 10]
        assert len(market.desk.orders) == market.shard.open_orders == 20


def test_quotes_that_have_no_place_left_are_canceled() -> None:
    opinion = _Opinion(38.50)
    market = _Alone(MarketMaker(worth=opinion))
    market.run(market.seat.start(START_MS))
    opinion.now = 0.043  # there are but three prices below
    market.run(market.seat.tick(START_MS))
    bids, asks = market.stand()
    assert bids == [0.03, 0.02, 0.01]
    assert len(asks) == 10
    assert len(market.desk.orders) == market.shard.open_orders == 13


def test_a_maker_leans_against_what_it_holds_and_replaces_what_was_filled() -> None:
    def best_bid(held: int) -> float:
        market = _Alone(MarketMaker(worth=_Opinion(38.5), seed=1), position=held)
        market.run(market.seat.start(START_MS))
        return market.stand()[0][0]

    assert best_bid(60_000) < best_bid(0) < best_bid(-60_000)

    market = _Alone(MarketMaker(worth=_Opinion(38.5)))
    market.run(market.seat.start(START_MS))
    bought = sum(quantity for _, quantity in market.desk.book.levels(Side.BUY, 2))
    market.run([_market_order(Side.SELL, bought)])
    assert market.desk.position == bought
    market.run(market.seat.tick(START_MS))
    assert [len(side) for side in market.stand()] == [10, 10]


def test_momentum_runs_with_the_price_at_most_two_ticks_far() -> None:
    market = _Alone(MomentumTrader(enter_bps=5.0))
    market.run([_order("b", Side.BUY, 38.00), _order("s", Side.SELL, 38.01)])
    assert market.seat.tick(START_MS) == [], "nobody has traded"
    for step in range(10):
        market.seat.traded(_trade(38.00 + 0.03 * step, START_MS + step * 5_000), START_MS)
    (bought,) = market.seat.tick(START_MS + 50_000)
    assert isinstance(bought, Place)
    assert (bought.side, bought.time_in_force, bought.price_units) == (Side.BUY, TimeInForce.IOC, 38_0300)
    for step in range(20):
        market.seat.traded(_trade(38.00 - 0.03 * step, START_MS + 60_000 + step * 5_000), START_MS)
    (sold,) = market.seat.tick(START_MS + 160_000)
    assert isinstance(sold, Place)
    assert (sold.side, sold.price_units) == (Side.SELL, 37_9800)


def test_noise_waits_for_a_book_and_keeps_a_bounded_number_of_orders_open() -> None:
    market = _Alone(NoiseTrader(open_orders_max=5, seed=1))
    assert market.seat.tick(START_MS) == [], "there is no book"
    market.run([_order("b", Side.BUY, 38.00), _order("s", Side.SELL, 38.01)])
    kinds: Counter[object] = Counter()
    for _ in range(1_000):
        for command in market.seat.tick(START_MS):
            kinds[type(command)] += 1
            if isinstance(command, Place):
                kinds[command.type] += 1
                kinds[command.side] += 1
                if command.type is OrderType.LIMIT:
                    assert command.time_in_force is TimeInForce.GTD
                    assert command.expires_at_ms is not None and command.expires_at_ms >= START_MS + 5_000
                else:
                    # It is done at once; the market says so.
                    del market.desk.orders[command.order_id]
    assert len(market.desk.orders) <= 5
    assert kinds[Cancel] > 100
    assert kinds[OrderType.MARKET] == pytest.approx(500, abs=60)
    assert kinds[Side.BUY] == pytest.approx(kinds[Side.SELL], rel=0.2)


# As strategies among strategies


@pytest.mark.parametrize("investor", [MarketMaker, NoiseTrader, MomentumTrader])
@pytest.mark.parametrize("is_recorded", [True, False])
def test_a_simulated_investor_runs_in_a_backtest_the_same_way_each_time(
    investor: type[MarketMaker | NoiseTrader | MomentumTrader], is_recorded: bool
) -> None:
    market = hb.replay(SIMULATION).log if is_recorded else SIMULATION
    again, twin, other = (
        hb.backtest(investor(seed=seed, timer_ms=500), market, "PETR4") for seed in (1, 1, 2)
    )
    assert again.summary["fills"] > 10
    pd.testing.assert_frame_equal(again.fills, twin.fills)
    assert not again.fills.equals(other.fills)


def test_a_simulation_is_a_log_to_replay() -> None:
    run, again = hb.replay(SIMULATION), hb.replay(SIMULATION)
    assert run.tape_hash == again.tape_hash
    assert run.digest == again.digest
    assert hb.replay(run.log).tape_hash == run.tape_hash
    others = [hb.Simulation(minutes=6, seed=6), hb.Simulation(minutes=6, seed=5, scenario="calm")]
    assert len({run.tape_hash, *(hb.replay(other).tape_hash for other in others)}) == 3
    assert run.transactions.index[-1] <= pd.Timestamp(SIMULATION.end_ms, unit="ms", tz="UTC")


def test_whoever_does_nothing_in_the_simulated_market_changes_nothing() -> None:
    report = hb.backtest(Strategy(), SIMULATION, "PETR4")
    depth = hb.replay(SIMULATION).depth(None, levels=1, symbol="PETR4")
    seen = list(report.quotes[["bid", "ask"]].itertuples(index=False, name=None))
    there = depth[["bid_1", "ask_1"]].itertuples(index=False, name=None)
    changes = [quote for quote, _ in itertools.groupby(there)]
    assert len(seen) > 40
    assert changes[-len(seen) :] == seen


def test_the_simulated_investors_react_to_ones_own_strategy() -> None:
    class Buys(Strategy):
        """Buys at the market, over and over, and so makes a trend."""

        timer_ms = 2_000

        def on_timer(self, desk: Desk) -> None:
            desk.place("buy", 2_000)

    bought = hb.backtest(Buys(), SIMULATION, "PETR4")
    usual = hb.backtest(Strategy(), SIMULATION, "PETR4")
    assert bought.fills["quantity"].sum() > 5_000
    # Its makers hold ever less, ask for more, and momentum traders run with the price.
    half = len(usual.quotes) // 2
    assert bought.quotes["middle"].iloc[half:].mean() > usual.quotes["middle"].iloc[half:].mean()
    # A recorded market that hears of the same orders is taken from and does not come again.
    recorded = hb.backtest(Buys(), hb.replay(SIMULATION).log, "PETR4")
    assert recorded.fills["price"].tolist() != bought.fills["price"].tolist()


def test_a_strategy_in_the_simulated_market_begins_and_ends_when_it_is_told() -> None:
    since, until = SIMULATION.start_ms + 120_000, SIMULATION.start_ms + 300_000
    report = hb.backtest(Example(), SIMULATION, "VALE3", since=since, until=until)
    times = report.quotes.index
    assert times[0] <= pd.Timestamp(since, unit="ms", tz="UTC")
    assert report.orders.index[0] >= pd.Timestamp(since, unit="ms", tz="UTC") - pd.Timedelta("5s")
    assert times[-1] <= pd.Timestamp(until + 1, unit="ms", tz="UTC")
    assert report.summary["fills"] > 0


def test_a_market_that_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="take one of PETR4, VALE3"):
        hb.backtest(Strategy(), SIMULATION, "ZZZZ9")
    for wrong in (
        {"minutes": 0},
        {"minutes": 1e9},
        {"rate": 0},
        {"rate": float("nan")},
        {"scenario": "wild"},
    ):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            hb.Simulation(**wrong)
    with pytest.raises(ValueError, match="no log of commands"):
        hb.replay(5)  # type: ignore[arg-type]


def _market_order(side: Side, quantity: int) -> Place:
    return Place(
        order_id="n-1",
        investor_id="sim-noise-1",
        symbol="PETR4",
        side=side,
        quantity=quantity,
        type=OrderType.MARKET,
    )


def _order(order_id: str, side: Side, price: float) -> Place:
    return Place(
        order_id=order_id,
        investor_id="sim-noise-1",
        symbol="PETR4",
        side=side,
        quantity=100,
        price_units=round(price * 10_000),
        time_in_force=TimeInForce.GTC,
    )


def _trade(price: float, time_ms: int) -> TapeTrade:
    return TapeTrade(time_ms=time_ms, price=price, quantity=100, taker_side=Side.BUY)
