"""The databases that the stores' contract runs against."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from domain.conversation_ports import ConversationStore
from domain.people import Customer, Staff
from store.database import Database, open_database
from tests.support.databases import Cluster, postgresql_cluster, sqlite_address
from tests.support.kept import NOW, SHOP
from tests.support.said import OTHER_SHOP


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with postgresql_cluster() as started:
        yield started


async def made(address: str) -> str:
    async with open_database(address):
        return address


@pytest.fixture(scope="session")
def made_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with all tables and nothing in them: to copy it takes a tenth of the time of making another."""
    return Path(asyncio.run(made(sqlite_address(tmp_path_factory.mktemp("made")))).removeprefix("sqlite:///"))


@pytest.fixture(scope="session")
def made_postgresql(cluster: Cluster) -> str:
    return asyncio.run(made(cluster.new_database()))


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        address = sqlite_address(tmp_path)
        shutil.copy(request.getfixturevalue("made_sqlite"), address.removeprefix("sqlite:///"))
        return address
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.new_database(like=request.getfixturevalue("made_postgresql"))


@pytest.fixture
async def db(address: str) -> AsyncIterator[Database]:
    async with open_database(address) as opened:
        await opened.people.add_shop(SHOP)
        for name in ("ann", "bob"):
            await opened.people.put_customer(Customer(id=name, shop_id="shop-1", name=name.title(), created_at=NOW))
        yield opened


@pytest.fixture
async def store(db: Database) -> ConversationStore:
    await db.people.add_shop(OTHER_SHOP)
    for number in (1, 2):
        person = Staff(id=f"s-{number}", shop_id="shop-1", username=f"u{number}", name=f"S{number}", password_hash="-")
        await db.people.add_staff(person)
    await db.people.add_staff(Staff(id="s-9", shop_id="shop-2", username="u9", name="S9", password_hash="-"))
    await db.people.put_customer(Customer(id="far", shop_id="shop-2", name="Far", created_at=NOW))
    return db.conversations
