"""Two servers that share a PostgreSQL and a Redis: whichever breaks, nothing that was acknowledged is lost."""

from __future__ import annotations

import asyncio
import io
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession, CookieJar, FormData
from PIL import Image

from domain.floors import KEPT_FOR_S
from loadtest.clip import make_clip
from loadtest.front_door import Refused, Visitor
from tests.support.databases import Cluster, postgresql_cluster
from tests.support.devices import AGAIN_S, Device, customer, staff
from tests.support.news import answered, is_recording
from tests.support.several import Several, several

pytestmark = [pytest.mark.journey, pytest.mark.timeout(240)]

PATIENCE_S = 30.0
TRY_S = 8.0  # a connection that was open to a server which stands still never answers
clip = cache(make_clip)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with postgresql_cluster() as started:
        yield started


@pytest.fixture
async def two(tmp_path: Path, cluster: Cluster) -> AsyncIterator[Several]:
    async with several(tmp_path, cluster) as started:
        yield started


class Conversation:
    """A customer with devices at both servers, and two of the staff."""

    def __init__(self, devices: list[Device]) -> None:
        self.devices = devices
        self.stream = f"c.{devices[0].person['id']}"
        self.written: list[str] = []

    async def write(self, count: int) -> None:
        for number in range(count):
            device = self.devices[number % len(self.devices)]
            self.written.append(await device.write(self.stream, f"{len(self.written)}"))

    async def settled(self) -> None:
        """Everything that was written is acknowledged, and on every device once, in one order."""
        for device in self.devices:
            await device.until(lambda device=device: not device.pending)  # type: ignore[misc]
            await device.until(lambda device=device: device.shelf(self.stream).position >= len(self.written))  # type: ignore[misc]
        shelves = [device.shelf(self.stream) for device in self.devices]
        for shelf in shelves:
            assert sorted(entry["id"] for entry in shelf.entries) == sorted(self.written)
            assert [entry["position"] for entry in shelf.entries] == list(range(1, len(self.written) + 1))
        assert len({shelf.digest for shelf in shelves}) == 1
        for device in self.devices:
            own = [entry["id"] for entry in shelves[0].entries if entry["id"].startswith(f"m-{device.name}-")]
            assert own == sorted(own), "what one device writes stays in its order"
            assert set(own) == {id for id in self.written if id.startswith(f"m-{device.name}-")}


@pytest.fixture
async def talk(two: Several) -> AsyncIterator[Conversation]:
    one, other = (server.base for server in two.servers)
    async with AsyncExitStack() as stack:
        ann = await stack.enter_async_context(customer(one, "Ann"))
        phone = await stack.enter_async_context(customer(other, "Ann", like=ann))
        lin = await stack.enter_async_context(staff(one, "lin", two.password))
        li = await stack.enter_async_context(staff(other, "li", two.password))
        made = Conversation([ann, phone, lin, li])
        for device in made.devices:
            device.base = two.base  # from now on wherever the balancer leads
            device.follow(made.stream)
        for device in (lin, li):
            await device.say(type="chat.open", stream=made.stream)
        yield made


async def test_devices_of_a_killed_server_go_on_at_the_other_and_nothing_is_lost(
    two: Several, talk: Conversation
) -> None:
    await talk.write(40)
    await two.servers[0].kill()
    await talk.write(40)
    await talk.settled()
    await two.servers[0].start()
    await two.servers[1].kill()
    await talk.write(40)
    await talk.settled()
    assert all(device.connections > 1 for device in talk.devices)


async def test_nothing_is_lost_while_redis_is_stopped_flushed_and_started_again(
    two: Several, talk: Conversation
) -> None:
    await talk.write(20)
    await two.redis.flush()
    await talk.write(20)
    await two.redis.stop()
    await talk.write(20)
    await talk.settled()  # by the heartbeat
    for server in two.servers:
        assert (await two.figures(server))["chat_bus_is_connected"] == 0
    await two.redis.start()
    await talk.write(20)
    await talk.settled()
    assert [device.connections for device in talk.devices] == [1, 1, 1, 1]
    for server in two.servers:
        assert server.log.read_text().count("redis is away") == 1


