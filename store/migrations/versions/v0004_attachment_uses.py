"""How many entries name a file, so that those which none names can be swept; what arrived of an upload is its part's size."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

UNUSED = sa.text("uses = 0")


def upgrade() -> None:
    op.add_column("attachments", sa.Column("uses", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("ix_attachments_thumb", "attachments", ["thumb"], unique=False)
    op.create_index("ix_attachments_made_at", "attachments", ["made_at"], sqlite_where=UNUSED, postgresql_where=UNUSED)
    op.drop_column("uploads", "received")
