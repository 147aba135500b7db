"""The bytes that the engine sends are valid Kafka records, and those that msgspec makes of the values."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pytest
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import domain
from engine.domain import BALANCE_UNITS_MAX, OrderType, Phase, TimeInForce
from engine.events import EventRows, domain_events
from engine.kernel import layout
from engine.kernel.layout import CommandKind, EventKind
from engine.messages import SENTENCES, Message
from engine.topics import ACCOUNTS, EXECUTIONS, TRANSACTIONS
from engine.wire import records
from engine.wire.encoding import ENCODED_TOPICS, EventEncoder, RecordBatch
from engine.wire.framing import BATCH_BYTES_MAX
from tests.unit.event_rows import Market

_SHARD = 3
_NOTHING_SENT = np.full((3, 2), -1, np.int64)


class _Record(NamedTuple):
    topic: str
    key: bytes
    value: bytes
    time_ms: int


def _changed_asset(row: Any) -> domain.AssetChanged:
    return domain.AssetChanged(
        symbol="X",
        name="X",
        tick_size_units=1,
        lot_size=1,
        reference_price_units=1,
        price_band=None,
        maker_fee_ppm=0,
        taker_fee_ppm=0,
        phase=layout.PHASES[row["phase"]],
    )


def _expected(rows: EventRows) -> list[_Record]:
    made = []
    counts: Counter[tuple[int, str]] = Counter()
    for command, event in domain_events(rows, _changed_asset):
        offset, time_ms = int(rows.commands[command]["offset"]), int(rows.commands[command]["time_ms"])
        stamp = records.Stamp(_SHARD, offset, time_ms)
        record: Any
        match event:
            case domain.Trade():
                topic, key, record = TRANSACTIONS, event.symbol, records.transaction_record
            case domain.Execution():
                topic, key, record = EXECUTIONS, event.investor_id, records.execution_record
            case domain.AccountChanged():
                topic, key, record = ACCOUNTS, event.investor_id, records.account_record
            case domain.AssetChanged():
                continue
        value = records.encode(record(event, stamp, counts[offset, topic]))
        counts[offset, topic] += 1
        made.append(_Record(topic, key.encode(), value, time_ms))
    return made


def _opened(taken: dict[str, list[RecordBatch]]) -> list[_Record]:
    return [
        _Record(topic, record.key, record.value, record.timestamp)
        for topic, batches in taken.items()
        for batch in batches
        for record in _read(batch)
    ]


def _read(batch: RecordBatch) -> list[Any]:
    """Read a batch as aiokafka's consumer does, behind a header that says what the batch says."""
    times = (batch.first_time_ms, batch.max_time_ms)
    checked = struct.pack(">hiqqqhii", 0, batch.count - 1, *times, -1, -1, -1, batch.count) + batch.records
    sealed = struct.pack(">qiibI", 0, len(checked) + 9, -1, 2, calc_crc32c(checked)) + checked
    reader = MemoryRecords(sealed)
    opened = reader.next_batch()
    assert opened is not None and opened.validate_crc()
    read = list(opened)
    assert [record.offset for record in read] == list(range(batch.count))
    assert not reader.has_next()
    return read


def _by_topic(made: Iterable[_Record]) -> dict[str, list[_Record]]:
    topics: dict[str, list[_Record]] = {topic: [] for topic in ENCODED_TOPICS}
    for record in made:
        topics[record.topic].append(record)
    return topics


def _encoded(rows: EventRows) -> list[_Record]:
    encoder = EventEncoder(_SHARD, _NOTHING_SENT)
    encoder.encode(rows)
    return _opened(encoder.take())


def _check(market: Market) -> None:
    rows = market.rows()
    assert _by_topic(_encoded(rows)) == _by_topic(_expected(rows))


# Names and numbers as they may come

_ids = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=64) | st.text(
    '"\\aé😀', min_size=1, max_size=64
)
_read_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=64)
_symbols = st.from_regex(domain.SYMBOL_PATTERN.replace("$", r"\Z"))
_prices = st.integers(1, domain.PRICE_UNITS_MAX)
_quantities = st.integers(1, domain.QUANTITY_MAX)
_balances = (
    st.integers(-BALANCE_UNITS_MAX, BALANCE_UNITS_MAX)
    | st.integers(-20_000, 20_000)
    | st.integers(2**39 * 10_000, BALANCE_UNITS_MAX)
)
_shares = st.integers(-(10**11), 10**11)
_offsets = st.integers(0, 2**62)
_times = st.integers(0, domain.TIME_MS_MAX)


def _words(count: int) -> st.SearchStrategy[int]:
    return st.integers(0, count - 1)


