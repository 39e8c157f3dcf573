"""Two servers over one store, joined by a bus: what is kept nowhere is told at both, and what is kept is told at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.houses import ANN, LI, MEI, TestHouse
from tests.support.pages import page
from tests.support.process_bus import Exchange, ProcessBus
from tests.support.tabs import Stand, opened

ANNS = f"c.{ANN.id}"


class Two(NamedTuple):
    here: Stand
    there: Stand
    bus_here: ProcessBus


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    one, other = TestHouse(tmp_path / "one"), TestHouse(tmp_path / "two")
    other.conversations.disk = one.conversations.disk
    exchange = Exchange()
    ends = ProcessBus(exchange), ProcessBus(exchange)
    async with (
        opened(tmp_path, one, bus=ends[0], compare_every_s=3600.0) as here,
        opened(tmp_path, other, bus=ends[1], compare_every_s=3600.0) as there,
    ):
        yield Two(here, there, ends[0])


async def test_what_one_server_keeps_the_other_tells_at_once(two: Two) -> None:
    ann, mei = await page(two.here, ANN), await page(two.there, MEI)
    await mei.ask("chat.open", stream=ANNS)
    for number in range(20):
        await ann.write(ANNS, f"{number}")
    read = await mei.reads(ANNS, 20)
    assert read.texts() == [f"{number}" for number in range(20)]
    assert read.gaps == 0
    assert (await mei.news("chat.inbox"))["rows"][0]["conversation"] == ANN.id


async def test_who_types_is_told_at_the_other_server(two: Two) -> None:
    ann, mei, li = await page(two.here, ANN), await page(two.there, MEI), await page(two.here, LI)
    await mei.ask("chat.open", stream=ANNS)
    await li.ask("chat.open", stream=ANNS)
    await mei.send(type="chat.typing", stream=ANNS, is_typing=True)
    assert (await ann.news("chat.typing"))["side"] == "staff"
    assert (await li.news("chat.typing"))["who"] == MEI.name
    assert not [frame for frame in mei.frames if frame["type"] == "chat.typing"]


async def test_how_far_one_has_read_is_told_at_the_other_server(two: Two) -> None:
    ann, mei, desk = await page(two.here, ANN), await page(two.there, MEI), await page(two.here, MEI)
    await mei.ask("chat.open", stream=ANNS)
    await ann.write(ANNS, "Hello")
    await mei.reads(ANNS, 1)
    await mei.send(type="chat.seen", stream=ANNS, delivered=1, read=1)

    def is_read(frame: dict[str, list[dict[str, object]]]) -> bool:
        return any(mark["person_id"] == MEI.id and mark["read"] == 1 for mark in frame["marks"])

    await ann.news("chat.marks", is_read)
    await desk.news("chat.marks", is_read)  # the person's other page, which does not have it open


async def test_who_is_here_is_seen_from_the_other_server(two: Two) -> None:
    two.here.chat.desk.presence.reload_s = 0.01
    mei = await page(two.there, MEI)
    await mei.ask("chat.open", stream=ANNS)
    ann = await page(two.here, ANN)
    await mei.news("chat.here", lambda f: f["is_here"])
    li = await page(two.there, LI)
    await li.ask("chat.open", stream=ANNS)
    await li.news("chat.here", lambda f: f["is_here"])
    await ann.close()
    await mei.news("chat.here", lambda f: not f["is_here"])


async def test_who_has_a_page_at_both_servers_is_here_until_the_last_one_closes(two: Two) -> None:
    for stand in (two.here, two.there):
        stand.chat.desk.presence.reload_s = 0.01
    ann, phone = await page(two.here, ANN), await page(two.there, ANN)
    mei = await page(two.there, MEI)
    await mei.ask("chat.open", stream=ANNS)
    await mei.news("chat.here", lambda f: f["is_here"])
    await phone.close()
    await ann.close()
    await mei.news("chat.here", lambda f: not f["is_here"])
    assert [f["is_here"] for f in mei.frames if f["type"] == "chat.here"] == [True, False]


async def test_who_went_with_a_server_that_died_is_soon_not_here(two: Two) -> None:
    mei = await page(two.there, MEI)
    await mei.ask("chat.open", stream=ANNS)
    await page(two.here, ANN)
    await mei.news("chat.here", lambda f: f["is_here"])
    two.bus_here.close()
    await two.there.chat.desk.presence.look()
    await mei.news("chat.here", lambda f: not f["is_here"])


async def test_a_device_that_is_signed_out_here_is_closed_there(two: Two) -> None:
    ann, phone = await page(two.here, ANN), await page(two.there, ANN)
    two.here.chat.drop(ANN.id, phone.device)
    assert await phone.closed() == 4503
    assert (await ann.write(ANNS, "I am still here"))["type"] == "chat.ack"


async def test_a_ring_reaches_the_customer_at_the_other_server(two: Two) -> None:
    ann, mei = await page(two.here, ANN), await page(two.there, MEI)
    await mei.ask("chat.ring", conversation=ANN.id, id="ring-0001")
    assert (await ann.reads(ANNS, 1)).entries[0]["kind"] == "ring"


async def test_a_new_name_is_on_what_is_written_at_the_other_server(two: Two) -> None:
    phone, mei = await page(two.there, ANN), await page(two.there, MEI)
    await mei.ask("chat.open", stream=ANNS)
    renamed = ANN.model_copy(update={"name": "Anna"})
    await two.there.house.people.put_customer(renamed)  # both servers' database
    two.here.chat.renamed(renamed)
    [reader] = two.there.chat.hub.readers_of[ANN.id]
    await mei.ask("chat.fetch", stream=ANNS, after=0)  # by now the word was heard
    assert reader.person.name == "Anna"
    await phone.write(ANNS, "Hello")
    assert (await mei.reads(ANNS, 1)).entries[0]["author_name"] == "Anna"


async def test_a_word_of_another_version_is_counted_and_dropped(two: Two) -> None:
    two.bus_here.whisper('{"kind": "dance", "to": "c.ann"}')
    two.bus_here.whisper("no json")
    ann, mei = await page(two.here, ANN), await page(two.there, MEI)
    await mei.ask("chat.open", stream=ANNS)
    await ann.write(ANNS, "Hello")
    await mei.reads(ANNS, 1)
    assert two.there.chat.figures()["neighbours_misunderstood"] == 2
