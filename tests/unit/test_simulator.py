"""The simulated investors: the same dice give the same market, and it looks like one."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from itertools import islice

import pytest
from msgspec import structs

from engine.domain import (
    BookChanged,
    CancelAll,
    Command,
    Deposit,
    Execution,
    ExecutionType,
    ListAsset,
    Place,
    Reason,
    Side,
    Status,
    Trade,
)
from engine.shard import Shard
from engine.wire.commands import decode_command, encode_command
from homebroker.simulator.crowd import Arrivals, Crowd
from homebroker.simulator.fair_price import FairPrices
from homebroker.simulator.opening import COMPANIES, SIMULATED_IDS, missing_commands, opening_commands
from homebroker.simulator.rehearsal import Rehearsal
from homebroker.simulator.view import MarketView
from homebroker.simulator.warm_up import WARM_UP_COMMANDS_PER_SECOND, history

END_MS = 1_790_000_000_000
START_MS = END_MS - 30 * 60_000
PETR4 = COMPANIES[0]
RATE = 20 * WARM_UP_COMMANDS_PER_SECOND


class Market:
    """A shard, what came of it, and its books now and then."""

    def __init__(self, timed: list[tuple[Command, int]]) -> None:
        self.trades: dict[str, list[tuple[int, Trade]]] = defaultdict(list)
        self.rejections: Counter[Reason | None] = Counter()
        self.books: list[BookChanged] = []
        self.open_orders_max = 0
        open_ids: set[str] = set()
        shard = Shard(number=0)
        for offset, (command, time_ms) in enumerate(timed):
            for event in shard.apply(command, offset=offset, time_ms=time_ms):
                if isinstance(event, Trade):
                    self.trades[event.symbol].append((time_ms, event))
                if isinstance(event, Execution):
                    if event.execution_type is ExecutionType.REJECTED:
                        self.rejections[event.reason] += 1
                    if event.remaining_quantity:
                        open_ids.add(event.order_id)
                    else:
                        open_ids.discard(event.order_id)
            self.open_orders_max = max(self.open_orders_max, len(open_ids))
            if offset % 200 == 199:
                self.books += [book for book in shard.book_snapshots() if book.bids or book.asks]


@pytest.fixture(scope="module")
def timed() -> list[tuple[Command, int]]:
    return list(history(seed=7, start_ms=START_MS, end_ms=END_MS, investor_id="demo", rate=RATE))


@pytest.fixture(scope="module")
def market(timed: list[tuple[Command, int]]) -> Market:
    return Market(timed)


def test_the_same_seed_and_start_give_the_same_history(timed: list[tuple[Command, int]]) -> None:
    assert timed == list(history(seed=7, start_ms=START_MS, end_ms=END_MS, investor_id="demo", rate=RATE))
    other = history(seed=8, start_ms=START_MS, end_ms=END_MS, investor_id="demo", rate=RATE)
    assert timed[:1_000] != list(islice(other, 1_000))


def test_history_runs_from_the_start_to_the_present_and_never_back(timed: list[tuple[Command, int]]) -> None:
    times = [time_ms for _, time_ms in timed]
    assert times == sorted(times)
    assert times[0] == START_MS
    assert END_MS - 60_000 < times[-1] <= END_MS


def test_every_command_of_the_history_survives_the_wire(timed: list[tuple[Command, int]]) -> None:
    assert all(decode_command(encode_command(command)) == command for command, _ in timed)


def test_the_engine_refuses_next_to_nothing_of_the_history(market: Market) -> None:
    # An order may have been filled by what another investor sent at the same time as its change.
    assert set(market.rejections) <= {Reason.UNKNOWN_ORDER}
    assert market.rejections.total() < 8


def test_every_symbol_trades_in_nearly_every_minute(market: Market) -> None:
    for company in COMPANIES:
        minutes = {time_ms // 60_000 for time_ms, _ in market.trades[company.symbol]}
        assert len(minutes) >= 22, f"{company.symbol} traded in {len(minutes)} of 30 minutes"


def test_candles_have_bodies_and_wicks_and_prices_stay_plausible(market: Market) -> None:
    for company in COMPANIES:
        reference = company.reference_price_centavos * 100
        candles: dict[int, list[int]] = defaultdict(list)
        for time_ms, trade in market.trades[company.symbol]:
            candles[time_ms // 60_000].append(trade.price_units)
            assert abs(trade.price_units / reference - 1) < 0.15
        assert sum(prices[-1] != prices[0] for prices in candles.values()) > 10
        assert sum(max(prices) > max(prices[0], prices[-1]) for prices in candles.values()) > 2


def test_books_are_deep_tight_and_bounded(market: Market) -> None:
    # The first books are seen while the first quotes are still being placed.
    settled = market.books[8 * 3 :]
    spreads = [(book.asks[0].price_units - book.bids[0].price_units) // 100 for book in settled]
    depths = [min(len(book.bids), len(book.asks)) for book in settled]
    assert sum(1 <= spread <= 3 for spread in spreads) > 0.75 * len(spreads)
    assert sum(depth >= 10 for depth in depths) > 0.9 * len(depths)
    assert market.open_orders_max < 8 * (34 + 12 * 5)


def test_fewer_commands_before_the_market_opens_move_as_many_shares(market: Market) -> None:
    slow = {"seed": 7, "start_ms": START_MS, "end_ms": END_MS, "rate": WARM_UP_COMMANDS_PER_SECOND}
    plain = Market(list(history(**slow, investor_id="demo")))
    shares, usual = (
        sum(trade.quantity for trades in each.trades.values() for _, trade in trades)
        for each in (market, plain)
    )
    assert shares / usual == pytest.approx(RATE / WARM_UP_COMMANDS_PER_SECOND, rel=0.3)


def test_all_kinds_of_investors_trade(market: Market) -> None:
    kinds = {
        trader.rsplit("-", 1)[0]
        for trades in market.trades.values()
        for _, trade in trades
        for trader in (trade.buyer_id, trade.seller_id)
    }
    assert kinds == {"sim-maker", "sim-noise", "sim-trend"}


def test_the_opening_is_accepted_as_a_whole_and_gives_the_demo_investor_money() -> None:
    commands = opening_commands(investor_id="demo")
    shard = Shard(number=0)
    events = [
        event
        for offset, command in enumerate(commands)
        for event in shard.apply(command, offset=offset, time_ms=1)
    ]
    assert not [event for event in events if isinstance(event, Execution)]
    accounts = [event for event in events if getattr(event, "investor_id", "") == "demo"]
    assert max(account.cash_units for account in accounts) == 100_000 * 10_000
    shares = {position.symbol: position.quantity for event in accounts for position in event.positions}
    assert shares == {"PETR4": 300, "VALE3": 100}
    assert 6 <= sum(isinstance(command, ListAsset) for command in commands) <= 10


def test_a_market_with_history_is_given_only_what_its_opening_lacks() -> None:
    symbols = {company.symbol for company in COMPANIES}
    assert missing_commands(symbols | {"OTHER3"}, investor_id="demo") == []
    assert missing_commands({"OTHER3"}, investor_id="demo") == opening_commands(investor_id="demo")
    lacking = missing_commands(symbols - {"PETR4"}, investor_id="demo")
    assert [command.symbol for command in lacking if isinstance(command, ListAsset)] == ["PETR4"]
    given = {(command.symbol, command.cash_units) for command in lacking if isinstance(command, Deposit)}
    assert given == {("PETR4", None)}
    assert "demo" not in {getattr(command, "investor_id", "") for command in lacking}


def test_order_ids_of_two_starts_never_meet() -> None:
    ids = []
    for run in ("a", "b"):
        crowd = Crowd(seed=7, run=run, time_ms=START_MS, view=MarketView())
        ids.append({command.order_id for command in crowd.start(START_MS) if isinstance(command, Place)})
    assert ids[0] and not ids[0] & ids[1]


def test_prices_go_on_from_the_last_one_seen() -> None:
    view = MarketView()
    view.observe(trade_at(20_0000))
    crowd = Crowd(seed=7, run="a", time_ms=START_MS, view=view)
    quotes = [
        command
        for command in crowd.start(START_MS)
        if isinstance(command, Place) and command.symbol == "PETR4" and command.price_units is not None
    ]
    bids = [quote.price_units for quote in quotes if quote.side is Side.BUY]
    asks = [quote.price_units for quote in quotes if quote.side is Side.SELL]
    assert max(bids) < 20_0000 < min(asks)
    assert min(asks) - max(bids) <= 300


def test_investors_hear_of_their_own_orders_only() -> None:
    crowd = Crowd(seed=7, run="a", time_ms=START_MS, view=MarketView())
    ours = next(command for command in crowd.start(START_MS) if isinstance(command, Place))
    canceled = Execution(
        execution_type=ExecutionType.CANCELED,
        status=Status.CANCELED,
        order_id=ours.order_id,
        investor_id=ours.investor_id,
        symbol=ours.symbol,
        side=ours.side,
    )
    assert crowd.is_ours(canceled)
    assert not crowd.is_ours(structs.replace(canceled, investor_id="ana")), "of another's with that id"
    assert not crowd.is_ours(structs.replace(canceled, order_id=ours.order_id.replace("-a-", "-b-")))
    assert not crowd.is_ours(trade_at(1))


def test_commands_arrive_at_the_rate_asked_for() -> None:
    market = Rehearsal(seed=7, start_ms=START_MS, rate=40, investor_id="demo")
    opening = 0
    while market.next_ms == START_MS:
        market.step()
        opening += 1
    assert opening > 2 * 8 * 17, "the investors' first quotes stand when the market begins"
    sent = 0
    while market.next_ms <= START_MS + 100_000:
        market.step()
        sent += 1
    assert 3_500 < sent < 4_500


def test_what_was_due_in_a_pause_does_not_come_later() -> None:
    crowd = Crowd(seed=7, run="a", time_ms=START_MS, view=MarketView())
    arrivals = Arrivals(crowd, rate=40, seed="s", start_ms=START_MS)
    arrivals.skip_to(START_MS + 200_000)
    assert arrivals.next_ms == START_MS + 200_000
    arrivals.count(40)
    assert START_MS + 200_200 < arrivals.next_ms < START_MS + 203_000


def test_volatility_clusters_and_prices_come_back_to_the_reference() -> None:
    fair = FairPrices(COMPANIES, dice=random.Random(3), time_ms=0, start_prices_units={"PETR4": 60_0000})
    moves = []
    last = fair.ticks("VALE3", 0)
    for second in range(5, 100_000, 5):
        price = fair.ticks("VALE3", second * 1000)
        moves.append(abs(price / last - 1))
        last = price
    mean = sum(moves) / len(moves)
    together = sum((a - mean) * (b - mean) for a, b in zip(moves, moves[12:], strict=False))
    alone = sum((a - mean) ** 2 for a in moves)
    assert together / alone > 0.05
    assert fair.ticks("PETR4", 60 * 86_400_000) == pytest.approx(3_850, rel=0.02)


def test_old_orders_of_every_simulated_investor_can_be_cancelled() -> None:
    opened = {
        command.investor_id
        for command in opening_commands(investor_id="demo")
        if not isinstance(command, (ListAsset, CancelAll)) and hasattr(command, "investor_id")
    }
    assert opened == {*SIMULATED_IDS, "demo"}


def trade_at(price_units: int) -> Trade:
    return Trade(
        symbol="PETR4",
        price_units=price_units,
        quantity=100,
        buyer_id="b",
        seller_id="s",
        buy_order_id="b-1",
        sell_order_id="s-1",
        taker_side=Side.BUY,
    )
