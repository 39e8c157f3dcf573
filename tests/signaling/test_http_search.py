"""Finding what was said, by HTTP: staff in the whole shop, a customer in the own conversation, nobody in anything else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from domain.people import Customer
from tests.support.databases import sqlite_address
from tests.support.doors import Browser, refusal
from tests.support.houses import ANN, COBBLER, LI, MEI, NAILS, TOM, ZHOU
from tests.support.whole import WholeDoor, whole_door


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[WholeDoor]:
    async with whole_door(tmp_path, sqlite_address(tmp_path)) as made:
        yield made


async def hits(browser: Browser, **asked: Any) -> list[dict[str, Any]]:
    response = await browser.get("/api/search", params=asked)
    assert response.status == 200, await response.text()
    return list((await response.json())["hits"])


async def test_staff_find_words_in_all_conversations_of_the_shop_with_their_place(door: WholeDoor) -> None:
    await door.say("您好")
    position = await door.say("左脚的鞋跟断了，周五能修好吗？")
    await door.say("鞋跟好的", of=TOM.id)
    await door.say("The heel, noted", of=ANN.id, stream=f"n.{ANN.id}", kind="note")
    found = await hits(door.staff(LI), q="鞋跟")
    assert [(hit["conversation"], hit["name"], hit["before"], hit["match"]) for hit in found] == [
        (TOM.id, "Tom", "", "鞋跟"),
        (ANN.id, "Ann", "左脚的", "鞋跟"),
    ]
    assert (found[1]["stream"], found[1]["position"], found[1]["after"]) == (
        f"c.{ANN.id}",
        position,
        "断了，周五能修好吗？",
    )
    for sought in ("修", "修好", "周五能修", "heel"):
        assert len(await hits(door.staff(LI), q=sought)) == 1
    assert [hit["stream"] for hit in await hits(door.staff(LI), q="noted", conversation=ANN.id)] == [f"n.{ANN.id}"]


async def test_a_customer_finds_the_own_words_and_never_a_note(door: WholeDoor) -> None:
    await door.say("my heel")
    await door.say("a heel of Tom", of=TOM.id)
    await door.say("the heel, noted", stream=f"n.{ANN.id}", kind="note")
    ann = door.customer(ANN)
    assert [hit["before"] + hit["match"] for hit in await hits(ann, q="heel", conversation=ANN.id)] == ["my heel"]
    await refusal(await ann.get("/api/search", params={"q": "heel", "conversation": TOM.id}), 404, "not_found")
    await refusal(await ann.get("/api/search", params={"q": "heel"}), 401, "not_signed_in")
    await refusal(await ann.get("/api/search", params={"q": "heel", "store": COBBLER.id}), 401, "not_signed_in")


async def test_nobody_searches_another_shop_but_hq(door: WholeDoor) -> None:
    await door.say("a heel")
    await door.db.people.put_customer(Customer(id="far", shop_id=NAILS.id, name="Far", created_at=door.now))
    await door.say("a heel far away", of="far")
    assert [hit["conversation"] for hit in await hits(door.staff(ZHOU), q="heel")] == ["far"]
    for asked in ({"conversation": ANN.id}, {"store": COBBLER.id}):
        await refusal(await door.staff(ZHOU).get("/api/search", params={"q": "heel", **asked}), 404, "not_found")
    hq = MEI.model_copy(update={"id": "staff-hq", "username": "hq", "role": "hq"})
    await door.db.people.add_staff(hq)
    assert [hit["conversation"] for hit in await hits(door.staff(hq), q="heel", store=NAILS.id)] == ["far"]
    assert [hit["conversation"] for hit in await hits(door.staff(hq), q="heel", conversation="far")] == ["far"]
    await refusal(await door.browser().get("/api/search", params={"q": "heel"}), 401, "not_signed_in")


async def test_a_search_is_read_page_by_page(door: WholeDoor) -> None:
    for number in range(70):
        await door.say(f"heel number {number}")
    staff, seen, before = door.staff(LI), [], None
    while True:
        asked = {"q": "heel"} | ({"before": str(before)} if before else {})
        page = await (await staff.get("/api/search", params=asked)).json()
        seen += [hit["position"] for hit in page["hits"]]
        before = page["before"]
        if before is None:
            break
    assert seen == list(range(70, 0, -1))


async def test_what_cannot_be_looked_for_is_refused_or_finds_nothing(door: WholeDoor) -> None:
    await door.say("a heel")
    staff = door.staff(LI)
    for sought in ("?!", "  ", '" OR *', "'; DROP TABLE entries; --", "<b>"):
        assert await hits(staff, q=sought) == []
    for asked in ({}, {"q": ""}, {"q": "x" * 101}, {"q": "heel", "before": "0"}, {"q": "heel", "conversation": "a/b"}):
        await refusal(await staff.get("/api/search", params=asked), 400, "bad_request")