_terms = st.fixed_dictionaries(
    {
        "side": _words(2),
        "type": _words(len(OrderType)),
        "time_in_force": _words(len(TimeInForce)),
        "stop_price": st.just(0) | _prices,
    }
)
_reports = st.fixed_dictionaries(
    {
        "execution_type": _words(len(layout.EXECUTION_TYPES)),
        "status": _words(len(layout.STATUSES)),
        "reason": _words(len(layout.REASONS)),
        "message": st.sampled_from(list(Message)),
        "price": st.just(0) | _prices,
        "last_price": st.integers(0, BALANCE_UNITS_MAX),
        "detail": _words(len(Phase)),
        "quantity": _quantities,
        "filled": st.just(0) | _quantities,
        "remaining": st.just(0) | _quantities,
        "traded": st.integers(0, 10**18),
    }
)
_fills = st.fixed_dictionaries(
    {
        "last_price": _prices,
        "last_quantity": _quantities,
        "trade": _words(10**6),
        "detail": st.integers(0, 10**14),
        "message": st.just(Message.NONE),
    }
)
_commands = st.fixed_dictionaries(
    {
        "offset": _offsets,
        "time_ms": _times,
        "kind": st.sampled_from(CommandKind),
        "price": st.just(0) | _prices | st.integers(1, domain.CASH_UNITS_MAX),
        "quantity": st.just(0) | _quantities,
        "display_quantity": st.just(0) | _quantities,
        "flag": _words(2),
        "account": st.integers(layout.NONE, 1),
    }
)
_accounts = st.fixed_dictionaries({"cash": _balances, "held_cash": _balances})
_position_changes = st.fixed_dictionaries(
    {
        "quantity": _shares,
        "held_quantity": _shares,
        "cost": _balances,
        "realized_profit": _balances,
    }
)


@st.composite
def _markets(draw: st.DrawFn) -> Market:
    market = Market()
    command = market.command(
        draw(_ids), draw(st.just("") | _ids), draw(_ids), draw(_symbols), **draw(_commands), **draw(_terms)
    )
    owners = [market.position(draw(_ids), draw(_symbols)) for _ in range(2)]
    orders = [
        market.order(draw(_ids), draw(st.just("") | _ids), position=owner, **draw(_terms)) for owner in owners
    ]
    fill = draw(_fills)
    for liquidity, order in enumerate(orders, start=1):
        market.event(command, order=order, **(draw(_reports) | fill), liquidity=liquidity)
    market.event(command, order=orders[0], **draw(_reports))
    market.event(command, **draw(_reports))
    for owner in owners:
        balances = draw(_accounts)
        for position in owners:
            market.account_event(
                command, account=owner, position=position, **balances, **draw(_position_changes)
            )
    market.account_event(command, account=owners[0], position=layout.NONE, **draw(_accounts))
    return market


@settings(max_examples=150, deadline=None)
@given(_markets())
def test_bytes_are_those_of_the_values(market: Market) -> None:
    _check(market)


@settings(max_examples=60, deadline=None)
@given(st.lists(_read_texts, min_size=5, max_size=5), st.text(max_size=9_000))
def test_malformed_command_is_told_as_it_was_read(texts: list[str], message: str) -> None:
    market = Market()
    command = market.command(
        *texts[:1], "", *texts[1:3], message.encode(errors="ignore").decode(), kind=CommandKind.MALFORMED
    )
    market.event(command, message=Message.MALFORMED, reason=1)
    _check(market)


@pytest.mark.parametrize("message", list(Message)[1:])
@pytest.mark.parametrize("kind", [CommandKind.PLACE, CommandKind.CANCEL, None])
def test_every_message_is_told_in_full(message: Message, kind: CommandKind | None) -> None:
    market = Market()
    command = market.command(
        'o"1', "", "ana\\", "PETR4", "wrong\n", kind=kind or CommandKind.AMEND, type=4, time_in_force=2
    )
    order = market.order('o"1', position=market.position("ana\\", "PETR4"), type=3)
    market.event(
        command,
        order=layout.NONE if kind else order,
        message=message,
        reason=layout.REASONS.index(SENTENCES[message].reason),
        last_price=385_050,
        detail=2,
    )
    (record,) = _encoded(market.rows())
    _check(market)
    told = records.decode_execution(record.value).message
    assert told and "{" not in told


def test_message_numbers_are_amounts_and_counts() -> None:
    market = Market()
    command = market.command("o-1", "", "ana", "PETR4", kind=CommandKind.PLACE)
    for message in (Message.TICK, Message.LOT):
        market.event(command, message=message, last_price=100, detail=385_050)
    assert [records.decode_execution(record.value).message for record in _encoded(market.rows())] == [
        "PETR4 moves in ticks of 38.505; 0.01 is not a multiple of it.",
        "PETR4 trades in lots of 100; 385050 is not a multiple of it.",
    ]


@settings(max_examples=300, deadline=None)
@given(_balances, _shares.filter(bool))
def test_average_is_rounded_to_zero_and_its_text_is_msgspecs(cost: int, quantity: int) -> None:
    market = Market()
    position = market.position("ana", "PETR4")
    market.account_event(
        market.command(), position=position, quantity=quantity, cost=cost, cash=cost, realized_profit=-cost
    )
    _check(market)


