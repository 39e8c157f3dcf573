"""The index of what was said, and looking in it. SQLite: a full-text table (FTS5); PostgreSQL: a tsvector with GIN.

Both hold the same terms (`domain.words`), and for each entry whose it is: a term for the shop, and one for the customer's
conversation or notes. So a search reads the entries of those it may see, newest first, and stops when it has enough.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, Text, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from domain.search import Found, Scope
from domain.stream import WORDS, Entry, owner_of
from domain.words import Query, holds, query, terms
from store import conversation_tables as t
from store.rows import value_of
from store.transactions import Transactions

KINDS = WORDS | {"note"}
PAGE = 100  # candidates read at once
MOST_PAGES = 10  # what has the terms of a query and not the query itself is rare; a search ends all the same
NEWEST = 2**62
_KEEP_SQLITE = text(
    "INSERT INTO entry_words (rowid, words) SELECT seq, :words FROM entries WHERE id = :id AND author = :author"
)
_KEEP_POSTGRESQL = text(
    "INSERT INTO entry_words (seq, words) SELECT seq, array_to_tsvector(:words) FROM entries "
    "WHERE id = :id AND author = :author"
).bindparams(bindparam("words", type_=ARRAY(Text)))
_FORGET = {
    "sqlite": text(
        "DELETE FROM entry_words WHERE rowid IN (SELECT seq FROM entries WHERE id = :id AND author = :author)"
    ),
    "postgresql": text(
        "DELETE FROM entry_words WHERE seq IN (SELECT seq FROM entries WHERE id = :id AND author = :author)"
    ),
}
_FIND = {
    "sqlite": (
        select(t.entries)
        .where(text("seq IN (SELECT rowid FROM entry_words WHERE entry_words MATCH :wanted AND rowid < :before "
                    "ORDER BY rowid DESC LIMIT :limit)"))
        .order_by(t.entries.c.seq.desc())
    ),
    "postgresql": (
        select(t.entries)
        .where(text("seq IN (SELECT seq FROM entry_words WHERE words @@ CAST(:wanted AS tsquery) AND seq < :before "
                    "ORDER BY seq DESC LIMIT :limit)"))
        .order_by(t.entries.c.seq.desc())
    ),
}  # fmt: skip


class SqlSearch:
    """`domain.search.SearchStore` in SQL."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def search(self, sought: str, scope: Scope, *, before: int | None = None, limit: int = 30) -> list[Found]:
        wanted = query(sought)
        if wanted is None:
            return []
        found: list[Found] = []
        last = NEWEST if before is None else before
        for _ in range(MOST_PAGES):
            page = await self._transactions.read(lambda c, at=last: _candidates(c, wanted, scope, at))  # type: ignore[misc]
            found += [each for each in page if holds(said_in(each.entry), wanted)]
            if len(page) < PAGE or len(found) >= limit:
                break
            last = page[-1].place
        return found[:limit]


def said_in(entry: Entry) -> str:
    """What people find an entry by."""
    return "\n".join(str(entry.body[name]) for name in ("text", "caption", "name") if entry.body.get(name))


def index(connection: Connection, fresh: Iterable[Entry], shops: dict[str, str]) -> None:
    """Part of the transaction that keeps the entries. `shops` has the shop of each stream."""
    rows = [
        {"id": e.id, "author": e.author, "words": [*_owners(e.stream, shops[e.stream]), *terms(said_in(e))]}
        for e in fresh
        if e.kind in KINDS
    ]
    if not rows:
        return
    if connection.dialect.name == "postgresql":
        connection.execute(_KEEP_POSTGRESQL, rows)
    else:
        connection.execute(_KEEP_SQLITE, [row | {"words": " ".join(row["words"])} for row in rows])


def forget(connection: Connection, gone: Sequence[Entry]) -> None:
    """Takes the words of these entries out of the index."""
    if gone:
        connection.execute(_FORGET[connection.dialect.name], [{"id": e.id, "author": e.author} for e in gone])


def _candidates(connection: Connection, wanted: Query, scope: Scope, before: int) -> list[Found]:
    dialect = connection.dialect.name
    rows = connection.execute(
        _FIND[dialect], {"wanted": _EXPRESSION[dialect](wanted, scope), "before": before, "limit": PAGE}
    )
    return [Found(entry=value_of(Entry, row), place=row.seq) for row in rows]


def _owners(stream: str, shop_id: str) -> tuple[str, str]:
    return _name("s", shop_id), _name(stream[0], owner_of(stream))


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
    rest = [*(quoted(term) for term in wanted.whole), *(f"{quoted(term)}*" for term in wanted.prefixes)]
    return f"({owners}) AND " + " AND ".join(rest)


def _tsquery(wanted: Query, scope: Scope) -> str:
    def quoted(term: str) -> str:
        return "'" + term.replace("\\", "\\\\").replace("'", "''") + "'"

    owners = " | ".join(quoted(term) for term in _scope_terms(scope))
    rest = [*(quoted(term) for term in wanted.whole), *(f"{quoted(term)}:*" for term in wanted.prefixes)]
    return f"({owners}) & " + " & ".join(rest)


_EXPRESSION = {"sqlite": _fts5, "postgresql": _tsquery}
