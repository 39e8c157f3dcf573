"""Devices that follow conversations through whatever happens: they keep what is not acknowledged, and come back."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, CookieJar, WSMsgType

from tests.support.pages import Shelf

Frame = dict[str, Any]
PATIENCE_S = 60.0
AGAIN_S = 0.2
_numbers = itertools.count(1)


class Device:
    """`acked` are the ids that the server has acknowledged, in that order; `refusals` counts error codes; `in_vain` how
    often it came and was not let in."""

    def __init__(self, base: str, side: str, name: str, browser: ClientSession) -> None:
        self.base = base
        self.side = side
        self.name = f"device-{name}-{next(_numbers):04d}"
        self.browser = browser
        self.person: Frame = {}
        self.shelves: dict[str, Shelf] = {}
        self.news: list[Frame] = []  # all that is no entry and no answer
        self.pending: list[Frame] = []
        self.acked: list[str] = []
        self.refusals: Counter[str] = Counter()
        self.connections = 0
        self.in_vain = 0
        self.is_welcome = False
        self._socket: ClientWebSocketResponse | None = None
        self._sent: dict[str, Frame] = {}  # by ref
        self._changed = asyncio.Event()
        self._life: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._life = asyncio.create_task(self._live())
        await self.until(lambda: self.is_welcome)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._life is not None
        self._life.cancel()
        await asyncio.wait([self._life])
        if self._socket is not None:
            await self._socket.close()

    async def until(self, is_true: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
        try:
            async with asyncio.timeout(patience_s):
                while not is_true():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"{self.name}: {len(self.pending)} pending, refusals {dict(self.refusals)}") from None

    def follow(self, stream: str) -> None:
        """After each connection, too."""
        self.shelf(stream)

    def shelf(self, stream: str) -> Shelf:
        return self.shelves.setdefault(stream, Shelf(stream))

    async def write(self, stream: str, text: str) -> str:
        """Keeps it and sends it when there is a connection; returns its id."""
        id = f"m-{self.name}-{next(_numbers):06d}"
        frame = {"type": "chat.append", "id": id, "stream": stream, "kind": "text", "body": {"text": text}}
        self.pending.append(frame if self.side == "customer" else frame | {"force": True})
        if self.is_welcome:
            await self._send_pending([self.pending[-1]])
        return id

    async def say(self, **frame: Any) -> None:
        assert self._socket is not None
        await self._socket.send_json({"ref": f"s{next(_numbers)}", **frame})

    async def _live(self) -> None:
        while True:
            try:
                await self._follow()
            except (ClientError, OSError, TimeoutError):
                self.in_vain += 1
            self.is_welcome = False
            self._changed.set()
            await asyncio.sleep(AGAIN_S)

    async def _follow(self) -> None:
        async with asyncio.timeout(5.0):
            path = f"{self.base}/ws/{self.side}/chat"
            socket = self._socket = await self.browser.ws_connect(path, max_msg_size=0, heartbeat=5.0)
        self.connections += 1
        cursors = [shelf.cursor() for shelf in self.shelves.values() if shelf.stream[0] == "c"]
        hello = {"type": "chat.hello", "ref": "hello", "device": self.name, "tab": f"tab{next(_numbers):05d}"}
        await socket.send_json({**hello, "cursors": cursors})
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await self._take(json.loads(message.data))
                self._changed.set()

    async def _take(self, frame: Frame) -> None:
        match frame["type"]:
            case "chat.welcome":
                self.person, self._counter = frame["me"], frame["expected"] - 1
                self.is_welcome = True
                await self._send_pending(self.pending)
            case "chat.entries" | "chat.reset":
                self.shelf(frame["stream"]).apply(frame)
            case "chat.ack":
                self.acked.append(frame["id"])
                self.pending = [each for each in self.pending if each["id"] != frame["id"]]
            case "error":
                await self._refused(frame)
            case _:
                self.news.append(frame)

    async def _refused(self, frame: Frame) -> None:
        self.refusals[frame["code"]] += 1
        if frame["ref"] == "hello":
            assert self._socket is not None
            await self._socket.close()
        elif frame["code"] == "expect":
            if frame["ref"] == self._last:  # all that was sent before is answered: number anew
                self._counter = frame["expected"] - 1
                await self._send_pending(self.pending)
        elif frame["ref"] == self._last:
            asyncio.get_running_loop().call_later(AGAIN_S, self._again)

    def _again(self) -> None:
        """What was not kept is sent anew under the same id; a fresh hello says which number is expected."""
        if self._socket is not None and not self._socket.closed:
            self._closing = asyncio.ensure_future(self._socket.close())

    async def _send_pending(self, frames: list[Frame]) -> None:
        assert self._socket is not None
        for frame in list(frames):
            self._counter += 1
            self._last = f"a{next(_numbers)}"
            try:
                await self._socket.send_json({**frame, "ref": self._last, "n": self._counter})
            except (ClientError, ConnectionError):
                return


@asynccontextmanager
async def customer(base: str, name: str, *, like: Device | None = None) -> AsyncIterator[Device]:
    """A device of a new customer of the demonstration shop, or another one of the same browser."""
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:
        if like is not None:
            browser.cookie_jar.update_cookies({c.key: c.value for c in like.browser.cookie_jar})
        else:
            body = {"shop": "demo", "name": name, "language": "en", "token": ""}
            async with browser.post(f"{base}/api/enter", json=body) as said:
                assert said.status == 200, await said.text()
        async with Device(base, "customer", name, browser) as device:
            yield device


@asynccontextmanager
async def staff(base: str, username: str, password: str) -> AsyncIterator[Device]:
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:
        async with browser.post(f"{base}/api/sign-in", json={"username": username, "password": password}) as said:
            assert said.status == 200, await said.text()
        async with Device(base, "staff", username, browser) as device:
            yield device
