"""The history's tables, as the newest of the `migrations` leaves them.

What the engine sent out is keyed by its identity, (shard, offset, index). The log's time never goes back, so
this is the order of time, too, and no table of records has an index by time: `api.history` finds the identity
that a time begins with.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)

from engine.domain import ID_LENGTH_MAX, NAME_LENGTH_MAX

metadata = MetaData()
MINUTE_MS = 60_000
_WORD = String(32)
_SYMBOL = String(16)
_ID = String(ID_LENGTH_MAX)
_IS_OPEN = text("remaining_quantity > 0")


def _identity(*, key: bool) -> list[Column[int]]:
    return [
        Column("shard", Integer, primary_key=key, nullable=False, autoincrement=False),
        Column("offset", BigInteger, primary_key=key, nullable=False, autoincrement=False),
        Column("index", Integer, primary_key=key, nullable=False, autoincrement=False),
    ]


transactions = Table(
    "transactions",
    metadata,
    *_identity(key=True),
    Column("time_ms", BigInteger, nullable=False),
    Column("symbol", _SYMBOL, nullable=False),
    Column("price", Double, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("buyer_id", _ID, nullable=False),
    Column("seller_id", _ID, nullable=False),
    Column("buy_order_id", _ID, nullable=False),
    Column("sell_order_id", _ID, nullable=False),
    Column("taker_side", _WORD, nullable=False),
    Index("transactions_of_symbol", "symbol", "shard", "offset", "index"),
    # The rows are the key's own tree, which grows at its end: a third less to write.
    sqlite_with_rowid=False,
)

# Each in every interval of whole minutes; of shorter ones there would be almost as many as trades.
candles = Table(
    "candles",
    metadata,
    Column("symbol", _SYMBOL, primary_key=True),
    Column("interval_ms", Integer, primary_key=True, autoincrement=False),
    Column("time_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("open", Double, nullable=False),
    Column("high", Double, nullable=False),
    Column("low", Double, nullable=False),
    Column("close", Double, nullable=False),
    Column("volume", BigInteger, nullable=False),
    Column("trades", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)


def _order_columns() -> list[Column[object]]:
    columns: list[Column[object]] = [
        Column("client_order_id", _ID),
        Column("symbol", _ID, nullable=False),
        Column("side", _WORD),
        Column("type", _WORD),
        Column("time_in_force", _WORD),
        Column("price", Double),
        Column("stop_price", Double),
        Column("quantity", BigInteger),
        Column("filled_quantity", BigInteger, nullable=False),
        Column("remaining_quantity", BigInteger, nullable=False),
        Column("average_price", Double),
        Column("status", _WORD, nullable=False),
        Column("reason", _WORD),
        Column("message", Text),
        # Of orders that ask for them; else NULL, as in what was recorded before reports told them.
        Column("display_quantity", BigInteger),
        Column("post_only", Boolean),
        Column("self_trade", _WORD),
        Column("expires_at_ms", BigInteger),
    ]
    return columns


executions = Table(
    "executions",
    metadata,
    *_identity(key=True),
    Column("time_ms", BigInteger, nullable=False),
    Column("execution_type", _WORD, nullable=False),
    Column("order_id", _ID, nullable=False),
    Column("investor_id", _ID, nullable=False),
    *_order_columns(),
    Column("last_price", Double),
    Column("last_quantity", BigInteger),
    Column("fee", Double),
    Column("transaction_id", String(64)),
    Column("liquidity", _WORD),
    Index("executions_of_investor", "investor_id", "shard", "offset", "index"),
    Index(
        "executions_by_fee",
        "investor_id",
        "time_ms",
        "fee",
        sqlite_where=text("fee IS NOT NULL"),
        postgresql_where=text("fee IS NOT NULL"),
    ),
)

# An investor may be refused an order under an id that is another's.
orders = Table(
    "orders",
    metadata,
    Column("investor_id", _ID, primary_key=True),
    Column("order_id", _ID, primary_key=True),
    *_identity(key=False),
    *_order_columns(),
    Column("created_ms", BigInteger, nullable=False),
    # Of the command that placed it: what tells orders of one millisecond apart.
    Column("created_offset", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    Index("orders_by_investor", "investor_id", "created_ms"),
    # What remains may still trade, so these are the open ones.
    Index(
        "orders_open",
        "shard",
        "created_offset",
        sqlite_where=_IS_OPEN,
        postgresql_where=_IS_OPEN,
    ),
)


def _balances() -> list[Column[Any]]:
    columns: list[Column[Any]] = [
        *_identity(key=False),
        Column("time_ms", BigInteger, nullable=False),
        Column("cash", Double, nullable=False),
        Column("held_cash", Double, nullable=False),
    ]
    return columns


def _shares() -> list[Column[Any]]:
    columns: list[Column[Any]] = [
        *_identity(key=False),
        Column("time_ms", BigInteger, nullable=False),
        Column("quantity", BigInteger, nullable=False),
        Column("held_quantity", BigInteger, nullable=False),
        Column("average_price", Double),
        Column("realized_profit", Double, nullable=False),
    ]
    return columns


def _minute() -> Column[int]:
    return Column("minute_ms", BigInteger, primary_key=True, autoincrement=False)


accounts = Table(
    "accounts",
    metadata,
    Column("investor_id", _ID, primary_key=True),
    *_balances(),
    # As they were last set; limits as the record's JSON.
    Column("limits", Text),
    Column("trading_disabled", Boolean),
)

positions = Table(
    "positions",
    metadata,
    Column("investor_id", _ID, primary_key=True),
    Column("symbol", _SYMBOL, primary_key=True),
    *_shares(),
)

# As they stood at the end of each minute (named by its start) in which they changed.
account_minutes = Table(
    "account_minutes", metadata, Column("investor_id", _ID, primary_key=True), _minute(), *_balances()
)

position_minutes = Table(
    "position_minutes",
    metadata,
    Column("investor_id", _ID, primary_key=True),
    Column("symbol", _SYMBOL, primary_key=True),
    _minute(),
    *_shares(),
)

# What an investor paid in a minute by fills whose executions are deleted; in ten-thousandths.
fee_minutes = Table(
    "fee_minutes",
    metadata,
    Column("investor_id", _ID, primary_key=True),
    _minute(),
    Column("fee_units", BigInteger, nullable=False),
)

# Of a shard whose older records were deleted: the time from which on all are there.
history_begins = Table(
    "history_begins",
    metadata,
    Column("shard", Integer, primary_key=True, autoincrement=False),
    Column("time_ms", BigInteger, nullable=False),
)

assets = Table(
    "assets",
    metadata,
    Column("symbol", _SYMBOL, primary_key=True),
    *_identity(key=False),
    Column("time_ms", BigInteger, nullable=False),
    Column("name", String(NAME_LENGTH_MAX), nullable=False),
    Column("tick_size", Double, nullable=False),
    Column("lot_size", BigInteger, nullable=False),
    Column("reference_price", Double, nullable=False),
    Column("price_band", Double),
    Column("maker_fee_bps", Double, nullable=False),
    Column("taker_fee_bps", Double, nullable=False),
    Column("phase", _WORD, nullable=False),
)

# How far each topic was read; of the last record there the identity, its time, and a checksum of its bytes,
# which tells the log that this was read from, from any other.
positions_in_log = Table(
    "positions_in_log",
    metadata,
    Column("topic", String(249), primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("next_offset", BigInteger, nullable=False),
    Column("last_offset", BigInteger),
    Column("last_index", Integer),
    Column("time_ms", BigInteger),
    Column("checksum", BigInteger),
)
