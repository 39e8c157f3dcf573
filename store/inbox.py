"""The inbox's own questions."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, literal, select

from domain.conversation import Conversation, ConversationState, Row
from domain.stream import Cursor, owner_of
from domain.unchecked import unchecked
from store import conversation_tables as t
from store import tables
from store.columns import Words

_KEPT = t.conversations.c
_ROWS = (
    select(t.conversations, tables.customers.c.name, tables.staff.c.name.label("assignee_name"), t.streams.c.head)
    .join(tables.customers, tables.customers.c.id == _KEPT.id)
    .outerjoin(tables.staff, tables.staff.c.id == _KEPT.assignee)
    .outerjoin(t.streams, t.streams.c.id == literal("c.", Words).concat(_KEPT.id))
)


def changed(shop_id: str, after: int, limit: int) -> Select[Any]:
    statement = _ROWS.where(_KEPT.shop_id == shop_id, _KEPT.inbox_position > after)
    if after == 0:
        statement = statement.where(_KEPT.state != "closed")
    return statement.order_by(_KEPT.inbox_position).limit(limit)


def listed(shop_id: str, state: ConversationState | None, assignee: str | None, before: int, limit: int) -> Select[Any]:
    statement = _ROWS.where(_KEPT.shop_id == shop_id, _KEPT.inbox_position < before)
    if state is not None:
        statement = statement.where(_KEPT.state == state)
    if assignee is not None:
        statement = statement.where(_KEPT.assignee == assignee if assignee else _KEPT.assignee.is_(None))
    return statement.order_by(_KEPT.inbox_position.desc()).limit(limit)


def of(conversation_id: str) -> Select[Any]:
    return _ROWS.where(_KEPT.id == conversation_id)


def matches(connection: Connection, cursor: Cursor) -> bool:
    """Known at the inbox's head, and where the last change of a conversation is."""
    at = (_KEPT.shop_id == owner_of(cursor.stream), _KEPT.inbox_position == cursor.position)
    known = connection.execute(select(_KEPT.inbox_digest).where(*at)).scalar_one_or_none()
    return known == cursor.digest


def rows(connection: Connection, statement: Select[Any]) -> list[Row]:
    return [_row(dict(row._mapping)) for row in connection.execute(statement)]


def due(connection: Connection, now: datetime, limit: int) -> list[str]:
    """Conversations that were put off until now, the longest due first."""
    statement = select(_KEPT.id).where(_KEPT.state == "snoozed", _KEPT.snoozed_until <= now)
    return list(connection.execute(statement.order_by(_KEPT.snoozed_until, _KEPT.id).limit(limit)).scalars())


def _row(found: dict[str, Any]) -> Row:
    names = {"name": found.pop("name"), "assignee_name": found.pop("assignee_name"), "head": found.pop("head") or 0}
    return unchecked(Row, {"conversation": unchecked(Conversation, found), **names})
