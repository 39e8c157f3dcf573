"""What people are told while PostgreSQL is away, and that its return heals the server without a restart."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from domain.call import Call
from domain.errors import Unavailable
from domain.people import Customer, Shop
from domain.record import NewEvent
from store.database import open_database
from tests.support.databases import Cluster, postgresql_cluster

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with postgresql_cluster() as started:
        yield started


async def test_a_database_that_is_away_is_told_and_its_return_heals(cluster: Cluster) -> None:
    def event(number: int) -> NewEvent:
        return NewEvent(
            call_id="k", kind="message", cmid=f"cmid-{number:04}", author="c", side="customer", author_name="C", at=NOW,
            body={},
        )  # fmt: skip

    address = cluster.new_database()
    async with open_database(address) as db:
        await db.people.add_shop(Shop(id="s", slug="s", name="S"))
        await db.people.put_customer(Customer(id="c", shop_id="s", name="C", created_at=NOW))
        await db.calls.add(Call(id="k", shop_id="s", customer_id="c", customer_name="C", created_at=NOW))
        kept, _ = await db.calls.append(event(1))
        cluster.stop()
        with pytest.raises(Unavailable, match=r"nothing was kept\. Try again"):
            await db.calls.append(event(2))
        with pytest.raises(Unavailable):
            await db.calls.get("k")
        cluster.start()
        again, is_new = await db.calls.append(event(1))
        assert (again, is_new) == (kept, False)
        assert (await db.calls.append(event(2)))[0].position == 2
    cluster.stop()
    with pytest.raises(Unavailable):
        async with open_database(address):
            pass
