"""What a run reported, as the tables that the engine's records would make."""

from __future__ import annotations

from collections.abc import Callable
from string import Formatter
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.domain import (
    UNITS_PER_CURRENCY,
    ExecutionType,
    Liquidity,
    OrderType,
    Reason,
    SelfTrade,
    Side,
    Status,
    TimeInForce,
)
from engine.events import remaining_of
from engine.kernel.layout import LIQUIDITIES, NONE, ORDER_TYPES, PHASES, SIDES, CommandKind
from engine.messages import SENTENCES
from engine.units import decimal_from_units
from engine.wire.records import AVERAGE_EXACT_MAX_UNITS, ExecutionReport, Transaction
from homebroker.research.command_log import CommandLog
from homebroker.research.events import Reported
from homebroker.research.schemas import categories, numbers, schema_of
from homebroker.research.texts import Texts, strings_of

_MAKER: Final = LIQUIDITIES.index(Liquidity.MAKER)
_BUY: Final = SIDES.index(Side.BUY)
_AVERAGE_UNITS: Final = 100_000_000
_SHARD: Final = 0
_SHARD_TEXT: Final = pa.scalar(str(_SHARD), pa.large_string())
_DASH: Final = pa.scalar("-", pa.large_string())
_LENGTHS: Final = ("id_length", "client_length", "investor_length", "symbol_length", "message_length")


class Text(NamedTuple):
    """Which of a command's texts."""

    place: int


ORDER_ID, CLIENT_ID, INVESTOR, SYMBOL, MESSAGE = map(Text, range(5))


def log_texts(log: CommandLog, rows: NDArray[Any], which: Text) -> Texts:
    """Give one text of each of some rows of a log."""
    starts = rows["text"].astype(np.int64)
    for name in _LENGTHS[: which.place]:
        starts += rows[name]
    return Texts(log.text, starts, rows[_LENGTHS[which.place]].astype(np.int64))


class RunTables:
    """Makes tables of a run.

    Parameters
    ----------
    log : CommandLog
        What ran.
    times_ms : ndarray of int64
        The market's time at each of its commands.
    reported : Reported
        What came of it.
    """

    def __init__(self, log: CommandLog, times_ms: NDArray[np.int64], reported: Reported) -> None:
        self._log = log
        self._times_ms = times_ms
        self._events, placed = reported
        self._has_order = placed != NONE
        places = _rows_at(log.offsets, placed)
        # What never changes of an order stands in the command that placed it, all else in the command's own.
        self._told_by = np.where(self._has_order, places, self._events["command"])

    def transactions(self) -> pa.Table:
        """Give the trades, as `Transaction` has them."""
        events = self._events
        makers = np.flatnonzero((events["trade"] != NONE) & (events["liquidity"] == _MAKER))
        takers = makers + 1
        taker_rows = self._log.rows[self._told_by[takers]]
        maker_rows = self._log.rows[self._told_by[makers]]
        is_buy = taker_rows["side"] == _BUY
        buyers, sellers = np.where(is_buy, taker_rows, maker_rows), np.where(is_buy, maker_rows, taker_rows)
        commands = events["command"][takers]
        index = events["trade"][takers].astype(np.int64)
        columns = {
            "transaction_id": self._transaction_ids(takers),
            "symbol": self._text(taker_rows, SYMBOL),
            "price": numbers(events["last_price"][takers] / UNITS_PER_CURRENCY),
            "quantity": numbers(events["last_quantity"][takers].astype(np.int64)),
            "buyer_id": self._text(buyers, INVESTOR),
            "seller_id": self._text(sellers, INVESTOR),
            "buy_order_id": self._text(buyers, ORDER_ID),
            "sell_order_id": self._text(sellers, ORDER_ID),
            "taker_side": categories(taker_rows["side"].astype(np.int64), Side),
            **self._stamps(commands, index),
        }
        return _table(Transaction, columns)

    def executions(self) -> pa.Table:
        """Give the execution reports, as `ExecutionReport` has them."""
        events = self._events
        told = self._log.rows[self._told_by]
        is_place = self._has_order | (told["kind"] == CommandKind.PLACE)
        no_trade = events["trade"] == NONE
        price = np.where(is_place, events["price"], 0)
        client_ids = log_texts(self._log, told, CLIENT_ID)
        columns = {
            **self._stamps(events["command"], _places_in_group(events["command"])),
            "execution_type": categories(events["execution_type"].astype(np.int64), ExecutionType),
            "status": categories(events["status"].astype(np.int64), Status),
            "order_id": self._text(told, ORDER_ID),
            "client_order_id": strings_of(
                client_ids, escaped=True, missing=(client_ids.lengths == 0) | ~is_place
            ),
            "investor_id": self._text(told, INVESTOR),
            "symbol": self._text(told, SYMBOL),
            "side": _words(told["side"], is_place, Side),
            "type": _words(told["type"], is_place, OrderType),
            "time_in_force": _words(told["time_in_force"], is_place, TimeInForce),
            "price": _amount(price, price == 0),
            "stop_price": _amount(told["stop_price"], ~is_place | (told["stop_price"] == 0)),
            "quantity": numbers(events["quantity"].astype(np.int64), ~is_place),
            "filled_quantity": numbers(np.where(self._has_order, events["filled"], 0).astype(np.int64)),
            "remaining_quantity": numbers((remaining_of(events) * self._has_order).astype(np.int64)),
            "average_price": _averages(events["traded"], events["filled"]),
            "display_quantity": _whole(told["display_quantity"], is_place),
            "post_only": numbers((told["flag"] != 0) & is_place),
            "self_trade": categories(np.where(is_place, told["self_trade"].astype(np.int64), 0), SelfTrade),
            "expires_at_ms": _whole(told["expires_at_ms"], is_place),
            "last_price": _amount(events["last_price"], no_trade),
            "last_quantity": numbers(events["last_quantity"].astype(np.int64), no_trade),
            "fee": _amount(events["detail"], no_trade),
            "transaction_id": self._transaction_ids(np.arange(len(events)), missing=no_trade),
            "liquidity": categories(events["liquidity"].astype(np.int64) - 1, Liquidity),
            "reason": categories(events["reason"].astype(np.int64) - 1, Reason),
            "message": self._messages(told),
        }
        return _table(ExecutionReport, columns)

    def _stamps(self, commands: NDArray[Any], index: NDArray[np.int64]) -> dict[str, pa.Array]:
        return {
            "time_ms": numbers(self._times_ms[commands]),
            "shard": numbers(np.full(len(commands), _SHARD, np.int64)),
            "offset": numbers(self._log.offsets[commands]),
            "index": numbers(index),
        }

    def _text(self, rows: NDArray[Any], which: Text) -> pa.Array:
        return strings_of(log_texts(self._log, rows, which), escaped=True)

    def _transaction_ids(self, places: NDArray[Any], missing: NDArray[np.bool_] | None = None) -> pa.Array:
        offsets = self._log.offsets[self._events["command"][places]]
        texts = pa.array(offsets, mask=missing).cast(pa.large_string())
        trades = pa.array(self._events["trade"][places]).cast(pa.large_string())
        return pc.binary_join_element_wise(_SHARD_TEXT, texts, trades, _DASH)

    def _messages(self, told: NDArray[Any]) -> pa.Array:
        said = np.flatnonzero(self._events["message"])
        messages = pa.array([self._message(told[place], place) for place in said], pa.large_string())
        places = np.zeros(len(told), np.int64)
        places[said] = np.arange(len(said))
        return messages.take(pa.array(places, mask=self._events["message"] == 0))

    def _message(self, told: Any, place: Any) -> str:
        event = self._events[place]
        command = self._log.rows[event["command"]]
        detail, last_price = int(event["detail"]), int(event["last_price"])
        is_place = self._has_order[place] or command["kind"] == CommandKind.PLACE
        fields: dict[str, Callable[[], object]] = {
            "symbol": lambda: self._one_text(told, SYMBOL),
            "order_id": lambda: self._one_text(told, ORDER_ID),
            "investor_id": lambda: self._one_text(told, INVESTOR),
            "type": lambda: ORDER_TYPES[(told if is_place else command)["type"]],
            "phase": lambda: PHASES[detail],
            "price": lambda: decimal_from_units(last_price),
            "detail": lambda: decimal_from_units(detail),
            "count": lambda: last_price,
            "number": lambda: detail,
            "text": lambda: self._one_text(command, MESSAGE),
        }
        return "".join(
            text + (str(fields[field]()) if field else "")
            for text, field, _, _ in Formatter().parse(SENTENCES[event["message"]].template)
        )

    def _one_text(self, row: Any, which: Text) -> str:
        rows = np.array([row])
        text: str = strings_of(log_texts(self._log, rows, which), escaped=True)[0].as_py()
        return text


