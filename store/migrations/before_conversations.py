"""What step 0002 takes over: calls, what was said in them, and left messages, as entries of each customer's conversation.

Part of that step: it speaks of the tables as they were then, and is not changed once released.
"""

from __future__ import annotations

import heapq
import zlib
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from store.columns import Json, UtcTime, Words

BATCH = 1000
PREVIEW_CHARACTERS = 120
KINDS = {"message": "text", "booking": "booking", "picture": "picture"}
Entry = dict[str, Any]
# (customer, moment, call, 0 for an event and 1 for what follows from a call, position): the order of a conversation
Placed = tuple[tuple[str, Any, str, int, int], str, Entry]


def _table(name: str, /, **columns: Any) -> Any:
    return sa.table(name, *(sa.column(column, kind) for column, kind in columns.items()))


CALLS = _table(
    "calls",
    id=Words,
    shop_id=Words,
    customer_id=Words,
    state=Words,
    created_at=UtcTime,
    live_at=UtcTime,
    ended_at=UtcTime,
)
EVENTS = _table(
    "events", call_id=Words, position=sa.Integer, kind=Words, cmid=Words, author=Words, side=Words, author_name=Words,
    at=UtcTime, body=Json,
)  # fmt: skip
RECORDINGS = _table("recordings", call_id=Words, state=Words, duration_s=sa.Float)
LEFT = _table(
    "left_messages", id=Words, shop_id=Words, customer_id=Words, name=Words, contact=Words, text=Words,
    created_at=UtcTime, done_at=UtcTime,
)  # fmt: skip
STREAMS = _table("streams", id=Words, shop_id=Words, head=sa.Integer, digest=sa.BigInteger)
ENTRIES = _table(
    "entries", stream=Words, position=sa.Integer, id=Words, kind=Words, author=Words, side=Words, author_name=Words,
    at=UtcTime, body=Json, digest=sa.BigInteger,
)  # fmt: skip
CONVERSATIONS = _table(
    "conversations", id=Words, shop_id=Words, state=Words, waiting_since=UtcTime, last_at=UtcTime, preview=Words,
    preview_kind=Words, customer_head=sa.Integer, staff_head=sa.Integer, staff_head_author=Words,
    inbox_position=sa.Integer,
)  # fmt: skip


def take_over(connection: sa.Connection) -> None:
    """Conversations are closed, so that no inbox is flooded; those with a left message that is not done are open."""
    waiting = _waiting(connection)
    conversations: list[dict[str, Any]] = []
    everything = heapq.merge(_events(connection), _ends(connection), _left(connection), key=lambda placed: placed[0])
    for customer_id, placed in groupby(everything, key=lambda placed: placed[0][0]):
        conversations.append(_fill(connection, customer_id, placed, waiting.get(customer_id)))
    inboxes: dict[str, int] = {}
    for conversation in sorted(conversations, key=lambda each: (each["last_at"], each["id"])):
        inboxes[conversation["shop_id"]] = inboxes.get(conversation["shop_id"], 0) + 1
        conversation["inbox_position"] = inboxes[conversation["shop_id"]]
    _insert(connection, CONVERSATIONS, conversations)
    rows = [{"id": f"i.{shop_id}", "shop_id": shop_id, "head": head, "digest": 0} for shop_id, head in inboxes.items()]
    _insert(connection, STREAMS, rows)


def _fill(connection: sa.Connection, customer_id: str, placed: Iterable[Placed], waiting: Any) -> dict[str, Any]:
    stream, digest, rows = f"c.{customer_id}", 0, []
    heads: dict[str, Any] = {"customer_head": 0, "staff_head": 0, "staff_head_author": None}
    found = list(placed)
    shop_id = found[0][1]
    for position, (_, _, entry) in enumerate(found, 1):
        digest = zlib.crc32(entry["id"].encode(), digest)
        rows.append(entry | {"stream": stream, "position": position, "digest": digest})
        if entry["kind"] == "text":
            heads[f"{entry['side']}_head"] = position
            if entry["side"] == "staff":
                heads["staff_head_author"] = entry["author"]
    _insert(connection, ENTRIES, rows)
    head = {"id": stream, "shop_id": shop_id, "head": len(rows), "digest": digest}
    _insert(connection, STREAMS, [head])
    last = rows[-1]
    return heads | {
        "id": customer_id,
        "shop_id": shop_id,
        "state": "open" if waiting else "closed",
        "waiting_since": waiting,
        "last_at": last["at"],
        "preview": str(last["body"].get("text", ""))[:PREVIEW_CHARACTERS],
        "preview_kind": last["kind"],
    }


