"""The index of what was said."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

from store.search import index_next

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        # detail=none: no places of words, for nothing asks for them; half the size
        op.execute("CREATE VIRTUAL TABLE entry_words USING fts5(words, detail=none, tokenize='unicode61')")
    else:
        op.create_table(
            "entry_words",
            sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
            sa.Column("words", TSVECTOR(), nullable=False),
            sa.ForeignKeyConstraint(["seq"], ["entries.seq"], name="fk_entry_words_seq", ondelete="CASCADE"),
            sa.PrimaryKeyConstraint("seq", name="pk_entry_words"),
        )
        op.create_index("ix_entry_words_words", "entry_words", ["words"], postgresql_using="gin")
    while index_next(op.get_bind()):  # the index can always be made anew, so the code of today makes it
        pass
