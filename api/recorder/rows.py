"""Records of the log as rows of the history's tables. Pure."""

from __future__ import annotations

import zlib
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct, structs

from api.live.orders import makes_order
from api.recorder.folding import Candles, fold_trades
from api.recorder.tables import MINUTE_MS
from engine.domain import ExecutionType
from engine.identity import SeenOutputs
from engine.log import LogRecord
from engine.topics import ACCOUNTS, ASSETS, EXECUTIONS, TRANSACTIONS
from engine.wire.records import AccountRecord, decode_account, decode_asset, encode

RECORDED_TOPICS = (TRANSACTIONS, EXECUTIONS, ACCOUNTS, ASSETS)
Row: TypeAlias = dict[str, Any]
At: TypeAlias = tuple[str, int]
"""A topic and a partition."""


class TransactionRow(Struct, frozen=True, gc=False):
    """A row of `transactions`: its columns, in their order."""

    shard: int
    offset: int
    index: int
    time_ms: int
    symbol: str
    price: float
    quantity: int
    buyer_id: str
    seller_id: str
    buy_order_id: str
    sell_order_id: str
    taker_side: str


class ExecutionRow(Struct, frozen=True, gc=False):
    """A row of `executions`: its columns, in their order."""

    shard: int
    offset: int
    index: int
    time_ms: int
    execution_type: str
    order_id: str
    investor_id: str
    client_order_id: str | None
    symbol: str
    side: str | None
    type: str | None
    time_in_force: str | None
    price: float | None
    stop_price: float | None
    quantity: int | None
    filled_quantity: int
    remaining_quantity: int
    average_price: float | None
    status: str
    reason: str | None = None
    message: str | None = None
    display_quantity: int | None = None
    post_only: bool | None = None
    self_trade: str | None = None
    expires_at_ms: int | None = None
    last_price: float | None = None
    last_quantity: int | None = None
    fee: float | None = None
    transaction_id: str | None = None
    liquidity: str | None = None


class Run(Struct, frozen=True, kw_only=True):
    """Records of one topic and partition that follow each other; a value is None where a key was deleted."""

    at: At
    offsets: Sequence[int]
    values: Sequence[bytes | None]


class Place(Struct, frozen=True, kw_only=True):
    """How far a topic was read, and what the last record there was: identity, time and checksum."""

    next_offset: int
    last_offset: int | None = None
    last_index: int | None = None
    time_ms: int | None = None
    checksum: int | None = None


@dataclass(slots=True, kw_only=True)
class Batch:
    """What one batch of records writes: new rows, newest states by their key, and how far was read.

    `started_orders` were accepted in the batch; `refused_orders` are written only where the investor has no
    order of the id. `before` is where the database has to be for the batch to follow, `after` where it is
    then.
    """

    transactions: list[tuple[Any, ...]] = field(default_factory=list)
    candles: Candles = field(default_factory=list)
    executions: list[tuple[Any, ...]] = field(default_factory=list)
    started_orders: dict[tuple[str, str], Row] = field(default_factory=dict)
    changed_orders: dict[tuple[str, str], Row] = field(default_factory=dict)
    refused_orders: dict[tuple[str, str], Row] = field(default_factory=dict)
    accounts: dict[str, Row] = field(default_factory=dict)
    positions: dict[tuple[str, str], Row] = field(default_factory=dict)
    account_minutes: dict[tuple[str, int], Row] = field(default_factory=dict)
    position_minutes: dict[tuple[str, str, int], Row] = field(default_factory=dict)
    assets: dict[str, Row] = field(default_factory=dict)
    before: dict[At, Place | None] = field(default_factory=dict)
    after: dict[At, Place] = field(default_factory=dict)


_decode_transactions = msgspec.json.Decoder(list[TransactionRow]).decode
_decode_executions = msgspec.json.Decoder(list[ExecutionRow]).decode


