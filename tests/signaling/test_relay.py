"""What one server hands on to another: frames as they are, in both directions."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession, FormData, web
from aiohttp.test_utils import TestServer

from domain.floors import Keeper
from domain.people import Customer
from domain.record import Picture
from signaling.app import make_app
from signaling.chat import Chat
from signaling.http_context import REFUSED
from signaling.keeping import Keeping, join_others
from signaling.refusals import refusals
from signaling.relay import Relay
from tests.signaling.test_keeping import Floors, House
from tests.support.doors import Door, SlowComposer, SmallLive, refusal
from tests.support.fake_node import jpeg
from tests.support.houses import ANN, COBBLER, MEI, NAILS, START, TestHouse
from tests.support.tabs import opened

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


@asynccontextmanager
async def silent() -> AsyncIterator[str]:
    """The address of a server that takes connections and never says a word, nor reads one."""
    held = list[asyncio.StreamWriter]()

    async def hold(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        held.append(writer)

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for writer in held:
            writer.transport.abort()


async def endless() -> AsyncIterator[bytes]:
    while True:
        yield bytes(256 * 1024)


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_a_server_that_falls_silent_is_not_waited_for_for_minutes(method: str) -> None:
    async with silent() as url, ClientSession() as client:
        relay = Relay(client, patience_s=0.3)

        async def ask(request: web.Request) -> web.StreamResponse:
            answered = await relay.answer(request, url)
            assert answered is not None
            return answered

        app = web.Application(middlewares=[refusals])
        app[REFUSED] = Counter()
        app.router.add_route(method, "/", ask)
        async with TestServer(app) as here, ClientSession() as page, asyncio.timeout(10):
            data = endless() if method == "PUT" else None
            said = await refusal(await page.request(method, here.make_url("/"), data=data), 503, "unavailable")
            assert "Try again" in said["message"]


async def test_a_server_that_cannot_be_reached_leaves_the_request_as_it_was() -> None:
    async with ClientSession() as client:
        relay = Relay(client)

        async def ask(request: web.Request) -> web.StreamResponse:
            assert await relay.answer(request, "http://127.0.0.1:1") is None
            return web.Response(body=await request.read())

        app = web.Application()
        app.router.add_post("/", ask)
        async with TestServer(app) as here, ClientSession() as page:
            assert await (await page.post(here.make_url("/"), data=b"all of it")).read() == b"all of it"


@asynccontextmanager
async def among_others(folder: Path, keeper: str) -> AsyncIterator[Door]:
    """A door whose server keeps the cobbler; the nails' keeper is at the address `keeper`."""
    house, live, composer, floors = TestHouse(folder), SmallLive(), SlowComposer(), Floors()
    floors.kept[NAILS.id] = Keeper(shop_id=NAILS.id, node="two", url=keeper)
    async with Chat(house.house) as chat, Keeping(floors, House(), "one", "http://one") as keeping:
        app = make_app(house.house, live, chat, compose=composer)
        join_others(app, keeping)
        server = TestServer(app)
        async with server:
            door = Door(house, live, chat, composer, server)
            yield door
            await door.close()


async def test_a_request_goes_to_the_keeper_of_the_shop_that_it_is_about_whoever_else_the_browser_is(
    tmp_path: Path,
) -> None:
    asked: list[str] = []

    async def keep(request: web.Request) -> web.Response:
        asked.append(f"{request.method} {request.path}")
        return web.json_response({"kept": True})

    there = web.Application()
    there.router.add_route("*", "/{path:.*}", keep)
    async with TestServer(there) as keeper, among_others(tmp_path, str(keeper.make_url("")).rstrip("/")) as door:
        nia = Customer(id="customer-nia", shop_id=NAILS.id, name="Nia", created_at=START)
        door.house.people.customers[nia.id] = nia
        both = door.staff(MEI)  # of the cobbler, and a customer of the nails
        cookies = {cookie.key: cookie.value for cookie in door.customer(nia).session.cookie_jar}
        both.session.cookie_jar.update_cookies(cookies, both.make_url("/"))
        for customer in (ANN, nia):
            call = await door.house.waiting_call(customer, state="live")
            blob = await door.house.blobs.put(jpeg(), ".jpg")
            name = f"picture-{customer.name}"
            door.house.calls.kept_pictures[name] = Picture(
                id=name, call_id=call.id, taken_by="x", taken_at=START, width=64, height=48, blob=blob
            )
        assert await (await both.get("/api/pictures/picture-Ann.jpg")).read() == jpeg()
        assert asked == []
        form = FormData({"id": "left-00001", "name": "Nia", "text": "Call me"})
        for answer in (
            await both.get("/api/pictures/picture-Nia.jpg"),
            await both.get("/api/pictures/shown-and-not-kept.jpg"),
            await both.post("/api/left-messages?shop=nails", data=form),
        ):
            assert await answer.json() == {"kept": True}
        assert asked == [
            "GET /api/pictures/picture-Nia.jpg",
            "GET /api/pictures/shown-and-not-kept.jpg",
            "POST /api/left-messages",
        ]
        assert (await both.get("/api/left-messages")).status == 200  # Mei's, of the cobbler
        assert len(asked) == 3


async def test_a_page_that_says_hello_after_its_shop_was_let_go_of_is_sent_to_the_next_keeper(tmp_path: Path) -> None:
    async with opened(tmp_path, is_shared=True) as stand:
        await stand.live.take_up(COBBLER.id)
        assert (await stand.tab(MEI)).welcome["type"] == "welcome"
        early = await stand.bare(ANN)
        await stand.live.let_go(COBBLER.id)
        await early.send(type="hello", position=0, language="en")
        assert await early.closed() == 4000
        assert stand.live.is_idle(COBBLER.id)
