"""One open page of one person, by the rules of docs/protocol-conversation.md, without a browser: it writes what it is told
to write until that is acknowledged, and applies what it is told."""

from __future__ import annotations

import asyncio
import json
import random
import time
import zlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from loadtest.histogram import Histogram
from loadtest.messages_people import Address, Person
from loadtest.messages_poll import Place, PollWire, connect_poll
from loadtest.messages_wire import Wire, connect

IN_FLIGHT = 20
AGAIN_S = 3.0
REST_S = 0.3
WELCOME_DEADLINE_S = 30.0
LONGEST_WAIT_S = 5.0
WORDS = "The heel of the left boot is loose, and the sole has a crack across it. Can it be mended by Friday? "


@dataclass(slots=True)
class Figures:
    """Of all pages of one process."""

    ack: Histogram = field(default_factory=Histogram)
    delivery: Histogram = field(default_factory=Histogram)
    inbox: Histogram = field(default_factory=Histogram)
    written: int = 0
    acknowledged: int = 0
    delivered: int = 0
    frames: int = 0
    resent: int = 0
    refused: int = 0
    resets: int = 0
    repeated: int = 0  # entries that came again and were passed over, as the protocol says
    wrong: list[str] = field(default_factory=list)  # what must never happen


@dataclass(slots=True)
class Cursor:
    position: int = 0
    digest: int = 0


@dataclass(slots=True)
class Written:
    n: int
    id: str
    due: float
    text: str
    position: int = 0


class Writing:
    """What one device has written: `book` holds everything by number, `waiting` what is not acknowledged."""

    def __init__(self, device: str) -> None:
        self.device = device
        self.book: list[Written] = []
        self.waiting: dict[int, Written] = {}
        self.unsent: deque[Written] = deque()

    def add(self, due: float, stream: str) -> Written:
        n = len(self.book) + 1
        id = f"{self.device}-{n}"
        text = (
            f'{{"type":"chat.append","ref":"{n}","n":{n},"id":"{id}","stream":"{stream}","kind":"text",'
            f'"body":{{"text":"{WORDS}{n}"}}}}'
        )
        written = Written(n, id, due, text)
        self.book.append(written)
        self.waiting[n] = written
        self.unsent.append(written)
        return written


