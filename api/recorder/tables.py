"""The history's tables. What the engine sent out is keyed by its identity: (shard, offset, index)."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, Integer, MetaData, String, Table, Text

from engine.domain import ID_LENGTH_MAX, NAME_LENGTH_MAX

metadata = MetaData()
_WORD = String(32)
_SYMBOL = String(16)
_ID = String(ID_LENGTH_MAX)


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
    Column("transaction_id", String(64), nullable=False),
    Column("time_ms", BigInteger, nullable=False),
    Column("symbol", _SYMBOL, nullable=False),
    Column("price", Double, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("buyer_id", _ID, nullable=False),
    Column("seller_id", _ID, nullable=False),
    Column("buy_order_id", _ID, nullable=False),
    Column("sell_order_id", _ID, nullable=False),
    Column("taker_side", _WORD, nullable=False),
    Index("transactions_by_symbol", "symbol", "time_ms"),
    Index("transactions_by_time", "time_ms"),
)


def _order_columns() -> list[Column[object]]:
    columns: list[Column[object]] = [
        Column("client_order_id", _ID),
        Column("investor_id", _ID, nullable=False),
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
    ]
    return columns


executions = Table(
    "executions",
    metadata,
    *_identity(key=True),
    Column("time_ms", BigInteger, nullable=False),
    Column("execution_type", _WORD, nullable=False),
    Column("order_id", _ID, nullable=False),
    *_order_columns(),
    Column("last_price", Double),
    Column("last_quantity", BigInteger),
    Column("transaction_id", String(64)),
    Column("liquidity", _WORD),
    Index("executions_by_order", "order_id"),
    Index("executions_by_investor", "investor_id", "time_ms"),
)

orders = Table(
    "orders",
    metadata,
    Column("order_id", _ID, primary_key=True),
    *_identity(key=False),
    *_order_columns(),
    Column("created_ms", BigInteger, nullable=False),
    Column("updated_ms", BigInteger, nullable=False),
    Index("orders_by_investor", "investor_id", "created_ms"),
)

accounts = Table(
    "accounts",
    metadata,
    Column("investor_id", _ID, primary_key=True),
    *_identity(key=False),
    Column("time_ms", BigInteger, nullable=False),
    Column("cash", Double, nullable=False),
    Column("held_cash", Double, nullable=False),
)

positions = Table(
    "positions",
    metadata,
    Column("investor_id", _ID, primary_key=True),
    Column("symbol", _SYMBOL, primary_key=True),
    *_identity(key=False),
    Column("time_ms", BigInteger, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("held_quantity", BigInteger, nullable=False),
    Column("average_price", Double),
    Column("realized_profit", Double, nullable=False),
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

positions_in_log = Table(
    "positions_in_log",
    metadata,
    Column("topic", String(249), primary_key=True),
    Column("partition", Integer, primary_key=True, autoincrement=False),
    Column("next_offset", BigInteger, nullable=False),
)
