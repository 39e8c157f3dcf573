"""Who changed a profile last, and its version; the calls of one customer are found quickly."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.columns import UtcTime, Words

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("profiles", sa.Column("version", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("profiles", sa.Column("changed_at", UtcTime()))
    op.add_column("profiles", sa.Column("changed_by", Words()))
    op.create_index("ix_calls_customer_id_created_at", "calls", ["customer_id", "created_at"], unique=False)
