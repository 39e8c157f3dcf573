"""What every database must find of what was said: run against SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio

import pytest

from domain.search import Scope
from domain.stream import NewEntry
from store.database import Database
from tests.support.said import note, said

SHOP = Scope(shop_id="shop-1")
ANN = Scope(shop_id="shop-1", customer_id="ann", has_notes=False)


def words(number: int, text: str, author: str = "ann", **changes: object) -> NewEntry:
    return said(number, author).model_copy(update={"body": {"text": text}, **changes})


async def found(db: Database, sought: str, scope: Scope = SHOP) -> list[str]:
    return [each.entry.body["text"] for each in await db.search.search(sought, scope)]


@pytest.mark.usefixtures("store")
async def test_chinese_substrings_and_beginnings_of_words_are_found_newest_first(db: Database) -> None:
    for number, text in enumerate(("左脚的鞋跟断了", "The Heel is loose", "鞋跟好的, 跟断了一样", "Größe 38")):
        await db.conversations.append(words(number, text))
    assert await found(db, "跟") == ["鞋跟好的, 跟断了一样", "左脚的鞋跟断了"]
    assert await found(db, "跟断") == ["鞋跟好的, 跟断了一样", "左脚的鞋跟断了"]
    assert await found(db, "鞋跟断了") == ["左脚的鞋跟断了"]
    assert await found(db, "hee LOO") == ["The Heel is loose"]
    assert await found(db, "grosse") == ["Größe 38"]
    for sought in ("eel", "靴", "", "!?", "'; DROP TABLE entries; --", '" OR *', "\\", "a:b & c"):
        assert await found(db, sought) == []


@pytest.mark.usefixtures("store")
async def test_nobody_finds_what_is_not_theirs_to_read(db: Database) -> None:
    await db.conversations.append(words(1, "a heel of ann"))
    await db.conversations.append(words(2, "a heel of bob", "bob", stream="c.bob"))
    await db.conversations.append(words(3, "a heel far away", "far", stream="c.far"))
    await db.conversations.append(note(4, body={"text": "a heel, noted"}))
    assert await found(db, "heel") == ["a heel, noted", "a heel of bob", "a heel of ann"]
    assert await found(db, "heel", ANN) == ["a heel of ann"]
    assert await found(db, "heel", ANN.model_copy(update={"has_notes": True})) == ["a heel, noted", "a heel of ann"]
    assert await found(db, "heel", Scope(shop_id="shop-2")) == ["a heel far away"]
    assert await found(db, "heel", Scope(shop_id="none")) == []


@pytest.mark.usefixtures("store")
async def test_what_was_taken_back_is_not_found(db: Database) -> None:
    recall = said(2, kind="recall", body={"target": words(1, "").id})
    await asyncio.gather(db.conversations.append(words(1, "a secret")), db.conversations.append(recall))
    assert await found(db, "secret") == []


@pytest.mark.usefixtures("store")
async def test_a_search_goes_on_where_it_stopped(db: Database) -> None:
    await asyncio.gather(*(db.conversations.append(words(n, f"heel number {n}")) for n in range(250)))
    first = await db.search.search("heel number", SHOP, limit=120)
    rest = await db.search.search("heel number", SHOP, before=first[-1].place, limit=500)
    assert [each.entry.position for each in first + rest] == list(range(250, 0, -1))