@pytest.mark.parametrize(
    ("total_units", "quantity", "text"),
    [
        (10_000, 3, "0.33333333"),
        (20_000, 3, "0.66666666"),
        (-20_000, -3, "0.66666666"),
        (-20_000, 3, "-0.66666666"),
        (385_000, 1, "38.5"),
        (1, 10_000, "1e-8"),
        (123, 10_000, "1.23e-6"),
        (12_300, 10_000, "0.000123"),
        (0, 7, "0.0"),
        (-1, 10**11, "0.0"),
        (10**10, 1, "1000000.0"),
    ],
)
def test_average_of_known_amounts(total_units: int, quantity: int, text: str) -> None:
    market = Market()
    market.account_event(
        market.command(), position=market.position("ana", "PETR4"), quantity=quantity, cost=total_units
    )
    (record,) = _encoded(market.rows())
    assert f'"average_price":{text},'.encode() in record.value
    assert msgspec.json.encode(records.average(total_units, quantity)).decode() == text


# Splitting, batches, what was sent before


def _busy_market() -> Market:
    market = Market()
    owners = [market.position(f"investor-{number}", f"SYM{number}") for number in range(3)]
    orders = [market.order(f"o-{number}", position=number) for number in range(3)]
    for number in range(4):
        command = market.command("o", "", "ana", "PETR4", offset=10 + number, time_ms=1_000 * number)
        for trade in range(3):
            for liquidity in (1, 2):
                market.event(command, order=orders[liquidity], trade=trade, last_price=7, liquidity=liquidity)
        for account in owners:
            for position in owners:
                market.account_event(command, account=account, position=position, quantity=account + 1)
    return market


@given(st.lists(st.integers(0, 60), max_size=6).map(sorted))
@settings(deadline=None)
def test_bytes_do_not_depend_on_the_calls(cuts: list[int]) -> None:
    market = _busy_market()
    encoder = EventEncoder(_SHARD, _NOTHING_SENT)
    bounds = [0, *cuts, 60]
    for first, end in pairwise(bounds):
        encoder.encode(market.rows(first, end), is_whole=end == 60)
    assert encoder.skipped == 0
    assert _opened(encoder.take()) == _encoded(market.rows())


@pytest.mark.parametrize("row", range(3))
def test_sent_records_are_left_out(row: int) -> None:
    market = _busy_market()
    every = [record for record in _encoded(market.rows()) if record.topic == ENCODED_TOPICS[row]]
    for count in range(len(every) + 1):
        sent = _NOTHING_SENT.copy()
        if count:
            last = msgspec.json.decode(every[count - 1].value)
            sent[row] = last["offset"], last["index"]
        encoder = EventEncoder(_SHARD, sent)
        encoder.encode(market.rows())
        left = [record for record in _opened(encoder.take()) if record.topic == ENCODED_TOPICS[row]]
        assert left == every[count:]
        assert encoder.skipped == count


def test_batches_are_filled_and_no_larger_than_allowed() -> None:
    market = Market()
    command = market.command("o", "", "ana", "PETR4", "x" * 9_000, kind=CommandKind.MALFORMED)
    market.event(command, message=Message.MALFORMED)
    market.events = np.repeat(market.events, 300)
    encoder = EventEncoder(_SHARD, _NOTHING_SENT)
    encoder.encode(market.rows())
    batches = encoder.take()[EXECUTIONS]
    sizes = [len(batch.records) for batch in batches]
    assert len(batches) > 4
    assert all(BATCH_BYTES_MAX - 10_000 < size <= BATCH_BYTES_MAX for size in sizes[:-1])
    assert [record.value for record in _opened({EXECUTIONS: batches})] == [
        record.value for record in _expected(market.rows())
    ]


def test_record_larger_than_a_batch_is_one_by_itself() -> None:
    market = Market()
    command = market.command()
    positions = [market.position(f"investor-{number}", f"SYM{number}") for number in range(3)]
    market.account_event(command, account=0, position=positions[0])
    for position in positions * 2_500:
        market.account_event(command, account=1, position=position, cash=-1)
    market.account_event(command, account=2, position=positions[0])
    encoder = EventEncoder(_SHARD, _NOTHING_SENT)
    encoder.encode(market.rows())
    batches = encoder.take()[ACCOUNTS]
    assert [batch.count for batch in batches] == [1, 1, 1]
    assert len(batches[1].records) > BATCH_BYTES_MAX
    assert _opened({ACCOUNTS: batches}) == _expected(market.rows())


def test_taken_bytes_stay_until_the_next_take() -> None:
    market = _busy_market()
    encoder = EventEncoder(_SHARD, _NOTHING_SENT)
    encoder.encode(market.rows())
    taken = encoder.take()
    before = _opened(taken)
    for _ in range(50):
        encoder.encode(market.rows())
    assert _opened(taken) == before
    assert len(_opened(encoder.take())) == 50 * len(before)


def test_assets_are_told_but_not_encoded() -> None:
    market = Market()
    row = np.zeros(1, layout.ASSET_EVENT)
    row["kind"], row["phase"] = EventKind.ASSET, 2
    market.command()
    market.events = row.view(layout.EXECUTION)
    ((command, event),) = domain_events(market.rows(), _changed_asset)
    assert command == 0
    assert isinstance(event, domain.AssetChanged) and event.phase is Phase.HALTED
    assert not _encoded(market.rows())
