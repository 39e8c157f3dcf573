"""The words of a call among years of others."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from domain.conversation_ports import ConversationStore
from domain.people import Customer
from signaling.call_words import said_in
from store.database import open_database
from tests.support.databases import sqlite_address
from tests.support.kept import CALL, LIVE, NOW, SHOP
from tests.support.said import said

DURING = LIVE.model_copy(update={"answered_at": NOW + timedelta(hours=2), "ended_at": NOW + timedelta(hours=4)})


async def ids_in(store: ConversationStore) -> list[str]:
    async def write(number: int, hours: float, **changes: Any) -> None:
        await store.append(said(number, at=NOW + timedelta(hours=hours), **changes))

    for number in range(300):
        await write(number, -1000 + number)  # long before
    await write(300, 0.5, id="call-1.cmid-000001")  # in line, as old pages could
    await write(301, 1)
    await write(302, 2)
    await write(303, 3)
    await write(304, 3, id="call-10.cmid-000001")
    await write(305, 2, id="taken-back", kind="recall", body={"target": "ann-000302"})
    await write(306, 4)
    for number in range(400, 900):
        await write(number, 5 + number)
    return [entry.id for entry in await said_in(store, DURING)]


async def test_only_the_words_of_the_call_are_found_and_what_older_versions_kept_of_it(tmp_path: Path) -> None:
    async with open_database(sqlite_address(tmp_path)) as db:
        await db.people.add_shop(SHOP)
        await db.people.put_customer(Customer(id="ann", shop_id="shop-1", name="Ann", created_at=NOW))
        store = db.conversations
        assert await said_in(store, DURING) == []
        found = await ids_in(store)
        assert found == ["call-1.cmid-000001", "ann-000302", "ann-000303", "call-10.cmid-000001", "ann-000306"]
        assert [entry.gone for entry in await said_in(store, DURING)][1] == "recalled"
        assert len(await said_in(store, DURING.model_copy(update={"ended_at": None}))) == len(found) + 500
        assert [entry.id for entry in await said_in(store, CALL)] == ["call-1.cmid-000001"]
