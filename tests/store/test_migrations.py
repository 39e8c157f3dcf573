"""The steps make exactly the tables that the code knows, on both databases, and a second run leaves them alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import create_async_engine

from domain.errors import Unavailable
from store import conversation_tables
from store.database import open_database
from tests.support.databases import Cluster, postgresql_cluster, sqlite_address


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with postgresql_cluster() as started:
        yield started


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return sqlite_address(tmp_path)
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.new_database()


async def look(address: str, job: Any) -> Any:
    """Runs `job` on a connection of the test's own."""
    engine = create_async_engine(
        address.replace("sqlite:", "sqlite+aiosqlite:").replace("postgresql:", "postgresql+asyncpg:")
    )
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(job)
    finally:
        await engine.dispose()


def shape(connection: Connection) -> dict[str, Any]:
    found = inspect(connection)
    return {
        table: (
            [(column["name"], str(column["type"]), column["nullable"]) for column in found.get_columns(table)],
            sorted((str(i["name"]), str(i["column_names"]), i["unique"]) for i in found.get_indexes(table)),
            sorted(str(key) for key in found.get_foreign_keys(table)),
            connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one(),
        )
        for table in found.get_table_names()
    }


async def test_an_empty_database_gets_exactly_the_tables_that_the_code_knows(address: str) -> None:
    async with open_database(address):
        pass

    def difference(connection: Connection) -> Any:
        return compare_metadata(
            MigrationContext.configure(connection, opts={"compare_type": True}), conversation_tables.metadata
        )

    assert await look(address, difference) == []


async def test_a_second_open_changes_nothing(address: str) -> None:
    async with open_database(address):
        pass
    before = await look(address, shape)
    async with open_database(address):
        pass
    assert await look(address, shape) == before
    assert set(before) == {*conversation_tables.metadata.tables, "alembic_version"}


async def test_a_database_of_a_newer_loupe_is_refused_and_left_alone(address: str) -> None:
    async with open_database(address):
        pass
    await look(address, lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    before = await look(address, shape)
    with pytest.raises(Unavailable, match="newer Loupe"):
        async with open_database(address):
            pass
    assert await look(address, shape) == before


async def test_nodes_that_start_together_on_an_empty_postgresql_all_open_it(cluster: Cluster) -> None:
    address = cluster.new_database()

    async def node() -> int:
        async with open_database(address) as db:
            return len(await db.calls.open_calls())

    assert await asyncio.gather(*(node() for _ in range(4))) == [0, 0, 0, 0]
