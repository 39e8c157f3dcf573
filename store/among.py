"""`column IN (...)` with one parameter however many values there are, so that the statement stays the same one: the
drivers and SQLAlchemy prepare it once."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Row, Select, Text, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from store.columns import Words


class Among:
    """Rows of `column`'s table whose `column` is one of some values. `locks`: in the order of the column, and held until
    the transaction ends (SQLite has one writer and needs none of it)."""

    def __init__(self, column: Column[Any], *, locks: bool = False) -> None:
        statement = select(column.table)
        self._postgresql: Select[Any] = statement.where(column == any_(bindparam("among", type_=ARRAY(Words))))
        if locks:
            self._postgresql = self._postgresql.order_by(column).with_for_update()
        self._sqlite: Select[Any] = statement.where(_in_json(column))

    def rows(self, connection: Connection, values: Collection[str]) -> list[Row[Any]]:
        """No order is promised."""
        if not values:
            return []
        if connection.dialect.name == "postgresql":
            return list(connection.execute(self._postgresql, {"among": list(values)}))
        return list(connection.execute(self._sqlite, {"among": json.dumps(list(values))}))


def _in_json(column: Column[Any]) -> ColumnElement[bool]:
    values = func.json_each(bindparam("among", type_=Text)).table_valued("value")
    return column.in_(select(values.c.value))
