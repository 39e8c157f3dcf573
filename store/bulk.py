"""Many rows with one statement, past SQLAlchemy's work for each parameter, which costs more than SQLite's own.

Python's sqlite3 lets other threads run during each step of SQLite, and has to wait for its turn after it: with a busy
event loop beside it that wait is longer than the step by far. So all rows are one step, and come to it as one JSON text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Dialect, Table, Update, bindparam, insert, update
from sqlalchemy.sql.dml import UpdateBase

from store.columns import Json, UtcTime, dump_json

_TIME = UtcTime()
_rows_text = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
ToDriver = Callable[[Any], Any]


class Bulk:
    """Inserts rows of `names`; with `keys` it updates those of the rows whose `keys` stand before. `adds`: to what is
    there. Text is not checked here: see `store.columns.check_words`."""

    def __init__(self, table: Table, names: Sequence[str], *, keys: Sequence[str] = (), adds: bool = False) -> None:
        self._table, self._names, self._keys, self._adds = table, tuple(names), tuple(keys), adds
        columns = [table.c[name] for name in (*keys, *names)]
        self._times = [index for index, column in enumerate(columns) if isinstance(column.type, UtcTime)]
        self._jsons = [index for index, column in enumerate(columns) if isinstance(column.type, Json)]
        self._sqlite = self._for_sqlite()
        self._compiled: tuple[str, list[int]] | None = None

    def run(self, connection: Connection, rows: Sequence[Sequence[Any]]) -> None:
        if not rows:
            return
        dialect = connection.dialect
        changes = [*((index, _moment(dialect)) for index in self._times), *((i, _json) for i in self._jsons)]
        converted = []
        for row in rows:
            values = list(row)
            for index, change in changes:
                values[index] = change(values[index])
            converted.append(values)
        if dialect.name == "sqlite":
            connection.exec_driver_sql(self._sqlite, (_rows_text(converted),))
        else:
            sql, order = self._compiled or self._compile(dialect)
            connection.exec_driver_sql(sql, [tuple([values[index] for index in order]) for values in converted])

    def _for_sqlite(self) -> str:
        name, width = self._table.name, len(self._keys) + len(self._names)
        given = [f"given.value ->> {number}" for number in range(width)]
        if not self._keys:
            return f"INSERT INTO {name} ({', '.join(self._names)}) SELECT {', '.join(given)} FROM json_each(?) AS given"
        start = f"{name}.%s + " if self._adds else ""
        pairs = zip(self._names, given[len(self._keys) :], strict=True)
        changed = ", ".join(f"{column} = {start % column if start else ''}({value})" for column, value in pairs)
        where = " AND ".join(f"{name}.{key} = ({value})" for key, value in zip(self._keys, given, strict=False))
        return f"UPDATE {name} SET {changed} FROM json_each(?) AS given WHERE {where}"

    def _compile(self, dialect: Dialect) -> tuple[str, list[int]]:
        names = [*(f"key_{name}" for name in self._keys), *(f"new_{name}" for name in self._names)]
        compiled = self._statement().compile(dialect=dialect, column_keys=None if self._keys else list(self._names))
        order = [names.index(name if self._keys else f"new_{name}") for name in compiled.positiontup or ()]
        self._compiled = str(compiled), order
        return self._compiled

    def _statement(self) -> UpdateBase:
        table = self._table
        if not self._keys:
            return insert(table)
        statement: Update = update(table)
        for key in self._keys:
            statement = statement.where(table.c[key] == bindparam(f"key_{key}"))
        new = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in self._names}
        return statement.values({n: table.c[n] + given if self._adds else given for n, given in new.items()})


def _moment(dialect: Dialect) -> ToDriver:
    def convert(at: datetime | None) -> Any:
        return _TIME.process_bind_param(at, dialect)

    return convert


def _json(value: Any) -> str | None:
    return None if value is None else dump_json(value)
