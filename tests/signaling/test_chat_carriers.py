"""A device is its id, not its carrier: the socket, and beside it the data channel of a call."""

from __future__ import annotations

import asyncio
from pathlib import Path

from signaling.chat_reader import Reader
from signaling.outbox import SLOW_FRAMES
from tests.support.houses import ANN, MEI
from tests.support.pages import Page, entry_id, page
from tests.support.tabs import Frame, Stand, Tab, opened

ANNS = f"c.{ANN.id}"


async def greet_on_channel(call: Tab, phone: Page) -> None:
    call.open_channel()
    hello = {"device": phone.device, "tab": phone.tab, "cursors": [s.cursor() for s in phone.shelves.values()]}
    assert (await call.ask_on_channel("chat.hello", **hello))["type"] == "chat.welcome"


async def entries_on_channel(call: Tab, position: int) -> Frame:
    def is_wanted(frame: Frame) -> bool:
        return frame["type"] == "chat.entries" and bool(frame["entries"][-1]["position"] == position)

    return await call.channel_frame(is_wanted)


async def test_entries_and_acknowledgements_go_out_on_both_carriers(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        call, _, _ = await stand.talking()
        phone, tablet = await page(stand, ANN), await page(stand, MEI)
        await greet_on_channel(call, phone)
        entry = {k: v for k, v in phone.entry(ANNS, "Can you see it?").items() if k != "type"}
        ack = await call.ask_on_channel("chat.append", **entry)
        assert (ack["type"], ack["position"]) == ("chat.ack", 1)
        assert await phone.answer_to(ack["ref"]) == ack
        await entries_on_channel(call, 1)
        await tablet.write(ANNS, "Yes", seen=1)
        await entries_on_channel(call, 2)
        assert (await phone.reads(ANNS, 2)).texts() == ["Can you see it?", "Yes"]


async def test_an_entry_on_both_carriers_is_kept_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        call, _, _ = await stand.talking()
        phone = await page(stand, ANN)
        await greet_on_channel(call, phone)
        entry = phone.entry(ANNS, "Can you see it?")
        on_channel = call.say_on_channel(**entry)
        on_socket = await phone.ask(**entry)
        assert (
            (await call.channel_frame(lambda f: f.get("ref") == on_channel))["position"] == on_socket["position"] == 1
        )
        assert len(stand.house.conversations.disk.stream(ANNS)) == 1


async def test_the_conversation_goes_on_over_the_data_channel_when_the_socket_is_cut(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        call, _, _ = await stand.talking()
        phone, tablet = await page(stand, ANN), await page(stand, MEI)
        await greet_on_channel(call, phone)
        await tablet.write(ANNS, "one", seen=0)
        await phone.reads(ANNS, 1)
        await phone.close()
        await tablet.write(ANNS, "two", seen=0)
        await entries_on_channel(call, 2)
        entry = {"n": 1, "id": entry_id(), "stream": ANNS, "kind": "text", "body": {"text": "three"}}
        assert (await call.ask_on_channel("chat.append", **entry))["position"] == 3
        stand.house.node.close_channel(call.node_peer)
        await tablet.write(ANNS, "four", seen=3)
        back = await page(stand, ANN, device=phone.device, holding=phone.shelf(ANNS))
        assert (await back.reads(ANNS, 4)).position == 4
        assert [f["after"] for f in back.frames if f["type"] == "chat.entries"] == [1]
        assert back.welcome["expected"] == 2


async def test_a_channel_alone_may_begin_and_is_told_to_say_hello_first(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        call, _, _ = await stand.talking()
        call.open_channel()
        assert (await call.ask_on_channel("chat.open", stream=ANNS))["code"] == "hello_first"
        welcome = await call.ask_on_channel("chat.hello", device="device-ann", tab="t1")
        assert [s["stream"] for s in welcome["streams"]] == [ANNS]


async def test_the_calls_own_frames_still_travel_on_the_channel(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        call, _, call_id = await stand.talking()
        call.open_channel()
        assert (await call.ask_on_channel("hello", position=0))["call"]["id"] == call_id
        said = await call.ask_on_channel("call.join", name="Ann", matter='a word about "chat.hello"')
        assert said["type"] == "ok"


async def test_what_a_closed_channel_would_not_take_never_appears_on_the_calls_socket(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        call, _, _ = await stand.talking()
        phone, tablet = await page(stand, ANN), await page(stand, MEI)
        await greet_on_channel(call, phone)
        stand.house.node.peers[call.node_peer].channel_open = False  # gone, and nobody knows yet
        await tablet.write(ANNS, "one", seen=0)
        await phone.reads(ANNS, 1)
        await call.ask("ping")
        assert not any(f["type"].startswith("chat.") for f in call.frames)


async def test_a_newer_socket_of_the_same_page_takes_over_from_the_one_before(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        before = await page(stand, ANN)
        after = await page(stand, ANN, device=before.device)
        after.tab = before.tab
        await after.hello()
        assert await before.closed() == 1000
        assert (await after.write(ANNS, "one"))["position"] == 1
        assert len(stand.chat.hub.readers_of[ANN.id]) == 1


async def test_a_slow_page_holds_nobody_up_is_not_queued_for_and_misses_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        slow, ann = await page(stand, ANN), await page(stand, ANN)
        await ann.write(ANNS, "first")
        await slow.reads(ANNS, 1)
        reader = reader_of(stand, slow)
        clogged = asyncio.Event()
        [carrier] = reader.carriers
        deliver = carrier.outbox._deliver

        async def stuck(text: str) -> bool:
            await clogged.wait()
            return await deliver(text)

        carrier.outbox._deliver = stuck
        carrier.outbox._write = lambda _: False  # something waits for the network already
        for number in range(2 * SLOW_FRAMES):
            await stand.chat.append_by_machine(ANNS, f"job.{number}", "text", {"text": str(number)})
        await ann.reads(ANNS, 2 * SLOW_FRAMES + 1)
        assert len(carrier.outbox._waiting) <= SLOW_FRAMES
        assert reader.sent[ANNS] < 2 * SLOW_FRAMES
        clogged.set()
        held = await slow.reads(ANNS, 2 * SLOW_FRAMES + 1)
        assert held.gaps == 0
        assert held.entries == ann.shelf(ANNS).entries


async def test_a_channel_that_died_unnoticed_is_not_read_for_again_and_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        call, _, _ = await stand.talking()
        phone, tablet = await page(stand, ANN), await page(stand, MEI)
        await greet_on_channel(call, phone)
        await phone.close()
        await tablet.ask("chat.open", stream=ANNS)
        reader = reader_of(stand, phone)
        reader.carriers[0].drop()
        await stand.chat.append_by_machine(ANNS, "job.1", "text", {"text": "one"})
        await tablet.reads(ANNS, 1)
        for _ in range(50):
            await tablet.ask("chat.leave", stream="c.none")  # turns of the loop go by
        assert stand.chat.counts["catch_ups"] == 1
        assert stand.chat.counts["reads"] < 10


async def test_a_stopping_server_says_come_back(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann = await page(stand, ANN)
        await stand.chat.close()
        assert await ann.closed() == 4000


async def test_pages_that_went_leave_nothing_behind(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        pages = [await page(stand, who) for who in (ANN, MEI, ANN)]
        await pages[1].ask("chat.open", stream=ANNS)
        for each in pages:
            await each.close()
        async with asyncio.timeout(3):
            while stand.chat.readers.on:  # noqa: ASYNC110 (the server's side of a socket ends a little later)
                await asyncio.sleep(0)
        assert (len(stand.chat.readers), stand.chat.hub.lines, stand.chat.hub.readers_of) == (0, {}, {})


def reader_of(stand: Stand, page: Page) -> Reader:
    return next(r for r in stand.chat.hub.readers_of[page.person.id] if r.key.tab == page.tab)
