"""`column IN (...)` with one parameter however many values there are, so that the statement stays the same one: the
drivers and SQLAlchemy prepare it once.

On SQLite all rows come as one JSON text: Python's sqlite3 gives other threads a turn at each row, and a writer that has to
wait for a busy event loop two hundred times reads for a tenth of a second.
"""

from __future__ import annotations

import json
from collections import namedtuple
from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import Column, Connection, Select, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect

from store.columns import Json, UtcTime, Words

_SQLITE = sqlite_dialect()
_TIME = UtcTime()


class Among:
    """Rows of `column`'s table whose `column` is one of some values. `locks`: in the order of the column, and held until
    the transaction ends (SQLite has one writer and needs none of it)."""

    def __init__(self, column: Column[Any], *, locks: bool = False) -> None:
        columns = list(column.table.columns)
        statement = select(column.table)
        self._postgresql: Select[Any] = statement.where(column == any_(bindparam("among", type_=ARRAY(Words))))
        if locks:
            self._postgresql = self._postgresql.order_by(column).with_for_update()
        names = ", ".join(c.name for c in columns)
        self._sqlite = (
            f"SELECT json_group_array(json_array({names})) FROM {column.table.description} "
            f"WHERE {column.name} IN (SELECT value FROM json_each(?))"
        )
        self._row = namedtuple("_row", [c.name for c in columns])  # type: ignore[misc]
        self._changes = [(i, change) for i, c in enumerate(columns) if (change := _from_driver(c)) is not None]

    def rows(self, connection: Connection, values: Collection[str]) -> list[Any]:
        """No order is promised. Of a row, columns by name, `_fields` and `_asdict()`."""
        [rows] = rows_of(connection, (self, values))
        return rows

    def _made(self, text: str) -> list[Any]:
        found: list[list[Any]] = json.loads(text)
        for index, change in self._changes:
            for row in found:
                row[index] = change(row[index])
        return [self._row(*row) for row in found]


def rows_of(connection: Connection, *asked: tuple[Among, Collection[str]]) -> list[list[Any]]:
    """Each one's rows, on SQLite by one statement for all. On PostgreSQL they are read, and locked, in the given order."""
    wanted = [(among, list(values)) for among, values in asked if values]
    if connection.dialect.name == "postgresql":
        found = [list(connection.execute(among._postgresql, {"among": values})) for among, values in wanted]
    elif wanted:
        statement = "SELECT " + ", ".join([f"({among._sqlite})" for among, _ in wanted])
        texts = connection.exec_driver_sql(statement, tuple([json.dumps(values) for _, values in wanted])).one()
        found = [among._made(text) for (among, _), text in zip(wanted, texts, strict=True)]
    else:
        found = []
    rows = iter(found)
    return [next(rows) if values else [] for _, values in asked]


def _from_driver(column: Column[Any]) -> Callable[[Any], Any] | None:
    if isinstance(column.type, UtcTime):
        return lambda value: _TIME.process_result_value(value, _SQLITE)
    if isinstance(column.type, Json):
        return lambda value: None if value is None else json.loads(value)
    return None
