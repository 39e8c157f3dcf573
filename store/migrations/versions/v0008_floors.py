"""Which server keeps a shop's floor, where several share the database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.columns import Words

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "floors",
        sa.Column("shop_id", Words(), nullable=False),
        sa.Column("node", Words(), nullable=False),
        sa.Column("url", Words(), nullable=False),
        sa.Column("available", sa.Integer(), nullable=False),
        sa.Column("until", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name="fk_floors_shop_id"),
        sa.PrimaryKeyConstraint("shop_id", name="pk_floors"),
    )
