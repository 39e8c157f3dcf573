"""What one server hands on to another: frames as they are, in both directions."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from signaling.relay import Relay

LONG = "x" * 1_000_000


@pytest.fixture
async def door() -> AsyncIterator[TestServer]:
    """Of a server that hands everything on to another one, which answers each text with a long one."""

    async def keeper(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data + LONG)
        return socket

    async def busy(request: web.Request) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": "60"})

    there = web.Application()
    there.router.add_get("/ws/staff", keeper)
    there.router.add_post("/api/left-messages", busy)
    async with TestServer(there) as keeping, ClientSession() as client:
        relay = Relay(client)

        async def ask(request: web.Request) -> web.StreamResponse:
            answered = await relay.answer(request, str(keeping.make_url("")).rstrip("/"))
            assert answered is not None
            return answered

        async def hand_on(request: web.Request) -> web.StreamResponse:
            served = await relay.socket(request, str(keeping.make_url("")).rstrip("/"))
            assert served is not None
            return served

        here = web.Application()
        here.router.add_get("/ws/staff", hand_on)
        here.router.add_post("/api/left-messages", ask)
        handing_on = TestServer(here)
        async with handing_on:
            yield handing_on


async def test_a_long_history_reaches_its_page_through_another_server(door: TestServer) -> None:
    async with ClientSession() as page, page.ws_connect(door.make_url("/ws/staff"), max_msg_size=0) as socket:
        await socket.send_str("hello")
        assert await socket.receive_str(timeout=5) == "hello" + LONG


async def test_who_is_told_to_wait_by_another_server_is_told_how_long(door: TestServer) -> None:
    async with ClientSession() as page, page.post(door.make_url("/api/left-messages"), data=b"hello") as said:
        assert (said.status, said.headers["Retry-After"]) == (429, "60")
