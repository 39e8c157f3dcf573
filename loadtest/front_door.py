"""Customers and staff without a page: they come in by HTTP, speak the protocol's frames, and bring a media client."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp

from loadtest.clients import Client
from loadtest.clip import Clip
from signaling import protocol

ANSWER_DEADLINE_S = 15.0


class Refused(RuntimeError):
    """The server said no; its own sentence, and its code where it gave one."""

    def __init__(self, sentence: str, code: str = "") -> None:
        super().__init__(sentence)
        self.code = code


class Visitor:
    """One person with one session: `ask` sends a request and returns its answer; `hear` gets news, which is let go when
    there is none. `steps_ms` has how long each step of coming in took; `via` is an address through which media goes."""

    def __init__(
        self,
        base: str,
        clip: Clip,
        *,
        via: tuple[str, int] | None = None,
        has_channel: bool = False,
        is_trusting: bool = False,
    ) -> None:
        self._base = base
        self._clip = clip
        self._via = via
        self._has_channel = has_channel
        self._is_trusting = is_trusting
        self._host = urlsplit(base).hostname or "127.0.0.1"
        self.client = self._new_client()
        self.steps_ms: dict[str, float] = {}
        self.hear: Callable[[dict[str, Any]], None] = lambda _: None
        self._path = ""
        self._delivered = 0
        self._open = AsyncExitStack()
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._refs = 0
        self._stream = ""  # the conversation of this visitor's call
        self._device = secrets.token_hex(8)
        self._next = 0  # the number of the next message; 0 before a carrier was greeted
        self._chat_socket: aiohttp.ClientWebSocketResponse | None = None

    async def __aenter__(self) -> Self:
        jar = aiohttp.CookieJar(unsafe=True)  # a cookie of an IP address
        connector = aiohttp.TCPConnector(ssl=False) if self._is_trusting else None
        self._http = await self._open.enter_async_context(
            aiohttp.ClientSession(self._base, cookie_jar=jar, connector=connector)
        )
        await self.client.__aenter__()
        return self

    async def __aexit__(self, *fault: object) -> None:
        await self.client.__aexit__(*fault)
        for socket in (self._socket, self._chat_socket):
            if socket is not None:
                await socket.close()
        await self._open.aclose()

    def _new_client(self) -> Client:
        is_local = self._host in ("localhost", "::1") or self._host.startswith("127.")
        return Client(self._clip, host="127.0.0.1" if is_local else self._host, via=self._via)

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        async with self._http.post(path, json=body) as answer:
            said: dict[str, Any] = await answer.json()
            if answer.status != 200:
                raise Refused(f"{path}: {said.get('message', answer.status)}", str(said.get("code", "")))
            return said

    async def get(self, path: str) -> dict[str, Any]:
        async with self._http.get(path) as answer:
            said: dict[str, Any] = await answer.json()
            if answer.status != 200:
                raise Refused(f"{path}: {said.get('message', answer.status)}", str(said.get("code", "")))
            return said

    async def download(self, path: str) -> bytes:
        async with self._http.get(path) as answer:
            if answer.status != 200:
                raise Refused(f"{path}: {answer.status}")
            return await answer.read()

    async def begin(self, path: str, *, connects: bool = True) -> None:
        """WebSocket, hello, and the idle peer connection that both sides hold before anyone answers."""
        self._path = path
        start = time.monotonic()
        await self._open_socket()
        self._step("socket", start)
        if connects:
            await self._offer()

    async def _open_socket(self) -> None:
        socket = self._socket = await self._http.ws_connect(self._path, max_msg_size=1 << 20)
        reader = asyncio.create_task(self._read(socket))
        self._open.push_async_callback(_end, reader)
        await self.ask(protocol.Hello(ref=self._ref(), type="hello", position=self._delivered))

    async def _offer(self) -> None:
        start = time.monotonic()
        offer = self.client.offer(has_channel=self._has_channel)
        request = protocol.MediaOffer(ref=self._ref(), type="media.offer", peer=secrets.token_hex(6), sdp=offer)
        answer = await self.ask(request)
        offered = self._step("offer", start)
        await self.client.connect(answer["sdp"])
        self.steps_ms["ice"] = (self.client.checked_ns / 1e9 - offered) * 1000
        self.steps_ms["dtls"] = (self.client.connected_ns - self.client.checked_ns) / 1e6
        if self._has_channel:
            start = time.monotonic()
            await self.client.open_channel(lambda text: self._take(json.loads(text)))
            self._step("channel", start)

    def _step(self, name: str, since: float) -> float:
        now = time.monotonic()
        self.steps_ms[name] = (now - since) * 1000
        return now

    async def reconnect(self) -> None:
        """As a page that was loaded again: another WebSocket and another peer connection, which sends at once."""
        former, self.client = self.client, self._new_client()
        self._next = 0
        await self.client.__aenter__()
        try:
            if self._socket is not None:
                await self._socket.close()
            await self.begin(self._path)
        finally:
            await former.__aexit__()
        self.client.start()

    async def ask(self, request: protocol.Request, *, on_channel: bool = False) -> dict[str, Any]:
        """Raises Refused with the server's sentence, TimeoutError when it keeps silent, ConnectionError when it is gone."""
        return await self._ask(request.model_dump(mode="json"), None if on_channel else self._socket)

    async def _ask(self, frame: dict[str, Any], socket: aiohttp.ClientWebSocketResponse | None) -> dict[str, Any]:
        """On the data channel where `socket` is None."""
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[frame["ref"]] = answer
        text = json.dumps(frame)
        try:
            if socket is not None:
                await socket.send_str(text)
            elif self.client.channel is None:
                raise ConnectionError("there is no data channel")
            else:
                self.client.channel.send(text)
            async with asyncio.timeout(ANSWER_DEADLINE_S):
                said = await answer
        finally:
            self._answers.pop(frame["ref"], None)
        if said["type"] == "error":
            raise Refused(f"{frame['type']}: {said['message']}", said["code"])
        return said

    def _ref(self) -> str:
        self._refs += 1
        return str(self._refs)

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                self._take(message.json())
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(Refused(f"the server closed the WebSocket ({socket.close_code})"))

    def _take(self, said: dict[str, Any]) -> None:
        answer = self._answers.pop(said.get("ref") or "", None)
        if answer is not None and not answer.done():
            answer.set_result(said)
        if said["type"] == "event" and said["event"]["position"] > self._delivered:
            self._delivered = said["event"]["position"]
        self.hear(said)

    async def seen(self) -> None:
        """Says how far this person is; until then each event also comes on the other carrier a second later."""
        if self._delivered and self._socket is not None and not self._socket.closed:
            request = protocol.Seen(ref=self._ref(), type="seen", delivered=self._delivered)
            with contextlib.suppress(ConnectionError):
                await self._socket.send_str(request.model_dump_json())

    async def begin_to_write(self, *, on_channel: bool = False) -> None:
        """Opens the conversation of the call on its own WebSocket, or on the data channel."""
        if not on_channel and (self._chat_socket is None or self._chat_socket.closed):
            socket = self._chat_socket = await self._http.ws_connect(f"{self._path}/chat", max_msg_size=1 << 20)
            self._open.push_async_callback(_end, asyncio.create_task(self._read(socket)))
        hello = {"type": "chat.hello", "ref": self._ref(), "device": self._device, "tab": "1"}
        said = await self._ask(
            {**hello, "cursors": [{"stream": self._stream}]}, None if on_channel else self._chat_socket
        )
        self._next = said["expected"]

    async def say(self, text: str, *, on_channel: bool = False) -> int:
        """A message in the conversation; its position once it is kept."""
        if not self._next:
            await self.begin_to_write(on_channel=on_channel)
        n, self._next = self._next, 0  # if this fails, the next hello says which number is right
        entry = {"n": n, "id": secrets.token_hex(8), "stream": self._stream, "kind": "text", "body": {"text": text}}
        frame = {"type": "chat.append", "ref": self._ref(), **entry, "force": True}
        said = await self._ask(frame, None if on_channel else self._chat_socket)
        self._next = n + 1
        return int(said["position"])

    async def enter(self, shop: str, *, connects: bool = True) -> None:
        """`connects` False: without media yet; a page makes its peer connection when it has joined."""
        start = time.monotonic()
        entered = await self.post("/api/enter", {"shop": shop, "language": "en"})
        self._stream = f"c.{entered['customer']['id']}"
        self._step("enter", start)
        await self.begin("/ws/customer", connects=connects)

    async def join(self, name: str, *, consent: bool) -> str:
        """Gets in line; the call's id."""
        self._delivered = 0
        joined = await self.ask(
            protocol.CallJoin(ref=self._ref(), type="call.join", name=name, matter="A scuffed heel", consent=consent)
        )
        return str(joined["call"]["id"])

    async def sign_in(self, username: str, password: str) -> None:
        start = time.monotonic()
        await self.post("/api/sign-in", {"username": username, "password": password})
        self._step("sign_in", start)
        await self.begin("/ws/staff")
        await self.ask(protocol.AvailableSet(ref=self._ref(), type="available.set", available=True))

    async def answer(self, call_id: str) -> None:
        self._delivered = 0
        said = await self.ask(protocol.CallAnswer(ref=self._ref(), type="call.answer", call_id=call_id))
        self._stream = next(f"c.{each['id']}" for each in said["call"]["people"] if each["side"] == "customer")
        self._next = 0

    async def pause_recording(self, is_paused: bool, /) -> None:
        await self.ask(protocol.RecordingPause(type="recording.pause", ref=self._ref(), paused=is_paused))

    async def hang_up(self) -> None:
        await self.ask(protocol.CallEnd(ref=self._ref(), type="call.end"))


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
