"""The erasures of customers, and what of each is still to be removed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.columns import Json, UtcTime, Words

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column("id", Words(), nullable=False),
        sa.Column("customer_id", Words(), nullable=False),
        sa.Column("shop_id", Words(), nullable=False),
        sa.Column("by", Words(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("calls", Json(), nullable=False),
        sa.Column("uploads", Json(), nullable=False),
        sa.Column("blobs", Json(), nullable=False),
        sa.Column("done_at", UtcTime()),
        sa.ForeignKeyConstraint(["customer_id"], ["customers.id"], name="fk_erasures_customer_id"),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name="fk_erasures_shop_id"),
        sa.PrimaryKeyConstraint("id", name="pk_erasures"),
    )
    op.create_index("ix_erasures_customer_id", "erasures", ["customer_id"], unique=False)
