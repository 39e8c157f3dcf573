"""The inbox's own questions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from store import conversation_tables as t


def due(connection: Connection, now: datetime, limit: int) -> list[str]:
    """Conversations that were put off until now, the longest due first."""
    table = t.conversations
    statement = select(table.c.id).where(table.c.state == "snoozed", table.c.snoozed_until <= now)
    return list(connection.execute(statement.order_by(table.c.snoozed_until, table.c.id).limit(limit)).scalars())
