"""The simulated investors: the same dice give the same market, and it looks like one."""

from __future__ import annotations

import random
from collections import Counter, defaultdict

import pytest

from engine.domain import (
    Amend,
    BookChanged,
    Cancel,
    CancelAll,
    Command,
    Deposit,
    Execution,
    ExecutionType,
    Level,
    ListAsset,
    OrderType,
    Place,
    Reason,
    Side,
    Status,
    TimeInForce,
    Trade,
)
from engine.log import LogRecord
from engine.shard import Shard
from engine.topics import BOOK, EXECUTIONS, TRANSACTIONS
from engine.wire.commands import decode_command, encode_command
from engine.wire.records import Stamp, book_record, encode, execution_record, transaction_record
from homebroker.simulator.crowd import Arrivals, Crowd
from homebroker.simulator.fair_price import FairPrices
from homebroker.simulator.investors import MomentumTrader, NoiseTrader
from homebroker.simulator.opening import COMPANIES, SIMULATED_IDS, missing_commands, opening_commands
from homebroker.simulator.view import MarketView, OwnOrders
from homebroker.simulator.warm_up import WARM_UP_COMMANDS_PER_SECOND, history
from homebroker.strategy.feed import Feed

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
    assert timed != list(history(seed=8, start_ms=START_MS, end_ms=END_MS, investor_id="demo", rate=RATE))


def test_history_runs_from_the_start_to_the_present_and_never_back(timed: list[tuple[Command, int]]) -> None:
    times = [time_ms for _, time_ms in timed]
    assert times == sorted(times)
    assert times[0] == START_MS
    assert END_MS - 60_000 < times[-1] <= END_MS


def test_every_command_of_the_history_survives_the_wire(timed: list[tuple[Command, int]]) -> None:
    assert all(decode_command(encode_command(command)) == command for command, _ in timed)


def test_the_engine_refuses_nothing_of_the_history(market: Market) -> None:
    assert market.rejections == Counter()


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
    assert market.open_orders_max < 8 * 34 + 12 * NoiseTrader.open_orders_max


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
        ids.append(
            {command.order_id for command in crowd.first_quotes(START_MS) if isinstance(command, Place)}
        )
    assert ids[0] and not ids[0] & ids[1]


def test_prices_go_on_from_the_last_one_seen() -> None:
    view = MarketView()
    view.observe(trade_at(20_0000), START_MS)
    crowd = Crowd(seed=7, run="a", time_ms=START_MS, view=view)
    quotes = [
        command
        for command in crowd.first_quotes(START_MS)
        if isinstance(command, Place) and command.symbol == "PETR4" and command.price_units is not None
    ]
    bids = [quote.price_units for quote in quotes if quote.side is Side.BUY]
    asks = [quote.price_units for quote in quotes if quote.side is Side.SELL]
    assert max(bids) < 20_0000 < min(asks)
    assert min(asks) - max(bids) <= 300


def test_quotes_follow_the_price_by_amending_and_never_pile_up() -> None:
    crowd = Crowd(seed=7, run="a", time_ms=START_MS, view=MarketView())
    market = [*opening_commands(investor_id="demo"), *crowd.first_quotes(START_MS)]
    later = [command for minute in range(1, 40) for command in crowd.first_quotes(START_MS + minute * 60_000)]
    assert {type(command) for command in later} == {Amend}
    assert Market([(command, START_MS) for command in market + later]).open_orders_max <= 8 * 34


def test_a_market_maker_leans_against_what_it_holds() -> None:
    def best_bid(held: int) -> int:
        crowd = Crowd(seed=7, run="a", time_ms=START_MS, view=MarketView())
        crowd.observe(fill("sim-maker-1", "sim-maker-1-a-1", quantity=held), START_MS)
        quotes = [command for command in crowd.first_quotes(START_MS) if isinstance(command, Place)]
        return max(
            quote.price_units or 0
            for quote in quotes
            if quote.investor_id == "sim-maker-1" and quote.symbol == "PETR4" and quote.side is Side.BUY
        )

    assert best_bid(60_000) < best_bid(1)


def test_momentum_runs_with_the_price_and_noise_waits_for_a_book() -> None:
    view = MarketView()
    dice = random.Random(1)
    trend = MomentumTrader(OwnOrders("t", "a"), dice=dice, threshold=0.05)
    noise = NoiseTrader(OwnOrders("n", "a"), dice=dice)
    assert noise.act(PETR4, view, START_MS) == []
    view.observe(book(bid=38_0000, ask=38_0100), START_MS)
    for step in range(10):
        view.observe(trade_at(38_0000 + step * 300), START_MS + step * 5_000)
    (bought,) = trend.act(PETR4, view, START_MS + 50_000)
    assert isinstance(bought, Place)
    assert (bought.side, bought.time_in_force, bought.price_units) == (Side.BUY, TimeInForce.IOC, 38_0300)
    for step in range(20):
        view.observe(trade_at(38_0000 - step * 300), START_MS + 60_000 + step * 5_000)
    (sold,) = trend.act(PETR4, view, START_MS + 160_000)
    assert isinstance(sold, Place) and sold.side is Side.SELL


