"""Asking a customer to a video call from the conversation, and the answer."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.support.houses import ANN, LI, MEI, TOM, ZHOU
from tests.support.pages import entry_id, page
from tests.support.tabs import Frame, opened

ANNS = f"c.{ANN.id}"


def ring(**fields: object) -> Frame:
    return {"type": "chat.ring", "id": entry_id(), "conversation": ANN.id, **fields}


def answer(said: str, position: int = 1, **fields: object) -> Frame:
    return {"type": "chat.ring.answer", "conversation": ANN.id, "position": position, "answer": said, **fields}


async def test_a_ring_waits_in_the_conversation_and_is_there_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei = await page(stand, ANN), await page(stand, MEI)
        asked = ring()
        ack = await mei.ask(**asked)
        assert (ack["stream"], ack["position"]) == (ANNS, 1)
        told = (await ann.reads(ANNS, 1)).entries[0]
        assert (told["kind"], told["author_name"], told["body"]) == ("ring", "Mei", {"path": "/s/cobbler"})
        assert (await mei.ask(**asked))["position"] == 1
        assert (
            await stand.house.conversations.conversation(ANN.id)
        ).state == "closed"  # a ring asks nothing of the inbox
        for stranger in (ann, await page(stand, ZHOU)):
            assert (await stranger.refused(**ring()))["code"] == "not_found"


async def test_the_first_answer_stays_and_all_pages_hear_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        phone, laptop = await page(stand, ANN), await page(stand, ANN)
        mei, li = await page(stand, MEI), await page(stand, LI)
        for staff in (mei, li):
            await staff.ask("chat.open", stream=ANNS)
        asked = ring()
        await mei.ask(**asked)
        said = [phone.ask(**answer("accepted")), laptop.ask(**answer("declined")), li.ask(**answer("withdrawn"))]
        assert [ack["position"] for ack in await asyncio.gather(*said)] == [2, 2, 2]
        for everybody in (phone, laptop, mei, li):
            told = (await everybody.reads(ANNS, 2)).entries[1]
            assert (told["kind"], told["side"], told["body"]["ring"]) == ("rung", "machine", asked["id"])
            assert told["body"]["answer"] in ("accepted", "declined", "withdrawn")
        assert len(stand.house.conversations.disk.stream(ANNS)) == 2


async def test_who_may_not_answer_and_what_cannot_be_answered(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei = await page(stand, ANN), await page(stand, MEI)
        await ann.write(ANNS, "Hello")
        await mei.ask(**ring())
        assert (await ann.refused(**answer("withdrawn", 2)))["code"] == "forbidden"
        assert (await mei.refused(**answer("accepted", 2)))["code"] == "forbidden"
        assert (await ann.refused(**answer("maybe", 2)))["code"] == "bad_request"
        for position in (1, 3, 99):
            assert (await ann.refused(**answer("accepted", position)))["code"] == "not_found"
        for stranger in (await page(stand, TOM), await page(stand, ZHOU)):
            assert (await stranger.refused(**answer("accepted", 2)))["code"] == "not_found"
        stand.house.clock.advance(601)
        assert (await ann.refused(**answer("accepted", 2)))["code"] == "too_late"
        assert len(stand.house.conversations.disk.stream(ANNS)) == 2


async def test_while_one_rings_whoever_rings_again_is_answered_with_that_one(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, li = await page(stand, ANN), await page(stand, MEI), await page(stand, LI)
        first = await mei.ask(**ring())
        assert [(await staff.ask(**ring()))["id"] for staff in (li, mei)] == [first["id"]] * 2
        await ann.ask(**answer("declined"))
        second = await li.ask(**ring())
        assert second["position"] == 3
        stand.house.clock.advance(60)
        assert (await mei.ask(**ring()))["position"] == 4  # nobody came to that one
