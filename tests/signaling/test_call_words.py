"""The words of a call among years of others."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

from domain.people import Customer
from domain.stream import NewEntry
from signaling.call_words import said_in
from store.database import open_database
from tests.support.databases import sqlite_address
from tests.support.kept import CALL, LIVE, NOW, SHOP
from tests.support.said import said

DURING = LIVE.model_copy(update={"answered_at": NOW + timedelta(hours=2), "ended_at": NOW + timedelta(hours=4)})


def entry(number: int, hours: float, **changes: Any) -> NewEntry:
    return said(number, at=NOW + timedelta(hours=hours), **changes)


ENTRIES = [
    *(entry(number, -1000 + number) for number in range(300)),  # long before
    entry(300, 0.5, id="call-1.cmid-000001"),  # in line, as old pages could
    entry(301, 1),
    entry(302, 2),
    entry(303, 3),
    entry(304, 3, id="call-10.cmid-000001"),
    entry(305, 2, id="taken-back", kind="recall", body={"target": "ann-000302"}),
    entry(306, 4),
    *(entry(number, 5 + number) for number in range(400, 900)),
]


async def test_only_the_words_of_the_call_are_found_and_what_older_versions_kept_of_it(tmp_path: Path) -> None:
    async with open_database(sqlite_address(tmp_path)) as db:
        await db.people.add_shop(SHOP)
        await db.people.put_customer(Customer(id="ann", shop_id="shop-1", name="Ann", created_at=NOW))
        store = db.conversations
        assert await said_in(store, DURING) == []
        await asyncio.gather(*map(store.append, ENTRIES))  # kept in this order
        found = [entry.id for entry in await said_in(store, DURING)]
        assert found == ["call-1.cmid-000001", "ann-000302", "ann-000303", "call-10.cmid-000001", "ann-000306"]
        assert [entry.gone for entry in await said_in(store, DURING)][1] == "recalled"
        assert len(await said_in(store, DURING.model_copy(update={"ended_at": None}))) == len(found) + 500
        assert [entry.id for entry in await said_in(store, CALL)] == ["call-1.cmid-000001"]
