"""The ways a frame travels: a WebSocket, a data channel, and for conversations a long poll. Above them nothing differs.
`session` of a carrier is that of the cookie by which it was opened.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Literal

from aiohttp import ClientConnectionError, WSCloseCode, web

from domain.errors import Refusal
from signaling.node import MediaNode
from signaling.outbox import Outbox

CarrierName = Literal["socket", "channel", "poll"]

# Close codes: 4000-4499 come back, 4500-4999 stay away.
RESTARTING = 4000
TOO_SLOW = 4001
NO_HELLO = 4002
TOO_MANY = 4029
REPLACED = 4500
BAD_FRAMES = 4501
ENDED = 4503  # signed out, or no longer entitled
CLOSE_DEADLINE_S = 2.0


class SocketCarrier:
    """One WebSocket. `run` is its writer's whole life and closes the socket at the end; `close` names the reason. With
    `transport`, and no compression, all that is said in one turn of the loop is one write."""

    name: CarrierName = "socket"

    def __init__(
        self,
        socket: web.WebSocketResponse,
        abort: Callable[[], None],
        session: str = "",
        transport: asyncio.Transport | None = None,
    ) -> None:
        self.session = session
        self._socket = socket
        self._abort = abort
        self._transport = transport
        self.outbox = Outbox(self._write, None if transport is None else self._write_at_once)
        self._ending: tuple[int, str] | None = None

    @property
    def is_open(self) -> bool:
        return not self.outbox.closed

    def send(self, text: str) -> bool:
        return self.outbox.put(text)

    def close(self, code: int, reason: str) -> None:
        """What was sent before still goes out; then the socket closes with `code`. The first reason stands."""
        self._ending = self._ending or (code, reason)
        self.outbox.finish()

    def drop(self) -> None:
        """The socket is gone: nothing more is written."""
        self.outbox.abandon()

    async def run(self) -> None:
        await self.outbox.run()
        code, reason = (TOO_SLOW, "too slow") if self.outbox.overflowed else self._ending or (1000, "")
        try:
            async with asyncio.timeout(CLOSE_DEADLINE_S):
                await self._socket.close(code=code, message=reason.encode())
        except (TimeoutError, ClientConnectionError, ConnectionError, RuntimeError):
            self._abort()
        if self._socket.close_code == WSCloseCode.ABNORMAL_CLOSURE:  # what waits for one who does not read would stay
            self._abort()

    def _write_at_once(self, texts: Iterable[str]) -> bool:
        """Not while something waits for the network: that is `_write`'s, which has patience and a deadline."""
        transport = self._transport
        if transport is None or self._socket.closed or transport.is_closing() or transport.get_write_buffer_size():
            return False
        transport.write(b"".join([framed(text) for text in texts]))
        return True

    async def _write(self, text: str) -> bool:
        try:
            await self._socket.send_str(text)
        except (ClientConnectionError, ConnectionError, RuntimeError):
            return False
        return True


def framed(text: str) -> bytes:
    """A whole text frame as servers send it (RFC 6455 5.2): not masked."""
    body = text.encode()
    size = len(body)
    if size < 126:
        return bytes((0x81, size)) + body
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2, "big") + body
    return b"\x81\x7f" + size.to_bytes(8, "big") + body


class ChannelCarrier:
    """The data channel of one peer. A text that the node would not take is handed to `refused`."""

    name: CarrierName = "channel"

    def __init__(self, node: MediaNode, peer: str, refused: Callable[[str], None], session: str = "") -> None:
        self.session = session
        self._node = node
        self._peer = peer
        self._refused = refused
        self.outbox = Outbox(self._write)

    @property
    def is_open(self) -> bool:
        return not self.outbox.closed

    def send(self, text: str) -> bool:
        return self.outbox.put(text)

    def drop(self) -> None:
        self.outbox.abandon()

    async def run(self) -> None:
        await self.outbox.run()

    async def _write(self, text: str) -> bool:
        try:
            async with asyncio.timeout(2.0):
                taken = await self._node.send_text(self._peer, text)
        except (Refusal, TimeoutError):
            taken = False
        if not taken:
            self._refused(text)
        return True


class PollCarrier:
    """What waits for a page that asks by HTTP. Several requests may ask at once; the newest that waits gets the news."""

    name: CarrierName = "poll"

    def __init__(self, session: str = "") -> None:
        self.session = session
        self.outbox = Outbox(_undelivered)
        self.requests = 0
        self._newest = 0

    @property
    def is_open(self) -> bool:
        return not self.outbox.closed

    def send(self, text: str) -> bool:
        return self.outbox.put(text)

    def drop(self) -> None:
        self.outbox.abandon()

    def begin_anew(self) -> None:
        """Requests that wait end without news: they may be of a connection that is gone."""
        self._newest += 1
        self.outbox.wake()

    async def take(self, wait_s: float) -> list[str]:
        if wait_s > 0:
            self.begin_anew()
            mine = self._newest
            await self.outbox.filled(wait_s)
            if mine != self._newest:
                return []
        return self.outbox.take()


async def _undelivered(text: str) -> bool:
    return False


Carrier = SocketCarrier | ChannelCarrier | PollCarrier