def test_noise_keeps_a_bounded_number_of_orders_open() -> None:
    view = MarketView()
    view.observe(book(bid=38_0000, ask=38_0100), START_MS)
    noise = NoiseTrader(OwnOrders("n", "a"), dice=random.Random(1))
    kinds: Counter[type] = Counter()
    for _ in range(1_000):
        for command in noise.act(PETR4, view, START_MS):
            noise.own.sent(command)
            kinds[type(command)] += 1
            if isinstance(command, Place) and command.type is OrderType.LIMIT:
                assert command.expires_at_ms is not None and command.expires_at_ms > START_MS
    assert len(noise.own) <= NoiseTrader.open_orders_max
    assert kinds[Cancel] > 100


def test_own_orders_count_what_was_sent_until_the_market_says_otherwise() -> None:
    own = OwnOrders("m", "a")
    place = Place(
        order_id=own.next_id(), investor_id="m", symbol="PETR4", side=Side.BUY, quantity=10, price_units=100
    )
    own.sent(place)
    own.sent(Amend(order_id=place.order_id, investor_id="m", quantity=20, price_units=200))
    (order,) = own.of("PETR4")
    assert (order.price_units, order.quantity) == (200, 20)
    own.changed(fill("m", place.order_id, quantity=4))
    assert (own.of("PETR4")[0].filled_quantity, own.inventory("PETR4")) == (4, 4)
    own.changed(fill("m", "m-b-1", quantity=4))
    assert own.inventory("PETR4") == 4, "an order of an earlier start"
    own.changed(
        Execution(execution_type=ExecutionType.EXPIRED, status=Status.EXPIRED, order_id=place.order_id)
    )
    assert own.of("PETR4") == [] and len(own) == 0


def test_commands_arrive_at_the_rate_asked_for() -> None:
    crowd = Crowd(seed=7, run="a", time_ms=START_MS, view=MarketView())
    shard = Shard(number=0)

    def run(commands: list[Command], time_ms: int) -> int:
        for command in commands:
            for event in shard.apply(command, offset=shard.offset + 1, time_ms=time_ms):
                crowd.observe(event, time_ms)
            for change in shard.take_book_changes():
                crowd.observe(change, time_ms)
        return len(commands)

    run(opening_commands(investor_id="demo") + crowd.first_quotes(START_MS), START_MS)
    arrivals = Arrivals(crowd, rate=40, seed="s", start_ms=START_MS)
    sent = sum(run(commands, time_ms) for time_ms, commands in arrivals.until(START_MS + 100_000))
    assert 3_500 < sent < 4_500
    arrivals.skip_to(START_MS + 200_000)
    assert sum(len(commands) for _, commands in arrivals.until(START_MS + 200_000)) < 60


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


def test_the_feed_gives_kafkas_records_as_the_engines_events_each_once() -> None:
    stamp = Stamp(0, 5, START_MS)
    trade, report, change = (
        trade_at(38_1200),
        fill("m", "m-a-1", quantity=4),
        book(bid=1, ask=2, snapshot=False),
    )
    feed = Feed()
    for topic, value, event in (
        (TRANSACTIONS, encode(transaction_record(trade, stamp, 0)), trade),
        (EXECUTIONS, encode(execution_record(report, stamp, 0)), report),
        (BOOK, encode(book_record(change, 0)), change),
    ):
        record = LogRecord(topic, 0, 1, START_MS, None, value)
        heard = feed.event(record)
        assert heard is not None
        assert heard[:2] == (event, START_MS)
        assert feed.event(record) is None


def test_the_view_follows_the_book() -> None:
    view = MarketView()
    view.observe(book(bid=38_0000, ask=38_0100), START_MS)
    gone = BookChanged(
        symbol="PETR4",
        offset=2,
        previous_offset=1,
        time_ms=START_MS,
        snapshot=False,
        bids=(Level(38_0000, 0, 0), Level(37_9900, 5, 1)),
        asks=(),
    )
    view.observe(gone, START_MS)
    seen = view.symbol("PETR4")
    assert (seen.best(Side.BUY), seen.best(Side.SELL)) == (37_9900, 38_0100)
    view.observe(book(bid=36_0000, ask=39_0000), START_MS)
    assert (seen.best(Side.BUY), seen.best(Side.SELL)) == (36_0000, 39_0000), "a snapshot replaces all"


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


def book(*, bid: int, ask: int, snapshot: bool = True) -> BookChanged:
    return BookChanged(
        symbol="PETR4",
        offset=1,
        previous_offset=-1,
        time_ms=START_MS,
        snapshot=snapshot,
        bids=(Level(bid, 100, 1),),
        asks=(Level(ask, 100, 1),),
    )


def fill(investor_id: str, order_id: str, *, quantity: int) -> Execution:
    return Execution(
        execution_type=ExecutionType.TRADE,
        status=Status.PARTIALLY_FILLED,
        order_id=order_id,
        investor_id=investor_id,
        symbol="PETR4",
        side=Side.BUY,
        type=OrderType.LIMIT,
        time_in_force=TimeInForce.GTC,
        price_units=38_0000,
        quantity=100_000,
        filled_quantity=quantity,
        remaining_quantity=100_000 - quantity,
        last_quantity=quantity,
    )
