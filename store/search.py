"""The index of what was said, and looking in it. SQLite: a full-text table (FTS5); PostgreSQL: a tsvector with GIN.

Both hold the same terms (`domain.words`), and for each entry whose it is: a term for the shop, and one for the customer's
conversation or notes. So a search reads the entries of those it may see, newest first, and stops when it has enough.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import structlog
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Integer,
    MetaData,
    Select,
    Table,
    Text,
    bindparam,
    column,
    delete,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from domain.errors import Unavailable
from domain.search import Found, Scope, said_in
from domain.stream import WORDS, Entry, owner_of
from domain.words import Query, holds, query, terms
from store import conversation_tables as t
from store.bulk import Bulk
from store.rows import value_of
from store.transactions import Transactions

KINDS = WORDS | {"note"}
PAGE = 100  # candidates read at once
MOST_PAGES = 10  # what has the terms of a query and not the query itself is rare; a search ends all the same
NEWEST = 2**62
NEAR = 10_000  # entries: words that are common have enough among these
AT_ONCE = 50  # entries indexed in one transaction: a few ms in which no message is kept
GATHER = 0.1  # seconds: many at once cost less than each by itself
BACK_OFF = 4  # while messages come, the index has a fifth of the writer's time
CATCH_UP = 20  # such transactions that a search waits for
BEGINNING = 6  # characters: the longest beginnings of words that the index on SQLite knows (migration 0009)
MERGED_PAGES = 64  # of the index in one transaction
log = structlog.get_logger(__name__)
_KEEP_POSTGRESQL = text(
    "INSERT INTO entry_words (seq, words) SELECT seq, array_to_tsvector(:words) FROM entries "
    "WHERE id = :id AND author = :author"
).bindparams(bindparam("words", type_=ARRAY(Text)))
_KEEP_ROWS = text("INSERT INTO entry_words (seq, words) VALUES (:seq, array_to_tsvector(:words))").bindparams(
    bindparam("words", type_=ARRAY(Text))
)
_KEEP_SQLITE = Bulk(
    Table("entry_words", MetaData(), Column("rowid", Integer), Column("words", Text)), ("rowid", "words")
)
_LAST = {
    "sqlite": "coalesce((SELECT rowid FROM entry_words ORDER BY rowid DESC LIMIT 1), 0)",
    "postgresql": "coalesce((SELECT max(seq) FROM entry_words), 0)",
}
_WANTED = (
    select(t.entries.c.seq, t.entries.c.stream, t.entries.c.body, t.streams.c.shop_id)
    .join(t.streams, t.streams.c.id == t.entries.c.stream)
    .where(t.entries.c.kind.in_(sorted(KINDS)), t.entries.c.gone.is_(None))
    .order_by(t.entries.c.seq)
)
_MISSING = {dialect: _WANTED.where(text(f"seq > {last}")) for dialect, last in _LAST.items()}
_FORGET = {
    "sqlite": text(
        "DELETE FROM entry_words WHERE rowid IN (SELECT seq FROM entries WHERE id = :id AND author = :author)"
    ),
    "postgresql": text(
        "DELETE FROM entry_words WHERE seq IN (SELECT seq FROM entries WHERE id = :id AND author = :author)"
    ),
}


def _entries_among(found: str) -> Select[Any]:
    return (
        select(t.entries)
        .where(text(f"seq IN ({found} ORDER BY seq DESC LIMIT :limit)"))
        .order_by(t.entries.c.seq.desc())
    )


# PostgreSQL guesses how rare words are, and when it is wrong it reads all entries. So common words are looked for among the
# newest entries, and only what is not common in the index of words, which gathers all that has them (OFFSET 0: by itself).
_FIND = {
    "sqlite": [
        _entries_among("SELECT rowid AS seq FROM entry_words WHERE entry_words MATCH :wanted AND rowid < :before")
    ],
    "postgresql": [
        _entries_among(
            "SELECT seq FROM entry_words WHERE words @@ CAST(:wanted AS tsquery) AND seq < :before AND seq >= "
            f"(SELECT coalesce(max(seq), 0) - {NEAR} FROM entry_words WHERE seq < :before)"
        ),
        _entries_among(
            "SELECT seq FROM (SELECT seq FROM entry_words WHERE words @@ CAST(:wanted AS tsquery) OFFSET 0) AS having_them "
            "WHERE seq < :before"
        ),
    ],
}


class SqlSearch:
    """`domain.search.SearchStore` in SQL. With `indexes_later` (SQLite) `run` keeps the index up with the entries, and
    `wake` tells it of new ones."""

    def __init__(self, transactions: Transactions, *, indexes_later: bool) -> None:
        self._transactions = transactions
        self._indexes_later = indexes_later
        self._is_behind = asyncio.Event()

    def wake(self) -> None:
        self._is_behind.set()

    async def run(self) -> None:
        self._is_behind.set()  # what a crash left out
        now = asyncio.get_running_loop().time
        while True:
            await self._is_behind.wait()
            await asyncio.sleep(GATHER)
            try:
                is_whole = False
                while not is_whole:
                    self._is_behind.clear()
                    began = now()
                    is_whole = await self._transactions.write(index_next, is_lasting=False) < AT_ONCE
                    if self._is_behind.is_set() and not is_whole:  # messages are being kept, and they come first
                        await asyncio.sleep(BACK_OFF * (now() - began))
            except Unavailable:  # it goes on with the next entry
                log.warning("the index of words waits for the database")

    async def search(self, sought: str, scope: Scope, *, before: int | None = None, limit: int = 30) -> list[Found]:
        wanted = query(sought)
        if wanted is None:
            return []
        for _ in range(CATCH_UP if self._indexes_later else 0):  # who has just written finds it
            if await self._transactions.write(index_next) < AT_ONCE:
                break
        found: list[Found] = []
        last = NEWEST if before is None else before
        for _ in range(MOST_PAGES):
            page = await self._transactions.read(lambda c, at=last: _candidates(c, wanted, scope, at))  # type: ignore[misc]
            found += [each for each in page if holds(each.said, wanted)]
            if len(page) < PAGE or len(found) >= limit:
                break
            last = page[-1].place
        return found[:limit]


def index_fresh(connection: Connection, fresh: Iterable[Entry], shops: dict[str, str]) -> None:
    """On PostgreSQL, in the transaction that keeps the entries: nodes that commit in any order leave nothing out. On SQLite
    it is left to `index_next`: it costs as much as keeping the entry does, and nobody should wait for it."""
    if connection.dialect.name != "postgresql":
        return
    rows = [
        {"id": e.id, "author": e.author, "words": _terms(e.stream, e.body, shops[e.stream])}
        for e in fresh
        if e.kind in KINDS
    ]
    if rows:
        connection.execute(_KEEP_POSTGRESQL, rows)


def index_next(connection: Connection, limit: int = AT_ONCE) -> int:
    """Indexes the first entries after the last one that is in the index, which are all that are missing where one
    connection writes. Returns how many they were."""
    dialect = connection.dialect.name
    rows = connection.execute(_MISSING[dialect].limit(limit)).all()
    kept = [(seq, _terms(stream, body, shop_id)) for seq, stream, body, shop_id in rows]
    if kept and dialect == "sqlite":
        _KEEP_SQLITE.run(connection, [(seq, " ".join(words)) for seq, words in kept])
    elif kept:
        connection.execute(_KEEP_ROWS, [{"seq": seq, "words": words} for seq, words in kept])
    return len(kept)


def forget(connection: Connection, gone: Sequence[Entry]) -> None:
    """Takes the words of these entries out of the index."""
    if gone:
        connection.execute(_FORGET[connection.dialect.name], [{"id": e.id, "author": e.author} for e in gone])


def forget_of(connection: Connection, streams: Sequence[str]) -> None:
    """Takes all words of these streams out of the index."""
    rows = select(t.entries.c.seq).where(t.entries.c.stream.in_(streams))
    key: ColumnElement[Any] = column("rowid" if connection.dialect.name == "sqlite" else "seq")
    connection.execute(delete(table("entry_words")).where(key.in_(rows)))


def tidy(connection: Connection) -> bool:
    """FTS5 keeps a word that was deleted until the parts of its index that hold it are merged: merges a little. False when
    all is merged. PostgreSQL's index forgets by itself."""
    if connection.dialect.name != "sqlite":
        return False
    before = connection.exec_driver_sql("SELECT total_changes()").scalar_one()
    connection.exec_driver_sql("INSERT INTO entry_words (entry_words, rank) VALUES ('merge', ?)", (-MERGED_PAGES,))
    return int(connection.exec_driver_sql("SELECT total_changes()").scalar_one() - before) > 1


