"""The research face beside a real market: what it reads, what it leaves out, and that nobody notices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, aclosing, suppress
from functools import partial
from pathlib import Path

import msgspec
import pandas as pd
import pytest
import pytest_asyncio
from aiokafka.admin import AIOKafkaAdminClient
from pandas import testing

import homebroker as hb
from engine.domain import OrderType, Place, Side
from engine.log import Connection, LogWriter, NewRecord
from engine.ownership import GROUP as ENGINES
from engine.topics import ACCOUNTS, BOOK, EXECUTIONS, ORDERS, TRANSACTIONS
from engine.wire.commands import decode_command, encode_command
from engine.wire.records import (
    Transaction,
    decode_account,
    decode_book,
    decode_execution,
    decode_transaction,
)
from homebroker.research import reading
from homebroker.research.reading import Request, read_table
from homebroker.research.topics import TOPICS
from tests.market import TIMEOUT_S, Market, start_part, stop_part
from tests.postgresql import running_postgresql
from tests.seeded_market import records_of, seeded_market

pytestmark = pytest.mark.kafka
# To the last bit: by default floats need only be near.
assert_frame_equal = partial(testing.assert_frame_equal, check_exact=True)


@pytest_asyncio.fixture
async def seeded(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Connection]:
    """Give a market with a past, which the settings point at."""
    monkeypatch.setenv("HOMEBROKER_KAFKA_BOOTSTRAP_SERVERS", connection.bootstrap_servers)
    async with seeded_market(connection):
        yield connection


async def _tape(connection: Connection) -> list[Transaction]:
    return [decode_transaction(record.value or b"") for record in await records_of(connection, TRANSACTIONS)]


async def test_each_topic_is_read_whole(seeded: Connection) -> None:
    # Called as notebooks call them: synchronously, inside this running event loop.
    trades = hb.transactions()
    tape = await _tape(seeded)
    assert len(tape) > 100
    assert trades["transaction_id"].tolist() == [trade.transaction_id for trade in tape]
    assert trades["price"].tolist() == [trade.price for trade in tape]
    assert trades["quantity"].tolist() == [trade.quantity for trade in tape]
    assert trades["taker_side"].tolist() == [trade.taker_side for trade in tape]
    assert trades.index.as_unit("ms").asi8.tolist() == [trade.time_ms for trade in tape]

    reports = [decode_execution(record.value or b"") for record in await records_of(seeded, EXECUTIONS)]
    executions = hb.executions()
    assert executions["order_id"].tolist() == [report.order_id for report in reports]
    assert executions["reason"].dropna().tolist() == [report.reason for report in reports if report.reason]
    assert "malformed" in set(executions["reason"].dropna())

    sent = [decode_command(record.value) for record in await records_of(seeded, ORDERS)]
    orders = hb.orders()
    assert orders["offset"].tolist() == list(range(len(sent)))
    places = orders[orders["command"] == "place"]
    limits = [each for each in sent if isinstance(each, Place)]
    assert places["order_id"].tolist() == [place.order_id for place in limits]
    assert places["price"].dropna().tolist() == [
        place.price_units / 10_000 for place in limits if place.price_units is not None
    ]
    assert orders["command"].iloc[-1] == "malformed"

    accounts = [decode_account(record.value or b"") for record in await records_of(seeded, ACCOUNTS)]
    assert len(hb.accounts()) == sum(max(1, len(account.positions)) for account in accounts)
    last = [account for account in accounts if account.investor_id == "demo"][-1]
    demo = hb.accounts("demo")
    assert set(demo["investor_id"]) == {"demo"}
    assert demo["cash"].iloc[-1] == last.cash

    books = [decode_book(record.value or b"") for record in await records_of(seeded, BOOK)]
    book = hb.book()
    assert len(book) == sum(len(record.bids) + len(record.asks) for record in books)
    assert book["quantity"].sum() == sum(level[1] for each in books for level in (*each.bids, *each.asks))
    bids = book[book["side"] == "buy"]
    assert bids["price"].tolist() == [level[0] for each in books for level in each.bids]


async def test_symbols_investors_times_and_limits_choose_rows(seeded: Connection) -> None:
    tape = await _tape(seeded)
    symbol = tape[-1].symbol
    of_symbol = [trade.transaction_id for trade in tape if trade.symbol == symbol]
    assert 10 < len(of_symbol) < len(tape)
    assert hb.transactions(symbol)["transaction_id"].tolist() == of_symbol
    assert hb.transactions(symbol, limit=7)["transaction_id"].tolist() == of_symbol[-7:]
    assert hb.transactions(symbol, limit=10**6)["transaction_id"].tolist() == of_symbol

    middle_ms = tape[len(tape) // 2].time_ms
    since = [trade.transaction_id for trade in tape if trade.time_ms >= middle_ms]
    assert hb.transactions(since=middle_ms)["transaction_id"].tolist() == since
    assert hb.transactions(since=middle_ms, limit=3)["transaction_id"].tolist() == since[-3:]
    at = pd.Timestamp(middle_ms, unit="ms", tz="UTC")
    assert hb.transactions(since=at)["transaction_id"].tolist() == since
    assert hb.transactions(since="1h")["transaction_id"].tolist() == [trade.transaction_id for trade in tape]
    assert hb.transactions(since=tape[-1].time_ms + 1).empty
    assert hb.transactions("ZZZZ9").empty

    buyer = tape[-1].buyer_id
    mine = hb.executions(buyer, symbol=symbol)
    assert set(mine["investor_id"]) == {buyer}
    assert set(mine["symbol"]) == {symbol}
    assert set(hb.orders(buyer)["investor_id"]) == {buyer}


async def test_a_small_limit_finds_rows_far_back(seeded: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "_WINDOW_MIN", 2)
    monkeypatch.setattr(reading, "_REPEATS_MAX", 1)
    tape = await _tape(seeded)
    symbol = tape[0].symbol
    of_symbol = [trade.transaction_id for trade in tape if trade.symbol == symbol]
    assert hb.transactions(symbol, limit=len(of_symbol))["transaction_id"].tolist() == of_symbol
    assert hb.transactions(symbol, limit=2)["transaction_id"].tolist() == of_symbol[-2:]


async def test_repeats_of_a_restarted_engine_are_left_out(
    seeded: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    tape = await _tape(seeded)
    repeats = [NewRecord(b"", msgspec.json.encode(trade), trade.time_ms) for trade in tape[-6:-2]]
    async with LogWriter(seeded) as writer:
        await writer.append_all(TRANSACTIONS, repeats)
    expected = [trade.transaction_id for trade in tape]
    assert hb.transactions()["transaction_id"].tolist() == expected
    # Where the newest records are repeats, the rows wanted lie before them.
    monkeypatch.setattr(reading, "_WINDOW_MIN", 2)
    assert hb.transactions(limit=2)["transaction_id"].tolist() == expected[-2:]


async def test_repeats_where_the_window_begins_are_no_rows_of_it(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOMEBROKER_KAFKA_BOOTSTRAP_SERVERS", connection.bootstrap_servers)
    monkeypatch.setattr(reading, "_WINDOW_MIN", 2)
    monkeypatch.setattr(reading, "_REPEATS_MAX", 3)
    offsets = [0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 8, 9]
    values = [msgspec.json.encode(_trade("AAAA3" if offset < 8 else "BBBB3", offset)) for offset in offsets]
    async with LogWriter(connection) as writer:
        await writer.append_all(TRANSACTIONS, [NewRecord(b"", value) for value in values])
    assert hb.transactions("AAAA3", limit=2)["offset"].tolist() == [6, 7]


async def test_commands_that_carry_an_older_time_are_not_since_then(seeded: Connection) -> None:
    commands = hb.orders()
    newest, oldest = commands.index.max(), commands.index.min()
    async with LogWriter(seeded) as writer:
        late = NewRecord(b"", b"{}", int(oldest.timestamp() * 1_000))
        await writer.append(ORDERS, late)
    assert (hb.orders(since=newest).index == newest).all()
    assert len(hb.orders(since=newest)) == (commands.index == newest).sum()
    assert len(hb.orders()) == len(commands) + 1


async def test_candles_are_of_the_whole_tape_and_begin_whole(seeded: Connection) -> None:
    symbol = (await _tape(seeded))[-1].symbol
    trades = hb.transactions(symbol)
    candles = hb.candles(symbol, "1m")
    assert candles["volume"].sum() == trades["quantity"].sum()
    assert candles["trades"].sum() == len(trades)
    assert candles["high"].max() == trades["price"].max()
    assert candles["close"].iloc[-1] == trades["price"].iloc[-1]
    # From the middle of a candle on: that candle is whole all the same.
    middle = candles.index[len(candles) // 2] + pd.Timedelta(seconds=59)
    assert_frame_equal(hb.candles(symbol, "1m", since=middle), candles.iloc[len(candles) // 2 :])


async def test_the_log_replays_to_the_very_tape(seeded: Connection) -> None:
    run = hb.replay(hb.orders())
    assert_frame_equal(run.transactions, hb.transactions())
    assert_frame_equal(run.executions, hb.executions())


async def test_the_log_is_loaded_once_and_replays_by_hash(seeded: Connection) -> None:
    log = hb.load_log()
    run = hb.replay(log)
    assert run.tape_hash == hb.tape_hash(hb.transactions()) == hb.tape_hash(hb.transactions(to="arrow"))
    assert_frame_equal(run.executions, hb.executions())
    middle_ms = int(log.times_ms[len(log) // 2])
    part = hb.load_log(until=middle_ms)
    assert part.offsets.tolist() == list(range(len(part)))
    assert 0 < len(part) < len(log) and int(part.times_ms.max()) < middle_ms
    # What was recorded until a time replays to the same trades, though the market has gone on.
    until = hb.transactions(until=middle_ms)
    assert 0 < len(until) < len(hb.transactions())
    assert hb.replay(part).tape_hash == hb.tape_hash(until)


async def _recorded(market: Market, url: str) -> None:
    """Have a recorder, the real process, write the market's history as far as it goes."""
    process = start_part(market.settings.model_copy(update={"database_url": url}), "recorder")
    try:
        trades = len(await _tape(market.connection))
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                # The tables are made when it begins.
                with suppress(hb.HistoryError):
                    if hb.history("select count(*) as n from transactions")["n"][0] == trades:
                        return
                await asyncio.sleep(0.1)
    finally:
        stop_part(process)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_the_recorder_s_own_history_can_be_asked_and_not_changed(
    market: Market, seeded: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    with ExitStack() as stack:
        url = f"sqlite:///{tmp_path / 'history.sqlite'}"
        if kind == "postgresql":
            url = stack.enter_context(running_postgresql())
        monkeypatch.setenv("HOMEBROKER_DATABASE_URL", url)
        await _recorded(market, url)
        tape = hb.transactions("PETR4")
        told = hb.history(
            "select price, quantity, time_ms from transactions where symbol = :symbol"
            ' order by "offset", "index"',
            {"symbol": "PETR4"},
        )
        assert len(told) > 10
        assert told["price"].tolist() == tape["price"].tolist()
        assert told["quantity"].tolist() == tape["quantity"].tolist()
        assert told["time_ms"].tolist() == tape.index.as_unit("ms").asi8.tolist()
        trades = len(hb.transactions())
        for change in (
            "delete from transactions",
            "update positions_in_log set next_offset = 0",
            "drop table candles",
            "delete from transactions returning price",
            "commit; delete from transactions; select 1 as n",
        ):
            with pytest.raises(hb.HistoryError):
                hb.history(change)
        assert hb.history("select count(*) as n from transactions")["n"][0] == trades
        assert hb.history("select count(*) as n from candles")["n"][0] > 0
        assert hb.history("select min(next_offset) as n from positions_in_log")["n"][0] > 0


async def test_a_book_as_it_stood_is_the_book_that_was_told(seeded: Connection) -> None:
    log = hb.load_log()
    for place in (len(log) // 3, len(log) - 2):
        time_ms = int(log.times_ms[place])
        at = hb.book_at("PETR4", time_ms)
        behind = log.part(0, int((log.times_ms <= time_ms).sum()))
        assert_frame_equal(at, hb.replay(behind).book("PETR4"))
        assert at.attrs["time_ms"] <= time_ms
    whole = hb.book_at("PETR4", "0s")
    told: dict[tuple[str, float], int] = {}
    for row in hb.book("PETR4").itertuples():
        told[row.side, row.price] = row.quantity
    levels = zip(whole["side"], whole["price"], whole["quantity"], strict=True)
    assert {(side, price): quantity for side, price, quantity in levels} == {
        level: quantity for level, quantity in told.items() if quantity
    }
    with pytest.raises(ValueError, match="not listed"):
        hb.book_at("ZZZZ9", "0s")


async def test_rows_can_be_the_first_and_before_a_time(seeded: Connection) -> None:
    trades = hb.transactions()
    ids = trades["transaction_id"].tolist()
    assert hb.transactions(first=5)["transaction_id"].tolist() == ids[:5]
    middle = trades.index[len(trades) // 2]
    before = trades[trades.index < middle]["transaction_id"].tolist()
    assert hb.transactions(until=middle)["transaction_id"].tolist() == before
    since = trades.index[3]
    between = trades[(trades.index >= since) & (trades.index < middle)]["transaction_id"].tolist()
    assert hb.transactions(since=since, until=middle, first=4)["transaction_id"].tolist() == between[:4]
    with pytest.raises(ValueError, match="exchange them"):
        hb.transactions(since=middle, until=since)
    with pytest.raises(ValueError, match="take one of them"):
        hb.transactions(first=1, limit=1)


async def test_assets_are_as_they_now_are(seeded: Connection) -> None:
    assets = hb.assets()
    assert len(assets) == len(set(assets["symbol"])) == 8
    assert hb.assets("PETR4")["tick_size"].tolist() == [0.01]
    assert hb.assets(to="polars").shape[0] == 8


async def test_reading_joins_no_group_and_commits_nothing(seeded: Connection) -> None:
    hb.transactions()
    hb.executions(limit=3)
    assert [trade async for trade in hb.follow(TRANSACTIONS, seconds=0.5)] == []
    admin = AIOKafkaAdminClient(**seeded.options())
    await admin.start()
    try:
        assert [name for name, _ in await admin.list_consumer_groups()] == [ENGINES]
        committed = await admin.list_consumer_group_offsets(ENGINES)
    finally:
        await admin.close()
    assert committed == {}


async def test_follow_gives_what_happens_next_and_only_that(seeded: Connection) -> None:
    before = await _tape(seeded)
    symbol = before[-1].symbol
    following = asyncio.create_task(_collect(5))
    sending = asyncio.create_task(_trade_on(seeded, symbol, until=following.done))
    async with asyncio.timeout(TIMEOUT_S):
        seen = await following
        await sending
    after = [trade for trade in await _tape(seeded) if trade not in before]
    first = after.index(seen[0])
    assert seen == after[first : first + 5]


async def test_a_log_of_another_writer_is_refused_by_its_offset(seeded: Connection) -> None:
    async with LogWriter(seeded) as writer:
        offset = await writer.append(TRANSACTIONS, NewRecord(b"", b'{"price": "much"}'))
    with pytest.raises(hb.UnreadableRecordError, match=f"offset {offset} of transactions"):
        hb.transactions()


async def test_a_kafka_without_a_market_is_no_market(connection: Connection) -> None:
    topic = msgspec.structs.replace(TOPICS[TRANSACTIONS], name="trades-of-another-market")
    with pytest.raises(hb.NoMarketError, match=r"has no topic trades-of-another-market.*`make run`"):
        await read_table(connection, topic, Request())


async def test_an_empty_market_gives_empty_tables(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOMEBROKER_KAFKA_BOOTSTRAP_SERVERS", connection.bootstrap_servers)
    for read in (hb.transactions, hb.executions, hb.orders, hb.accounts, hb.book):
        assert read().empty
        assert read(since="1h", limit=5).empty
    assert hb.candles("PETR4").empty
    assert hb.replay(hb.orders()).transactions.empty


def _trade(symbol: str, offset: int) -> Transaction:
    return Transaction(
        transaction_id=f"0-{offset}-0",
        symbol=symbol,
        price=10.0,
        quantity=1,
        buyer_id="ana",
        seller_id="bia",
        buy_order_id="b",
        sell_order_id="s",
        taker_side=Side.BUY,
        time_ms=1_790_000_000_000 + offset,
        shard=0,
        offset=offset,
        index=0,
    )


async def _collect(count: int) -> list[Transaction]:
    async with aclosing(hb.follow(TRANSACTIONS, limit=count)) as trades:
        return [trade async for trade in trades]


async def _trade_on(connection: Connection, symbol: str, *, until: Callable[[], bool]) -> None:
    """Let the page's investor buy a share at the market, again and again."""
    async with LogWriter(connection) as writer:
        number = 0
        while not until():
            number += 1
            buy = Place(
                order_id=f"follow-{number}",
                investor_id="demo",
                symbol=symbol,
                side=Side.BUY,
                quantity=1,
                type=OrderType.MARKET,
            )
            await writer.append(ORDERS, NewRecord(b"demo", encode_command(buy)))
            await asyncio.sleep(0.02)
