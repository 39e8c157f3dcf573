"""How far people are in streams: the job that merges marks by maximum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, case

from domain.stream import Mark
from store import conversation_tables as t
from store.among import Among
from store.rows import insert_into, value_of

Key = tuple[str, str]
_OF_STREAMS = Among(t.marks.c.stream)


def of_streams(connection: Connection, streams: Sequence[str]) -> list[Mark]:
    """By stream and person."""
    return sorted((value_of(Mark, row) for row in _OF_STREAMS.rows(connection, streams)), key=key_of)


def key_of(mark: Mark) -> Key:
    return mark.stream, mark.person_id


def merged(known: Mapping[Key, Mark], marks: Sequence[Mark], heads: Mapping[str, int]) -> dict[Key, Mark]:
    """What the persons of `marks` have after them: never less than before, never beyond the head, read <= delivered."""
    after: dict[Key, Mark] = {}
    for mark in marks:
        before = (
            after.get(key_of(mark)) or known.get(key_of(mark)) or mark.model_copy(update={"delivered": 0, "read": 0})
        )
        head = heads[mark.stream]
        read = max(before.read, min(mark.read, head))
        delivered = max(before.delivered, min(mark.delivered, head), read)
        after[key_of(mark)] = before.model_copy(update={"delivered": delivered, "read": read})
    return after


def put(connection: Connection, marks: Sequence[Mark]) -> list[Mark]:
    """One statement merges, so that two devices of one person cannot take each other's mark back. Returns all marks of
    these streams."""
    insert = insert_into(connection, t.marks)
    larger = {
        name: case((insert.excluded[name] > t.marks.c[name], insert.excluded[name]), else_=t.marks.c[name])
        for name in ("delivered", "read")
    }
    statement = insert.on_conflict_do_update(index_elements=["stream", "person_id"], set_=larger)
    connection.execute(statement, [mark.model_dump() for mark in sorted(marks, key=key_of)])
    return of_streams(connection, sorted({mark.stream for mark in marks}))
