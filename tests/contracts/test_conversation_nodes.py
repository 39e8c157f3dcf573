"""Two servers on one PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from domain.conversation import Conversation
from domain.conversation_ports import ConversationStore
from domain.people import Customer
from domain.stream import NewEntry
from store.database import open_database
from tests.support.kept import NOW, SHOP
from tests.support.said import device, note, positions, said


@pytest.fixture
async def nodes(cluster: Any) -> AsyncIterator[list[ConversationStore]]:
    address = cluster.new_database()
    async with open_database(address) as one, open_database(address) as two:
        await one.people.add_shop(SHOP)
        for number in range(10):
            await one.people.put_customer(Customer(id=f"c{number}", shop_id="shop-1", name="C", created_at=NOW))
        yield [one.conversations, two.conversations]


async def test_two_nodes_on_one_postgresql_never_double_and_never_stop_each_other(
    nodes: list[ConversationStore],
) -> None:
    devices = [device(f"c{number}") for number in range(10)]
    for each in devices:
        await nodes[0].device(each)

    def entry(customer: int, counter: int) -> NewEntry:
        name = f"c{customer}"
        return said(counter, name, stream=f"c.{name}", device=f"device-{name}", counter=counter)

    async def write(customer: int, carrier: int) -> None:
        for counter in range(1, 31):  # each entry goes to both nodes, as on two carriers
            await nodes[carrier].append(entry(customer, counter))

    def taken_by(who: str) -> Callable[[Conversation], Conversation]:
        return lambda conversation: conversation.model_copy(update={"assignee": who})

    async def take(customer: int, node: int) -> None:
        for number in range(10):  # each to somebody else: what is so already leaves no note
            who = f"staff-{node}-{number}"
            own = note(
                number,
                stream=f"n.c{customer}",
                id=f"note-{customer}-{node}-{number:04}",
                kind="assigned",
                body={"staff_id": who, "staff_name": who},
            )
            await nodes[node].act(f"c{customer}", taken_by(who), own)

    pairs = [(customer, node) for customer in range(10) for node in (0, 1)]
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for customer, node in pairs:
            group.create_task(write(customer, node))
            group.create_task(take(customer, node))
    for number in range(10):
        entries = await nodes[0].entries(f"c.c{number}", limit=1000)
        assert [e.position for e in entries] == list(range(1, 31))
        assert [e.counter for e in entries] == list(range(1, 31))
        assert await positions(nodes[1], f"n.c{number}") == list(range(1, 21))
    rows, head = await nodes[0].rows("shop-1", after=1)
    assert len({row.conversation.inbox_position for row in rows}) == 10
    assert max(row.conversation.inbox_position for row in rows) == head


async def test_one_id_to_two_streams_from_two_nodes_at_once_is_kept_in_one(nodes: list[ConversationStore]) -> None:
    for number in range(20):
        both = [
            nodes[0].append(said(number, stream="c.c1")), nodes[0].append(said(number, "w1", stream="c.c1")),
            nodes[1].append(said(number, stream="c.c2")), nodes[1].append(said(number, "w2", stream="c.c2")),
        ]  # fmt: skip
        outcomes = await asyncio.gather(*both, return_exceptions=True)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Conflict", "Kept", "Kept", "Kept"]
    total = [*await positions(nodes[0], "c.c1"), *await positions(nodes[0], "c.c2")]
    assert len(total) == 60
