"""The index of words on SQLite knows beginnings of words, too. It is made anew behind the messages (`store.search`)."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE entry_words")
        op.execute(
            "CREATE VIRTUAL TABLE entry_words USING fts5(words, detail=none, prefix='3 4 5 6', tokenize='unicode61')"
        )
