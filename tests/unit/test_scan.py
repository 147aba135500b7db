"""The fast path from records to rows: whatever it takes, it takes as the plain path does."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine import domain
from engine.batches import RawRecords
from engine.domain import Command, OrderType, Phase, SelfTrade, Side, TimeInForce
from engine.kernel.octets import SLACK
from engine.names import Names
from engine.wire import reader
from engine.wire.commands import RECORD_BYTES_MAX, decode_command, encode_command
from engine.wire.reader import CommandReader
from engine.wire.rows import CommandRows
from engine.wire.vocabulary import Key
from tests.property.market import examples

# The first example may wait until the compiled code is there.
_settings = settings(max_examples=examples(200), deadline=None)

_INVESTORS = ("ana", "bia", "x" * 64)
_SYMBOLS = ("PETR4", "VALE3", "BRK.B", "A" * 16)

_PLACE = (
    '{"command":"place","order_id":"o-1","investor_id":"ana","symbol":"PETR4","side":"buy","type":"limit",'
    '"quantity":100,"price":38.51,"time_in_force":"gtc"}'
)


def _names() -> tuple[Names, Names]:
    investors, symbols = Names(1_000, 100_000), Names(100, 2_000)
    for investor in _INVESTORS:
        investors.add(investor.encode())
    for symbol in _SYMBOLS:
        symbols.add(symbol.encode())
    return investors, symbols


def _records(values: list[bytes | None], *, slack: int = SLACK, between: bytes = b"}") -> RawRecords:
    starts, ends, data = [], [], bytearray()
    for value in values:
        data += between
        starts.append(-1 if value is None else len(data))
        data += value or b""
        ends.append(-1 if value is None else len(data))
    octets = np.frombuffer(bytes(data) + b'"' * slack, np.uint8)
    offsets = 5 + 2 * np.arange(len(values), dtype=np.int64)
    return RawRecords(octets, offsets, offsets * 1_000, np.array(starts, np.int64), np.array(ends, np.int64))


def _plainly(records: RawRecords) -> CommandRows:
    batch = CommandRows(*_names())
    for record in range(len(records)):
        offset, time_ms = int(records.offsets[record]), int(records.times_ms[record])
        batch.add(decode_command(records.value(record)), offset, time_ms)
    return batch


def _assert_same(values: list[bytes | None], *, slack: int = SLACK) -> None:
    records = _records(values, slack=slack)
    read, plain = CommandReader(*_names()).read(records), _plainly(records)
    assert len(read) == len(plain) == len(values)
    for mine, its in zip(read.commands, plain.commands, strict=True):
        assert mine == its
    assert read.commands.tobytes() == plain.commands.tobytes()
    assert read.text[: read.text_length].tobytes() == plain.text[: plain.text_length].tobytes()
    assert (read.investors.count, read.symbols.count) == (plain.investors.count, plain.symbols.count)


def _is_fast(value: bytes) -> bool:
    """Tell whether a record goes the fast way; whichever it goes, the row must be the same."""
    _assert_same([value])
    slow: list[bytes | None] = []

    def decode_slowly(value: bytes | None) -> Command:
        slow.append(value)
        return decode_command(value)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "decode_command", decode_slowly)
        CommandReader(*_names()).read(_records([value]))
    return not slow


_ids = st.sampled_from(
    ("o-1", "o-2", "ana", "bia", "zoe", "x" * 64, " ", "a/b", 'q"', "\\", "é", "中" * 64)
) | (st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=64))
_symbols = st.sampled_from((*_SYMBOLS, "XPTO3"))
_prices = st.integers(1, domain.PRICE_UNITS_MAX) | st.sampled_from([385_100, 1, 10, domain.PRICE_UNITS_MAX])
_quantities = st.integers(1, domain.QUANTITY_MAX)
_commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(
        domain.Place,
        order_id=_ids,
        investor_id=_ids,
        symbol=_symbols,
        side=st.sampled_from(Side),
        quantity=_quantities,
        type=st.sampled_from(OrderType),
        price_units=st.none() | _prices,
        stop_price_units=st.none() | _prices,
        time_in_force=st.sampled_from(TimeInForce),
        expires_at_ms=st.none() | st.integers(0, domain.TIME_MS_MAX),
        display_quantity=st.none() | _quantities,
        post_only=st.booleans(),
        self_trade=st.sampled_from(SelfTrade),
        client_order_id=st.none() | _ids,
    ),
    st.builds(domain.Cancel, order_id=_ids, investor_id=_ids),
    st.builds(domain.CancelAll, investor_id=_ids, symbol=st.none() | _symbols),
    st.builds(
        domain.Amend,
        order_id=_ids,
        investor_id=_ids,
        quantity=st.none() | _quantities,
        price_units=st.none() | _prices,
    ),
    st.builds(domain.OpenAccount, investor_id=_ids),
    st.builds(domain.SetPhase, symbol=_symbols, phase=st.sampled_from(Phase)),
    st.builds(domain.Deposit, investor_id=_ids, cash_units=st.none() | st.integers(1, domain.CASH_UNITS_MAX)),
    st.builds(
        domain.ListAsset,
        symbol=_symbols,
        name=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=128),
        tick_size_units=_prices,
        lot_size=_quantities,
        reference_price_units=_prices,
        price_band=st.none() | st.sampled_from([0.1, 0.333]),
    ),
)


@_settings
@given(st.lists(_commands, max_size=12), st.integers(0, SLACK))
def test_written_commands_are_read_alike(commands: list[Command], slack: int) -> None:
    _assert_same([encode_command(command) for command in commands], slack=slack)


_space = st.text(st.sampled_from(" \t\r\n"), max_size=2) | st.just("")
# Values as they may stand in a record, good, doubtful and bad, for any key.
_words = [f'"{word}"' for words in (Side, OrderType, TimeInForce, SelfTrade) for word in words]
_VALUES = (
    *('"place"', '"cancel"', '"cancel_all"', '"amend"', '"open_account"', '"fly"', '"Place"', *_words),
    *('"ana"', '"PETR4"', '"XPTO3"', '"petr4"', '"o-1"', '""', f'"{"x" * 65}"', '"é"', '"a\\u0041"'),
    *('"a\\"b"', '"a\x7fb"', '"a\tb"', '"PETR4\\n"', "null", "true", "false", "nul", "True"),
    *("1", "100", "0", "-1", "-0", "01", "1.0", "1e2", "1.5", "38.5", "38.51", "38.5100", "38.51001"),
    *("38.", ".5", "0.0001", "0.00001", "0.5", "1000000", "1000000.0001", "999999.9999", "100000001"),
    *(
        "123456789012345",
        "1234567890123456",
        "99999999999999999999",
        "253402300799999",
        "253402300800000",
    ),
    *("1E5", "+1", "0x1", "NaN", "Infinity", "1e999", "{}", "[]", '{"a":[1,"}"]}', "[1,2]"),
)
_values = st.sampled_from(_VALUES)
_keys = st.sampled_from(
    [*(key.name.lower() for key in Key), "colour", "", "Price", "pricé", "x" * 17, "cash"]
)
_good_fields = st.fixed_dictionaries(
    {
        "command": st.sampled_from(['"place"', '"cancel"', '"cancel_all"', '"amend"']),
        "order_id": st.just('"o-1"'),
        "investor_id": st.sampled_from(['"ana"', '"zoe"']),
        "symbol": st.sampled_from(['"PETR4"', '"XPTO3"', "null"]),
        "side": st.sampled_from(['"buy"', '"sell"']),
        "quantity": st.sampled_from(["1", "100", "null"]),
    },
    optional={
        "price": st.sampled_from(["38.51", "38.5", "38", "0.01", "null"]),
        "stop_price": st.sampled_from(["38.51", "null"]),
        "client_order_id": st.sampled_from(['"c-1"', "null"]),
        "expires_at_ms": st.sampled_from(["0", "1", "null"]),
        "display_quantity": st.sampled_from(["10", "null"]),
        "post_only": st.sampled_from(["true", "false", "null"]),
        "type": st.sampled_from(['"limit"', '"stop"', "null"]),
        "note": st.sampled_from(['"hello, world {}[]:"', "1.25", "-3", "null", "true"]),
    },
)


@st.composite
def _texts(draw: st.DrawFn) -> bytes:
    fields = list(draw(_good_fields).items())
    odd = draw(st.lists(st.tuples(_keys, _values), max_size=2))
    if draw(st.booleans()):
        fields = [(key, value) for key, value in fields if key not in dict(odd)]
    fields = draw(st.permutations(fields + odd))
    pieces = [
        f'{draw(_space)}"{key}"{draw(_space)}:{draw(_space)}{value}{draw(_space)}' for key, value in fields
    ]
    return f"{draw(_space)}{{{','.join(pieces)}}}{draw(_space)}".encode()


@_settings
@given(st.lists(_texts(), max_size=6), st.integers(0, SLACK))
def test_hand_written_records_are_read_alike(values: list[bytes], slack: int) -> None:
    _assert_same(list(values), slack=slack)


@st.composite
def _mutants(draw: st.DrawFn) -> bytes:
    value = bytearray(draw(_texts() | _commands.map(encode_command)))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(value)))
        taken = draw(st.integers(0, 2))
        value[at : at + taken] = draw(
            st.sampled_from(b'{}[]":,\\0159.-eE+ntf \t\x00\x1f\x7f\x80\xc3\xff').map(
                lambda octet: bytes([octet])
            )
            | st.just(b"")
            | st.binary(max_size=2)
        )
    return bytes(value)


@_settings
@given(st.lists(_mutants(), min_size=1, max_size=4), st.integers(0, SLACK))
@example([b"{", b"}", b"{}", b'{"', b'{"command', b""], 0)
def test_broken_records_are_read_alike(values: list[bytes], slack: int) -> None:
    _assert_same(list(values), slack=slack)


def test_every_value_of_every_key_is_read_alike() -> None:
    fields = {name: json.dumps(field) for name, field in json.loads(_PLACE).items()}
    records = [fields | {key.name.lower(): value} for key in Key for value in _VALUES]
    _assert_same(
        ["{{{}}}".format(",".join(f'"{k}":{v}' for k, v in record.items())).encode() for record in records]
    )


@pytest.mark.parametrize(
    "value",
    [
        _PLACE,
        json.dumps(json.loads(_PLACE), indent=2) + "\n",
        json.dumps(dict(reversed(json.loads(_PLACE).items()))),
        _PLACE.replace(
            '"price":38.51', '"price":null,"note":"hello","seen":true,"weight":-1.5,"stop_price":1'
        ),
        _PLACE.replace('"ana"', '"nobody"'),
        '{"command":"cancel","order_id":"o-1","investor_id":"ana"}',
        '{"command":"cancel","order_id":"o-1","investor_id":"ana","quantity":1,"side":"buy","symbol":"PETR4"}',
        '{"command":"cancel_all","investor_id":"ana"}',
        '{"command":"cancel_all","investor_id":"ana","symbol":"PETR4"}',
        '{"command":"amend","order_id":"o-1","investor_id":"ana","quantity":50,"price":38.4}',
    ],
)
def test_plain_records_go_the_fast_way(value: str) -> None:
    assert _is_fast(value.encode())


def test_every_option_of_an_order_goes_the_fast_way() -> None:
    for order_type in OrderType:
        for self_trade in SelfTrade:
            for time_in_force in TimeInForce:
                place = domain.Place(
                    order_id="o-1",
                    investor_id="ana",
                    symbol="VALE3",
                    side=Side.SELL,
                    quantity=domain.QUANTITY_MAX,
                    type=order_type,
                    price_units=domain.PRICE_UNITS_MAX,
                    stop_price_units=1,
                    time_in_force=time_in_force,
                    expires_at_ms=domain.TIME_MS_MAX,
                    display_quantity=1,
                    post_only=True,
                    self_trade=self_trade,
                    client_order_id="c" * 64,
                )
                assert _is_fast(encode_command(place))


@pytest.mark.parametrize(
    "change",
    [
        ('"o-1"', '"o\\u002d1"'),
        ('"o-1"', '"é"'),
        ("38.51", "38.510000"),
        ("38.51", "3.851e1"),
        ("38.51", "-38.51"),
        ('"PETR4"', '"XPTO3"'),
        ('"side":"buy"', '"side":"buy","side":"buy"'),
        ('"gtc"}', '"gtc"}}'),
        ('"gtc"}', '"gtc",}'),
        ('"gtc"}', '"gtc"'),
        ('"side":"buy"', '"side":"hold"'),
        ('"type":"limit"', '"type":null'),
        ('"type":"limit"', '"type":"buy"'),
        ('"type":"limit"', '"more":{}'),
    ],
)
def test_doubtful_records_go_the_slow_way(change: tuple[str, str]) -> None:
    assert not _is_fast(_PLACE.replace(*change).encode())


def test_records_without_a_value_and_beyond_the_limit() -> None:
    exact = _PLACE.encode().replace(b"{", b"{" + b" " * (RECORD_BYTES_MAX - len(_PLACE)), 1)
    assert len(exact) == RECORD_BYTES_MAX
    assert _is_fast(exact)
    assert not _is_fast(exact + b" ")
    _assert_same([None, _PLACE.encode(), None, b"", _PLACE.encode(), None])
    _assert_same([])
    _assert_same([None], slack=0)


def test_names_made_within_a_batch_are_known_to_what_follows() -> None:
    listing = domain.ListAsset(
        symbol="NEW3", name="New", tick_size_units=100, lot_size=1, reference_price_units=100_000
    )
    place = _PLACE.replace("PETR4", "NEW3").replace("ana", "zoe").encode()
    opening = encode_command(domain.OpenAccount(investor_id="zoe"))
    values = [place, encode_command(listing), place, opening, place]
    _assert_same(list(values))
    batch = CommandReader(*_names()).read(_records(list(values)))
    assert batch.commands["account"].tolist() == [-1, -1, -1, 3, 3]
    assert batch.commands["asset"].tolist() == [-1, 4, 4, -1, 4]


def test_reader_serves_one_batch_after_another() -> None:
    command_reader = CommandReader(*_names())
    for count in (1, 5_000, 3, 0, 20_000):
        values = [_PLACE.replace("o-1", f"o-{number}").encode() for number in range(count)]
        batch = command_reader.read(_records(list(values), slack=0))
        assert len(batch) == count
        for row in batch.commands[-3:]:
            length = int(row["id_length"])
            shown = batch.text[row["text"] : row["text"] + length].tobytes().decode()
            assert shown == f"o-{(int(row['offset']) - 5) // 2}"
