"""The records, the newest states, and the minutes of accounts; as before there were revisions."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_TABLES = (
    "positions_in_log",
    "assets",
    "position_minutes",
    "account_minutes",
    "positions",
    "accounts",
    "orders",
    "executions",
    "transactions",
)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "transactions",
        *_identity(key=True),
        _text("transaction_id"),
        _count("time_ms"),
        _text("symbol", 16),
        _number("price"),
        _count("quantity"),
        *map(_text, ("buyer_id", "seller_id", "buy_order_id", "sell_order_id")),
        _text("taker_side", 32),
    )
    op.create_index("transactions_by_symbol", "transactions", ["symbol", "time_ms", "offset", "index"])
    op.create_index("transactions_by_time", "transactions", ["time_ms"])
    op.create_table(
        "executions",
        *_identity(key=True),
        _count("time_ms"),
        _text("execution_type", 32),
        _text("order_id"),
        _text("investor_id"),
        *_order(),
        _number("last_price", null=True),
        _count("last_quantity", null=True),
        _number("fee", null=True),
        _text("transaction_id", null=True),
        _text("liquidity", 32, null=True),
    )
    op.create_index("executions_by_order", "executions", ["order_id"])
    op.create_index("executions_by_investor", "executions", ["investor_id", "time_ms"])
    has_fee = sa.text("fee IS NOT NULL")
    op.create_index(
        "executions_by_fee",
        "executions",
        ["investor_id", "time_ms", "fee"],
        sqlite_where=has_fee,
        postgresql_where=has_fee,
    )
    op.create_table(
        "orders",
        sa.Column("investor_id", sa.String(64), primary_key=True),
        sa.Column("order_id", sa.String(64), primary_key=True),
        *_identity(key=False),
        *_order(),
        _count("created_ms"),
        _count("updated_ms"),
    )
    op.create_index("orders_by_investor", "orders", ["investor_id", "created_ms"])
    _make_accounts()
    op.create_table(
        "assets",
        sa.Column("symbol", sa.String(16), primary_key=True),
        *_identity(key=False),
        _count("time_ms"),
        _text("name", 128),
        _number("tick_size"),
        _count("lot_size"),
        _number("reference_price"),
        _number("price_band", null=True),
        _number("maker_fee_bps"),
        _number("taker_fee_bps"),
        _text("phase", 32),
    )
    op.create_table(
        "positions_in_log",
        sa.Column("topic", sa.String(249), primary_key=True),
        sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False),
        _count("next_offset"),
    )


def downgrade() -> None:
    """Take the tables away again, with all that is in them."""
    for table in _TABLES:
        op.drop_table(table)


def _make_accounts() -> None:
    investor, symbol = sa.String(64), sa.String(16)
    for table, of_minute, of_symbol, told in (
        ("accounts", False, False, _balances),
        ("positions", False, True, _shares),
        ("account_minutes", True, False, _balances),
        ("position_minutes", True, True, _shares),
    ):
        key: list[sa.Column[Any]] = [sa.Column("investor_id", investor, primary_key=True)]
        if of_symbol:
            key.append(sa.Column("symbol", symbol, primary_key=True))
        if of_minute:
            key.append(sa.Column("minute_ms", sa.BigInteger, primary_key=True, autoincrement=False))
        op.create_table(table, *key, *_identity(key=False), _count("time_ms"), *told())


def _balances() -> list[sa.Column[Any]]:
    return [_number("cash"), _number("held_cash")]


def _shares() -> list[sa.Column[Any]]:
    return [
        _count("quantity"),
        _count("held_quantity"),
        _number("average_price", null=True),
        _number("realized_profit"),
    ]


def _identity(*, key: bool) -> list[sa.Column[Any]]:
    return [
        sa.Column("shard", sa.Integer, primary_key=key, nullable=False, autoincrement=False),
        sa.Column("offset", sa.BigInteger, primary_key=key, nullable=False, autoincrement=False),
        sa.Column("index", sa.Integer, primary_key=key, nullable=False, autoincrement=False),
    ]


def _order() -> list[sa.Column[Any]]:
    return [
        _text("client_order_id", null=True),
        _text("symbol"),
        *(_text(word, 32, null=True) for word in ("side", "type", "time_in_force")),
        _number("price", null=True),
        _number("stop_price", null=True),
        _count("quantity", null=True),
        _count("filled_quantity"),
        _count("remaining_quantity"),
        _number("average_price", null=True),
        _text("status", 32),
        _text("reason", 32, null=True),
        sa.Column("message", sa.Text),
    ]


def _text(name: str, length: int = 64, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.String(length), nullable=null)


def _count(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger, nullable=null)


def _number(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.Double, nullable=null)
