"""Commands as the kernel's rows, by the book."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from engine import domain
from engine.domain import Command, OrderType, Phase, SelfTrade, Side, TimeInForce
from engine.kernel import layout
from engine.kernel.fingerprint import fingerprint_of
from engine.kernel.layout import ANY_ASSET, COMMAND, NONE, CommandKind
from engine.names import Names
from engine.wire.commands import decode_command
from engine.wire.rows import MESSAGE_BYTES_MAX, CommandRows

_LENGTHS = ("id_length", "client_length", "investor_length", "symbol_length", "message_length")


@pytest.fixture
def batch() -> CommandRows:
    investors, symbols = Names(4, 400), Names(3, 300)
    investors.add(b"ana")
    investors.add(b"bia")
    symbols.add(b"PETR4")
    return CommandRows(investors, symbols)


def _row(batch: CommandRows, command: Command) -> dict[str, Any]:
    """Add a command; give what is not 0 of its row, and its texts for their lengths."""
    batch.add(command, 7, 1_000)
    row = batch.commands[-1]
    fields = {name: row[name].item() for name in COMMAND.names or ()}
    assert (fields.pop("offset"), fields.pop("time_ms")) == (7, 1_000)
    start = fields.pop("text")
    for name in _LENGTHS:
        end = start + fields[name]
        fields[name] = batch.text[start:end].tobytes().decode()
        start = end
    assert start == batch.text_length
    return {name: value for name, value in fields.items() if value}


def test_place_fills_the_whole_row(batch: CommandRows) -> None:
    command = domain.Place(
        order_id='o"1',
        investor_id="bia",
        symbol="PETR4",
        side=Side.SELL,
        quantity=100,
        type=OrderType.STOP_LIMIT,
        price_units=385_100,
        stop_price_units=385_200,
        time_in_force=TimeInForce.GTD,
        expires_at_ms=2_000,
        display_quantity=10,
        post_only=True,
        self_trade=SelfTrade.NONE,
        client_order_id="é\\1",
    )
    id_low, id_high = fingerprint_of(b'o\\"1')
    assert _row(batch, command) == {
        "id_low": id_low,
        "id_high": id_high,
        "price": 385_100,
        "stop_price": 385_200,
        "expires_at_ms": 2_000,
        "account": 1,
        "quantity": 100,
        "display_quantity": 10,
        "kind": CommandKind.PLACE,
        "side": layout.SIDES.index(Side.SELL),
        "type": layout.ORDER_TYPES.index(OrderType.STOP_LIMIT),
        "time_in_force": layout.TIMES_IN_FORCE.index(TimeInForce.GTD),
        "self_trade": layout.SELF_TRADES.index(SelfTrade.NONE),
        "flag": 1,
        "id_length": 'o\\"1',
        "client_length": "é\\\\1",
        "investor_length": "bia",
        "symbol_length": "PETR4",
    }


def test_expiry_at_the_beginning_of_time_is_no_missing_one(batch: CommandRows) -> None:
    place = domain.Place(
        order_id="o", investor_id="ana", symbol="PETR4", side=Side.BUY, quantity=1, expires_at_ms=0
    )
    assert _row(batch, place)["expires_at_ms"] == -1


@pytest.mark.parametrize(
    ("command", "names"),
    [
        (domain.Cancel(order_id="o", investor_id="zoe"), {"account": NONE, "asset": NONE}),
        (domain.CancelAll(investor_id="bia"), {"account": 1, "asset": ANY_ASSET}),
        (domain.CancelAll(investor_id="bia", symbol="VALE3"), {"account": 1, "asset": NONE}),
        (domain.CancelAll(investor_id="bia", symbol="PETR4"), {"account": 1}),
        (domain.Deposit(investor_id="bia"), {"account": 1, "asset": ANY_ASSET}),
        (domain.Withdraw(investor_id="bia", symbol="X", quantity=1), {"account": 1, "asset": NONE}),
        (domain.KillSwitch(investor_id="bia", on=True), {"account": 1, "asset": ANY_ASSET}),
        (domain.SetLimits(investor_id="zoe"), {"account": NONE, "asset": NONE}),
        (domain.SetPhase(symbol="X", phase=Phase.HALTED), {"account": NONE, "asset": NONE}),
        (domain.OpenAccount(investor_id="zoe"), {"account": 2, "asset": NONE}),
        (domain.OpenAccount(investor_id="bia"), {"account": 1, "asset": NONE}),
    ],
)
def test_names_are_rows(batch: CommandRows, command: Command, names: dict[str, int]) -> None:
    row = _row(batch, command)
    assert {name: row[name] for name in ("account", "asset") if name in row} == names


def test_only_accounts_and_listings_make_names(batch: CommandRows) -> None:
    batch.add(domain.Cancel(order_id="o", investor_id="zoe"), 0, 0)
    batch.add(domain.SetPhase(symbol="VALE3", phase=Phase.HALTED), 1, 0)
    assert (batch.investors.count, batch.symbols.count) == (2, 1)
    for number in range(4):
        batch.add(domain.OpenAccount(investor_id=f"new-{number}"), 2 + number, 0)
    assert [row["account"] for row in batch.commands[2:]] == [2, 3, NONE, NONE]


def test_list_asset_keeps_its_name_its_band_and_its_fees(batch: CommandRows) -> None:
    listing = domain.ListAsset(
        symbol="VALE3",
        name='Vale\n"ON"',
        tick_size_units=100,
        lot_size=5,
        reference_price_units=385_333,
        price_band=0.1,
    )
    row = _row(batch, listing)
    assert (row["price"], row["stop_price"], row["quantity"]) == (385_333, 100, 5)
    assert np.int64(row["id_low"]).view(np.float64) == 0.1
    assert (row["asset"], row["account"]) == (1, NONE)
    assert not {"display_quantity", "expires_at_ms"} & set(row)
    assert row["message_length"] == 'Vale\\n\\"ON\\"'
    fees = {"maker_fee_ppm": 50, "taker_fee_ppm": 100_000}
    again = _row(batch, msgspec.structs.replace(listing, price_band=None, **fees))
    assert (again["asset"], "id_low" in again) == (1, False)
    assert (again["display_quantity"], again["expires_at_ms"]) == (50, 100_000)


def test_money_phases_and_accounts(batch: CommandRows) -> None:
    deposit = _row(batch, domain.Deposit(investor_id="ana", cash_units=10**15))
    assert (deposit["kind"], deposit["price"]) == (CommandKind.DEPOSIT, 10**15)
    phase = _row(batch, domain.SetPhase(symbol="PETR4", phase=Phase.CLOSED))
    assert (phase["kind"], phase["side"]) == (CommandKind.SET_PHASE, layout.PHASES.index(Phase.CLOSED))
    amend = _row(batch, domain.Amend(order_id="o", investor_id="ana", quantity=3, price_units=5))
    assert (amend["kind"], amend["quantity"], amend["price"]) == (CommandKind.AMEND, 3, 5)
    opened = _row(batch, domain.OpenAccount(investor_id="ana", unlimited=True))
    assert (opened["kind"], opened["flag"]) == (CommandKind.OPEN_ACCOUNT, 1)


def test_limits_and_the_kill_switch(batch: CommandRows) -> None:
    limits = domain.SetLimits(
        investor_id="ana", order_value_max_units=10**15, open_orders_max=7, orders_per_second_max=9
    )
    row = _row(batch, limits)
    assert (row["kind"], row["price"]) == (CommandKind.SET_LIMITS, 10**15)
    assert (row["quantity"], row["display_quantity"]) == (7, 9)
    none = _row(batch, domain.SetLimits(investor_id="ana"))
    assert not {"price", "quantity", "display_quantity"} & set(none)
    on, off = (_row(batch, domain.KillSwitch(investor_id="ana", on=on)) for on in (True, False))
    assert (on["kind"], on["flag"], "flag" in off) == (CommandKind.KILL_SWITCH, 1, False)


def test_malformed_tells_what_could_be_read(batch: CommandRows) -> None:
    row = _row(batch, domain.Malformed(message='No\n"\x01é', order_id="o", investor_id="ana", symbol="X"))
    assert row["message_length"] == 'No\\n\\"\\u0001é'
    assert (row["id_length"], row["investor_length"], row["symbol_length"]) == ("o", "ana", "X")


@pytest.mark.parametrize("character", ["x", "é", "€", "😀", "\x01"])
def test_long_message_is_cut_between_characters(batch: CommandRows, character: str) -> None:
    message = _row(batch, domain.Malformed(message="a" + character * 5_000))["message_length"]
    kept = msgspec.json.decode(f'"{message}"', type=str)
    assert MESSAGE_BYTES_MAX - 4 < len(kept.encode()) <= MESSAGE_BYTES_MAX
    assert kept == "a" + character * (len(kept) - 1)


@pytest.mark.parametrize(
    ("fields", "read"),
    [
        ({"order_id": "o", "investor_id": "ana", "symbol": "PETR4"}, ("o", "ana", "PETR4")),
        ({"order_id": "a\nb", "investor_id": "x" * 65, "symbol": "petr4"}, ("", "", "")),
        ({"order_id": "a\n", "investor_id": "", "symbol": "PETR4\n"}, ("", "", "")),
        ({"order_id": 1, "investor_id": None, "symbol": "A" * 17}, ("", "", "")),
    ],
)
def test_malformed_takes_only_what_is_an_id_or_a_symbol(
    fields: dict[str, object], read: tuple[str, str, str]
) -> None:
    command = decode_command(msgspec.json.encode({"command": "fly", **fields}))
    assert isinstance(command, domain.Malformed)
    assert (command.order_id, command.investor_id, command.symbol) == read


@pytest.mark.parametrize("field", ["order_id", "investor_id"])
def test_id_ends_with_no_line_feed(field: str) -> None:
    fields = {"command": "cancel", "order_id": "o", "investor_id": "ana"}
    assert isinstance(decode_command(msgspec.json.encode(fields)), domain.Cancel)
    fields[field] += "\n"
    assert isinstance(decode_command(msgspec.json.encode(fields)), domain.Malformed)


def test_batch_grows_and_begins_again(batch: CommandRows) -> None:
    for number in range(500):
        batch.add(domain.Cancel(order_id=f"o-{number}", investor_id="ana"), number, 0)
    rows = batch.commands
    assert [row["offset"] for row in rows] == list(range(500))
    row = rows[321]
    assert batch.text[row["text"] : row["text"] + 5].tobytes() == b"o-321"
    batch.clear()
    assert (len(batch), batch.text_length) == (0, 0)
