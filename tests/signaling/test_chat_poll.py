"""The same frames by HTTP, where WebSockets are blocked."""

from __future__ import annotations

import asyncio
from typing import Any

from signaling import chat_poll
from tests.support.doors import Browser, Door, refusal
from tests.support.houses import ANN, MEI
from tests.support.pages import Shelf, entry_id

ANNS = f"c.{ANN.id}"
Frame = dict[str, Any]


class PollingPage:
    def __init__(self, browser: Browser, device: str = "device-poll", tab: str = "t1") -> None:
        self.browser = browser
        self.device = device
        self.tab = tab
        self.shelf = Shelf(ANNS)

    async def ask(self, *frames: Frame, wait_s: float = 0.0) -> list[Frame]:
        body = {"device": self.device, "tab": self.tab, "frames": list(frames), "wait_s": wait_s}
        response = await self.browser.post("/api/chat/poll", json=body)
        said = await response.json()
        assert response.status == 200, said
        for frame in said["frames"]:
            if frame["type"] in ("chat.entries", "chat.reset"):
                self.shelf.apply(frame)
        return list(said["frames"])

    async def until(self, type: str) -> Frame:
        while True:
            for frame in await self.ask(wait_s=5.0):
                if frame["type"] == type:
                    return frame

    async def hello(self) -> Frame:
        hello = {"type": "chat.hello", "ref": "h", "device": self.device, "tab": self.tab}
        said = await self.ask({**hello, "cursors": [self.shelf.cursor()]})
        while not said:
            said = await self.ask(wait_s=5.0)
        return said[0]


def entry(number: int, text: str) -> Frame:
    shape = {"type": "chat.append", "ref": f"a{number}", "n": number, "id": entry_id(), "stream": ANNS, "kind": "text"}
    return {**shape, "body": {"text": text}}


async def test_a_page_without_a_socket_writes_reads_and_is_answered(door: Door) -> None:
    ann, mei = PollingPage(door.customer(ANN)), PollingPage(door.staff(MEI), "device-mei")
    assert (await ann.hello())["expected"] == 1
    await mei.hello()
    await mei.ask({"type": "chat.open", "ref": "o", "stream": ANNS})
    waits = asyncio.create_task(mei.until("chat.entries"))
    await ann.ask(entry(1, "Hello"))
    await waits
    assert mei.shelf.texts() == ["Hello"]
    while not ann.shelf.entries:
        await ann.ask(wait_s=5.0)
    assert ann.shelf.texts() == ["Hello"]


async def test_a_poll_whose_answer_was_lost_costs_nothing(door: Door) -> None:
    """What went with it is sent again, and what was in it is fetched from the cursor at the next hello."""
    ann = PollingPage(door.customer(ANN))
    await ann.hello()
    again = entry(1, "Hello")
    await ann.ask(again)
    await ann.ask(again)
    ann.shelf = Shelf(ANNS)
    await ann.hello()
    while not ann.shelf.entries:
        await ann.ask(wait_s=5.0)
    assert (ann.shelf.texts(), ann.shelf.gaps) == (["Hello"], 0)
    assert len(door.house.conversations.disk.stream(ANNS)) == 1


async def test_of_two_that_wait_the_newest_gets_the_news_and_the_other_ends_at_once(door: Door) -> None:
    ann = PollingPage(door.customer(ANN))
    await ann.hello()
    older = asyncio.create_task(ann.ask(wait_s=20.0))
    await one_waits(door)
    newer = asyncio.create_task(ann.until("chat.entries"))
    assert await asyncio.wait_for(older, 5) == []
    await door.chat.append_by_machine(ANNS, "job.1", "text", {"text": "Hello"})
    await asyncio.wait_for(newer, 5)
    assert ann.shelf.texts() == ["Hello"]


async def test_what_answers_a_hello_is_not_told_to_a_request_from_before_it(door: Door) -> None:
    """The page says hello again because it was cut: who waited then hears nothing any more."""
    ann = PollingPage(door.customer(ANN))
    await ann.hello()
    older = asyncio.create_task(ann.ask(wait_s=20.0))
    await one_waits(door)
    hello = {"type": "chat.hello", "ref": "again", "device": ann.device, "tab": ann.tab}
    said = await ann.ask({**hello, "cursors": [ann.shelf.cursor()]})
    assert await asyncio.wait_for(older, 5) == []
    async with asyncio.timeout(5):
        while not said:
            said = await ann.ask(wait_s=5.0)
    assert (said[0]["type"], said[0]["ref"]) == ("chat.welcome", "again")


async def test_a_page_that_gets_a_socket_after_all_is_told_there_alone(door: Door) -> None:
    browser = door.customer(ANN)
    ann = PollingPage(browser)
    await ann.hello()
    socket = await browser.ws_connect("/ws/customer/chat")
    await socket.send_json({"type": "chat.hello", "ref": "h", "device": ann.device, "tab": ann.tab})
    assert (await socket.receive_json())["type"] == "chat.welcome"
    await socket.send_json({"type": "chat.seen", "ref": "s", "stream": ANNS, "delivered": 0})
    assert (await socket.receive_json())["type"] == "chat.marks"
    [reader] = door.chat.hub.readers_of[ANN.id]
    assert [carrier.name for carrier in reader.carriers] == ["socket"]
    body = {"device": ann.device, "tab": ann.tab, "frames": [], "wait_s": 0}
    await refusal(await browser.post("/api/chat/poll", json=body), 400, "hello_first")
    await socket.close()


async def test_a_page_that_is_not_known_has_to_say_hello_first(door: Door) -> None:
    ann = door.customer(ANN)
    body = {"device": "device-poll", "frames": [], "wait_s": 20}
    await refusal(await ann.post("/api/chat/poll", json=body), 400, "hello_first")
    await refusal(await ann.post("/api/chat/poll", json={**body, "frames": [entry(1, "Hello")]}), 400, "hello_first")
    await refusal(await door.browser().post("/api/chat/poll", json=body), 401, "not_signed_in")
    await refusal(await ann.post("/api/chat/poll", json={**body, "side": "staff"}), 404, "not_found")
    await refusal(await ann.post("/api/chat/poll", json={**body, "wait_s": 26}), 400, "bad_request")
    assert len(door.chat.polls) == 0


async def test_a_page_that_asks_no_more_is_forgotten(door: Door) -> None:
    ann = PollingPage(door.customer(ANN))
    await ann.hello()
    assert len(door.chat.readers) == 1
    [key] = door.chat.polls.carriers
    door.chat.polls.end(key)  # as its timer does
    assert len(door.chat.readers) == len(door.chat.polls) == 0
    assert chat_poll.LIFE_S > chat_poll.LONGEST_WAIT_S


async def test_a_server_that_stops_lets_the_waiting_go(door: Door) -> None:
    ann = PollingPage(door.customer(ANN))
    await ann.hello()
    waits = asyncio.create_task(ann.ask(wait_s=20.0))
    await one_waits(door)
    await door.chat.close()
    assert await asyncio.wait_for(waits, 5) == []


async def one_waits(door: Door) -> None:
    async with asyncio.timeout(3):
        while not any(carrier.requests for carrier in door.chat.polls.carriers.values()):  # noqa: ASYNC110
            await asyncio.sleep(0)
