"""A WebSocket for thousands of pages in one process (RFC 6455): one protocol object each, no task and no queue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
UPGRADE_DEADLINE_S = 30.0
# The server takes any key, and has to apply it; what it hides from is not between two programs of one machine.
KEY = b"\0\0\0\0"


class NotUpgraded(ConnectionError):
    """The server did not make a WebSocket of this connection; its first line."""


class Wire(asyncio.Protocol):
    """`heard` gets each text as it came, `lost` the close code (None without one) once the connection is over."""

    def __init__(self, request: bytes, heard: Callable[[bytes], None], lost: Callable[[int | None], None]) -> None:
        self._request = request
        self._heard = heard
        self._lost = lost
        self._rest = b""
        self._code: int | None = None
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self._request)

    def connection_lost(self, fault: Exception | None) -> None:
        self.transport = None
        if not self.opened.done():
            self.opened.set_exception(NotUpgraded("the server closed the connection"))
        elif not self.opened.cancelled() and self.opened.exception() is None:
            self._lost(self._code)

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        at = 0
        if not self.opened.done():
            at = data.find(b"\r\n\r\n") + 4
            if at == 3:
                self._rest = data
                return
            if not data.startswith(b"HTTP/1.1 101 "):
                self.opened.set_exception(NotUpgraded(data.partition(b"\r\n")[0].decode("latin-1")))
                self.cut()
                return
            self.opened.set_result(None)
        size = len(data)
        while size - at >= 2:
            length, begin = data[at + 1], at + 2
            if length == 126:
                length, begin = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            elif length == 127:
                length, begin = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
            end = begin + length
            if end > size:
                break
            kind = data[at] & 15
            if kind == TEXT:
                self._heard(data[begin:end])
            elif kind == PING and self.transport is not None:
                self.transport.write(frame(data[begin:end], PONG))
            elif kind == CLOSE:
                self._code = int.from_bytes(data[begin : begin + 2], "big")
                self.close()
            at = end
        self._rest = data[at:]

    def send(self, text: str) -> None:
        if self.transport is not None:
            self.transport.write(frame(text.encode()))

    def cut(self, half: str = "") -> None:
        """As a network ends: at once, and in the middle of the frame `half`."""
        if self.transport is not None:
            if half:
                whole = frame(half.encode())
                self.transport.write(whole[: len(whole) // 2])
            self.transport.abort()

    def close(self) -> None:
        if self.transport is not None:
            self.transport.write(frame((1000).to_bytes(2, "big"), CLOSE))
            self.transport.close()


def frame(body: bytes, kind: int = TEXT) -> bytes:
    """One that is whole and masked, as clients must (RFC 6455 5.2)."""
    size = len(body)
    if size < 126:
        return bytes((0x80 | kind, 0x80 | size)) + KEY + body
    if size < 1 << 16:
        return bytes((0x80 | kind, 0xFE)) + size.to_bytes(2, "big") + KEY + body
    return bytes((0x80 | kind, 0xFF)) + size.to_bytes(8, "big") + KEY + body


async def connect(
    host: str, port: int, path: str, cookie: str, heard: Callable[[bytes], None], lost: Callable[[int | None], None]
) -> Wire:
    """Raises OSError (NotUpgraded for a refusal), TimeoutError."""
    request = (
        f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\nCookie: {cookie}\r\n\r\n"
    ).encode()
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(UPGRADE_DEADLINE_S):
        transport, wire = await loop.create_connection(lambda: Wire(request, heard, lost), host, port)
        try:
            await wire.opened
        except BaseException:
            transport.abort()
            raise
    return wire
