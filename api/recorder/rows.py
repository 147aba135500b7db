"""Records of the log as rows of the history's tables. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from msgspec import structs

from api.live.orders import makes_order
from api.recorder.tables import MINUTE_MS
from engine.domain import ExecutionType
from engine.identity import SeenOutputs
from engine.log import LogRecord
from engine.topics import ACCOUNTS, ASSETS, EXECUTIONS, TRANSACTIONS
from engine.wire.records import (
    AccountRecord,
    ExecutionReport,
    decode_account,
    decode_asset,
    decode_execution,
    decode_transaction,
)

RECORDED_TOPICS = (TRANSACTIONS, EXECUTIONS, ACCOUNTS, ASSETS)
Row: TypeAlias = dict[str, Any]
_DECODERS: Mapping[str, Any] = {
    TRANSACTIONS: decode_transaction,
    EXECUTIONS: decode_execution,
    ACCOUNTS: decode_account,
    ASSETS: decode_asset,
}
_ONLY_IN_EXECUTIONS = frozenset(
    {"execution_type", "time_ms", "last_price", "last_quantity", "fee", "transaction_id", "liquidity"}
)


@dataclass(slots=True, kw_only=True)
class Batch:
    """What one batch of records writes: new rows, newest states by their key, and how far was read.

    `started_orders` were accepted in the batch; `refused_orders` are written only where the investor has no
    order of the id.
    """

    transactions: list[Row] = field(default_factory=list)
    executions: list[Row] = field(default_factory=list)
    started_orders: dict[tuple[str, str], Row] = field(default_factory=dict)
    changed_orders: dict[tuple[str, str], Row] = field(default_factory=dict)
    refused_orders: dict[tuple[str, str], Row] = field(default_factory=dict)
    accounts: dict[str, Row] = field(default_factory=dict)
    positions: dict[tuple[str, str], Row] = field(default_factory=dict)
    account_minutes: dict[tuple[str, int], Row] = field(default_factory=dict)
    position_minutes: dict[tuple[str, str, int], Row] = field(default_factory=dict)
    assets: dict[str, Row] = field(default_factory=dict)
    next_offsets: dict[tuple[str, int], int] = field(default_factory=dict)


class BatchReader:
    """Makes batches of what is read, without the repeats."""

    def __init__(self) -> None:
        self._seen = {topic: SeenOutputs() for topic in RECORDED_TOPICS}

    def batch(self, records: Sequence[LogRecord]) -> Batch:
        """Give the rows of some records, in each topic's order. Cost O(records)."""
        batch = Batch()
        for record in records:
            batch.next_offsets[record.topic, record.partition] = record.offset + 1
            if record.value is None:
                continue
            value = _DECODERS[record.topic](record.value)
            if self._seen[record.topic].is_new(value):
                _add(batch, record.topic, value)
        return batch


def _add(batch: Batch, topic: str, value: Any) -> None:
    if topic == TRANSACTIONS:
        batch.transactions.append(structs.asdict(value))
    elif topic == EXECUTIONS:
        batch.executions.append(structs.asdict(value))
        _add_order(batch, value)
    elif topic == ACCOUNTS:
        _add_account(batch, value)
    else:
        batch.assets[value.symbol] = structs.asdict(value)


def _add_order(batch: Batch, report: ExecutionReport) -> None:
    row = {name: value for name, value in structs.asdict(report).items() if name not in _ONLY_IN_EXECUTIONS}
    row |= {"created_ms": report.time_ms, "updated_ms": report.time_ms}
    key = report.investor_id, report.order_id
    if report.execution_type is ExecutionType.REJECTED:
        if makes_order(report):
            batch.refused_orders.setdefault(key, row)
    elif report.execution_type is ExecutionType.NEW:
        batch.changed_orders.pop(key, None)
        batch.started_orders[key] = row
    elif key in batch.started_orders:
        row["created_ms"] = batch.started_orders[key]["created_ms"]
        batch.started_orders[key] = row
    else:
        batch.changed_orders[key] = row


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
    batch.accounts[account.investor_id] = row
    batch.account_minutes[account.investor_id, minute_ms] = row | {"minute_ms": minute_ms}
    for position in account.positions:
        row = of_command | structs.asdict(position)
        key = account.investor_id, position.symbol
        batch.positions[key] = row
        batch.position_minutes[*key, minute_ms] = row | {"minute_ms": minute_ms}
