"""The one transaction that writes to streams: reads what a batch touches, lets the domain decide, writes the outcome.

As many statements for one entry as for hundreds. On PostgreSQL rows are locked in one order everywhere: a call, streams by
id, conversations by id, devices by id. So batches of two nodes wait for each other and never in a circle.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Row, select

from domain.accepting import Committed, Ledger, Line, Needs, accept_all, needs
from domain.conversation import Conversation
from domain.stream import Device, Entry, NewEntry, conversation_stream, inbox_stream, owner_of, staff_stream
from store import conversation_tables as t
from store import search, tables
from store.among import Among, rows_of
from store.bulk import Bulk
from store.rows import insert_into, many, value_of

OF_CUSTOMER = ("c.", "n.")
RECENT = 500  # entries: no conversation has so many in a minute, and nothing older rings
_STREAMS = Among(t.streams.c.id)
_STREAMS_LOCKED = Among(t.streams.c.id, locks=True)
_CONVERSATIONS = Among(t.conversations.c.id, locks=True)
_DEVICES = Among(t.devices.c.id, locks=True)
_ENTRIES = Among(t.entries.c.id)
_ATTACHMENTS = Among(t.attachments.c.id, locks=True)  # else it might be swept before the commit
_CUSTOMERS = Among(tables.customers.c.id)
_STAFF = Among(tables.staff.c.id)

_ENTRY = tuple(column.name for column in t.entries.columns if column.name != "seq")
_CHANGING = tuple(column.name for column in t.conversations.columns if column.name not in ("id", "shop_id"))
_entry_values = attrgetter(*_ENTRY)
_conversation_values = attrgetter("id", *_CHANGING)


_KEEP = Bulk(t.entries, _ENTRY)
_ADVANCE = Bulk(t.streams, ("head", "digest"), keys=["id"])
_CHANGE = Bulk(t.conversations, _CHANGING, keys=["id"])
_COUNT = Bulk(t.devices, ["counter"], keys=["id"])
_TAKE_BACK = Bulk(t.entries, ("body", "gone"), keys=("id", "author"))
_USE = Bulk(t.attachments, ["uses"], keys=["id"], adds=True)


def append_many(connection: Connection, batch: Sequence[NewEntry]) -> Committed:
    """Answers each entry with `Kept` or the refusal that it met."""
    ledger = load(connection, needs(batch))
    committed = accept_all(ledger, batch)
    write(connection, ledger, committed)
    return committed


def load(connection: Connection, wanted: Needs) -> Ledger:
    """Reads, and on PostgreSQL locks, all that a batch touches. Streams that nobody wrote in yet are made; those of
    somebody unknown are left out."""
    streams = _STREAMS.rows(connection, wanted.streams)
    shops = {row.id: row.shop_id for row in streams}
    known_ids = set(shops)
    if len(shops) < len(wanted.streams):
        shops |= _make_streams(connection, wanted.streams - shops.keys())
    of_customers = [stream for stream in shops if stream.startswith(OF_CUSTOMER)]
    ids = shops.keys() | {inbox_stream(shops[stream]) for stream in of_customers}
    if connection.dialect.name == "postgresql":  # only now: what was read above was not locked
        streams = _STREAMS_LOCKED.rows(connection, ids)
    else:
        streams += _STREAMS.rows(connection, ids - known_ids)
    conversations, devices, known, attachments = rows_of(
        connection,
        (_CONVERSATIONS, {owner_of(stream) for stream in of_customers}),
        (_DEVICES, wanted.devices),
        (_ENTRIES, wanted.entry_ids),  # after the locks: who kept one of them here has committed it
        (_ATTACHMENTS, wanted.attachments),
    )
    heads = {row.id: row.head for row in streams}
    return Ledger(
        streams={row.id: Line(row.shop_id, row.head, row.digest) for row in streams},
        conversations={row.id: value_of(Conversation, row) for row in conversations},
        devices={row.id: value_of(Device, row) for row in devices},
        known={(row.id, row.author): value_of(Entry, row) for row in known},
        attachments={row.id: _file(row) for row in attachments},
        ringing={
            s: ring for s in wanted.rings & shops.keys() if (ring := _ringing(connection, s, heads[s])) is not None
        },
    )


def _ringing(connection: Connection, stream: str, head: int) -> Entry | None:
    """The last ring, when it has no answer. To be read after the locks."""
    table = t.entries
    recent = select(table).where(table.c.stream == stream, table.c.position > head - RECENT, table.c.gone.is_(None))
    statement = recent.where(table.c.kind.in_(("ring", "rung"))).order_by(table.c.position.desc())
    found = many(connection, statement, Entry)
    last = next((entry for entry in found if entry.kind == "ring"), None)
    is_answered = last is not None and any(entry.body.get("ring") == last.id for entry in found)
    return None if is_answered else last


def write(connection: Connection, ledger: Ledger, committed: Committed) -> None:
    """Writes what was decided. Rows are changed in the order in which they were locked."""
    _KEEP.run(connection, [_entry_values(entry) for entry in committed.fresh])
    moved = {entry.stream for entry in committed.fresh} | {inbox.stream for inbox in committed.inboxes}
    lines = [(stream, ledger.streams[stream]) for stream in sorted(moved)]
    _ADVANCE.run(connection, [(stream, line.head, line.digest) for stream, line in lines])
    changed = [ledger.conversations[customer_id] for customer_id in sorted(ledger.changed)]
    _CHANGE.run(connection, [_conversation_values(conversation) for conversation in changed])
    _COUNT.run(connection, sorted(ledger.counted.items()))
    _TAKE_BACK.run(connection, [(gone.id, gone.author, gone.body, gone.gone) for gone in ledger.recalled])
    _USE.run(connection, sorted(ledger.used.items()))
    search.index_fresh(connection, committed.fresh, {stream: line.shop_id for stream, line in lines})
    search.forget(connection, ledger.recalled)


def _file(row: Row[Any]) -> dict[str, Any]:
    """What pages must know to show it, see `domain.bodies.FileBody`."""
    names = ("conversation_id", "mime", "kind", "name", "bytes", "width", "height", "seconds", "wave")
    return {name: getattr(row, name) for name in names} | {"has_thumb": row.thumb is not None}


def _make_streams(connection: Connection, missing: set[str]) -> dict[str, str]:
    """Returns the shops of those made. Nothing is locked yet, so that whoever waits here for another node holds nothing
    that it needs."""
    owners = {owner_of(stream) for stream in missing if stream.startswith(OF_CUSTOMER)}
    customers = {row.id: row for row in _CUSTOMERS.rows(connection, owners)}
    staff = {row.id: row.shop_id for row in _STAFF.rows(connection, {owner_of(s) for s in missing if s[0] == "s"})}
    shops = {conversation_stream(i): row.shop_id for i, row in customers.items()}
    shops |= {
        stream: shops[f"c.{owner_of(stream)}"]
        for stream in missing
        if stream[0] == "n" and owner_of(stream) in customers
    }
    shops |= {staff_stream(staff_id): shop_id for staff_id, shop_id in staff.items()}
    inboxes = {inbox_stream(row.shop_id): row.shop_id for row in customers.values()}
    rows = [{"id": i, "shop_id": shop_id, "head": 0, "digest": 0} for i, shop_id in sorted((shops | inboxes).items())]
    if rows:
        connection.execute(insert_into(connection, t.streams).on_conflict_do_nothing(), rows)
    blank = [Conversation(id=i, shop_id=row.shop_id, last_at=row.created_at) for i, row in sorted(customers.items())]
    if blank:
        connection.execute(
            insert_into(connection, t.conversations).on_conflict_do_nothing(),
            [conversation.__dict__ for conversation in blank],
        )
    return {stream: shop_id for stream, shop_id in shops.items() if stream in missing}
