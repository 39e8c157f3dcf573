"""Many rows with few statements, past SQLAlchemy's work for each parameter, which costs more than SQLite's own.

Python's sqlite3 lets other threads run during each step of SQLite, and has to wait for its turn after it: with a busy
event loop beside it that wait is longer than the step by far. So a step writes `CHUNK` rows, and what is left is one step, too:
as one JSON text, which costs SQLite up to three times as much for each row, and needs no statement for each number of rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Dialect, Table, Update, bindparam, insert, update
from sqlalchemy.sql.dml import UpdateBase

from store.columns import Json, UtcTime, dump_json

CHUNK = 64
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
        width = len(columns)
        values = ", ".join([f"({', '.join('?' * width)})"] * CHUNK)
        self._chunk = self._for_sqlite(f"(VALUES {values})", [f"given.column{n + 1}" for n in range(width)])
        self._rest = self._for_sqlite("json_each(?)", [f"(given.value ->> {n})" for n in range(width)])
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
            whole = len(converted) - len(converted) % CHUNK
            for at in range(0, whole, CHUNK):
                connection.exec_driver_sql(self._chunk, tuple(chain.from_iterable(converted[at : at + CHUNK])))
            if whole < len(converted):
                connection.exec_driver_sql(self._rest, (_rows_text(converted[whole:]),))
        else:
            sql, order = self._compiled or self._compile(dialect)
            connection.exec_driver_sql(sql, [tuple([values[index] for index in order]) for values in converted])

    def _for_sqlite(self, rows: str, given: Sequence[str]) -> str:
        name = self._table.name
        if not self._keys:
            return f"INSERT INTO {name} ({', '.join(self._names)}) SELECT {', '.join(given)} FROM {rows} AS given"
        start = f"{name}.%s + " if self._adds else ""
        pairs = zip(self._names, given[len(self._keys) :], strict=True)
        changed = ", ".join(f"{column} = {start % column if start else ''}{value}" for column, value in pairs)
        where = " AND ".join(f"{name}.{key} = {value}" for key, value in zip(self._keys, given, strict=False))
        return f"UPDATE {name} SET {changed} FROM {rows} AS given WHERE {where}"

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
