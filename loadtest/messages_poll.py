"""A long poll in the place of a WebSocket: the same frames by HTTP. One request waits for news, others say what is new, one after
the other."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

WAIT_S = 20.0
ANSWER_DEADLINE_S = 40.0
CONNECT_DEADLINE_S = 30.0
MOST_FRAMES = 100
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Place:
    """Where to ask, and who asks."""

    host: str
    port: int
    cookie: str
    side: str
    device: str
    tab: str


class PollWire:
    """Used as `loadtest.messages_wire.Wire` is. A request that fails ends it: the page begins anew, as the protocol says."""

    def __init__(self, place: Place, heard: Callable[[bytes], None], lost: Callable[[int | None], None]) -> None:
        self._place, self._heard, self._lost = place, heard, lost
        self._unsaid: deque[str] = deque()
        self._is_saying = False
        self._is_known = asyncio.Event()  # the hello was taken: now a request may wait
        self._streams: list[Streams] = []
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def transport(self) -> asyncio.WriteTransport | None:
        """Of the request that waits; None once this is over."""
        return self._streams[0][1].transport if self._streams else None

    async def open(self) -> None:
        """Raises OSError, TimeoutError."""
        place = self._place
        async with asyncio.timeout(CONNECT_DEADLINE_S):
            for _ in range(2):
                self._streams.append(await asyncio.open_connection(place.host, place.port))
        waiting, saying = self._streams
        self._tasks = [
            asyncio.create_task(self._go(self._wait_on(waiting))),
            asyncio.create_task(self._go(self._answers(saying))),
        ]

    def send(self, text: str) -> None:
        if self._streams:
            self._unsaid.append(text)
            self._say()

    def cut(self, half: str = "") -> None:
        """As a network ends: at once, and in the middle of a request that says `half`."""
        if half and self._streams and not self._is_saying:
            whole = self._request([half], 0.0)
            self._streams[1][1].write(whole[: len(whole) - len(half) // 2])
        self._over()

    def close(self) -> None:
        self._over()

    def _over(self) -> None:
        streams, self._streams = self._streams, []
        for task in self._tasks:
            task.cancel()
        for _, writer in streams:
            writer.transport.abort()
        if streams:
            asyncio.get_running_loop().call_soon(self._lost, None)

    async def _go(self, work: Any) -> None:
        try:
            await work
        except (OSError, EOFError, TimeoutError, ValueError):
            self._over()

    # --- the two connections ---

    def _say(self) -> None:
        if self._is_saying or not self._unsaid:
            return
        self._is_saying = True
        frames = [self._unsaid.popleft() for _ in range(min(MOST_FRAMES, len(self._unsaid)))]
        self._streams[1][1].write(self._request(frames, 0.0))

    async def _answers(self, saying: Streams) -> None:
        while True:
            await self._hear(saying[0])
            self._is_known.set()
            self._is_saying = False
            self._say()

    async def _wait_on(self, waiting: Streams) -> None:
        await self._is_known.wait()
        reader, writer = waiting
        while True:
            writer.write(self._request([], WAIT_S))
            async with asyncio.timeout(ANSWER_DEADLINE_S):
                await self._hear(reader)

    async def _hear(self, reader: asyncio.StreamReader) -> None:
        """One answer. Raises ValueError for a refusal."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = next(
            int(line.split(":")[1]) for line in head.split("\r\n") if line.lower().startswith("content-length:")
        )
        body = await reader.readexactly(length)
        if not head.startswith("HTTP/1.1 200 "):
            raise ValueError(body.decode(errors="replace"))
        for said in json.loads(body)["frames"]:
            self._heard(json.dumps(said).encode())

    def _request(self, frames: list[str], wait_s: float) -> bytes:
        place = self._place
        body = (
            f'{{"device":"{place.device}","tab":"{place.tab}","side":"{place.side}","wait_s":{wait_s},'
            f'"frames":[{",".join(frames)}]}}'
        ).encode()
        head = (
            f"POST /api/chat/poll HTTP/1.1\r\nHost: {place.host}:{place.port}\r\nCookie: {place.cookie}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


async def connect_poll(place: Place, heard: Callable[[bytes], None], lost: Callable[[int | None], None]) -> PollWire:
    """Raises OSError, TimeoutError."""
    wire = PollWire(place, heard, lost)
    await wire.open()
    return wire
