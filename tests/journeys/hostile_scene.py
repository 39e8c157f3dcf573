"""A call that runs in a started server while others misbehave, and the proof that nobody noticed."""

from __future__ import annotations

import asyncio
import json
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Self

import aiohttp

from loadtest.clip import Clip, make_clip
from loadtest.front_door import Visitor
from loadtest.server_process import LoupeServer
from signaling import protocol

TABLES = ("events", "bookings", "pictures", "left_messages", "recordings", "staff")
COUNTED_WITHIN_S = 10.0
FRAMES_WITHIN_S = 3.0


class Stranger:
    """A browser without a page: cookies, requests as they are typed, a WebSocket that answers by `ref`."""

    def __init__(self, base: str) -> None:
        self.base = base
        self._open = AsyncExitStack()
        self._refs = 0
        self.socket: aiohttp.ClientWebSocketResponse

    async def __aenter__(self) -> Self:
        jar = aiohttp.CookieJar(unsafe=True)  # a cookie of an IP address
        self.http = await self._open.enter_async_context(aiohttp.ClientSession(self.base, cookie_jar=jar))
        return self

    async def __aexit__(self, *fault: object) -> None:
        await self._open.aclose()

    async def post(self, path: str, body: object, **headers: str) -> tuple[int, dict[str, Any]]:
        async with self.http.post(path, json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    async def enter(self) -> None:
        assert (await self.post("/api/enter", {"shop": "demo"}))[0] == 200

    async def open_socket(self, *, hello: bool = True) -> aiohttp.ClientWebSocketResponse:
        self.socket = await self.http.ws_connect("/ws/customer", max_msg_size=1 << 20)
        if hello:
            assert (await self.ask({"type": "hello"}))["type"] == "welcome"
        return self.socket

    async def ask(self, frame: dict[str, Any]) -> dict[str, Any]:
        """The answer to a frame, whatever it is."""
        self._refs += 1
        await self.socket.send_str(json.dumps({"ref": f"r{self._refs}", **frame}))
        return await self.hear(lambda said: said.get("ref") == f"r{self._refs}")

    async def hear(self, is_wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        async with asyncio.timeout(10):
            while True:
                said: dict[str, Any] = await self.socket.receive_json()
                if is_wanted(said):
                    return said

    async def closed_with(self) -> int | None:
        """The close code; None when the connection was cut without one."""
        async with asyncio.timeout(10):
            while not self.socket.closed:
                await self.socket.receive()
        return self.socket.close_code


class Scene:
    """`customer` and `staff` talk, recorded, with one picture kept. `unharmed` watches over what is done to them."""

    def __init__(self, server: LoupeServer, customer: Visitor, staff: Visitor, operator: aiohttp.ClientSession) -> None:
        self.server = server
        self.customer = customer
        self.staff = staff
        self.call_id = ""
        self.picture_id = ""
        self._operator = operator

    async def stats(self) -> dict[str, float]:
        async with self._operator.get("/api/stats") as answer:
            assert answer.status == 200
            return dict(await answer.json())

    async def meet(self) -> None:
        self.call_id = await self.customer.join("Ana", consent=True)
        await self.staff.answer(self.call_id)
        for visitor in (self.customer, self.staff):
            visitor.client.start()
        await self.frames_go_on()
        picture = await self.staff.ask(protocol.PictureTake(ref="picture", type="picture.take", cmid="picture-0001"))
        self.picture_id = picture["picture"]["id"]

    async def frames_go_on(self) -> None:
        """Both are shown ten more whole frames within the deadline."""
        clients = (self.customer.client, self.staff.client)
        before = [len(client.arrived_frames) for client in clients]
        async with asyncio.timeout(FRAMES_WITHIN_S):
            while any(len(c.arrived_frames) < b + 10 for c, b in zip(clients, before, strict=True)):  # noqa: ASYNC110 - counters have no event
                await asyncio.sleep(0.02)
        for client in clients:
            assert client.fault() is None

    def kept(self) -> tuple[int, dict[str, int]]:
        """Blobs and rows. The journal of the running call grows by right and is left out, as are strangers' customer rows."""
        blobs = sum(1 for path in (self.server.data / "blobs").rglob("*") if path.is_file())
        with sqlite3.connect(f"file:{self.server.data / 'loupe.sqlite'}?mode=ro", uri=True) as db:
            rows = {table: int(db.execute(f"select count(*) from {table}").fetchone()[0]) for table in TABLES}
        db.close()
        return blobs, rows

    def faults_in_log(self) -> list[str]:
        lines = self.server.log.read_text(errors="replace").splitlines()
        return [line for line in lines if "Traceback" in line or "level=error" in line or "Error:" in line]

    @asynccontextmanager
    async def unharmed(self, *counters: str) -> AsyncIterator[None]:
        """After what is done inside: every counter grew, the call still gets frames, nothing was kept, nothing is traced."""
        before, kept = await self.stats(), self.kept()
        yield
        try:
            async with asyncio.timeout(COUNTED_WITHIN_S):
                while missing := [n for n in counters if (await self.stats()).get(n, 0) <= before.get(n, 0)]:  # noqa: ASYNC110 - counters have no event
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"not counted: {missing}") from None
        await self.frames_go_on()
        after = await self.stats()
        assert self.kept() == kept
        assert self.faults_in_log() == []
        for fault in ("live_faults", "node_faults", "http_refused_unexpected"):
            assert after.get(fault, 0) == before.get(fault, 0)
        assert after["live_open_calls"] == before["live_open_calls"]


@asynccontextmanager
async def scene(folder: Path, clip: Clip | None = None) -> AsyncIterator[Scene]:
    """The started server and the call in it."""
    clip = clip or make_clip(2.0)
    jar = aiohttp.CookieJar(unsafe=True)
    async with (
        LoupeServer(folder / "data") as server,
        Visitor(server.base, clip) as customer,
        Visitor(server.base, clip) as staff,
        aiohttp.ClientSession(server.base, cookie_jar=jar) as operator,
    ):
        sign_in = {"username": server.facts["username"], "password": server.facts["password"]}
        async with operator.post("/api/sign-in", json=sign_in) as answer:
            assert answer.status == 200
        await staff.sign_in(**sign_in)
        await customer.enter("demo")
        running = Scene(server, customer, staff, operator)
        await running.meet()
        yield running


def raw_request(port: int, text: bytes) -> tuple[int, bytes]:
    """Sends bytes as they are, without a client that would tidy them; (status, whole answer)."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(text)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return int(answer.split(b" ", 2)[1]), answer
