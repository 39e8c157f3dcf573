"""A real door on a loopback port: the app of `signaling.app` over a `TestHouse`, with a small live half behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from domain.people import Customer, Staff
from domain.record import Picture
from signaling.app import make_app
from signaling.chat import Chat
from signaling.composition import Compose, Format
from signaling.cookies import Cookies, begun
from tests.support.houses import COBBLER, NAILS, PASSWORD, TestHouse

Browser = TestClient[web.Request, web.Application]
SHOPS = {shop.id: shop for shop in (COBBLER, NAILS)}


class SmallLive:
    """Keeps `LiveDoor`: remembers what the door told it; its sockets greet and close."""

    def __init__(self) -> None:
        self.available: dict[str, int] = {}
        self.pending: dict[str, tuple[str, bytes]] = {}
        self.replaced: list[Picture] = []
        self.arrived: list[str] = []
        self.renames: list[str] = []
        self.ended: list[str] = []
        self.is_closed = False

    async def staff_socket(self, request: web.Request, staff: Staff, session: str = "") -> web.WebSocketResponse:
        return await self._greet(request, staff.id)

    async def customer_socket(
        self, request: web.Request, customer: Customer, session: str = ""
    ) -> web.WebSocketResponse:
        return await self._greet(request, customer.id)

    def end_session(self, session: str) -> None:
        self.ended.append(session)

    def staff_available(self, shop_id: str) -> int:
        return self.available.get(shop_id, 0)

    async def renamed(self, customer: Customer) -> None:
        self.renames.append(customer.name)

    def pending_picture(self, picture_id: str) -> tuple[str, bytes] | None:
        return self.pending.get(picture_id)

    async def picture_replaced(self, picture: Picture) -> None:
        self.replaced.append(picture)

    async def left_message_arrived(self, shop_id: str) -> None:
        self.arrived.append(shop_id)

    def counts(self) -> dict[str, float]:
        return {"frames": 7.0}

    async def close(self) -> None:
        self.is_closed = True

    async def _greet(self, request: web.Request, person_id: str) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(person_id)
        await socket.close()
        return socket


class SlowComposer:
    """Composes when told to: `started` is set once at work, `go` lets it finish; `fault` makes it fail."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.go = asyncio.Event()
        self.fault: Exception | None = None
        self.runs: list[dict[str, Path]] = []
        self.at_once = 0
        self.most_at_once = 0

    async def __call__(
        self, files: dict[str, Path], out: Path, fmt: Format, on_progress: Callable[[float], None]
    ) -> None:
        self.runs.append(files)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            on_progress(0.5)
            self.started.set()
            await self.go.wait()
            if self.fault is not None:
                raise self.fault
            await asyncio.to_thread(out.write_bytes, b"composed " + fmt.encode())
        finally:
            self.at_once -= 1


class Door:
    """`browser()` is a fresh one without cookies; `staff()` and `customer()` have theirs."""

    def __init__(
        self, test_house: TestHouse, live: SmallLive, chat: Chat, composer: SlowComposer, server: TestServer
    ) -> None:
        self.house = test_house
        self.live = live
        self.chat = chat
        self.composer = composer
        self.server = server
        self._clients: list[Browser] = []

    @property
    def app(self) -> web.Application:
        return self.server.app

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    def copy_of(self, browser: Browser) -> Browser:
        """Another browser with the cookies of this one, as a thief would have."""
        copied = self.browser()
        cookies = {cookie.key: cookie.value for cookie in browser.session.cookie_jar}
        copied.session.cookie_jar.update_cookies(cookies, copied.make_url("/"))
        return copied

    def browser(self, *, origin: str | None = None) -> Browser:
        """Sends `Origin` as a browser's page of this server would."""
        client: Browser = TestClient(self.server, headers={"Origin": origin or self.origin})
        self._clients.append(client)
        return client

    def staff(self, staff: Staff, *, origin: str | None = None) -> Browser:
        return self._with_cookie(lambda c, q, r: c.set_staff(q, r, begun(staff)), origin)

    def customer(self, customer: Customer, *, origin: str | None = None) -> Browser:
        return self._with_cookie(lambda c, q, r: c.set_customer(q, r, begun(customer), SHOPS[customer.shop_id]), origin)

    def _with_cookie(self, bake: Callable[[Cookies, web.Request, web.Response], None], origin: str | None) -> Browser:
        from aiohttp.test_utils import make_mocked_request

        response = web.Response()
        bake(Cookies(self.house.house), make_mocked_request("GET", "/", headers={"Host": "127.0.0.1"}), response)
        browser = self.browser(origin=origin)
        browser.session.cookie_jar.update_cookies(response.cookies, browser.make_url("/"))
        return browser

    async def close(self) -> None:
        for client in self._clients:
            await client.session.close()


@asynccontextmanager
async def open_door(
    folder: Path, *, house: TestHouse | None = None, compose: Compose | None = None, **settings: Any
) -> AsyncIterator[Door]:
    """`compose`: the real one of `media`; without it the door's `composer` is a SlowComposer. `settings`: DoorSettings.
    `house`: one that had a door before, as after a restart."""
    test_house, live, composer = house or TestHouse(folder, **settings), SmallLive(), SlowComposer()
    async with Chat(test_house.house) as chat:
        app = make_app(test_house.house, live, chat, compose=compose or composer)
        server = TestServer(app, host="127.0.0.1")
        await server.start_server()
        door = Door(test_house, live, chat, composer, server)
        try:
            yield door
        finally:
            await door.close()
            await server.close()


async def sign_in(browser: Browser, username: str, password: str = PASSWORD) -> ClientResponse:
    return await browser.post("/api/sign-in", json={"username": username, "password": password})


async def refusal(response: ClientResponse, status: int, code: str) -> dict[str, Any]:
    """Asserts that this is the one error shape with this status and code; returns it."""
    said = await response.json()
    assert (response.status, said.get("code")) == (status, code), (response.status, said)
    assert said["type"] == "error"
    assert said["message"]
    assert set(said) <= {"type", "code", "message", "ref", "taken_by", "retry_after_s", "expected", "position"}
    return dict(said)
