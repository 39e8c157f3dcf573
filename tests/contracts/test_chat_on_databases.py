"""The conversation's door over the real stores: one server, and two that share a PostgreSQL."""

from __future__ import annotations

import dataclasses
from contextlib import AsyncExitStack
from pathlib import Path

from store.database import Database, open_database
from tests.support.databases import Cluster
from tests.support.houses import ANN, BO, COBBLER, LI, MEI, TOM, TestHouse
from tests.support.pages import page
from tests.support.tabs import Stand, opened

ANNS, NOTES = f"c.{ANN.id}", f"n.{ANN.id}"


async def server(stack: AsyncExitStack, address: str, folder: Path, *, is_first: bool = True) -> Stand:
    """A door over this database, which holds the same people as the house of the tests."""
    db: Database = await stack.enter_async_context(open_database(address))
    if is_first:
        await db.people.add_shop(COBBLER)
        for staff in (MEI, LI, BO):
            await db.people.add_staff(staff)
        for customer in (ANN, TOM):
            await db.people.put_customer(customer)
    house = TestHouse(folder)
    house.house = dataclasses.replace(house.house, conversations=db.conversations)
    return await stack.enter_async_context(opened(folder, house, compare_every_s=0.1))


async def test_a_conversation_over_a_real_database(address: str, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        stand = await server(stack, address, tmp_path)
        ann, mei = await page(stand, ANN), await page(stand, MEI)
        for stream in (ANNS, NOTES):
            await mei.ask("chat.open", stream=stream)
        refs = [await ann.send(**ann.entry(ANNS, f"鞋 {number}")) for number in range(40)]
        positions = [(await ann.answer_to(ref))["position"] for ref in refs]
        assert positions == list(range(1, 41))
        await mei.write(NOTES, "", kind="note", body={"text": "Kind", "mentions": [LI.id]})
        await mei.write(ANNS, "Bring it in", seen=40)
        assert (await mei.refused(**mei.entry(ANNS, "\x00", seen=41)))["code"] == "bad_request"
        held = [await who.reads(ANNS, 41) for who in (ann, mei)]
        assert held[0].entries == held[1].entries
        assert held[0].gaps == held[1].gaps == 0
        await mei.send(type="chat.seen", stream=ANNS, delivered=41, read=41)
        assert (await ann.news("chat.marks"))["marks"][0]["read"] == 41
        back = await page(stand, ANN, device=ann.device, holding=held[0])
        assert (back.welcome["expected"], back.shelf(ANNS).position) == (41, 41)


async def test_when_one_of_two_servers_dies_its_pages_go_on_at_the_other(cluster: Cluster, tmp_path: Path) -> None:
    address = cluster.new_database()
    async with AsyncExitStack() as stack, AsyncExitStack() as dying:
        one = await server(dying, address, tmp_path / "one")
        two = await server(stack, address, tmp_path / "two", is_first=False)
        ann, mei = await page(one, ANN), await page(two, MEI)
        await mei.ask("chat.open", stream=ANNS)
        entries = [ann.entry(ANNS, str(number)) for number in range(30)]
        for entry in entries[:20]:
            await ann.send(**entry)
        await ann.reads(ANNS, 5)
        held = ann.shelf(ANNS)
        await dying.aclose()
        again = await page(two, ANN, device=ann.device, holding=held)
        for entry in entries[again.welcome["expected"] - 1 :]:
            await again.ask(**entry)
        await again.ask(**entries[0])  # it was kept by the other one, and is answered here
        expected = [str(number) for number in range(30)]
        assert (await again.reads(ANNS, 30)).texts() == (await mei.reads(ANNS, 30)).texts() == expected
        assert again.shelf(ANNS).gaps == mei.shelf(ANNS).gaps == 0