def _events(connection: sa.Connection) -> Iterator[Placed]:
    statement = sa.select(EVENTS, CALLS.c.customer_id, CALLS.c.shop_id).join(CALLS, CALLS.c.id == EVENTS.c.call_id)
    rows = connection.execute(statement.where(EVENTS.c.kind.in_(KINDS)))
    return iter(sorted((_event(row) for row in rows), key=lambda placed: placed[0]))


def _event(row: Any) -> Placed:
    body = {"call_id": row.call_id}
    if row.kind == "message":
        body["text"] = row.body.get("text", "")
    elif row.kind == "booking":
        body["booking"] = row.body.get("booking", {})
    else:
        body["picture_id"] = row.body.get("picture", {}).get("id", "")
    entry = {
        "id": f"{row.call_id}.{row.cmid}", "kind": KINDS[row.kind], "author": row.author, "side": row.side,
        "author_name": row.author_name, "at": row.at, "body": body,
    }  # fmt: skip
    return (row.customer_id, row.at, row.call_id, 0, row.position), row.shop_id, entry


def _ends(connection: sa.Connection) -> Iterator[Placed]:
    statement = sa.select(CALLS, RECORDINGS.c.state.label("recording"), RECORDINGS.c.duration_s)
    statement = statement.outerjoin(RECORDINGS, RECORDINGS.c.call_id == CALLS.c.id)
    found: list[Placed] = []
    for row in connection.execute(statement.where(CALLS.c.state.in_(("ended", "missed", "abandoned")))):
        at = row.ended_at or row.created_at
        seconds = (at - row.live_at).total_seconds() if row.live_at else 0.0
        told = [("over", "call", {"call_id": row.id, "state": row.state, "seconds": round(seconds, 1)})]
        if row.recording == "ready":
            told.append(("recording", "recording", {"call_id": row.id, "seconds": round(row.duration_s, 1)}))
        for number, (name, kind, body) in enumerate(told):
            entry = {
                "id": f"{row.id}.{name}", "kind": kind, "author": "machine", "side": "machine", "author_name": "",
                "at": at, "body": body,
            }  # fmt: skip
            found.append(((row.customer_id, at, row.id, 1, number), row.shop_id, entry))
    return iter(sorted(found, key=lambda placed: placed[0]))


def _left(connection: sa.Connection) -> Iterator[Placed]:
    found: list[Placed] = []
    for row in connection.execute(sa.select(LEFT)):
        entry = {
            "id": row.id, "kind": "text", "author": row.customer_id, "side": "customer", "author_name": row.name,
            "at": row.created_at, "body": {"text": row.text, "contact": row.contact},
        }  # fmt: skip
        found.append(((row.customer_id, row.created_at, row.id, 0, 0), row.shop_id, entry))
    return iter(sorted(found, key=lambda placed: placed[0]))


def _waiting(connection: sa.Connection) -> dict[str, Any]:
    statement = sa.select(LEFT.c.customer_id, LEFT.c.created_at).where(LEFT.c.done_at.is_(None))
    rows = connection.execute(statement.order_by(LEFT.c.created_at.desc()))
    return {row.customer_id: row.created_at for row in rows}  # the oldest comes last and stays


def _insert(connection: sa.Connection, table: Any, rows: list[dict[str, Any]]) -> None:
    for start in range(0, len(rows), BATCH):
        connection.execute(sa.insert(table), rows[start : start + BATCH])
