"""Pages that follow conversations: real WebSockets on loopback against `Chat`, applying entries as a device does."""

from __future__ import annotations

import asyncio
import copy
import itertools
from collections.abc import Callable
from typing import Any

from aiohttp import ClientWebSocketResponse

from domain.people import Customer, Staff
from domain.stream import next_digest
from tests.support.tabs import PATIENCE_S, Frame, Stand, Tab

ANSWERS = ("ok", "chat.ack", "chat.welcome", "chat.entries")
_numbers = itertools.count(1)


def entry_id() -> str:
    return f"m-{next(_numbers):08d}"


class Shelf:
    """What a device holds of one stream. Only what follows directly is put on it; `gaps` counts frames that did not."""

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self.position = 0
        self.digest = 0
        self.entries: list[Frame] = []
        self.gaps = 0

    def apply(self, frame: Frame) -> None:
        if frame["type"] == "chat.reset":
            self.position, self.digest, self.entries = frame["after"], frame["digest"], []
        elif frame["after"] > self.position:
            self.gaps += 1
        else:
            for entry in frame["entries"]:
                if entry["position"] == self.position + 1:
                    self.entries.append(entry)
                    self.position += 1
                    self.digest = next_digest(self.digest, entry["id"])

    def texts(self) -> list[str]:
        return [entry["body"].get("text", "") for entry in self.entries]

    def cursor(self) -> Frame:
        return {"stream": self.stream, "position": self.position, "digest": self.digest}


class Page(Tab):
    """`write` gives its entries the next number of the device, as one page alone would."""

    def __init__(self, stand: Stand, person: Staff | Customer, socket: ClientWebSocketResponse, device: str) -> None:
        super().__init__(stand, person, socket)
        self.device = device
        self.tab = f"tab-{next(_numbers)}"
        self.shelves: dict[str, Shelf] = {}
        self.counter = 0
        self._applied = 0

    def shelf(self, stream: str) -> Shelf:
        """After all that was heard by now."""
        for frame in self.frames[self._applied :]:
            if frame["type"] in ("chat.entries", "chat.reset"):
                self.shelves.setdefault(frame["stream"], Shelf(frame["stream"])).apply(frame)
        self._applied = len(self.frames)
        return self.shelves.setdefault(stream, Shelf(stream))

    async def hello(self, **fields: Any) -> Frame:
        cursors = [shelf.cursor() for shelf in self.shelves.values()]
        frame = {"device": self.device, "tab": self.tab, "cursors": cursors, **fields}
        self.welcome = await self.ask("chat.hello", **frame)
        self.counter = self.welcome["expected"] - 1
        return self.welcome

    async def ask(self, type: str, **fields: Any) -> Frame:
        answer = await self.answer_to(await self.send(type=type, **fields))
        assert answer["type"] in ANSWERS, answer
        return answer

    def entry(self, stream: str, text: str, **fields: Any) -> Frame:
        """A `chat.append` without its ref."""
        self.counter += 1
        frame = {"n": self.counter, "id": entry_id(), "stream": stream, "kind": "text", "body": {"text": text}}
        return {"type": "chat.append", **frame, **fields}

    async def write(self, stream: str, text: str, **fields: Any) -> Frame:
        return await self.ask(**self.entry(stream, text, **fields))

    async def reads(self, stream: str, position: int) -> Shelf:
        """Waits until everything up to `position` was heard."""
        await self.when(lambda: self.shelf(stream).position >= position)
        return self.shelf(stream)

    async def when(self, is_true: Callable[[], bool]) -> None:
        """Waits until the frames heard by now make it true."""
        async with asyncio.timeout(PATIENCE_S):
            while not is_true():
                self._came.clear()
                await self._came.wait()


async def page(
    stand: Stand, person: Staff | Customer, *, device: str = "", holding: Shelf | None = None, **hello: Any
) -> Page:
    """An open page whose person has said hello."""
    made = await stranger(stand, person, device=device)
    if holding is not None:
        made.shelves[holding.stream] = copy.deepcopy(holding)
    await made.hello(**hello)
    return made


async def stranger(stand: Stand, person: Staff | Customer, *, device: str = "") -> Page:
    """A connected page that has not said hello."""
    socket = await stand.browser.ws_connect(f"{stand.url}/chat/{person.id}", max_msg_size=0)
    made = Page(stand, person, socket, device or f"device-{person.id}-{next(_numbers)}")
    stand.tabs.append(made)
    return made