class Page:
    """`due_of` finds when an entry was due by its id, 0.0 for one of somebody else's. `is_polling`: by long poll, not WebSocket."""

    def __init__(
        self,
        address: Address,
        person: Person,
        device: str,
        tab: str,
        figures: Figures,
        due_of: Callable[[str], float] = lambda _: 0.0,
        writing: Writing | None = None,
        streams: Sequence[str] = (),
        is_polling: bool = False,
    ) -> None:
        self.is_polling = is_polling
        self.address, self.person, self.device, self.tab = address, person, device, tab
        self.figures = figures
        self.writing = writing
        self.stream = f"c.{person.id}"
        self.cursors: dict[str, Cursor] = {stream: Cursor() for stream in streams or [self.stream]}
        self.inbox_at = 0
        self.inbox_heard: Callable[[int], None] = lambda _: None
        self.heads_heard = 0
        self.welcomed = asyncio.Event()
        self.wire: Wire | PollWire | None = None
        self.send_twice = 0
        self.cut_before_answer = False
        self._due_of = due_of
        self._in_flight: set[int] = set()
        self._rests: asyncio.TimerHandle | None = None
        self._lost = asyncio.Event()
        self._is_fetching: set[str] = set()

    # --- the connection ---

    async def open(self) -> None:
        """Raises OSError or TimeoutError."""
        self._lost.clear()
        self.welcomed.clear()
        self._is_fetching.clear()
        self.wire = await self._connect()
        cursors = [{"stream": s, "position": c.position, "digest": c.digest} for s, c in self.cursors.items()]
        hello = {"type": "chat.hello", "ref": "hello", "device": self.device, "tab": self.tab, "cursors": cursors}
        self.wire.send(json.dumps(hello))
        async with asyncio.timeout(WELCOME_DEADLINE_S):
            await self.welcomed.wait()

    async def _connect(self) -> Wire | PollWire:
        address, person = self.address, self.person
        if self.is_polling:
            place = Place(address.host, address.port, person.cookie, person.side, self.device, self.tab)
            return await connect_poll(place, self._hear, self._lose)
        path = f"/ws/{person.side}/chat"
        return await connect(address.host, address.port, path, person.cookie, self._hear, self._lose)

    async def stay(self) -> None:
        """Comes back whenever it is cut, until cancelled."""
        attempt = 0
        while True:
            try:
                if self.wire is None:
                    await self.open()
                attempt = 0
                await self._lost.wait()
            except (OSError, TimeoutError):
                attempt += 1
            if self.wire is not None:
                self.wire.cut()
            self.wire = None
            wait_s = min(LONGEST_WAIT_S, 0.2 * 2**attempt)
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))

    def _lose(self, code: int | None) -> None:
        self.wire = None
        self.welcomed.clear()
        self._in_flight.clear()
        self._lost.set()

    def close(self) -> None:
        if self.wire is not None:
            self.wire.close()

    # --- writing ---

    def write(self, due: float) -> None:
        assert self.writing is not None
        self.writing.add(due, self.stream)
        self.figures.written += 1
        self.pump()

    def pump(self) -> None:
        writing, wire = self.writing, self.wire
        if writing is None or wire is None or self._rests is not None or not self.welcomed.is_set():
            return
        while writing.unsent and len(self._in_flight) < IN_FLIGHT:
            written = writing.unsent.popleft()
            self._in_flight.add(written.n)
            wire.send(written.text)
            if self.send_twice > 0:
                self.send_twice -= 1
                wire.send(written.text)
            if self.cut_before_answer:
                self.cut_before_answer = False
                wire.cut()
                return

    def again(self) -> None:
        """All that waits, from the oldest on: ids make it once."""
        if self.writing is not None:
            self.figures.resent += len(self._in_flight)
            self._in_flight.clear()
            self.writing.unsent = deque(self.writing.waiting[n] for n in sorted(self.writing.waiting))
        self._rests = None
        self.pump()

    # --- what is heard ---

    def _hear(self, body: bytes) -> None:
        self.figures.frames += 1
        said = json.loads(body)
        kind = said["type"]
        if kind == "chat.ack":
            self._acknowledged(int(said["ref"]), said["position"])
        elif kind == "chat.entries":
            self._apply(said)
        elif kind == "chat.inbox":
            if said["after"] <= self.inbox_at:
                self.inbox_at = said["position"]
                self.inbox_heard(said["position"])
        elif kind == "chat.welcome":
            self.welcomed.set()
            if self.writing is not None:
                self.again()
        elif kind == "chat.heads":
            self.heads_heard += 1
            for head in said["heads"]:
                cursor = self.cursors.get(head["stream"])
                if cursor is not None and head["head"] > cursor.position:
                    self._fetch(head["stream"])
        elif kind == "error":
            self._refused(said)
        elif kind == "chat.reset":
            self.figures.resets += 1
            self.cursors[said["stream"]] = Cursor(said["after"], said["digest"])

    def _acknowledged(self, n: int, position: int) -> None:
        writing, now = self.writing, time.monotonic()
        if writing is None:
            return
        self._in_flight.discard(n)
        written = writing.waiting.pop(n, None)
        if written is None:
            if writing.book[n - 1].position != position:
                self.figures.wrong.append(f"{writing.device} {n}: acknowledged at two positions")
            return
        written.position = position
        written.text = ""
        self.figures.acknowledged += 1
        self.figures.ack.record_since(written.due, now)
        if writing.unsent:
            self.pump()

    def _apply(self, said: dict[str, Any]) -> None:
        now = time.monotonic()
        stream, after, entries = said["stream"], said["after"], said["entries"]
        cursor = self.cursors.setdefault(stream, Cursor())
        self._is_fetching.discard(stream)
        if after > cursor.position:
            self._fetch(stream)
            return
        for entry in entries:
            if entry["position"] <= cursor.position:
                self.figures.repeated += 1
                continue
            if entry["position"] != cursor.position + 1:
                self.figures.wrong.append(f"{stream}: a gap within a frame at {entry['position']}")
            cursor.position = entry["position"]
            cursor.digest = zlib.crc32(entry["id"].encode(), cursor.digest)
            due = self._due_of(entry["id"])
            if due and not (self.writing is not None and entry["author"] == self.person.id):
                self.figures.delivered += 1
                self.figures.delivery.record_since(due, now)
        if entries and entries[-1]["position"] == cursor.position and cursor.digest != said["digest"]:
            self.figures.wrong.append(f"{stream}: other entries than the server's up to {cursor.position}")

    def _fetch(self, stream: str) -> None:
        if self.wire is not None and stream not in self._is_fetching:
            self._is_fetching.add(stream)
            ask = {"type": "chat.fetch", "ref": "f", "stream": stream, "after": self.cursors[stream].position}
            self.wire.send(json.dumps(ask))

    def _refused(self, said: dict[str, Any]) -> None:
        self.figures.refused += 1
        if said["ref"] == "hello":
            self._lost.set()
        elif self._rests is None:
            self._rests = asyncio.get_running_loop().call_later(said["retry_after_s"] or REST_S, self.again)
