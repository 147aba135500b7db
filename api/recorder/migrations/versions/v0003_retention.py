"""What is kept of records that are not: fees by minute, and where the history begins."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables; as long as nothing is deleted they are empty."""
    op.create_table(
        "fee_minutes",
        sa.Column("investor_id", sa.String(64), primary_key=True),
        sa.Column("minute_ms", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("fee_units", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "history_begins",
        sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("time_ms", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Refuse: the fees of what was deleted stand here alone."""
    raise NotImplementedError("An older version does not read this history; it would lack fees.")
