"""One open page: connects, says hello, applies what it is told, and sends what waits. By the rules of
`docs/protocol-conversation.md`; written for the simulation, and the shortest whole client that there is."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from typing import Any

from domain.fold import fold
from tests.simulator.around import Around, Carrier, Flight, Person
from tests.simulator.database import Database, Waiting, Wire, entry_of
from tests.simulator.network import CarrierName

IN_FLIGHT = 20
AGAIN_AFTER_S = 3.0
GIVEN_UP_AFTER_S = 12.0
SILENT_AFTER_S = 45.0  # heads come every 20 s
STAY_AWAY = range(4500, 5000)
TRANSIENT = {"unavailable", "rate_limited", "internal", "hello_first"}


class Tab:
    def __init__(self, around: Around, name: str, person: Person, database: Database, rng: random.Random) -> None:
        self.around = around
        self.name = name
        self.person = person
        self.database = database
        self.rng = rng
        self.is_ended = False
        self.has_locks = True
        self.reads_on = True  # marks what it applied as read, not only as delivered
        self.marks: dict[tuple[str, str], Wire] = {}
        self.rows: dict[str, Wire] = {}
        self.rows_position = 0
        self.rows_digest = 0
        self.carriers: dict[CarrierName, Carrier] = {}
        self._heard: asyncio.Queue[tuple[Carrier, str]] = asyncio.Queue()
        self._tasks: list[asyncio.Task[Any]] = []
        self._refs = 0
        self._rests_until = 0.0
        self._resets = database.resets
        self._fetching: dict[str, float] = {}
        self._told_seen: dict[str, tuple[int, int]] = {}

    # --- life ---

    def start(self) -> None:
        self.database.changed.append(self._pump)
        self._tasks = [asyncio.create_task(work()) for work in (self._stay, self._hear_all, self._watch)]
        for task in self._tasks:
            task.add_done_callback(self.around.ended)

    def type(self, stream: str, text: str) -> None:
        """A person writes and does not look whether the page still lives."""
        self._tasks.append(asyncio.create_task(self.write(stream, "text", {"text": text})))

    def crash(self) -> None:
        """At once and between any two steps: only the database is left."""
        for task in self._tasks:
            task.cancel()
        self.database.changed.remove(self._pump)
        if self.database.sender is self:
            self.database.sender = None
        for carrier in self.carriers.values():
            carrier.connection.cut()
        self.carriers.clear()

    def lend(self) -> None:
        """A call begins: its data channel carries the same frames."""
        if "channel" not in self.carriers and not self.is_ended and self._open("channel") is not None:
            self.around.trace(self.name, "has a data channel")

    async def _stay(self) -> None:
        backoff = 0.2
        while not self.is_ended:
            carrier = self._open("socket")
            if carrier is not None:
                code = await carrier.lost
                self.around.trace(self.name, f"lost its socket ({code})")
                backoff = 0.2 if carrier.is_welcome else backoff
                if code in STAY_AWAY:
                    self.is_ended = True
                    return
            await asyncio.sleep(self.rng.uniform(0.5, 1.0) * backoff)
            backoff = min(backoff * 2, 5.0)

    def _open(self, name: CarrierName) -> Carrier | None:
        connection = self.around.connect(self, name)
        if connection is None:
            return None
        loop = asyncio.get_running_loop()
        carrier = Carrier(connection, loop.create_future(), loop.time())
        connection.to_device.deliver = lambda text: self._heard.put_nowait((carrier, text))

        def lost(code: int | None) -> None:
            if self.carriers.get(name) is carrier:
                del self.carriers[name]
            if not carrier.lost.done():
                carrier.lost.set_result(code)
            self._pump()

        connection.device_lost = lost
        self.carriers[name] = carrier
        self._hello(carrier)
        return carrier

    def _hello(self, carrier: Carrier) -> None:
        known = [stream for stream in self.person.reads if stream in self.database.streams]
        cursors = [
            {"stream": s.stream, "position": s.head, "digest": s.digest} for s in map(self.database.state, known)
        ]
        if self.person.side == "staff":
            inbox = next(s for s in self.person.reads if s.startswith("i."))
            cursors.append({"stream": inbox, "position": self.rows_position, "digest": self.rows_digest})
        carrier.hello_at = asyncio.get_running_loop().time()
        self._say(carrier, "chat.hello", device=self.database.device, tab=self.name, epoch=self.database.epoch,
                  language="en", name="", cursors=cursors)  # fmt: skip

    async def _watch(self) -> None:
        """What is not answered goes again; a way that is silent is given up."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self.rng.uniform(0.8, 1.2))
            now = loop.time()
            for carrier in list(self.carriers.values()):
                waits = [flight.first_at for flight in carrier.asked.values()]
                rests = [flight.last_at for flight in carrier.asked.values()]
                if now - carrier.heard_at > SILENT_AFTER_S or (waits and now - min(waits) > GIVEN_UP_AFTER_S):
                    carrier.connection.cut()
                    carrier.connection.device_lost(None)
                elif not carrier.is_welcome and now - carrier.hello_at > AGAIN_AFTER_S:
                    self._hello(carrier)  # it was refused, the disk was full
                elif rests and now - min(rests) > AGAIN_AFTER_S and not carrier.is_halted:
                    self._send(carrier, list(carrier.asked))
            for stream, at in list(self._fetching.items()):
                if loop.time() - at > AGAIN_AFTER_S:
                    del self._fetching[stream]
                    self._fetch(stream)
            self._pump()

    # --- intents ---

    async def write(self, stream: str, kind: str, body: Wire, **more: object) -> Waiting:
        """Kept before it is sent for the first time."""
        waiting = await self.database.transaction(lambda: self.database.write(stream, kind, body, **more))
        for pump in list(self.database.changed):
            pump()
        return waiting

    def ask(self, type: str, **fields: object) -> None:
        """Anything that is not an append; lost with its carrier."""
        carrier = self._way()
        if carrier is not None:
            self._say(carrier, type, **fields)

    def see(self, stream: str) -> None:
        head = self.database.state(stream).head
        seen = (head, head if self.reads_on else 0)
        if head and self._told_seen.get(stream) != seen and self._way() is not None:
            self._told_seen[stream] = seen
            self.ask("chat.seen", stream=stream, delivered=seen[0], read=seen[1])

    # --- sending ---

    def _say(self, carrier: Carrier, type: str, **fields: object) -> str:
        self._refs += 1
        ref = f"{self.name}.{self._refs}"
        carrier.connection.to_server.write(json.dumps({"type": type, "ref": ref, **fields}))
        return ref

    def _way(self) -> Carrier | None:
        """The data channel where there is one, else the socket."""
        for name in ("channel", "socket"):
            carrier = self.carriers.get(name)
            if carrier is not None and carrier.is_welcome:
                return carrier
        return None

    def _pump(self) -> None:
        carrier = self._way()
        if carrier is None or carrier.is_halted:
            return
        if self.has_locks:
            self.database.sender = self.database.sender or self
            if self.database.sender is not self:
                return
        if asyncio.get_running_loop().time() < self._rests_until:
            return
        outbox = self.database.outbox
        numbers = sorted([n for n in outbox if n < carrier.taken_below] or outbox)
        new = [outbox[n].id for n in numbers[: 1 if carrier.probes else None] if outbox[n].id not in carrier.asked]
        self._send(carrier, new[: max(IN_FLIGHT - len(carrier.asked), 0)])

    def _send(self, carrier: Carrier, ids: list[str]) -> None:
        """In the order of their numbers."""
        now = asyncio.get_running_loop().time()
        for n in sorted(self.database.outbox):
            w = self.database.outbox[n]
            if w.id in ids:
                ref = self._say(carrier, "chat.append", n=n, id=w.id, stream=w.stream, kind=w.kind, body=w.body,
                                reply_to=w.reply_to, seen=w.seen, force=w.force)  # fmt: skip
                known = carrier.asked.get(w.id)
                carrier.asked[w.id] = Flight(ref, known.first_at if known else now, now)
                self.around.trace(self.name, f"sends {w.kind} {w.id} as {n} on its {carrier.connection.name}")

    def _fetch(self, stream: str) -> None:
        carrier = self._way()
        if carrier is not None and stream not in self._fetching:
            self._fetching[stream] = asyncio.get_running_loop().time()
            self.around.trace(self.name, f"fetches {stream} after {self.database.state(stream).head}")
            self._say(carrier, "chat.fetch", stream=stream, after=self.database.state(stream).head)

    def _fetch_rows(self, after: int) -> None:
        inbox = next(s for s in self.person.reads if s.startswith("i."))
        self.around.trace(self.name, f"lacks rows of the inbox after {after}")
        self.ask("chat.fetch", stream=inbox, after=after)

    # --- hearing ---

    async def _hear_all(self) -> None:
        while True:
            carrier, text = await self._heard.get()
            carrier.heard_at = asyncio.get_running_loop().time()
            frame = json.loads(text)
            attend: Callable[[Carrier, Wire], object] | None = getattr(
                self, "_" + frame["type"].replace(".", "_"), None
            )
            assert attend is not None, f"a frame that no device knows: {text[:200]}"
            done = attend(carrier, frame)
            if asyncio.iscoroutine(done):
                await done
            self._pump()

    async def _chat_welcome(self, carrier: Carrier, frame: Wire) -> None:
        def change() -> None:
            self.database.epoch = frame["epoch"]
            for head in frame["streams"]:
                self.database.compare(head["stream"], head["head"], is_begin=True)

        assert frame["me"]["id"] == self.person.id
        inbox = next((head["head"] for head in frame["streams"] if head["stream"].startswith("i.")), 0)
        if frame["epoch"] != self.database.epoch or inbox < self.rows_position:
            self.rows_position = self.rows_digest = 0
        await self.database.transaction(change)
        carrier.is_welcome = True
        carrier.taken_below = frame["expected"]
        open_now = {head["stream"] for head in frame["streams"]}
        for stream in self.person.reads:
            if stream not in open_now:
                state = self.database.state(stream)
                self._say(carrier, "chat.open", stream=stream, position=state.head, digest=state.digest)
        for stream in self.person.reads:
            self._told_seen.pop(stream, None)

    async def _chat_entries(self, carrier: Carrier, frame: Wire) -> None:
        stream = frame["stream"]
        if frame["ref"] is not None:
            self._fetching.pop(stream, None)

        def change() -> str:
            before = self.database.state(stream)
            if frame["after"] > before.head:
                return "gap"
            new = [entry_of(stream, e) for e in frame["entries"] if e["position"] > before.head]
            after = fold(before, new)
            if new and after.digest != frame["digest"]:
                self.database.forget(stream, 0, 0)
                return "gap"
            self.database.apply(stream, after, frame["head"])
            for entry in new:
                if entry.author == self.person.id and entry.id in self.database.own:
                    self.around.shows_sent(self, carrier.connection, entry.id)
            self.around.applied(self, carrier.connection, after)
            return ""

        found = await self.database.transaction(change)
        self.around.trace(self.name, f"applied {stream} {frame['after']}+{len(frame['entries'])} {found}")
        if found == "gap" or self.database.state(stream).head < frame["head"]:
            self._fetch(stream) if found == "gap" else None
        self._answered(carrier)

    async def _chat_reset(self, _: Carrier, frame: Wire) -> None:
        self.around.trace(self.name, f"resets {frame['stream']} to {frame['after']}")
        await self.database.transaction(lambda: self.database.forget(frame["stream"], frame["after"], frame["digest"]))
        self._fetching.pop(frame["stream"], None)
        self._told_seen.pop(frame["stream"], None)

    def _chat_heads(self, _: Carrier, frame: Wire) -> None:
        for head in frame["heads"]:
            if head["stream"].startswith("i."):
                if head["head"] > self.rows_position:
                    self._fetch_rows(self.rows_position)
                elif head["head"] == self.rows_position and head["digest"] != self.rows_digest:
                    self._fetch_rows(0)
                continue
            if head["head"] > self.database.state(head["stream"]).head:
                self._fetch(head["stream"])
            else:
                self.database.compare(head["stream"], head["head"], is_begin=True)

    async def _chat_ack(self, carrier: Carrier, frame: Wire) -> None:
        def change() -> None:
            if frame["id"] in self.database.own:
                self.database.acknowledge(frame["id"], frame["position"])
                self.around.shows_sent(self, carrier.connection, frame["id"])

        await self.database.transaction(change)
        self._answered(carrier)

    async def _error(self, carrier: Carrier, frame: Wire) -> None:
        code = frame["code"]
        id = next((id for id, flight in carrier.asked.items() if flight.ref == frame["ref"]), None)
        self.around.trace(self.name, f"is refused {code} {id or ''} {frame['expected'] or ''} {frame['message']}")
        n, waiting = next(((n, w) for n, w in self.database.outbox.items() if w.id == id), (0, None))
        if id is None or waiting is None:
            return
        del carrier.asked[id]
        carrier.is_halted = True
        if code == "expect":
            carrier.expected = frame["expected"]
        elif code in TRANSIENT:
            self._rests_until = asyncio.get_running_loop().time() + (frame["retry_after_s"] or 1.0)
        elif code == "held_back" and self.rng.random() < 0.7:
            changes = {"force": True} if self.rng.random() < 0.5 else {"seen": frame["position"]}
            await self.database.transaction(lambda: self.database.change_all(waiting.stream, **changes))
        else:
            carrier.expected = n
            await self.database.transaction(lambda: self.database.give_up(id, code))
        self._answered(carrier)

    def _answered(self, carrier: Carrier) -> None:
        waiting = {w.id for w in self.database.outbox.values()}
        for id in [id for id in carrier.asked if id not in waiting]:
            del carrier.asked[id]
            carrier.probes = False
        if carrier.is_halted and not carrier.asked:
            if carrier.expected is not None:
                self.database.number_anew(carrier.expected)
                carrier.probes = True
            carrier.is_halted, carrier.expected = False, None

    def _chat_marks(self, _: Carrier, frame: Wire) -> None:
        for mark in frame["marks"]:
            key = (frame["stream"], mark["person_id"])
            old = self.marks.get(key, mark)
            merged = {**mark, **{name: max(old[name], mark[name]) for name in ("delivered", "read")}}
            self.marks[key] = merged
            self.around.marked(self, frame["stream"], mark)

    def _chat_inbox(self, _: Carrier, frame: Wire) -> None:
        at = (frame["position"], frame["digest"])
        if at == (self.rows_position, self.rows_digest) or (at[0] <= self.rows_position and not frame["is_whole"]):
            return
        if frame["after"] > self.rows_position:
            self._fetch_rows(self.rows_position)
            return
        if frame["is_whole"]:
            self.rows = {}
        self.rows.update({row["conversation"]: row for row in frame["rows"]})
        self.rows_position, self.rows_digest = at

    def _ok(self, _: Carrier, frame: Wire) -> None:
        return

    def _chat_typing(self, _: Carrier, frame: Wire) -> None:
        return

    def _chat_here(self, _: Carrier, frame: Wire) -> None:
        return

    def _chat_ring(self, _: Carrier, frame: Wire) -> None:
        return
