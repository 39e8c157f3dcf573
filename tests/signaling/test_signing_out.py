"""The end of a browser's session ends all that is open by it, at once and for good."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from aiohttp import WSServerHandshakeError

from domain.conversation_ports import ConversationStore
from signaling.http_context import REFUSED
from signaling.signing_out import end_those_since, keep_watching
from tests.signaling.test_chat_poll import PollingPage, entry, one_waits
from tests.support.doors import Browser, Door, open_door, refusal, sign_in
from tests.support.houses import ANN, COBBLER, MEI, TestHouse
from tests.support.pages import page
from tests.support.tabs import opened


async def on_a_socket(browser: Browser, side: str, device: str) -> object:
    socket = await browser.ws_connect(f"/ws/{side}/chat")
    await socket.send_json({"type": "chat.hello", "ref": "h", "device": device, "tab": "t"})
    assert (await socket.receive_json())["type"] == "chat.welcome"
    return socket


async def last_close(socket: object) -> int | None:
    async with asyncio.timeout(5):
        async for _ in socket:  # type: ignore[attr-defined]
            pass
    return socket.close_code  # type: ignore[attr-defined,no-any-return]


async def test_the_cookie_of_a_device_that_was_ended_is_no_good_anywhere(door: Door) -> None:
    kept, lost = door.customer(ANN), door.customer(ANN)
    await PollingPage(kept, "device-kept").hello()
    socket = await on_a_socket(lost, "customer", "device-lost")
    polling = PollingPage(lost, "device-lost", "t2")
    await polling.hello()
    waits = asyncio.create_task(polling.ask(wait_s=20.0))
    await one_waits(door)
    thief = door.copy_of(lost)
    assert (await thief.get("/api/devices")).status == 200
    assert (await kept.post("/api/devices/device-lost/end", json={})).status == 200
    assert await last_close(socket) == 4503
    assert [frame["code"] for frame in await asyncio.wait_for(waits, 5)] == ["ended"]
    for browser in (lost, thief):
        await refusal(await browser.get("/api/devices"), 401, "not_signed_in")
        await refusal(await browser.get(f"/api/streams/c.{ANN.id}"), 401, "not_signed_in")
        body = {"device": "device-lost", "tab": "t2", "frames": [entry(1, "Hello")], "wait_s": 0}
        await refusal(await browser.post("/api/chat/poll", json=body), 401, "not_signed_in")
        for path in ("/ws/customer", "/ws/customer/chat"):
            with pytest.raises(WSServerHandshakeError) as refused:
                await browser.ws_connect(path)
            assert refused.value.status == 401
    assert len(door.live.ended) == 1
    assert (await kept.get("/api/devices")).status == 200


async def test_a_phone_that_was_signed_out_comes_in_by_a_code_and_not_by_the_link(door: Door) -> None:
    kept, lost = door.customer(ANN), door.customer(ANN)
    await PollingPage(lost, "device-lost").hello()
    await kept.post("/api/devices/device-lost/end", json={})
    await refusal(await lost.post("/api/enter", json={"shop": "cobbler"}), 401, "ended")
    code = (await (await kept.post("/api/devices/code", json={})).json())["code"]
    assert (await lost.post("/api/devices/join", json={"code": code})).status == 200
    assert (await PollingPage(lost, "device-again").hello())["me"]["id"] == ANN.id


async def test_who_ends_what_this_browser_was_before_it_forgot_stays(door: Door) -> None:
    """Some browsers throw away what a page kept and not its cookie."""
    ann = door.customer(ANN)
    await PollingPage(ann, "device-then").hello()
    door.house.clock.advance(60)
    await PollingPage(ann, "device-now").hello()
    assert (await ann.post("/api/devices/device-then/end", json={})).status == 200
    listed = (await (await ann.get("/api/devices")).json())["devices"]
    assert [device["id"] for device in listed] == ["device-now"]
    assert (await ann.post("/api/devices/device-now/end", json={})).status == 200
    await refusal(await ann.get("/api/devices"), 401, "not_signed_in")


async def test_signing_out_closes_the_conversations_of_this_session_alone(door: Door) -> None:
    tablet, desktop = door.browser(), door.browser()
    for browser in (tablet, desktop):
        await sign_in(browser, "mei")
    sockets = [await on_a_socket(b, "staff", f"device-{n}") for n, b in enumerate((tablet, desktop))]
    polling = PollingPage(tablet, "device-0", "t2")
    await polling.hello()
    waits = asyncio.create_task(polling.ask(wait_s=20.0))
    await one_waits(door)
    assert (await tablet.post("/api/sign-out")).status == 200
    assert await last_close(sockets[0]) == 4503
    assert [frame["code"] for frame in await asyncio.wait_for(waits, 5)] == ["ended"]
    assert (await desktop.get("/api/me")).status == 200
    assert len(door.chat.readers) == 1
    assert len(door.live.ended) == 1


async def test_a_copied_cookie_stays_no_good_after_a_restart_and_after_a_renewal(door: Door, tmp_path: Path) -> None:
    tablet = door.browser()
    await sign_in(tablet, "mei")
    first = door.copy_of(tablet)
    door.house.clock.advance(2 * 24 * 3600)
    renewed = await tablet.get("/api/me")
    assert "Set-Cookie" in renewed.headers
    second = door.copy_of(tablet)
    await tablet.post("/api/sign-out")
    async with open_door(tmp_path, house=door.house) as restarted:
        for thief in (first, second):
            await refusal(await thief.get("/api/me"), 401, "not_signed_in")
            await refusal(await restarted.copy_of(thief).get("/api/me"), 401, "not_signed_in")
    assert (await sign_in(tablet, "mei")).status == 200
    assert (await tablet.get("/api/me")).status == 200


async def test_what_another_server_signed_out_is_ended_here_once(door: Door) -> None:
    tablet = door.browser()
    await sign_in(tablet, "mei")
    socket = await on_a_socket(tablet, "staff", "device-mei")
    [session] = {reader.carriers[0].session for reader in door.chat.hub.readers_of[MEI.id]}
    since = door.house.clock()
    await door.house.conversations.sign_out(session, since - timedelta(seconds=10))  # its clock is behind
    ended = await end_those_since(door.app, since, set())
    assert await last_close(socket) == 4503
    await end_those_since(door.app, since, ended)
    assert door.live.ended == [session]


class Broken:
    """Conversations whose answers cannot be used, so many times."""

    def __init__(self, kept: object, times: int) -> None:
        self._kept, self._times = kept, times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kept, name)

    async def signed_out_since(self, since: datetime) -> list[str]:
        self._times -= 1
        if self._times >= 0:
            raise ValueError("a row that nobody expected")
        return list(await self._kept.signed_out_since(since))  # type: ignore[attr-defined]


async def test_a_fault_while_looking_for_sign_outs_elsewhere_does_not_end_the_looking(tmp_path: Path) -> None:
    house = TestHouse(tmp_path)
    broken = cast(ConversationStore, Broken(house.conversations, times=2))
    house.house = dataclasses.replace(house.house, conversations=broken)
    async with open_door(tmp_path, house=house) as door:
        tablet = door.browser()
        await sign_in(tablet, "mei")
        socket = await on_a_socket(tablet, "staff", "device-mei")
        [session] = {reader.carriers[0].session for reader in door.chat.hub.readers_of[MEI.id]}
        watching = asyncio.create_task(keep_watching(door.app, every_s=0.001))
        await house.conversations.sign_out(session, house.clock())
        assert await last_close(socket) == 4503
        watching.cancel()
        await asyncio.wait([watching])
        assert watching.cancelled()
        assert door.app[REFUSED]["sign_outs_unread"] == 2


async def test_a_call_of_a_session_that_was_signed_out_loses_its_socket_and_its_connection(tmp_path: Path) -> None:
    async with opened(tmp_path, has_sessions=True) as stand:
        call, _, _ = await stand.talking()
        phone = await page(stand, ANN)
        call.open_channel()
        hello = {"device": phone.device, "tab": phone.tab}
        assert (await call.ask_on_channel("chat.hello", **hello))["type"] == "chat.welcome"
        peer = call.node_peer
        stand.live.end_session(f"session-{ANN.id}")
        stand.chat.end_session(f"session-{ANN.id}")
        assert await call.closed() == 4503
        assert await phone.closed() == 4503
        async with asyncio.timeout(3):
            while peer in stand.house.node.peers:  # noqa: ASYNC110
                await asyncio.sleep(0)
        assert len(stand.chat.readers) == 0
        await stand.house.conversations.sign_out(f"session-{ANN.id}", stand.house.clock())
        again = await stand.bare(ANN)
        assert await again.closed() == 4503


async def test_sessions_of_two_shops_live_side_by_side(door: Door) -> None:
    assert COBBLER.slug == "cobbler"
    door.house.people.shops["shop-nails"] = door.house.people.shops["shop-nails"].model_copy(update={"open_door": True})
    phone = door.browser()
    first = (await (await phone.post("/api/enter", json={"shop": "cobbler"})).json())["customer"]["id"]
    second = (await (await phone.post("/api/enter", json={"shop": "nails"})).json())["customer"]["id"]
    assert first != second
    for slug, customer_id in (("cobbler", first), ("nails", second)):
        assert (await (await phone.post("/api/enter", json={"shop": slug})).json())["customer"]["id"] == customer_id
        async with phone.ws_connect(f"/ws/customer?shop={slug}") as socket:
            assert await socket.receive_str(timeout=5) == customer_id
        assert (await phone.get(f"/api/streams/c.{customer_id}")).status == 200
        code = await phone.post(f"/api/devices/code?shop={slug}", json={})
        assert f"/s/{slug}/chat" in (await code.json())["url"]
    await refusal(await phone.get(f"/api/streams/c.{first}?shop=nails"), 404, "not_found")
    await refusal(await phone.get("/api/devices?shop=nobody"), 401, "not_signed_in")
    await refusal(await phone.get("/api/devices?shop=%0d%0a;"), 401, "not_signed_in")
