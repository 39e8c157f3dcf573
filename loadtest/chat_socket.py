"""A WebSocket that comes back, as the page's does, and that can be broken on purpose."""

from __future__ import annotations

import asyncio
import json
import random
import secrets
from typing import Any, Literal

import aiohttp

from loadtest.chat_outbox import CarrierName
from loadtest.chat_wire import Wire

FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 1.2
CONNECT_DEADLINE_S = 4.0
STAY_AWAY_FROM = 4500
MAX_WAITING = 1024
_TEXT, _MASKED, _LONG = 0x81, 0x80, 126  # RFC 6455 5.2
Breaking = Literal["in the frame", "before the answer"]


class SentAway(ConnectionError):
    """The server closed with a code that asks this page not to come back."""


class SocketCarrier:
    """One connection. `break_at` ends it with the next frame of that type: "in the frame" (half of it goes out) or
    "before the answer" (all of it goes out and nobody waits)."""

    name: CarrierName = "socket"

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._transport: Any = socket._writer.transport
        self._waiting: asyncio.Queue[str] = asyncio.Queue(MAX_WAITING)
        self._break: tuple[Breaking, str] | None = None
        self.is_broken = False

    @property
    def is_open(self) -> bool:
        return not self._socket.closed and not self.is_broken

    def send(self, text: str) -> bool:
        if not self.is_open or self._waiting.full():
            return False
        self._waiting.put_nowait(text)
        return True

    async def write(self) -> None:
        """The writer's whole life."""
        while not self.is_broken:
            text = await self._waiting.get()
            if self._break is not None and self._break[1] in text:
                self.is_broken = True
                await self._break_with(text, self._break[0])
                return
            try:
                await self._socket.send_str(text)
            except (aiohttp.ClientError, ConnectionError):
                return

    def break_at(self, kind: str, how: Breaking) -> None:
        """`kind` empty: at any frame."""
        self._break = (how, kind)

    async def _break_with(self, text: str, how: Breaking) -> None:
        if how == "in the frame":
            whole = masked_frame(text.encode())
            self._transport.write(whole[: len(whole) // 2])
            self._transport.close()
        else:
            await self._socket.send_str(text)
            self._transport.close()

    def hold_reading(self) -> None:
        """A slow reader: what comes stays in the kernel's buffer, then in the server's."""
        self._transport.pause_reading()

    def go_on_reading(self) -> None:
        if not self._transport.is_closing():
            self._transport.resume_reading()


def masked_frame(payload: bytes) -> bytes:
    """A whole text frame of a client; at most 64 kB."""
    mask = secrets.token_bytes(4)
    size = len(payload)
    length = bytes([_MASKED | size]) if size < _LONG else bytes([_MASKED | _LONG]) + size.to_bytes(2, "big")
    return bytes([_TEXT]) + length + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


class Socket:
    """`run` is its whole life; `carrier` is the connection that stands now. `opened` is set while there is a welcomed one.
    `is_desk`: it is the call's own, else it brings the conversation."""

    def __init__(self, http: aiohttp.ClientSession, path: str, wire: Wire, *, is_desk: bool = False) -> None:
        self._http = http
        self._path = path
        self._wire = wire
        self._is_desk = is_desk
        self.carrier: SocketCarrier | None = None
        self.opened = asyncio.Event()
        self.connections = 0

    async def run(self) -> None:
        """Raises SentAway."""
        attempt = 0
        while True:
            try:
                async with asyncio.timeout(CONNECT_DEADLINE_S):
                    socket = await self._http.ws_connect(self._path, max_msg_size=1 << 20)
            except (aiohttp.ClientError, OSError, TimeoutError):
                attempt += 1
            else:
                attempt = 0
                code = await self._serve(socket)
                if code is not None and STAY_AWAY_FROM <= code <= 4999:
                    raise SentAway(f"the server closed the WebSocket for good ({code})")
            wait = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**attempt)
            await asyncio.sleep(wait * random.uniform(0.6, 1.0))

    async def _serve(self, socket: aiohttp.ClientWebSocketResponse) -> int | None:
        """One connection from hello to its end; its close code."""
        self.connections += 1
        carrier = self.carrier = SocketCarrier(socket)
        writer = asyncio.create_task(carrier.write())
        try:
            carrier.send(self._wire.hello() if self._is_desk else self._wire.chat_hello())
            async for message in socket:
                if message.type is not aiohttp.WSMsgType.TEXT:
                    continue
                self._wire.hear(carrier, message.data)
                if not self.opened.is_set() and json.loads(message.data)["type"].endswith("welcome"):
                    if self._is_desk:
                        self._wire.desk = carrier
                    self.opened.set()
        finally:
            self.opened.clear()
            self.carrier = None
            if self._wire.desk is carrier:
                self._wire.desk = None
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
            self._wire.detach(carrier)
            await socket.close()
        return socket.close_code