async def test_what_is_written_while_postgresql_is_away_is_refused_kept_by_its_device_and_not_lost(
    two: Several, talk: Conversation
) -> None:
    await talk.write(20)
    await talk.settled()
    two.cluster.stop()
    await talk.write(20)
    for device in talk.devices:
        await device.until(lambda device=device: device.refusals["unavailable"] > 0)  # type: ignore[misc]
        assert len(device.pending) == 5
    for device in talk.devices:  # for longer than a server is believed to keep a floor
        await device.until(lambda device=device: device.in_vain * AGAIN_S > KEPT_FOR_S + 1.0)  # type: ignore[misc]
    assert all(len(device.pending) == 5 for device in talk.devices), "not kept yet"
    two.cluster.start()
    await talk.settled()


class Person(Visitor):
    """A page of a call without a page, whose news can be waited for."""

    def __init__(self, base: str) -> None:
        super().__init__(base, clip(2.0))
        self.frames: list[dict[str, Any]] = []
        self._came = asyncio.Event()
        self.hear = self._heard

    def _heard(self, frame: dict[str, Any]) -> None:
        self.frames.append(frame)
        self._came.set()

    async def news(self, type: str, is_wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for frame in self.frames:
                    if frame["type"] == type and is_wanted(frame):
                        return frame
                self._came.clear()
                await self._came.wait()

    async def sees(self) -> None:
        """Another picture of the other person."""
        shown = len(self.client.arrived_frames)
        async with asyncio.timeout(PATIENCE_S):
            while len(self.client.arrived_frames) <= shown:
                self.client.frame_shown.clear()
                await self.client.frame_shown.wait()

    async def come_back(self) -> None:
        """As a page does whose connections broke: it tries until it is let in."""
        self.frames.clear()
        await answered(self._is_back, bool, PATIENCE_S)

    async def _is_back(self) -> bool:
        try:
            async with asyncio.timeout(TRY_S):
                await self.reconnect()
        except (Refused, ClientError, OSError, TimeoutError):
            return False
        return True


async def test_a_customer_at_one_server_and_staff_at_the_other_get_each_other(two: Several) -> None:
    one, other = (server.base for server in two.servers)
    async with Person(one) as ann, Person(other) as lin, Person(other) as li:
        await ann.enter("demo")
        await lin.sign_in("lin", two.password)
        await li.sign_in("li", two.password)
        ann.client.start()
        lin.client.start()
        call_id = await ann.join("Ann", consent=True)
        await lin.news("line", lambda f: [w["call_id"] for w in f["waiting"]] == [call_id])
        await lin.answer(call_id)
        with pytest.raises(Refused, match="colleague"):
            await li.answer(call_id)
        await asyncio.gather(ann.sees(), lin.sees())
        await ann.begin_to_write()
        await lin.say("Which heel is it?")
        await ann.news("chat.entries", lambda f: f["entries"][-1]["body"].get("text") == "Which heel is it?")
        relayed = [(await two.figures(server))["keeping_relayed_sockets"] for server in two.servers]
        assert sorted(relayed) in ([0, 1], [0, 2])
        await ann.hang_up()
        await lin.news("call", lambda f: f["call"]["state"] == "ended")
        await lin.news("recording", lambda f: is_recording(f["recording"], call_id, "ready"))
        assert (await lin.get(f"/api/calls/{call_id}"))["recording"]["state"] == "ready"


async def test_who_enters_at_one_server_is_told_that_somebody_is_there_at_the_other(two: Several) -> None:
    one, other = (server.base for server in two.servers)
    async with Person(one) as lin, ClientSession(other) as browser:
        await lin.sign_in("lin", two.password)

        async def available() -> int:
            async with browser.post("/api/enter", json={"shop": "demo", "language": "en"}) as said:
                return int((await said.json())["staff_available"])

        await answered(available, lambda count: count == 1, PATIENCE_S)


async def test_when_the_keeper_is_killed_the_line_and_the_call_go_on_at_the_other_server(two: Several) -> None:
    async with Person(two.base) as ann, Person(two.base) as bob, Person(two.base) as lin, Person(two.base) as li:
        for visitor in (ann, bob):
            await visitor.enter("demo")
        await lin.sign_in("lin", two.password)
        await li.sign_in("li", two.password)
        ann.client.start()
        lin.client.start()
        call_id = await ann.join("Ann", consent=True)
        await lin.answer(call_id)
        waiting_id = await bob.join("Bob", consent=False)
        await asyncio.gather(ann.sees(), lin.sees())
        keeper = await two.keeper()
        await keeper.kill()
        await asyncio.gather(*(visitor.come_back() for visitor in (ann, bob, lin, li)))
        assert await two.keeper() is not keeper
        await asyncio.gather(ann.sees(), lin.sees())
        await li.news("line", lambda f: [w["call_id"] for w in f["waiting"] if w["connected"]] == [waiting_id])
        await li.answer(waiting_id)
        await asyncio.gather(bob.sees(), li.sees())
        await ann.hang_up()
        await lin.news("call", lambda f: f["call"]["state"] == "ended")
        record = await lin.get(f"/api/calls/{call_id}")
        assert record["call"]["state"] == "ended"


async def test_a_keeper_that_stood_still_and_was_followed_ends_no_call(two: Several) -> None:
    async with Person(two.base) as ann, Person(two.base) as lin:
        await ann.enter("demo")
        await lin.sign_in("lin", two.password)
        ann.client.start()
        lin.client.start()
        await lin.answer(await ann.join("Ann", consent=True))
        await asyncio.gather(ann.sees(), lin.sees())
        keeper = await two.keeper()
        [other] = [server for server in two.servers if server is not keeper]
        assert keeper.process is not None
        keeper.process.send_signal(signal.SIGSTOP)
        two.balancer.ports = [other.port]  # as a balancer that asks for `/api/health`
        await asyncio.gather(ann.come_back(), lin.come_back())
        assert (await two.figures(other))["keeping_floors"] == 1
        await asyncio.gather(ann.sees(), lin.sees())
        keeper.process.send_signal(signal.SIGCONT)
        await answered(lambda: two.figures(keeper), lambda found: found["keeping_floors"] == 0, PATIENCE_S)
        assert "another server has taken a floor" in keeper.log.read_text()
        await asyncio.gather(ann.sees(), lin.sees())
        await lin.say("Are you still there?")
        shown = [frame["call"] for frame in lin.frames if frame["type"] == "call"]
        assert all(call["state"] == "live" for call in shown)
        await ann.hang_up()
        await lin.news("call", lambda f: f["call"]["state"] == "ended")


async def test_a_message_left_at_either_server_is_counted_for_staff_at_both(two: Several) -> None:
    one, other = (server.base for server in two.servers)
    async with Person(one) as lin, Person(other) as li, ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:
        await lin.sign_in("lin", two.password)
        await li.sign_in("li", two.password)
        async with browser.post(f"{one}/api/enter", json={"shop": "demo", "language": "en"}) as said:
            assert said.status == 200
        for count, base in enumerate((one, other), start=1):
            form = FormData({"id": f"left-{count:08d}", "name": "Ann", "contact": "ann@example.com", "text": "Hello"})
            form.add_field("picture", io.BytesIO(jpeg()), filename="heel.jpg", content_type="image/jpeg")
            async with browser.post(f"{base}/api/left-messages", data=form) as said:
                assert said.status == 200, await said.text()
            for person in (lin, li):
                await person.news("line", lambda f, count=count: f["unread_left_messages"] == count)  # type: ignore[misc]


def jpeg() -> bytes:
    out = io.BytesIO()
    Image.effect_noise((800, 600), 80).save(out, "JPEG", quality=95)
    return out.getvalue()
