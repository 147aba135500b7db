"""Executions and orders get the terms that few orders ask for, as reports now tell them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the columns, without touching a row: NULL is what older reports say, nothing."""
    for table in ("executions", "orders"):
        op.add_column(table, sa.Column("display_quantity", sa.BigInteger))
        op.add_column(table, sa.Column("post_only", sa.Boolean))
        op.add_column(table, sa.Column("self_trade", sa.String(32)))
        op.add_column(table, sa.Column("expires_at_ms", sa.BigInteger))


def downgrade() -> None:
    """Refuse: an older version does not know this revision."""
    raise NotImplementedError("An older version does not read this history.")
