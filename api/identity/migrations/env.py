"""Runs the revisions on the connection that `api.migrating` has opened and locked."""

from __future__ import annotations

from alembic import context

from api.identity.migrating import VERSION_TABLE
from api.identity.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
