"""Sessions that were signed out, the session that a device last came with, and the digest of an inbox."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.columns import UtcTime, Words

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "signed_out",
        sa.Column("session", Words(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("session", name="pk_signed_out"),
    )
    op.create_index("ix_signed_out_at", "signed_out", ["at"], unique=False)
    op.add_column("devices", sa.Column("session", Words(), nullable=False, server_default=""))
    op.add_column("conversations", sa.Column("inbox_digest", sa.BigInteger(), nullable=False, server_default="0"))
