"""Commands as JSON records on the `orders` topic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, NamedTuple, TypeAlias

import msgspec
from msgspec import Meta, Struct

from engine import domain
from engine.domain import (
    CASH_UNITS_MAX,
    FEE_PPM_MAX,
    ID_LENGTH_MAX,
    LIMIT_COUNT_MAX,
    NAME_LENGTH_MAX,
    PPM_PER_BASIS_POINT,
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
from engine.units import (
    NotExactError,
    basis_points_from_ppm,
    decimal_from_units,
    ppm_from_basis_points,
    units_from_decimal,
)

RECORD_BYTES_MAX = 16_384

# msgspec searches with Python's rules, by which `$` would let a line feed pass at the end; `\Z` does not.
Id: TypeAlias = Annotated[str, Meta(min_length=1, max_length=ID_LENGTH_MAX, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
Symbol: TypeAlias = Annotated[str, Meta(pattern=SYMBOL_PATTERN.removesuffix("$") + r"\Z")]
Price: TypeAlias = Annotated[float, Meta(gt=0, le=PRICE_UNITS_MAX / UNITS_PER_CURRENCY)]
Cash: TypeAlias = Annotated[float, Meta(gt=0, le=CASH_UNITS_MAX / UNITS_PER_CURRENCY)]
Quantity: TypeAlias = Annotated[int, Meta(ge=1, le=QUANTITY_MAX)]
BasisPoints: TypeAlias = Annotated[float, Meta(ge=0, le=FEE_PPM_MAX / PPM_PER_BASIS_POINT)]
LimitCount: TypeAlias = Annotated[int, Meta(ge=1, le=LIMIT_COUNT_MAX)]
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
    maker_fee_bps: BasisPoints = 0.0
    taker_fee_bps: BasisPoints = 0.0


class _OpenAccount(_Record, tag="open_account", frozen=True, kw_only=True):
    investor_id: Id
    unlimited: bool = False


class _Deposit(_Record, tag="deposit", frozen=True, kw_only=True):
    investor_id: Id
    cash: Cash | None = None
    symbol: Symbol | None = None
    quantity: Quantity | None = None
    transfer_id: Id | None = None


class _Withdraw(_Record, tag="withdraw", frozen=True, kw_only=True):
    investor_id: Id
    cash: Cash | None = None
    symbol: Symbol | None = None
    quantity: Quantity | None = None
    transfer_id: Id | None = None


class _SetLimits(_Record, tag="set_limits", frozen=True, kw_only=True):
    investor_id: Id
    order_value_max: Cash | None = None
    open_orders_max: LimitCount | None = None
    orders_per_second_max: LimitCount | None = None


class _KillSwitch(_Record, tag="kill_switch", frozen=True, kw_only=True):
    investor_id: Id
    on: bool


class _SetPhase(_Record, tag="set_phase", frozen=True, kw_only=True):
    symbol: Symbol
    phase: Phase


_AnyRecord: TypeAlias = (
    _Place
    | _Cancel
    | _CancelAll
    | _Amend
    | _ListAsset
    | _OpenAccount
    | _Deposit
    | _Withdraw
    | _SetLimits
    | _KillSwitch
    | _SetPhase
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
    domain.SetLimits: _SetLimits,
    domain.KillSwitch: _KillSwitch,
    domain.SetPhase: _SetPhase,
}
_COMMANDS: dict[type[_Record], type[domain.Command]] = {
    record: command for command, record in _RECORDS.items()
}


class _Counted(NamedTuple):
    """How a decimal number of a record is counted inside the engine."""

    inside: str
    count: Callable[[float], int]
    decimal: Callable[[int], float]


def _money(inside: str) -> _Counted:
    return _Counted(inside, units_from_decimal, decimal_from_units)


def _fee(inside: str) -> _Counted:
    return _Counted(inside, ppm_from_basis_points, basis_points_from_ppm)


# By name: the fields that are not inside the engine as they are in a record.
_COUNTED = {
    "price": _money("price_units"),
    "stop_price": _money("stop_price_units"),
    "cash": _money("cash_units"),
    "tick_size": _money("tick_size_units"),
    "reference_price": _money("reference_price_units"),
    "order_value_max": _money("order_value_max_units"),
    "maker_fee_bps": _fee("maker_fee_ppm"),
    "taker_fee_bps": _fee("taker_fee_ppm"),
}


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
    return _encoder.encode(_RECORDS[type(command)](**record_fields(command)))


def record_fields(command: domain.Command) -> dict[str, Any]:
    """Give a command's fields as its record has them: by their names there, amounts as decimal numbers."""
    fields: dict[str, Any] = {}
    for name in record_names(type(command)):
        counted = _COUNTED.get(name)
        value = getattr(command, counted.inside if counted else name)
        fields[name] = counted.decimal(value) if counted and value is not None else value
    return fields


def record_names(kind: type[domain.Command]) -> tuple[str, ...]:
    """Name the fields that a kind of command's records have, but `command`."""
    return _RECORDS[kind].__struct_fields__


def command_key(command: domain.Command) -> bytes:
    """Give the record's key: the investor it is from, or the symbol where no investor acts."""
    owner: str = getattr(command, "investor_id", "") or getattr(command, "symbol", "")
    return owner.encode()


def _to_domain(record: _AnyRecord) -> domain.Command:
    fields: dict[str, Any] = {}
    for name in record.__struct_fields__:
        counted = _COUNTED.get(name)
        value = getattr(record, name)
        fields[counted.inside if counted else name] = (
            counted.count(value) if counted and value is not None else value
        )
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
