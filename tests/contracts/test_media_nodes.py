"""The media node's contract, held by the node in this process and by the one in a worker process."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from domain.errors import Conflict, Invalid, Unavailable
from server.local_node import LocalNode
from server.node_pipe import NodeOptions
from server.node_pool import NodePool
from signaling.node import (
    ChannelOpen,
    ChannelText,
    MediaNode,
    PeerClosed,
    PeerConnected,
    Plan,
    RecordingTrouble,
    Route,
    Tape,
)
from tests.support.rtc_client import VIDEO_SSRC, Client
from tests.support.rtc_heard import Heard, until
from tests.support.speaking import clip, say

BOTH_WAYS = (Route("tablet", 0, "phone"), Route("phone", 0, "tablet"))


class House:
    """A node, what it told, and the clients that speak to it."""

    def __init__(self, node: LocalNode | NodePool, stack: AsyncExitStack) -> None:
        self.node: MediaNode = node
        self.heard = Heard()
        self.clients: dict[str, Client] = {}
        self._stack = stack
        node.listen(self.heard)
        self.pool = node if isinstance(node, NodePool) else None
        self._port = node.port if isinstance(node, LocalNode) else node.ports[0]

    async def enter(self, name: str) -> Client:
        client = await self._stack.enter_async_context(Client(self._port))
        client.take(await self.node.open_peer(name, client.offer(), group="shop"))
        await client.connect()
        await until(lambda: PeerConnected(name) in self.heard.events)
        self.clients[name] = client
        return client


@pytest_asyncio.fixture(params=["this process", "a worker"])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    options = NodeOptions("127.0.0.1", 0, (), str(tmp_path / "journals"))
    node = LocalNode(options) if request.param == "this process" else NodePool(options, 1)
    async with node, AsyncExitStack() as stack:
        yield House(node, stack)


async def test_nothing_is_forwarded_before_the_plan_says_so_and_all_after(house: House) -> None:
    phone, tablet = await house.enter("phone"), await house.enter("tablet")
    packets = clip(1.0)
    say(phone, packets[:20])
    await until(lambda: len(phone.reports) > 0)
    assert tablet.packets == []
    await house.node.apply(Plan("call", BOTH_WAYS))
    say(phone, packets[20:])
    await until(lambda: len(tablet.packets) >= len(packets) // 2)
    shown = [packet for packet in tablet.packets if packet[1] & 0x7F == 96]
    assert shown[0][12:16][-1] & 0x10 or len(shown) > 10


async def test_on_hold_nothing_passes(house: House) -> None:
    phone, tablet = await house.enter("phone"), await house.enter("tablet")
    await house.node.apply(Plan("call", BOTH_WAYS))
    packets = clip(1.0)
    say(phone, packets[:10])
    await until(lambda: tablet.packets)
    await house.node.apply(Plan("call"))
    await phone.check()  # both answers come behind whatever was still on its way
    await tablet.check()
    before = len(tablet.packets)
    say(phone, packets[10:])
    await phone.check()
    await tablet.check()
    assert len(tablet.packets) == before


async def test_text_passes_both_ways_on_the_data_channel(house: House) -> None:
    phone = await house.enter("phone")
    said: list[str] = []
    channel = await phone.open_channel()
    channel.on("message", said.append)
    await house.heard.until(ChannelOpen)
    channel.send('{"type":"ping"}')
    assert (await house.heard.until(ChannelText)).text == '{"type":"ping"}'
    assert await house.node.send_text("phone", "hello 你好")
    await until(lambda: said == ["hello 你好"])
    assert not await house.node.send_text("nobody", "hello")


async def test_a_second_offer_of_a_peer_is_an_ice_restart_in_place(house: House) -> None:
    phone = await house.enter("phone")
    before = phone.remote
    phone.take(await house.node.open_peer("phone", phone.offer(), group="shop"))
    assert phone.remote != before or phone.remote.ufrag
    await phone.check()
    assert phone.dtls.state == "connected"


async def test_an_offer_that_cannot_be_served_is_refused_with_a_sentence(house: House) -> None:
    for sdp in ("", "nonsense", "v=0\r\ns=-\r\n"):
        with pytest.raises(Invalid) as refused:
            await house.node.open_peer("phone", sdp, group="shop")
        assert len(refused.value.message) > 20
    async with Client(1) as stranger:
        for kinds, missing in ((("audio", "application"), "video"), (("video",), "audio")):
            with pytest.raises(Invalid, match=f"no {missing} line"):
                await house.node.open_peer("phone", stranger.offer(*kinds), group="shop")
    assert (await house.node.stats())["peers"] == 0


async def test_a_picture_comes_from_the_stream_and_is_refused_without_one(house: House) -> None:
    phone = await house.enter("phone")
    with pytest.raises(Conflict):
        await house.node.take_picture("phone")
    say(phone, clip(1.0))
    shot = await house.node.take_picture("phone")
    assert shot.jpeg[:2] == b"\xff\xd8"
    assert (shot.width, shot.height) == (320, 240)


async def test_what_was_taped_becomes_files_and_what_was_not_does_not(house: House) -> None:
    phone = await house.enter("phone")
    await house.enter("tablet")
    packets = clip(2.0)
    await house.node.apply(Plan("call", BOTH_WAYS))
    say(phone, packets[: len(packets) // 2])
    await phone.check()
    assert await house.node.finish_recording("call") is None
    await house.node.apply(Plan("call", BOTH_WAYS, (Tape("phone", "customer"), Tape("tablet", "staff"))))
    say(phone, clip(2.0))
    await phone.check()
    await house.node.end("call")
    assert await house.node.unfinished_recordings() == ["call"]
    done = await house.node.finish_recording("call")
    assert done is not None
    assert {"call", "customer"} <= set(done.files)
    assert all(Path(path).stat().st_size > 1000 for name, path in done.files.items() if name in ("call", "customer"))
    await house.node.forget_journal("call")
    assert await house.node.unfinished_recordings() == []


async def test_a_disk_that_refuses_is_told_the_call_goes_on_and_the_same_plan_records_when_there_is_room(
    house: House, tmp_path: Path
) -> None:
    phone, tablet = await house.enter("phone"), await house.enter("tablet")
    plan = Plan("call", BOTH_WAYS, (Tape("phone", "customer"), Tape("tablet", "staff")))
    (tmp_path / "journals").write_bytes(b"a file where the folder should be: nothing can be written")
    for _ in range(2):
        with pytest.raises(Unavailable):
            await house.node.apply(plan)
    await until(lambda: house.heard.of(RecordingTrouble) == [RecordingTrouble("call", True)])
    packets = clip(2.0)
    say(phone, packets[: len(packets) // 2])
    await until(lambda: tablet.packets)
    (tmp_path / "journals").unlink()
    await house.node.apply(plan)
    await until(lambda: RecordingTrouble("call", False) in house.heard.events)
    say(phone, packets[len(packets) // 2 :])
    await phone.check()
    await house.node.end("call")
    done = await house.node.finish_recording("call")
    assert done is not None
    assert {track["label"] for track in done.tracks} == {"customer"}


async def test_a_closed_peer_is_closed_twice_without_complaint(house: House) -> None:
    await house.enter("phone")
    await house.node.close_peer("phone")
    await house.node.close_peer("phone")
    assert (await house.node.stats())["peers"] == 0


async def test_a_killed_worker_is_told_replaced_and_takes_its_plans_up_again(tmp_path: Path) -> None:
    async with (
        NodePool(NodeOptions("127.0.0.1", 0, (), str(tmp_path / "journals")), 1) as pool,
        AsyncExitStack() as stack,
    ):
        house = House(pool, stack)
        phone = await house.enter("phone")
        await pool.apply(Plan("call", BOTH_WAYS, (Tape("phone", "customer"), Tape("phone-2", "customer"))))
        say(phone, clip(1.0))
        await phone.check()
        await until(lambda: any((tmp_path / "journals" / "call").glob("*")))
        worker = pool.workers[0]
        port = worker.port
        os.kill(worker.pid, signal.SIGKILL)
        await until(lambda: PeerClosed("phone", worker_died=True) in house.heard.events)
        again = await house.enter("phone-2")
        assert worker.port == port
        say(again, clip(1.0))
        await again.check()
        await pool.end("call")
        assert len(list((tmp_path / "journals" / "call").glob("*"))) == 2
        assert VIDEO_SSRC
        done = await pool.finish_recording("call")
        assert done is not None
        assert {track["label"] for track in done.tracks} == {"customer"}
