"""Records in and out: every command survives the wire, nothing on it can stop the engine."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import domain
from engine.domain import Malformed, OrderType, Place, Side, TimeInForce
from engine.units import NotExactError, decimal_from_units, units_from_decimal
from engine.wire.commands import RECORD_BYTES_MAX, command_key, decode_command, encode_command
from tests.strategies import commands

_PLACE = {
    "command": "place",
    "order_id": "o-1",
    "investor_id": "ana",
    "symbol": "PETR4",
    "side": "buy",
    "quantity": 100,
    "price": 38.51,
}


def _record(**changes: object) -> bytes:
    return json.dumps(
        {name: value for name, value in (_PLACE | changes).items() if value is not ...}
    ).encode()


def test_place_record_has_the_contracts_defaults() -> None:
    assert decode_command(_record()) == Place(
        order_id="o-1",
        investor_id="ana",
        symbol="PETR4",
        side=Side.BUY,
        quantity=100,
        type=OrderType.LIMIT,
        price_units=385_100,
        time_in_force=TimeInForce.DAY,
        self_trade=domain.SelfTrade.EXPIRE_TAKER,
    )


_LISTING = (
    b'{"command":"list_asset","symbol":"PETR4","name":"P","tick_size":0.01,"lot_size":1,'
    b'"reference_price":38.5,"maker_fee_bps":%b}'
)


@pytest.mark.parametrize(
    ("bps", "ppm"), [(b"0", 0), (b"0.01", 1), (b"2.5", 250), (b"0.29", 29), (b"1e3", 100_000)]
)
def test_fees_are_counted_in_millionths(bps: bytes, ppm: int) -> None:
    command = decode_command(_LISTING % bps)
    assert isinstance(command, domain.ListAsset)
    assert command.maker_fee_ppm == ppm


def test_unknown_fields_are_ignored() -> None:
    assert decode_command(_record(colour="blue", nested={"a": [1]})) == decode_command(_record())


@given(commands)
def test_every_command_survives_the_wire(command: domain.Command) -> None:
    assert decode_command(encode_command(command)) == command


@pytest.mark.parametrize(
    "command",
    [
        domain.ListAsset(
            symbol="PETR4",
            name="Petrobras PN",
            tick_size_units=100,
            lot_size=100,
            reference_price_units=385_000,
            price_band=0.1,
            maker_fee_ppm=1,
            taker_fee_ppm=100_000,
        ),
        domain.SetLimits(investor_id="ana", order_value_max_units=10**15, orders_per_second_max=10**9),
        domain.SetLimits(investor_id="ana", open_orders_max=1),
        domain.KillSwitch(investor_id="ana", on=False),
        domain.OpenAccount(investor_id="ana", unlimited=True),
        domain.Deposit(investor_id="ana", cash_units=1_000_000_001),
        domain.Withdraw(investor_id="ana", symbol="PETR4", quantity=500),
        domain.SetPhase(symbol="PETR4", phase=domain.Phase.HALTED),
    ],
)
def test_market_commands_survive_the_wire(command: domain.Command) -> None:
    assert decode_command(encode_command(command)) == command


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (None, "empty"),
        (b"", "truncated"),
        (b"{", "truncated"),
        (b"\xff\xfe", "malformed"),
        (b"[]", "object"),
        (b'{"command":"fly"}', "fly"),
        (b"{}", "command"),
        (_record(quantity=-1), "quantity"),
        (_record(quantity=0), "quantity"),
        (_record(quantity=1.5), "quantity"),
        (_record(quantity="100"), "quantity"),
        (_record(quantity=10**12), "quantity"),
        (_record(quantity=10**30), "quantity"),
        (_record(price=-38.5), "price"),
        (_record(price=0), "price"),
        (_record(price=1e300), "price"),
        (_record(price=38.50001), "decimals"),
        (_record().replace(b"38.51", b"1e999"), "range"),
        (_record().replace(b"38.51", b"NaN"), "malformed"),
        (_record(side="hold"), "side"),
        (_record(order_id=""), "order_id"),
        (_record(order_id="x" * 65), "order_id"),
        (_record(order_id="a\nb"), "order_id"),
        (_record(order_id=...), "order_id"),
        (_record(symbol="petr4"), "symbol"),
        (_record(symbol="A" * 17), "symbol"),
        (_record(note="x" * RECORD_BYTES_MAX), "bytes"),
        (b"[" * 10_000, ""),
        (_LISTING % b"1000.01", "maker_fee_bps"),
        (_LISTING % b"-0.01", "maker_fee_bps"),
        (_LISTING % b"2.505", "two decimals"),
        (b'{"command":"set_limits","investor_id":"ana","open_orders_max":0}', "open_orders_max"),
        (b'{"command":"set_limits","investor_id":"ana","order_value_max":0.00001}', "decimals"),
        (b'{"command":"set_limits","investor_id":"ana","orders_per_second_max":1000000001}', "per_second"),
        (b'{"command":"kill_switch","investor_id":"ana"}', "on"),
        (b'{"command":"kill_switch","investor_id":"ana","on":1}', "on"),
    ],
)
def test_bad_record_is_told_what_is_wrong_with_it(value: bytes | None, complaint: str) -> None:
    command = decode_command(value)
    assert isinstance(command, Malformed)
    assert complaint in command.message.lower()
    assert command.message


def test_bad_record_keeps_what_could_be_read_of_it() -> None:
    command = decode_command(_record(quantity=-1))
    assert isinstance(command, Malformed)
    assert (command.order_id, command.investor_id, command.symbol) == ("o-1", "ana", "PETR4")


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*_PLACE, "cash"]), inner)
        ),
        max_leaves=8,
    ).map(lambda tree: json.dumps(tree).encode())
)
def test_nothing_on_the_wire_raises(value: bytes) -> None:
    decode_command(value)


@given(st.integers(0, domain.CASH_UNITS_MAX))
def test_money_is_exact_both_ways(units: int) -> None:
    assert units_from_decimal(decimal_from_units(units)) == units


@given(st.integers(0, domain.PRICE_UNITS_MAX - 1), st.integers(1, 9))
def test_a_fifth_decimal_is_refused(units: int, fifth: int) -> None:
    with pytest.raises(NotExactError):
        units_from_decimal(float(f"{units // 10_000}.{units % 10_000:04d}{fifth}"))


def test_records_are_keyed_by_who_acts() -> None:
    assert command_key(domain.Cancel(order_id="o", investor_id="ana")) == b"ana"
    assert command_key(domain.SetPhase(symbol="PETR4", phase=domain.Phase.HALTED)) == b"PETR4"
