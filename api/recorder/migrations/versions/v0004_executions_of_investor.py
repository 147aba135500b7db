"""The index of an investor's fills becomes one of all that happened to its orders."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"

_INDEX = "executions_of_investor"


def upgrade() -> None:
    """Make the index anew; it holds the table for some seconds where there are millions of rows."""
    op.drop_index(_INDEX, "executions")
    op.create_index(_INDEX, "executions", ["investor_id", "shard", "offset", "index"])


def downgrade() -> None:
    """Refuse: an older version does not know this revision."""
    raise NotImplementedError("An older version does not read this history.")
