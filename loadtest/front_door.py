"""Customers and staff without a page: they come in by HTTP, speak the protocol's frames, and bring a media client."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import AsyncExitStack
from typing import Any, Self

import aiohttp

from loadtest.clients import Client
from loadtest.clip import Clip
from signaling import protocol

ANSWER_DEADLINE_S = 15.0


class Refused(RuntimeError):
    """The server said no; its own sentence."""


class Visitor:
    """One person with one session: `ask` sends a request and returns its answer; news is read and let go."""

    def __init__(self, base: str, clip: Clip) -> None:
        self._base = base
        self.client = Client(clip)
        self._open = AsyncExitStack()
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._refs = 0

    async def __aenter__(self) -> Self:
        jar = aiohttp.CookieJar(unsafe=True)  # a cookie of an IP address
        self._http = await self._open.enter_async_context(aiohttp.ClientSession(self._base, cookie_jar=jar))
        await self._open.enter_async_context(self.client)
        return self

    async def __aexit__(self, *fault: object) -> None:
        if self._socket is not None:
            await self._socket.close()
        await self._open.aclose()

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        async with self._http.post(path, json=body) as answer:
            said: dict[str, Any] = await answer.json()
            if answer.status != 200:
                raise Refused(f"{path}: {said.get('message', answer.status)}")
            return said

    async def begin(self, path: str) -> None:
        """WebSocket, hello, and the idle peer connection that both sides hold before anyone answers."""
        self._socket = await self._http.ws_connect(path, max_msg_size=1 << 20)
        reader = asyncio.create_task(self._read(self._socket))
        self._open.push_async_callback(_end, reader)
        await self.ask(protocol.Hello(ref=self._ref(), type="hello"))
        offer = self.client.offer()
        peer = secrets.token_hex(6)
        answer = await self.ask(protocol.MediaOffer(ref=self._ref(), type="media.offer", peer=peer, sdp=offer))
        await self.client.connect(answer["sdp"])

    async def ask(self, request: protocol.Request) -> dict[str, Any]:
        """Raises Refused with the server's sentence, TimeoutError when it keeps silent."""
        assert self._socket is not None
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[request.ref] = answer
        await self._socket.send_str(request.model_dump_json())
        async with asyncio.timeout(ANSWER_DEADLINE_S):
            said = await answer
        if said["type"] == "error":
            raise Refused(f"{request.model_dump()['type']}: {said['message']}")
        return said

    def _ref(self) -> str:
        self._refs += 1
        return str(self._refs)

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            said: dict[str, Any] = message.json()
            answer = self._answers.pop(said.get("ref") or "", None)
            if answer is not None and not answer.done():
                answer.set_result(said)
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(Refused(f"the server closed the WebSocket ({socket.close_code})"))

    async def enter(self, shop: str) -> None:
        await self.post("/api/enter", {"shop": shop, "language": "en"})
        await self.begin("/ws/customer")

    async def join(self, name: str, *, consent: bool) -> str:
        """Gets in line; the call's id."""
        joined = await self.ask(
            protocol.CallJoin(ref=self._ref(), type="call.join", name=name, matter="A scuffed heel", consent=consent)
        )
        return str(joined["call"]["id"])

    async def sign_in(self, username: str, password: str) -> None:
        await self.post("/api/sign-in", {"username": username, "password": password})
        await self.begin("/ws/staff")
        await self.ask(protocol.AvailableSet(ref=self._ref(), type="available.set", available=True))

    async def answer(self, call_id: str) -> None:
        await self.ask(protocol.CallAnswer(ref=self._ref(), type="call.answer", call_id=call_id))

    async def hang_up(self) -> None:
        await self.ask(protocol.CallEnd(ref=self._ref(), type="call.end"))


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