def _table(row_type: Any, columns: dict[str, pa.Array]) -> pa.Table:
    schema = schema_of(row_type)
    return pa.Table.from_arrays([columns[name] for name in schema.names], schema=schema)


def _rows_at(offsets: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give the rows of offsets; of those that are not there, anything."""
    if len(offsets) and int(offsets[-1]) - int(offsets[0]) == len(offsets) - 1:
        rows: NDArray[np.int64] = wanted - offsets[0]
        return rows
    return np.searchsorted(offsets, wanted)


def _words(codes: NDArray[Any], there: NDArray[np.bool_], enum: Any) -> pa.Array:
    return categories(np.where(there, codes.astype(np.int64), -1), enum)


def _whole(values: NDArray[Any], there: NDArray[np.bool_]) -> pa.Array:
    """Give numbers of which 0 says that there is none, and what is negative a 0 that was asked for."""
    return numbers(np.maximum(values.astype(np.int64), 0), ~there | (values == 0))


def _amount(units: NDArray[Any], missing: NDArray[np.bool_]) -> pa.Array:
    return numbers(units / UNITS_PER_CURRENCY, missing)


def _averages(traded: NDArray[np.int64], filled: NDArray[Any]) -> pa.Array:
    """Give `engine.wire.records.average` of each; no amount here is negative."""
    shares = np.maximum(filled.astype(np.int64), 1)
    whole, rest = np.divmod(traded, shares)
    assert not len(whole) or int(whole.max()) < AVERAGE_EXACT_MAX_UNITS, "no price is that high"
    finer = whole * UNITS_PER_CURRENCY + rest * UNITS_PER_CURRENCY // shares
    return numbers(finer / _AVERAGE_UNITS, filled == 0)


def _places_in_group(groups: NDArray[Any]) -> NDArray[np.int64]:
    """Give each row's place among those of its group; rows of one group follow each other."""
    places = np.arange(len(groups), dtype=np.int64)
    begins = np.ones(len(groups), np.bool_)
    begins[1:] = groups[1:] != groups[:-1]
    return places - np.maximum.accumulate(np.where(begins, places, 0))