def _candidates(connection: Connection, wanted: Query, scope: Scope, before: int) -> list[Found]:
    dialect = connection.dialect.name
    asked = {"wanted": _EXPRESSION[dialect](wanted, scope), "before": before, "limit": PAGE}
    for statement in _FIND[dialect]:
        rows = connection.execute(statement, asked).all()
        if len(rows) == PAGE:
            break
    return [Found(entry=value_of(Entry, row), place=row.seq) for row in rows]


def _terms(stream: str, body: Mapping[str, Any], shop_id: str) -> list[str]:
    return [_name("s", shop_id), _name(stream[0], owner_of(stream)), *terms(said_in(body))]


def _name(kind: str, owner: str) -> str:
    """A term that no text has: this character, for private use, is of no word, and yet both indexes keep it."""
    return f"\ue000{kind}{owner.encode().hex()}"


def _scope_terms(scope: Scope) -> list[str]:
    if scope.customer_id is None:
        return [_name("s", scope.shop_id)]
    return [_name(kind, scope.customer_id) for kind in ("cn" if scope.has_notes else "c")]


def _fts5(wanted: Query, scope: Scope) -> str:
    def quoted(term: str) -> str:
        return '"' + term.replace('"', '""') + '"'

    owners = " OR ".join(quoted(term) for term in _scope_terms(scope))
    # `holds` looks at the rest of a longer word: beyond what the index knows, all that begins so would be gathered first
    beginnings = (term[:BEGINNING] for term in wanted.prefixes)
    rest = [*(quoted(term) for term in wanted.whole), *(f"{quoted(term)}*" for term in beginnings)]
    return f"({owners}) AND " + " AND ".join(rest)


def _tsquery(wanted: Query, scope: Scope) -> str:
    def quoted(term: str) -> str:
        return "'" + term.replace("\\", "\\\\").replace("'", "''") + "'"

    owners = " | ".join(quoted(term) for term in _scope_terms(scope))
    rest = [*(quoted(term) for term in wanted.whole), *(f"{quoted(term)}:*" for term in wanted.prefixes)]
    return f"({owners}) & " + " & ".join(rest)


_EXPRESSION = {"sqlite": _fts5, "postgresql": _tsquery}
