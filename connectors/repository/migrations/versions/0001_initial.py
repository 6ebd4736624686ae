"""The first schema: one table per collection, each with a version and a JSON body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT: TypeEngine[Any] = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INTEGER: TypeEngine[Any] = sa.BigInteger()


def upgrade() -> None:
    _create(
        "processes",
        {
            "id": TEXT,
            "integration_id": TEXT,
            "user_id": TEXT,
            "type": TEXT,
            "name": TEXT,
            "state": TEXT,
            "person_type": TEXT,
            "parent_id": TEXT,
            "active_key": TEXT,
            "launch_id": TEXT,
            "created_at": INTEGER,
            "updated_at": INTEGER,
        },
        key=("id",),
    )
    op.create_index("uq_processes_active_key", "processes", ["active_key"], unique=True)
    op.create_index(
        "ix_processes_integration_id_type_created_at",
        "processes",
        ["integration_id", "type", "created_at"],
    )
    op.create_index("ix_processes_user_id", "processes", ["user_id"])
    op.create_index("ix_processes_state", "processes", ["state"])
    op.create_index("ix_processes_parent_id", "processes", ["parent_id"])
    op.create_index("ix_processes_created_at", "processes", ["created_at"])
    _create(
        "heartbeats",
        {
            "launch_id": TEXT,
            "worker": TEXT,
            "at": INTEGER,
        },
        key=("launch_id", "worker"),
    )
    op.create_index("ix_heartbeats_launch_id_at", "heartbeats", ["launch_id", "at"])
    _create(
        "ranges",
        {
            "process_id": TEXT,
            "range_id": TEXT,
            "position": INTEGER,
            "state": TEXT,
            "opened": INTEGER,
            "restarted": INTEGER,
            "next_page": INTEGER,
        },
        key=("process_id", "range_id"),
    )
    op.create_index("ix_ranges_process_id_state", "ranges", ["process_id", "state"])
    _create(
        "pages",
        {
            "process_id": TEXT,
            "range_id": TEXT,
            "page": INTEGER,
            "state": TEXT,
            "at": INTEGER,
            "created": INTEGER,
            "updated": INTEGER,
            "unchanged": INTEGER,
            "deleted": INTEGER,
            "skipped": INTEGER,
            "rejected": INTEGER,
            "failed": INTEGER,
            "quo_requests": INTEGER,
            "crm_requests": INTEGER,
            "throttled_ms": INTEGER,
        },
        key=("process_id", "range_id", "page"),
    )
    op.create_index("ix_pages_process_id_state", "pages", ["process_id", "state"])
    _create(
        "dead_letters",
        {
            "process_id": TEXT,
            "external_id": TEXT,
            "at": INTEGER,
        },
        key=("process_id", "external_id"),
    )
    op.create_index("ix_dead_letters_process_id_at", "dead_letters", ["process_id", "at"])
    _create(
        "links",
        {
            "integration_id": TEXT,
            "external_id": TEXT,
            "quo_id": TEXT,
            "fingerprint": TEXT,
            "source_time": INTEGER,
            "root_id": TEXT,
            "range_id": TEXT,
            "page": INTEGER,
            "outcome": TEXT,
        },
        key=("integration_id", "external_id"),
    )
    _create(
        "sources",
        {
            "key_hash": TEXT,
            "source": TEXT,
            "integration_id": TEXT,
        },
        key=("key_hash", "source"),
    )
    _create(
        "budgets",
        {
            "key": TEXT,
            "value": INTEGER,
        },
        key=("key",),
    )
    _create(
        "watermarks",
        {
            "integration_id": TEXT,
            "person_type": TEXT,
            "at": INTEGER,
            "full_at": INTEGER,
            "shape": TEXT,
        },
        key=("integration_id", "person_type"),
    )


def downgrade() -> None:
    for name in (
        "processes",
        "heartbeats",
        "ranges",
        "pages",
        "dead_letters",
        "links",
        "sources",
        "budgets",
        "watermarks",
    ):
        op.drop_table(name)


def _create(name: str, columns: Mapping[str, TypeEngine[Any]], *, key: Sequence[str]) -> None:
    op.create_table(
        name,
        *(sa.Column(column, kind, nullable=column not in key) for column, kind in columns.items()),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint(*key),
    )
