"""Candles; what a server starts from; fewer and other indexes.

The limits of accounts were not kept before, so `accounts` is read again from where the log begins.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_MINUTE_MS: Final = 60_000
_COARSER_MS: Final = (300_000, 900_000, 1_800_000, 3_600_000, 14_400_000, 86_400_000)
_DAY_START_MS: Final = 3 * 3_600_000
_IS_TRADE = sa.text("transaction_id IS NOT NULL")
_IS_OPEN = sa.text("remaining_quantity > 0")


def upgrade() -> None:
    """Make what is new, from what there is."""
    op.create_table(
        "candles",
        sa.Column("symbol", sa.String(16), primary_key=True),
        sa.Column("interval_ms", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("time_ms", sa.BigInteger, primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.Double, nullable=False) for name in ("open", "high", "low", "close")),
        sa.Column("volume", sa.BigInteger, nullable=False),
        sa.Column("trades", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    _fill_candles()
    _change_transactions()
    _change_orders_and_executions()
    op.add_column("accounts", sa.Column("limits", sa.Text))
    op.add_column("accounts", sa.Column("trading_disabled", sa.Boolean))
    _change_positions_in_log()


def downgrade() -> None:
    """Refuse: what was dropped is not there to be made again."""
    raise NotImplementedError("An older version does not read this history; it would write it anew.")


def _fill_candles() -> None:
    op.execute(
        _folded(
            f"""SELECT symbol, {_start("time_ms", _MINUTE_MS)} AS start,
                shard, "offset" AS at, "index" AS place,
                price AS open, price AS high, price AS low, price AS close, quantity AS volume, 1 AS trades
            FROM transactions""",  # noqa: S608 - our own numbers
            _MINUTE_MS,
            "shard, at, place",
        )
    )
    for interval_ms in _COARSER_MS:
        op.execute(
            _folded(
                f"""SELECT symbol, {_start("time_ms", interval_ms)} AS start, time_ms,
                    open, high, low, close, volume, trades
                FROM candles WHERE interval_ms = {_MINUTE_MS}""",  # noqa: S608 - our own numbers
                interval_ms,
                "time_ms",
            )
        )


def _start(time: str, interval_ms: int) -> str:
    return f"({time} - {_DAY_START_MS}) / {interval_ms} * {interval_ms} + {_DAY_START_MS}"


def _folded(parts: str, interval_ms: int, order: str) -> str:
    backwards = order.replace(",", " DESC,") + " DESC"
    return f"""
        INSERT INTO candles (symbol, interval_ms, time_ms, open, high, low, close, volume, trades)
        SELECT symbol, {interval_ms}, start, max(CASE WHEN first = 1 THEN open END), max(high), min(low),
            max(CASE WHEN last = 1 THEN close END), sum(volume), sum(trades)
        FROM (
            SELECT parts.*,
                row_number() OVER (PARTITION BY symbol, start ORDER BY {order}) AS first,
                row_number() OVER (PARTITION BY symbol, start ORDER BY {backwards}) AS last
            FROM ({parts}) AS parts
        ) AS numbered
        GROUP BY symbol, start"""  # noqa: S608 - our own words


def _change_transactions() -> None:
    op.drop_index("transactions_by_symbol", "transactions")
    op.drop_index("transactions_by_time", "transactions")
    if op.get_bind().dialect.name == "sqlite":
        _rebuild_transactions()
    else:
        op.drop_column("transactions", "transaction_id")
    op.create_index("transactions_of_symbol", "transactions", ["symbol", "shard", "offset", "index"])


def _rebuild_transactions() -> None:
    op.rename_table("transactions", "transactions_before")
    columns: tuple[sa.Column[Any], ...] = (
        *(
            sa.Column(name, kind, primary_key=True, nullable=False, autoincrement=False)
            for name, kind in (("shard", sa.Integer), ("offset", sa.BigInteger), ("index", sa.Integer))
        ),
        sa.Column("time_ms", sa.BigInteger, nullable=False),
        sa.Column("symbol", sa.String(16), nullable=False),
        sa.Column("price", sa.Double, nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        *(
            sa.Column(name, sa.String(64), nullable=False)
            for name in ("buyer_id", "seller_id", "buy_order_id", "sell_order_id")
        ),
        sa.Column("taker_side", sa.String(32), nullable=False),
    )
    op.create_table("transactions", *columns, sqlite_with_rowid=False)
    names = ", ".join(f'"{column.name}"' for column in columns)
    op.execute(
        f"INSERT INTO transactions ({names}) SELECT {names} FROM transactions_before "  # noqa: S608
        'ORDER BY shard, "offset", "index"'
    )
    op.drop_table("transactions_before")


def _change_orders_and_executions() -> None:
    op.add_column("orders", sa.Column("created_offset", sa.BigInteger, nullable=False, server_default="0"))
    op.execute(
        """UPDATE orders SET created_offset = coalesce((
            SELECT max(executions."offset") FROM executions
            WHERE executions.order_id = orders.order_id AND executions.investor_id = orders.investor_id
                AND executions.time_ms = orders.created_ms
                AND executions.execution_type IN ('new', 'rejected')
        ), orders."offset")"""
    )
    op.create_index(
        "orders_open",
        "orders",
        ["shard", "created_offset"],
        sqlite_where=_IS_OPEN,
        postgresql_where=_IS_OPEN,
    )
    op.drop_index("executions_by_order", "executions")
    op.drop_index("executions_by_investor", "executions")
    op.create_index(
        "executions_of_investor",
        "executions",
        ["investor_id", "shard", "offset", "index"],
        sqlite_where=_IS_TRADE,
        postgresql_where=_IS_TRADE,
    )


def _change_positions_in_log() -> None:
    for name, kind in (
        ("last_offset", sa.BigInteger),
        ("last_index", sa.Integer),
        ("time_ms", sa.BigInteger),
        ("checksum", sa.BigInteger),
    ):
        op.add_column("positions_in_log", sa.Column(name, kind))
    for topic in ("transactions", "executions"):
        newest = f'FROM {topic} WHERE shard = "partition" ORDER BY "offset" DESC, "index" DESC LIMIT 1'
        op.execute(
            f"""UPDATE positions_in_log SET last_offset = (SELECT "offset" {newest}),
                last_index = (SELECT "index" {newest}), time_ms = (SELECT time_ms {newest})
            WHERE topic = '{topic}'"""  # noqa: S608 - our own words
        )
    op.execute("DELETE FROM positions_in_log WHERE topic = 'accounts'")
    if sa.inspect(op.get_bind()).has_table("history_format"):
        op.drop_table("history_format")
