"""A log of commands as a table: a row each, of every kind; what a kind has no field for is missing."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.domain import (
    PPM_PER_BASIS_POINT,
    UNITS_PER_CURRENCY,
    OrderType,
    Phase,
    SelfTrade,
    Side,
    TimeInForce,
)
from engine.kernel.layout import CommandKind
from homebroker.research.command_log import CommandLog
from homebroker.research.rows import COMMANDS, CommandRow
from homebroker.research.run_tables import CLIENT_ID, INVESTOR, MESSAGE, ORDER_ID, SYMBOL, Text, log_texts
from homebroker.research.schemas import categories, numbers, schema_of
from homebroker.research.texts import strings_of

_K: Final = CommandKind
_NAMES: Final = pa.array([kind.name.lower() for kind in CommandKind], pa.large_string())
assert set(_NAMES.to_pylist()) == set(COMMANDS), "every kind of command has its name"


def command_table(log: CommandLog) -> pa.Table:
    """Give the commands of a log, as `CommandRow` has them; prices and cash in the currency's unit."""
    rows = log.rows
    maker = _Columns(log)
    has_order = maker.of(_K.PLACE, _K.CANCEL, _K.AMEND)
    columns = {
        "offset": numbers(log.offsets),
        "time_ms": numbers(log.times_ms),
        "command": _NAMES.take(pa.array(rows["kind"])),
        "order_id": maker.text(ORDER_ID, has_order | maker.of(_K.MALFORMED)),
        "client_order_id": maker.text(CLIENT_ID, maker.of(_K.PLACE), may_lack=True),
        "investor_id": maker.text(INVESTOR, ~maker.of(_K.LIST_ASSET, _K.SET_PHASE)),
        "symbol": maker.text(SYMBOL, np.ones(len(rows), np.bool_), may_lack=True),
        "side": maker.word("side", Side, _K.PLACE),
        "type": maker.word("type", OrderType, _K.PLACE),
        "time_in_force": maker.word("time_in_force", TimeInForce, _K.PLACE),
        "price": maker.amount("price", _K.PLACE, _K.AMEND),
        "stop_price": maker.amount("stop_price", _K.PLACE),
        "quantity": maker.whole("quantity", _K.PLACE, _K.AMEND, _K.DEPOSIT, _K.WITHDRAW),
        "display_quantity": maker.whole("display_quantity", _K.PLACE),
        "expires_at_ms": maker.expiry(),
        "post_only": maker.flag(_K.PLACE),
        "self_trade": maker.word("self_trade", SelfTrade, _K.PLACE),
        "cash": maker.amount("price", _K.DEPOSIT, _K.WITHDRAW),
        "transfer_id": maker.text(MESSAGE, maker.of(_K.DEPOSIT, _K.WITHDRAW), may_lack=True),
        "unlimited": maker.flag(_K.OPEN_ACCOUNT),
        "order_value_max": maker.amount("price", _K.SET_LIMITS),
        "open_orders_max": maker.whole("quantity", _K.SET_LIMITS),
        "orders_per_second_max": maker.whole("display_quantity", _K.SET_LIMITS),
        "on": maker.flag(_K.KILL_SWITCH),
        "name": maker.text(MESSAGE, maker.of(_K.LIST_ASSET)),
        "tick_size": maker.amount("stop_price", _K.LIST_ASSET),
        "lot_size": maker.whole("quantity", _K.LIST_ASSET),
        "reference_price": maker.amount("price", _K.LIST_ASSET),
        "price_band": maker.band(),
        "maker_fee_bps": maker.fee("display_quantity"),
        "taker_fee_bps": maker.fee("expires_at_ms"),
        "phase": maker.word("side", Phase, _K.SET_PHASE),
        "message": maker.text(MESSAGE, maker.of(_K.MALFORMED)),
    }
    schema = schema_of(CommandRow)
    return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)


class _Columns:
    """A log's columns, each with a value where the command's kind has it."""

    def __init__(self, log: CommandLog) -> None:
        self._log = log
        self._rows = log.rows

    def of(self, *kinds: CommandKind) -> NDArray[np.bool_]:
        return np.isin(self._rows["kind"], [int(kind) for kind in kinds])

    def text(self, which: Text, has: NDArray[np.bool_], *, may_lack: bool = False) -> pa.Array:
        texts = log_texts(self._log, self._rows, which)
        lacks = (texts.lengths == 0) & ~self.of(_K.MALFORMED) if may_lack else False
        return strings_of(texts, escaped=True, missing=~has | lacks)

    def word(self, name: str, enum: Any, kind: CommandKind) -> pa.Array:
        return categories(np.where(self.of(kind), self._rows[name].astype(np.int64), -1), enum)

    def whole(self, name: str, *kinds: CommandKind) -> pa.Array:
        values = self._rows[name].astype(np.int64)
        return numbers(values, ~self.of(*kinds) | (values == 0))

    def amount(self, name: str, *kinds: CommandKind) -> pa.Array:
        units = self._rows[name]
        return numbers(units / UNITS_PER_CURRENCY, ~self.of(*kinds) | (units == 0))

    def flag(self, kind: CommandKind) -> pa.Array:
        return numbers(self._rows["flag"] != 0, ~self.of(kind))

    def fee(self, name: str) -> pa.Array:
        return numbers(self._rows[name] / PPM_PER_BASIS_POINT, ~self.of(_K.LIST_ASSET))

    def band(self) -> pa.Array:
        bits = np.where(self.of(_K.LIST_ASSET), self._rows["id_low"], 0)
        return numbers(bits.view(np.float64), bits == 0)

    def expiry(self) -> pa.Array:
        # 0 says that there is none, so the first millisecond of 1970 is kept as the one before it.
        values = self._rows["expires_at_ms"]
        return numbers(np.maximum(values, 0), ~self.of(_K.PLACE) | (values == 0))
