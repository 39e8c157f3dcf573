"""The steps make exactly the tables that the code knows, on both databases, and a second run leaves them alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, bindparam, inspect, text
from sqlalchemy.ext.asyncio import create_async_engine

from domain.errors import Unavailable
from domain.record import NewEvent
from domain.search import Scope
from domain.stream import next_digest
from store.columns import UtcTime
from store.database import open_database
from store.migrations.upgrade import upgrade
from store.tables import metadata
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


def is_index(table: str | None) -> bool:
    """The words' index is another thing on each database, and not of the tables that the code knows."""
    return table is not None and table.startswith("entry_words")


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
        options = {"compare_type": True, "include_name": lambda name, kind, _: kind != "table" or not is_index(name)}
        return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)

    assert await look(address, difference) == []


async def test_a_second_open_changes_nothing(address: str) -> None:
    async with open_database(address):
        pass
    before = await look(address, shape)
    async with open_database(address):
        pass
    assert await look(address, shape) == before
    tables = {name for name in before if not is_index(name)}
    assert tables == {*metadata.tables, "alembic_version"}


async def test_a_database_of_a_newer_loupe_is_refused_and_left_alone(address: str) -> None:
    async with open_database(address):
        pass
    await look(address, lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    before = await look(address, shape)
    with pytest.raises(Unavailable, match="newer Loupe"):
        async with open_database(address):
            pass
    assert await look(address, shape) == before


BEFORE = """
INSERT INTO shops VALUES ('sh', 'lin', 'Lin', '', 'CNY', 'Asia/Shanghai', TRUE, '[]');
INSERT INTO customers VALUES ('ann', 'sh', 'Ann', 'en', :t0);
INSERT INTO customers VALUES ('bob', 'sh', 'Bob', 'en', :t0);
INSERT INTO customers VALUES ('eve', 'sh', 'Eve', 'en', :t0);
INSERT INTO calls VALUES ('k1', 'sh', 'ann', 'Ann', '', 'ended', '["s1"]', '[]', FALSE, TRUE, FALSE, :t1, :t1, :t1, :t4,
    'staff_hung_up', NULL, NULL, '', 4);
INSERT INTO calls VALUES ('k2', 'sh', 'ann', 'Ann', '', 'live', '["s1"]', '[]', FALSE, TRUE, FALSE, :t5, :t5, :t5, NULL,
    NULL, NULL, NULL, '', 1);
INSERT INTO events VALUES ('k1', 1, 'consent', 'cmid-0001', 'ann', 'customer', 'Ann', :t1, '{"recording": true}');
INSERT INTO events VALUES ('k1', 2, 'message', 'cmid-0002', 'ann', 'customer', 'Ann', :t2, '{"text": "鞋跟"}');
INSERT INTO events VALUES ('k1', 3, 'message', 'cmid-0003', 's1', 'staff', 'Li', :t2, '{"text": "Bring it"}');
INSERT INTO events VALUES ('k1', 4, 'picture', 'cmid-0004', 's1', 'staff', 'Li', :t3, '{"picture": {"id": "p1"}}');
INSERT INTO events VALUES ('k2', 1, 'message', 'cmid-0002', 'ann', 'customer', 'Ann', :t5, '{"text": "Again"}');
INSERT INTO recordings VALUES ('k1', 'ready', :t1, 20.5, '{}', '[]');
INSERT INTO left_messages VALUES ('left-1', 'sh', 'ann', 'Ann', '', 'Are you there?', NULL, :t0, :t1, 's1');
INSERT INTO left_messages VALUES ('left-2', 'sh', 'bob', 'Bob', '138', 'Call me', NULL, :t2, NULL, NULL);
INSERT INTO left_messages VALUES ('left-3', 'sh', 'bob', 'Bob', '138', 'Please', NULL, :t3, NULL, NULL)
"""
T0 = datetime(2026, 11, 1, 9, 30, tzinfo=UTC)


async def test_a_database_of_before_has_what_was_said_in_calls_in_the_conversations(address: str) -> None:
    moments = {f"t{number}": T0 + timedelta(minutes=number) for number in range(6)}

    def fill(connection: Connection) -> list[Any]:
        upgrade(connection, "0001")
        for statement in BEFORE.split(";"):
            wanted = {name: at for name, at in moments.items() if f":{name}" in statement}
            times = [bindparam(name, type_=UtcTime) for name in wanted]
            connection.execute(text(statement).bindparams(*times), wanted)
        return list(connection.execute(text("SELECT * FROM events ORDER BY call_id, position")))

    events = await look(address, fill)
    async with open_database(address) as db:
        ann, bob = [await db.conversations.entries(f"c.{name}") for name in ("ann", "bob")]
        heads = await db.conversations.heads(["c.ann", "c.bob", "c.eve", "i.sh"])
        rows, head = await db.conversations.rows("sh", after=0)
        quiet = await db.conversations.conversation("ann")
        found = await db.search.search("跟", Scope(shop_id="sh"))
        assert [each.entry.id for each in found] == ["k1.cmid-0002"]
        again = await db.calls.append(
            NewEvent(
                call_id="k2", kind="message", cmid="cmid-0009", author="ann", side="customer", author_name="Ann", at=T0,
                body={"text": "And on"},
            )
        )  # fmt: skip
        assert again[0].position == 2
        assert (await db.conversations.entries("c.ann", after=7))[0].body["text"] == "And on"
    assert [(entry.position, entry.id, entry.kind) for entry in ann] == [
        (1, "left-1", "text"),
        (2, "k1.cmid-0002", "text"),
        (3, "k1.cmid-0003", "text"),
        (4, "k1.cmid-0004", "picture"),
        (5, "k1.over", "call"),
        (6, "k1.recording", "recording"),
        (7, "k2.cmid-0002", "text"),
    ]
    assert [entry.at for entry in ann] == [moments[f"t{number}"] for number in (0, 2, 2, 3, 4, 4, 5)]
    assert (ann[1].body, ann[3].body) == ({"text": "鞋跟", "call_id": "k1"}, {"picture_id": "p1", "call_id": "k1"})
    assert ann[4].body == {"call_id": "k1", "state": "ended", "seconds": 180.0}
    digest = 0
    for entry in ann:
        digest = next_digest(digest, entry.id)
        assert entry.digest == digest
    assert [(h.head, h.digest) for h in heads] == [(7, digest), (2, bob[-1].digest), (0, 0), (2, 0)]
    assert [(row.conversation.id, row.conversation.waiting_since) for row in rows] == [("bob", moments["t2"])]
    assert (quiet.state, quiet.customer_head, quiet.staff_head, quiet.inbox_position) == ("closed", 7, 3, head)

    def kept(connection: Connection) -> list[Any]:
        return list(connection.execute(text("SELECT * FROM events ORDER BY call_id, position")))[:-1]

    assert await look(address, kept) == events


async def test_nodes_that_start_together_on_an_empty_postgresql_all_open_it(cluster: Cluster) -> None:
    address = cluster.new_database()

    async def node() -> int:
        async with open_database(address) as db:
            return len(await db.calls.open_calls())

    assert await asyncio.gather(*(node() for _ in range(4))) == [0, 0, 0, 0]
