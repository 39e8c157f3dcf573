"""Every page that follows conversations here, by device and tab and by carrier, and the heartbeat that each hears."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable

from domain.errors import RateLimited
from domain.people import Customer, Staff
from signaling.carriers import Carrier, PollCarrier, SocketCarrier
from signaling.chat_hub import ChatHub
from signaling.chat_news import ChatHeads, HeadView
from signaling.chat_protocol import ChatHello
from signaling.chat_reader import Reader, ReaderKey
from signaling.lanes import Bucket, Spawn

BEATS = 200  # readers are told their heads in so many turns, not all at once
HEADS_AT_ONCE = 400  # a frame of at most 64 kB
READERS_OF_A_PERSON = 128
PERSON_FRAMES_PER_SECOND = 100.0
PERSON_FRAMES_AT_ONCE = 200.0
NEWER_CONNECTION = 1000


class Readers:
    """`on` is the reader that a carrier belongs to. A reader is forgotten with its last carrier."""

    def __init__(self, hub: ChatHub, spawn: Spawn, heads_every_s: float, left: Callable[[Reader], None]) -> None:
        self._hub = hub
        self._left = left
        self._spawn = spawn
        self._beat_s = heads_every_s / BEATS
        self._readers: dict[ReaderKey, Reader] = {}
        self._paces: dict[str, Bucket] = {}  # by person
        self._beats: list[set[Reader]] = [set() for _ in range(BEATS)]
        self.on: dict[Carrier, Reader] = {}

    def __len__(self) -> int:
        return len(self._readers)

    def enter(self, person: Staff | Customer, carrier: Carrier, hello: ChatHello) -> Reader:
        """The reader of this device and tab, which has this carrier from now on. Raises RateLimited."""
        key = ReaderKey(person.id, hello.device, hello.tab)
        reader = self._readers.get(key)
        if reader is None:
            if len(self._hub.readers_of.get(person.id, ())) >= READERS_OF_A_PERSON:
                raise RateLimited("Too many pages are open. Close some first.", retry_after_s=60.0)
            reader = self._readers[key] = Reader(person, key, self._spawn, self._hub.resume)
            self._paces.setdefault(person.id, Bucket(PERSON_FRAMES_PER_SECOND, PERSON_FRAMES_AT_ONCE))
            self._beat_of(reader).add(reader)
            self._hub.add(reader)
        reader.person = person  # the name may be a new one
        if self.on.get(carrier) not in (None, reader):
            self.leave(carrier)
        for former in reader.attach(carrier):
            self.on.pop(former, None)
            if isinstance(former, SocketCarrier):
                former.close(NEWER_CONNECTION, "this page has a newer connection")
            elif isinstance(former, PollCarrier):
                former.drop()
        self.on[carrier] = reader
        return reader

    def leave(self, carrier: Carrier) -> None:
        """The carrier is of no use to its reader any more."""
        reader = self.on.pop(carrier, None)
        if reader is not None:
            reader.detach(carrier)
            if not reader.carriers:
                self.forget(reader)

    def forget(self, reader: Reader) -> None:
        reader.is_ended = True
        for carrier in reader.carriers:
            if self.on.get(carrier) is reader:  # it may have said hello again meanwhile, and belong to another one
                del self.on[carrier]
        if self._readers.get(reader.key) is reader:
            del self._readers[reader.key]
        self._beat_of(reader).discard(reader)
        self._hub.remove(reader)
        if reader.person_id not in self._hub.readers_of:
            self._paces.pop(reader.person_id, None)
        self._left(reader)

    def wait_s(self, reader: Reader) -> float:
        """0.0 when this reader and its person may ask something now, else the seconds until they may."""
        now = asyncio.get_running_loop().time()
        pace = self._paces.get(reader.person_id)
        return reader.frames.take(now) or (pace.take(now) if pace is not None else 0.0)

    async def beat(self) -> None:
        """Tells each reader now and then where its streams stand: what it lacks then, it knows to fetch."""
        while True:
            for readers in self._beats:
                await asyncio.sleep(self._beat_s)
                for reader in list(readers):
                    if not reader.prune():
                        self.forget(reader)
                    elif reader.is_welcome:
                        self._tell_heads(reader)

    def _tell_heads(self, reader: Reader) -> None:
        views = [HeadView(stream=h.stream, head=h.head, digest=h.digest) for h in self._hub.standing(reader)]
        for start in range(0, len(views), HEADS_AT_ONCE):
            reader.say(ChatHeads(heads=views[start : start + HEADS_AT_ONCE]).model_dump_json())

    def _beat_of(self, reader: Reader) -> set[Reader]:
        return self._beats[zlib.crc32("/".join(reader.key).encode()) % BEATS]
