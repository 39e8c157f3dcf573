"""What step 0003 takes over: the words of the entries that are there. The index can always be made anew, so this uses the
code of today."""

from __future__ import annotations

from sqlalchemy import Connection, text

from domain.stream import Entry
from store import conversation_tables as t
from store.rows import value_of
from store.search import KINDS, index

BATCH = 500


def index_all(connection: Connection) -> None:
    shops = {row.id: row.shop_id for row in connection.execute(text("SELECT id, shop_id FROM streams"))}
    last = 0
    while True:
        statement = t.entries.select().where(t.entries.c.seq > last, t.entries.c.kind.in_(KINDS))
        rows = list(connection.execute(statement.order_by(t.entries.c.seq).limit(BATCH)))
        if not rows:
            return
        index(connection, [value_of(Entry, row) for row in rows], shops)
        last = rows[-1].seq
