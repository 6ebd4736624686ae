"""Alembic's environment: always online, on the connection that the storage hands over."""

from __future__ import annotations

from alembic import context

from connectors.repository.schema import COLLECTIONS
from connectors.repository.tables import metadata_of

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata_of(COLLECTIONS),
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
