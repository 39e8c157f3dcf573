"""Which server keeps a shop's floor: leases on a real PostgreSQL, and the fence around calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import NamedTuple

import pytest

from domain.call import Call, answer, gone
from domain.errors import Unavailable
from domain.people import Customer
from store.database import Database, open_database
from store.floors import SqlFloors
from tests.support.databases import Cluster
from tests.support.kept import NOW, SHOP

KEPT_FOR_S = 0.6
PATIENCE_S = 5.0


class Server(NamedTuple):
    node: str
    database: Database
    floors: SqlFloors

    async def keeper(self) -> str:
        return (await self.floors.keeper(SHOP.id, self.node, f"http://{self.node}")).node


@pytest.fixture
async def servers(cluster: Cluster) -> AsyncIterator[list[Server]]:
    """Two that share a database."""
    address = cluster.new_database()
    async with AsyncExitStack() as stack:
        made = []
        for node in ("one", "two"):
            database = await stack.enter_async_context(open_database(address, node=node))
            transactions = database.floors._transactions  # type: ignore[attr-defined]
            made.append(Server(node, database, SqlFloors(transactions, kept_for_s=KEPT_FOR_S)))
        await made[0].database.people.add_shop(SHOP)
        await made[0].database.people.put_customer(Customer(id="ann", shop_id=SHOP.id, name="Ann", created_at=NOW))
        yield made


def a_call() -> Call:
    return Call(id="call-1", shop_id=SHOP.id, customer_id="ann", customer_name="Ann", created_at=NOW)


async def test_who_asks_first_keeps_the_floor_and_all_others_learn_where(servers: list[Server]) -> None:
    one, two = servers
    assert await one.keeper() == await two.keeper() == "one"
    assert (await two.floors.keeper(SHOP.id, "two", "http://two")).url == "http://one"
    assert await one.floors.renew("one", {SHOP.id: 3}) == {SHOP.id}
    assert (await two.floors.keeper(SHOP.id, "two", "http://two")).available == 3
    assert await two.floors.renew("two", {SHOP.id: 9}) == set()


async def test_of_fifty_who_ask_at_once_one_keeps_the_floor(servers: list[Server]) -> None:
    asked = [s.database.floors.keeper(SHOP.id, f"{s.node}-{n}", "http://x") for n in range(25) for s in servers]
    assert len({keeper.node for keeper in await asyncio.gather(*asked)}) == 1


async def test_the_floor_of_a_server_that_died_is_taken_up_when_its_lease_has_ended(servers: list[Server]) -> None:
    one, two = servers
    assert await one.keeper() == "one"
    assert await two.floors.deserted() == []
    async with asyncio.timeout(PATIENCE_S):
        while await two.floors.deserted() != [SHOP.id]:  # noqa: ASYNC110 (the database's clock)
            await asyncio.sleep(0.02)
    assert await two.keeper() == "two"
    assert await one.floors.renew("one", {}) == set()
    assert await one.keeper() == "two"


async def test_a_server_that_leaves_leaves_its_floors_to_others_at_once(servers: list[Server]) -> None:
    one, two = servers
    assert await one.keeper() == "one"
    await one.floors.leave("one")
    assert await two.floors.deserted() == [SHOP.id]
    assert await two.keeper() == "two"


async def test_a_floor_that_nobody_is_on_is_nobodys(servers: list[Server]) -> None:
    one, two = servers
    assert await one.keeper() == "one"
    await one.floors.leave("one", SHOP.id)
    assert await two.floors.deserted() == []
    assert await two.keeper() == "two"


async def test_only_the_keeper_changes_calls(servers: list[Server]) -> None:
    one, two = servers
    assert await one.keeper() == "one"
    with pytest.raises(Unavailable):
        await two.database.calls.add(a_call())
    await one.database.calls.add(a_call())
    with pytest.raises(Unavailable):
        await two.database.calls.change("call-1", lambda call: answer(call, "mei", NOW))
    assert (await two.database.calls.get("call-1")).state == "waiting"
    await one.floors.leave("one")
    assert await two.keeper() == "two"
    with pytest.raises(Unavailable):
        await one.database.calls.change("call-1", lambda call: gone(call, "customer", NOW))
    call = await two.database.calls.change("call-1", lambda call: answer(call, "mei", NOW))
    assert (call.state, call.customer_gone_at) == ("ringing", None)


async def test_a_server_that_is_alone_needs_no_floor(cluster: Cluster) -> None:
    async with open_database(cluster.new_database()) as database:
        await database.people.add_shop(SHOP)
        await database.people.put_customer(Customer(id="ann", shop_id=SHOP.id, name="Ann", created_at=NOW))
        await database.calls.add(a_call())
        assert (await database.calls.change("call-1", lambda call: answer(call, "mei", NOW))).state == "ringing"
