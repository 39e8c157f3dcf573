"""The databases that the stores' contract runs against."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from domain.people import Customer
from store.database import Database, open_database
from tests.support.databases import Cluster, postgresql_cluster, sqlite_address
from tests.support.kept import NOW, SHOP


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with postgresql_cluster() as started:
        yield started


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return sqlite_address(tmp_path)
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.new_database()


@pytest.fixture
async def db(address: str) -> AsyncIterator[Database]:
    async with open_database(address) as opened:
        await opened.people.add_shop(SHOP)
        for name in ("ann", "bob"):
            await opened.people.put_customer(Customer(id=name, shop_id="shop-1", name=name.title(), created_at=NOW))
        yield opened
