"""Commands as JSON records on the `orders` topic."""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple, TypeAlias

import msgspec
from msgspec import Meta, Struct

from engine import domain
from engine.domain import (
    CASH_UNITS_MAX,
    ID_LENGTH_MAX,
    NAME_LENGTH_MAX,
    PRICE_UNITS_MAX,
    QUANTITY_MAX,
    SYMBOL_PATTERN,
    TIME_MS_MAX,
    UNITS_PER_CURRENCY,
    OrderType,
    Phase,
    SelfTrade,
    Side,
    TimeInForce,
)
from engine.units import NotExactError, decimal_from_units, units_from_decimal

RECORD_BYTES_MAX = 16_384

# msgspec searches with Python's rules, by which `$` would let a line feed pass at the end; `\Z` does not.
Id: TypeAlias = Annotated[str, Meta(min_length=1, max_length=ID_LENGTH_MAX, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
Symbol: TypeAlias = Annotated[str, Meta(pattern=SYMBOL_PATTERN.removesuffix("$") + r"\Z")]
Price: TypeAlias = Annotated[float, Meta(gt=0, le=PRICE_UNITS_MAX / UNITS_PER_CURRENCY)]
Cash: TypeAlias = Annotated[float, Meta(gt=0, le=CASH_UNITS_MAX / UNITS_PER_CURRENCY)]
Quantity: TypeAlias = Annotated[int, Meta(ge=1, le=QUANTITY_MAX)]
Fee: TypeAlias = Annotated[float, Meta(ge=0, le=10_000)]
TimeMs: TypeAlias = Annotated[int, Meta(ge=0, le=TIME_MS_MAX)]


class _Record(Struct, frozen=True, kw_only=True, tag_field="command", omit_defaults=True):
    pass


class _Place(_Record, tag="place", frozen=True, kw_only=True):
    order_id: Id
    investor_id: Id
    symbol: Symbol
    side: Side
    quantity: Quantity
    type: OrderType = OrderType.LIMIT
    price: Price | None = None
    stop_price: Price | None = None
    time_in_force: TimeInForce = TimeInForce.DAY
    expires_at_ms: TimeMs | None = None
    display_quantity: Quantity | None = None
    post_only: bool = False
    self_trade: SelfTrade = SelfTrade.EXPIRE_TAKER
    client_order_id: Id | None = None


class _Cancel(_Record, tag="cancel", frozen=True, kw_only=True):
    order_id: Id
    investor_id: Id


class _CancelAll(_Record, tag="cancel_all", frozen=True, kw_only=True):
    investor_id: Id
    symbol: Symbol | None = None


class _Amend(_Record, tag="amend", frozen=True, kw_only=True):
    order_id: Id
    investor_id: Id
    quantity: Quantity | None = None
    price: Price | None = None


class _ListAsset(_Record, tag="list_asset", frozen=True, kw_only=True):
    symbol: Symbol
    name: Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH_MAX)]
    tick_size: Price
    lot_size: Quantity
    reference_price: Price
    price_band: Annotated[float, Meta(gt=0, lt=1)] | None = None
    maker_fee_bps: Fee = 0.0
    taker_fee_bps: Fee = 0.0


class _OpenAccount(_Record, tag="open_account", frozen=True, kw_only=True):
    investor_id: Id
    unlimited: bool = False


class _Deposit(_Record, tag="deposit", frozen=True, kw_only=True):
    investor_id: Id
    cash: Cash | None = None
    symbol: Symbol | None = None
    quantity: Quantity | None = None


class _Withdraw(_Record, tag="withdraw", frozen=True, kw_only=True):
    investor_id: Id
    cash: Cash | None = None
    symbol: Symbol | None = None
    quantity: Quantity | None = None


class _SetPhase(_Record, tag="set_phase", frozen=True, kw_only=True):
    symbol: Symbol
    phase: Phase


_AnyRecord: TypeAlias = (
    _Place | _Cancel | _CancelAll | _Amend | _ListAsset | _OpenAccount | _Deposit | _Withdraw | _SetPhase
)
_RECORDS: dict[type[domain.Command], type[_Record]] = {
    domain.Place: _Place,
    domain.Cancel: _Cancel,
    domain.CancelAll: _CancelAll,
    domain.Amend: _Amend,
    domain.ListAsset: _ListAsset,
    domain.OpenAccount: _OpenAccount,
    domain.Deposit: _Deposit,
    domain.Withdraw: _Withdraw,
    domain.SetPhase: _SetPhase,
}
_COMMANDS: dict[type[_Record], type[domain.Command]] = {
    record: command for command, record in _RECORDS.items()
}
# Fields that a record gives as a decimal number of the currency's unit, and their names inside the engine.
_MONEY = {
    "price": "price_units",
    "stop_price": "stop_price_units",
    "cash": "cash_units",
    "tick_size": "tick_size_units",
    "reference_price": "reference_price_units",
}


class _Field(NamedTuple):
    outside: str
    inside: str
    is_money: bool


_FIELDS: dict[type[Struct], tuple[_Field, ...]] = {}
for _record, _command in _COMMANDS.items():
    _FIELDS[_record] = _FIELDS[_command] = tuple(
        _Field(name, _MONEY.get(name, name), name in _MONEY) for name in _record.__struct_fields__
    )
_decoder = msgspec.json.Decoder(_AnyRecord)
_encoder = msgspec.json.Encoder()


def decode_command(value: bytes | None) -> domain.Command:
    """Read a record of the `orders` topic.

    Never raises: what is not a valid command comes back as `Malformed`, which says what was wrong.
    """
    if value is None:
        return domain.Malformed(message="The record is empty; send a JSON command.")
    if len(value) > RECORD_BYTES_MAX:
        return domain.Malformed(
            message=f"The record has {len(value):,} bytes; a command has at most {RECORD_BYTES_MAX:,}."
        )
    try:
        return _to_domain(_decoder.decode(value))
    except (msgspec.DecodeError, NotExactError, UnicodeDecodeError, RecursionError) as error:
        return _malformed(value, str(error))


def encode_command(command: domain.Command) -> bytes:
    """Write a command as a record of the `orders` topic."""
    fields: dict[str, Any] = {}
    for outside, inside, is_money in _FIELDS[type(command)]:
        value = getattr(command, inside)
        fields[outside] = decimal_from_units(value) if is_money and value is not None else value
    return _encoder.encode(_RECORDS[type(command)](**fields))


def command_key(command: domain.Command) -> bytes:
    """Give the record's key: the investor it is from, or the symbol where no investor acts."""
    owner: str = getattr(command, "investor_id", "") or getattr(command, "symbol", "")
    return owner.encode()


def _to_domain(record: _AnyRecord) -> domain.Command:
    fields: dict[str, Any] = {}
    for outside, inside, is_money in _FIELDS[type(record)]:
        value = getattr(record, outside)
        fields[inside] = units_from_decimal(value) if is_money and value is not None else value
    return _COMMANDS[type(record)](**fields)


def _malformed(value: bytes, message: str) -> domain.Malformed:
    try:
        fields = msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        return domain.Malformed(message=message)

    def readable(name: str, kind: Any) -> str:
        try:
            text: str = msgspec.convert(fields.get(name), kind)
        except msgspec.ValidationError:
            return ""
        return text

    return domain.Malformed(
        message=message,
        order_id=readable("order_id", Id),
        investor_id=readable("investor_id", Id),
        symbol=readable("symbol", Symbol),
    )