class BatchReader:
    """Makes batches of what is read, without the repeats.

    Parameters
    ----------
    stored : mapping, optional
        Where the database is, by topic and partition; without it at nothing.
    """

    def __init__(self, stored: Mapping[At, Place] | None = None) -> None:
        self._places: dict[At, Place | None] = dict(stored or {})
        self._seen = {topic: SeenOutputs() for topic in RECORDED_TOPICS}
        for (topic, partition), place in (stored or {}).items():
            if place.last_offset is not None and place.last_index is not None and topic in self._seen:
                self._seen[topic].start(partition, place.last_offset, place.last_index)

    def batch(self, records: Sequence[LogRecord]) -> Batch:
        """Give the rows of some records, in each topic's order. Cost O(records)."""
        by_topic: dict[At, list[LogRecord]] = {}
        for record in records:
            by_topic.setdefault((record.topic, record.partition), []).append(record)
        return self.batch_of(
            Run(at=at, offsets=[r.offset for r in of_topic], values=[r.value for r in of_topic])
            for at, of_topic in by_topic.items()
        )

    def batch_of(self, runs: Iterable[Run]) -> Batch:
        """Give the rows of some runs of records, at most one of each topic and partition."""
        batch = Batch()
        for run in runs:
            place = self._places.get(run.at)
            batch.before[run.at] = place
            read = 0 if place is None else bisect_left(run.offsets, place.next_offset)
            if read < len(run.offsets):
                values = run.values[read:]
                last = self._add(batch, run.at[0], [value for value in values if value is not None])
                after = _place(run.offsets[-1], values[-1], last, place)
                self._places[run.at] = batch.after[run.at] = after
        return batch

    def _add(self, batch: Batch, topic: str, values: list[bytes]) -> Any:
        """Add a topic's records; gives the last that is new, if one is."""
        seen = self._seen[topic]
        if topic == TRANSACTIONS:
            trades = [trade for trade in _decode_transactions(_array(values)) if seen.is_new(trade)]
            batch.transactions += map(structs.astuple, trades)
            batch.candles += fold_trades(trades)
            return trades[-1] if trades else None
        if topic == EXECUTIONS:
            reports = [report for report in _decode_executions(_array(values)) if seen.is_new(report)]
            batch.executions += map(structs.astuple, reports)
            for report in reports:
                _add_order(batch, report)
            return reports[-1] if reports else None
        if topic == ACCOUNTS:
            accounts = [account for account in map(decode_account, values) if seen.is_new(account)]
            for account in accounts:
                _add_account(batch, account)
            return accounts[-1] if accounts else None
        assets = [asset for asset in map(decode_asset, values) if seen.is_new(asset)]
        batch.assets.update((asset.symbol, structs.asdict(asset)) for asset in assets)
        return assets[-1] if assets else None


def checksum(value: bytes | None) -> int:
    """Give what a record's bytes are known by."""
    return zlib.crc32(value or b"")


def _array(values: list[bytes]) -> bytes:
    return b"[" + b",".join(values) + b"]"


def _place(offset: int, value: bytes | None, last: Any, before: Place | None) -> Place:
    known = before if last is None and before is not None else Place(next_offset=0)
    if last is not None:
        known = Place(next_offset=0, last_offset=last.offset, last_index=last.index, time_ms=last.time_ms)
    return structs.replace(known, next_offset=offset + 1, checksum=checksum(value))


_ORDER_FIELDS = (
    "investor_id",
    "order_id",
    "shard",
    "offset",
    "index",
    "client_order_id",
    "symbol",
    "side",
    "type",
    "time_in_force",
    "price",
    "stop_price",
    "quantity",
    "filled_quantity",
    "remaining_quantity",
    "average_price",
    "status",
    "reason",
    "message",
    "display_quantity",
    "post_only",
    "self_trade",
    "expires_at_ms",
)
_order_values = attrgetter(*_ORDER_FIELDS)


def _add_order(batch: Batch, report: ExecutionRow) -> None:
    key = report.investor_id, report.order_id
    if report.execution_type == ExecutionType.REJECTED:
        if makes_order(report) and key not in batch.refused_orders:
            batch.refused_orders[key] = _order(report, report.time_ms, report.offset)
    elif report.execution_type == ExecutionType.NEW:
        batch.changed_orders.pop(key, None)
        batch.started_orders[key] = _order(report, report.time_ms, report.offset)
    elif key in batch.started_orders:
        started = batch.started_orders[key]
        batch.started_orders[key] = _order(report, started["created_ms"], started["created_offset"])
    else:
        batch.changed_orders[key] = _order(report, report.time_ms, report.offset)


def _order(report: ExecutionRow, created_ms: int, created_offset: int) -> Row:
    row = dict(zip(_ORDER_FIELDS, _order_values(report), strict=True))
    row["created_ms"] = created_ms
    row["created_offset"] = created_offset
    row["updated_ms"] = report.time_ms
    return row


def _add_account(batch: Batch, account: AccountRecord) -> None:
    of_command = {
        "investor_id": account.investor_id,
        "shard": account.shard,
        "offset": account.offset,
        "index": account.index,
        "time_ms": account.time_ms,
    }
    minute_ms = account.time_ms // MINUTE_MS * MINUTE_MS
    row = of_command | {"cash": account.cash, "held_cash": account.held_cash}
    batch.account_minutes[account.investor_id, minute_ms] = row | {"minute_ms": minute_ms}
    # What the command did not set stays as it was.
    before = batch.accounts.get(account.investor_id, {"limits": None, "trading_disabled": None})
    limits, disabled = account.limits, account.trading_disabled
    batch.accounts[account.investor_id] = row | {
        "limits": before["limits"] if limits is None else encode(limits).decode(),
        "trading_disabled": before["trading_disabled"] if disabled is None else disabled,
    }
    for position in account.positions:
        row = of_command | structs.asdict(position)
        key = account.investor_id, position.symbol
        batch.positions[key] = row
        batch.position_minutes[*key, minute_ms] = row | {"minute_ms": minute_ms}
