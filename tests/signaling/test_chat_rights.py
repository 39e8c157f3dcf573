"""Nobody hears what is not theirs: other customers, the shop's notes, other shops, devices that were signed out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from domain.people import Customer, Staff
from signaling.chat_readers import READERS_OF_A_PERSON
from tests.support.houses import ANN, COBBLER, MEI, NAILS, TOM, ZHOU
from tests.support.pages import page, stranger
from tests.support.tabs import opened

ANNS, NOTES = f"c.{ANN.id}", f"n.{ANN.id}"
TABLE = [
    (ANN, ANNS, True), (ANN, f"c.{TOM.id}", False), (ANN, NOTES, False), (ANN, f"i.{COBBLER.id}", False),
    (ANN, f"s.{MEI.id}", False), (ANN, f"s.{ANN.id}", False), (ANN, "c.nobody", False),
    (MEI, ANNS, True), (MEI, NOTES, True), (MEI, f"i.{COBBLER.id}", True), (MEI, f"s.{MEI.id}", True),
    (MEI, f"s.{ZHOU.id}", False), (MEI, f"i.{NAILS.id}", False), (MEI, "c.nobody", False),
    (ZHOU, ANNS, False), (ZHOU, NOTES, False), (ZHOU, f"i.{COBBLER.id}", False),
]  # fmt: skip


@pytest.mark.parametrize(("person", "stream", "may"), TABLE)
async def test_who_may_open_fetch_mark_and_write(
    tmp_path: Path, person: Staff | Customer, stream: str, may: bool
) -> None:
    async with opened(tmp_path) as stand:
        reader = await page(stand, person)
        told = await page(stand, person, cursors=[{"stream": stream}])
        assert (stream in [s["stream"] for s in told.welcome["streams"]]) is may
        if may:
            await reader.ask("chat.open", stream=stream)
            await reader.ask("chat.fetch", stream=stream, after=0)
            return
        for ask in ({"type": "chat.open"}, {"type": "chat.fetch", "after": 0}, {"type": "chat.seen", "delivered": 1},
                    {"type": "chat.typing", "is_typing": True}, reader.entry(stream, "Hello")):  # fmt: skip
            assert (await reader.refused(**{**ask, "stream": stream}))["code"] == "not_found", ask
        assert stream not in stand.house.conversations.disk.streams


async def test_a_note_reaches_the_shop_and_never_the_customer(tmp_path: Path) -> None:
    async with opened(tmp_path, heads_every_s=0.2) as stand:
        ann, mei = await page(stand, ANN), await page(stand, MEI)
        await ann.write(ANNS, "Hello")
        await mei.ask("chat.open", stream=NOTES)
        await mei.write(NOTES, "", kind="note", body={"text": "Always late", "mentions": [MEI.id, ZHOU.id]})
        assert (await mei.reads(NOTES, 1)).entries[0]["body"]["text"] == "Always late"
        mention = (await mei.reads(f"s.{MEI.id}", 1)).entries[0]
        assert mention["body"] == {"conversation": ANN.id, "position": 1}
        assert stand.house.conversations.disk.stream(f"s.{ZHOU.id}") == []
        await ann.news("chat.heads")
        assert "Always late" not in json.dumps(ann.frames)
        assert NOTES not in json.dumps(ann.frames)
        assert "Always late" not in json.dumps([f for f in mei.frames if f["type"] == "chat.inbox"])


async def test_a_device_that_was_signed_out_hears_nothing_more_and_stays_away(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        lost, kept = await page(stand, ANN), await page(stand, ANN)
        await stand.house.conversations.end_device(lost.device, stand.house.clock())
        stand.chat.drop(ANN.id, lost.device)
        await kept.write(ANNS, "My phone was stolen")
        assert await lost.closed() == 4503
        assert lost.frames[-1]["code"] == "ended"
        assert lost.shelf(ANNS).entries == []
        back = await stranger(stand, ANN, device=lost.device)
        assert (await back.refused("chat.hello", device=lost.device, tab="t"))["code"] == "ended"
        assert await back.closed() == 4503


async def test_the_device_of_another_person_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann = await page(stand, ANN)
        tom = await stranger(stand, TOM)
        assert (await tom.refused("chat.hello", device=ann.device, tab=ann.tab))["code"] == "conflict"
        assert await tom.closed() == 4002
        await ann.write(ANNS, "Still here")


async def test_nothing_is_heard_before_hello(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann = await stranger(stand, ANN)
        assert (await ann.refused(**ann.entry(ANNS, "Hello")))["code"] == "hello_first"
        assert await ann.closed() == 4002


async def test_a_person_has_a_bounded_number_of_pages_and_a_closed_one_makes_room(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        pages = [await page(stand, ANN, device="device-ann") for _ in range(READERS_OF_A_PERSON)]
        more = await stranger(stand, ANN, device="device-ann")
        assert (await more.refused("chat.hello", device="device-ann", tab="t"))["code"] == "rate_limited"
        assert await more.closed() == 4029
        await pages[0].close()
        await page(stand, ANN, device="device-ann")


async def test_garbage_is_answered_once_and_too_much_of_it_closes_the_page(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann = await page(stand, ANN)
        for text in ("", "[]", "{", "null", '{"type":"chat.append"}', '{"type":"hello","ref":"1"}', "x" * 70_000):
            await ann.socket.send_str(text)
        await ann.when(lambda: sum(f["type"] == "error" for f in ann.frames) == 7)
        assert {f["code"] for f in ann.frames if f["type"] == "error"} == {"bad_request", "too_large"}
        for _ in range(50):
            await ann.socket.send_str("{")
        assert await ann.closed() == 4501
