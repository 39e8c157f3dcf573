"""Between the domain's values and table rows."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Connection, Executable, Row, Table
from sqlalchemy.dialects import postgresql, sqlite

from domain.errors import NotFound
from store.columns import Json

M = TypeVar("M", bound=BaseModel)
Insert = postgresql.Insert | sqlite.Insert


def row_of(value: BaseModel, table: Table) -> dict[str, Any]:
    """The value's fields by column. What goes into a JSON column is made of plain JSON types first."""
    row = value.model_dump()
    json_fields = {column.name for column in table.columns if isinstance(column.type, Json)}
    if json_fields:
        row.update(value.model_dump(mode="json", include=json_fields))
    return row


def value_of(model: type[M], row: Row[Any]) -> M:
    """Columns that the model does not have (`head`) are left out."""
    return model.model_validate(dict(zip(row._fields, row, strict=True)))


def one(connection: Connection, statement: Executable, model: type[M], missing: str) -> M:
    """Raises NotFound with the sentence `missing`."""
    row = connection.execute(statement).one_or_none()
    if row is None:
        raise NotFound(missing)
    return value_of(model, row)


def many(connection: Connection, statement: Executable, model: type[M]) -> list[M]:
    return [value_of(model, row) for row in connection.execute(statement)]


def insert_into(connection: Connection, table: Table) -> Insert:
    """An INSERT that knows ON CONFLICT, which both databases write alike and SQLAlchemy keeps per dialect."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def put(
    connection: Connection,
    table: Table,
    row: dict[str, Any],
    *,
    change: tuple[str, ...],
    where: ColumnElement[bool] | None = None,
) -> bool:
    """Inserts the row; when its primary key is known, replaces the columns `change` instead, if `where` holds for the
    kept row. False when it does not hold: nothing changed then."""
    key = list(table.primary_key.columns)
    insert = insert_into(connection, table).values(row)
    replaced = {name: insert.excluded[name] for name in change}
    statement = insert.on_conflict_do_update(index_elements=key, set_=replaced, where=where).returning(*key)
    return connection.execute(statement).first() is not None
