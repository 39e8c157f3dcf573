"""A statement for many rows at once, past SQLAlchemy's work for each parameter, which costs more than SQLite's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Dialect
from sqlalchemy.sql.dml import UpdateBase

from store.columns import UtcTime, dump_json

_TIME = UtcTime()
ToDriver = Callable[[Any], Any]


class Bulk:
    """`names` are the statement's parameters in the order of the rows' values; `times` and `jsons` name those that the
    driver wants in another form. Text is not checked here: see `store.columns.check_words`."""

    def __init__(
        self, statement: UpdateBase, names: Sequence[str], *, times: Sequence[str] = (), jsons: Sequence[str] = ()
    ) -> None:
        self._statement = statement
        self._names = tuple(names)
        self._times = [self._names.index(name) for name in times]
        self._jsons = [self._names.index(name) for name in jsons]
        self._compiled: dict[str, tuple[str, list[int]]] = {}

    def run(self, connection: Connection, rows: Sequence[Sequence[Any]]) -> None:
        if not rows:
            return
        dialect = connection.dialect
        sql, order = self._compiled.get(dialect.name) or self._compile(dialect)
        changes = [*((index, _moment(dialect)) for index in self._times), *((i, _json) for i in self._jsons)]
        converted = []
        for row in rows:
            values = list(row)
            for index, change in changes:
                values[index] = change(values[index])
            converted.append(tuple([values[index] for index in order]))
        connection.exec_driver_sql(sql, converted)

    def _compile(self, dialect: Dialect) -> tuple[str, list[int]]:
        compiled = self._statement.compile(dialect=dialect, column_keys=list(self._names))
        order = [self._names.index(name) for name in compiled.positiontup or ()]
        self._compiled[dialect.name] = (str(compiled), order)
        return self._compiled[dialect.name]


def _moment(dialect: Dialect) -> ToDriver:
    def convert(at: datetime | None) -> Any:
        return _TIME.process_bind_param(at, dialect)

    return convert


def _json(value: Any) -> str | None:
    return None if value is None else dump_json(value)
