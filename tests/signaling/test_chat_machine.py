"""The protocol as a state machine: whatever devices ask in whatever order, the answers are those of a model of a few lines."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.fold import StreamState, fold
from signaling.chat import Chat
from tests.simulator.audit import Audit
from tests.simulator.clock import VirtualLoop
from tests.simulator.database import entry_of
from tests.simulator.disk import DiskStore
from tests.simulator.page import Page
from tests.simulator.world import PEOPLE, World
from tests.support.houses import ANN, TOM

DEVICES = {"ann-phone": "ann", "ann-tablet": "ann", "tom-phone": "tom", "mei-desk": "mei", "li-tablet": "li"}
STREAMS = (f"c.{ANN.id}", f"c.{TOM.id}", f"n.{ANN.id}")
STRANGE = ("c.nobody", "n.nobody", "i.shop-nails", "s.staff-zhou")
TYPES = ("chat.hello", "chat.append", "chat.open", "chat.leave", "chat.fetch", "chat.seen", "chat.typing", "chat.ring")
MOMENT_S = 2.0

devices = st.sampled_from(sorted(DEVICES))
ids = st.integers(0, 5).map(lambda number: f"entry-{number:04}")
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
fields = st.sampled_from(
    ["ref", "n", "id", "stream", "kind", "body", "position", "digest", "after", "device", "tab", "cursors"]
)
nonsense = st.one_of(
    st.text(max_size=40),
    values.map(json.dumps),
    st.tuples(st.sampled_from(TYPES), st.dictionaries(fields, values, max_size=8)).map(
        lambda drawn: json.dumps({**drawn[1], "type": drawn[0]})
    ),
)


class Conversations(RuleBasedStateMachine):
    """`heads`, `counters`, `kept` (by author and id) are the model."""

    @initialize()
    def open_shop(self) -> None:
        self.loop = VirtualLoop()
        self.world = self._run(self._made())
        self.pages = {name: Page(self.world, name, PEOPLE[person]) for name, person in DEVICES.items()}
        self.held: dict[tuple[str, str], StreamState] = {}
        self.greeted: set[str] = set()
        self.counters = dict.fromkeys(DEVICES, 0)
        self.kept: dict[tuple[str, str], tuple[str, str, int]] = {}
        self.words: dict[str, list[tuple[str, str]]] = {
            stream: [] for stream in STREAMS
        }  # author and side, by position
        self.refs = 0

    async def _made(self) -> World:
        world = World(random.Random(1), DiskStore, Chat)
        world.weather.delay_s = (0.001, 0.002)
        await world.boot()
        return world

    def _run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    async def _said(self, page: Page, text: str) -> None:
        page.says_text(text)
        await asyncio.sleep(MOMENT_S)

    async def _left(self, page: Page, pause_s: float) -> None:
        page.leaves()
        await asyncio.sleep(pause_s)

    def _ask(self, asks: str, type: str, **fields: Any) -> dict[str, Any] | None:
        self.refs += 1
        page = self.pages[asks]
        self._run(self._said(page, json.dumps({"type": type, "ref": f"r{self.refs}", **fields})))
        answer = page.take(f"r{self.refs}")
        self._read_all()
        return answer

    def _read_all(self) -> None:
        """Every page folds what it heard, as a client does."""
        for name, page in self.pages.items():
            frames, page.heard = page.heard, []
            for frame in frames:
                key = (name, frame.get("stream", ""))
                if frame["type"] == "chat.reset":
                    self.held[key] = StreamState(
                        stream=key[1], floor=frame["after"], head=frame["after"], digest=frame["digest"]
                    )
                elif frame["type"] == "chat.entries":
                    before = self.held.get(key, StreamState(stream=key[1]))
                    assert frame["after"] <= before.head, f"{name} sees a gap: {frame}"
                    self.held[key] = fold(before, [entry_of(key[1], e) for e in frame["entries"]])

    def _hello(self, device: str) -> None:
        """With the cursors of all that this device holds; staff open all that they may."""
        states = [self.held.get((device, s), StreamState(stream=s)) for s in self._reads(device)]
        cursors = [{"stream": s.stream, "position": s.head, "digest": s.digest} for s in states]
        answer = self._ask(device, "chat.hello", device=f"{device}-1", tab="tab", cursors=cursors)
        assert answer is not None
        assert answer["expected"] == self.counters[device] + 1
        self.greeted.add(device)

    def _reads(self, device: str) -> list[str]:
        person = self.pages[device].person
        return [s for s in STREAMS if person.side == "staff" or s == f"c.{person.id}"]

    @rule(device=devices)
    def come(self, device: str) -> None:
        self._hello(device)

    @precondition(lambda self: self.greeted)
    @rule(device=devices, cut=st.booleans())
    def leave(self, device: str, cut: bool) -> None:
        self.greeted.discard(device)
        self._run(self._left(self.pages[device], 0.0 if cut else 15.0))

    @precondition(lambda self: self.greeted)
    @rule(device=devices, id=ids, turn=st.sampled_from([0, 0, 0, 0, -1, 1, 5]), stream=st.sampled_from([*STREAMS, *STRANGE]),
          behind=st.sampled_from([0, 0, 1, 9]), force=st.booleans())  # fmt: skip
    def write(self, device: str, id: str, turn: int, stream: str, behind: int, force: bool) -> None:
        if device not in self.greeted:
            self._hello(device)
        person, n = self.pages[device].person, self.counters[device] + 1 + turn
        kind, head = "note" if stream[0] == "n" else "text", len(self.words.get(stream, ()))
        seen = max(head - behind, 0)
        body: dict[str, Any] = {"text": "words"} if kind == "text" else {"text": "words", "mentions": []}
        if n < 1:
            return
        answer = self._ask(
            device, "chat.append", n=n, id=id, stream=stream, kind=kind, body=body, seen=seen, force=force
        )
        assert answer is not None
        known = self.kept.get((person.id, id))
        newest = max(
            (at for at, (author, _) in enumerate(self.words.get(stream, ()), 1) if author != person.id), default=0
        )
        if stream not in self._reads(device):
            assert answer["code"] == "not_found"
        elif known is not None:
            is_same = known[:2] == (stream, kind)
            assert answer.get("position") == known[2] if is_same else answer["code"] == "conflict"
        elif n != self.counters[device] + 1:
            assert (answer["code"], answer["expected"]) == ("expect", self.counters[device] + 1)
        elif person.side == "staff" and kind == "text" and not force and newest > seen:
            assert answer["code"] == "held_back"
            assert newest >= answer["position"] > seen
        else:
            assert (answer["type"], answer["position"]) == ("chat.ack", head + 1)
            self.kept[person.id, id] = (stream, kind, head + 1)
            self.words[stream].append((person.id, person.side))
            self.counters[device] = n

    @precondition(lambda self: self.greeted)
    @rule(device=devices, stream=st.sampled_from([*STREAMS, *STRANGE]), after=st.integers(0, 15))
    def fetch(self, device: str, stream: str, after: int) -> None:
        if device not in self.greeted:
            return
        after = min(after, self.held.get((device, stream), StreamState(stream=stream)).head)
        answer = self._ask(device, "chat.fetch", stream=stream, after=after)
        assert answer is not None
        if stream in self._reads(device):
            assert answer["type"] == "chat.entries"
        else:
            assert answer["code"] == "not_found"

    @precondition(lambda self: self.greeted)
    @rule(
        device=devices,
        stream=st.sampled_from([*STREAMS, *STRANGE]),
        delivered=st.integers(0, 30),
        read=st.integers(0, 30),
    )
    def see(self, device: str, stream: str, delivered: int, read: int) -> None:
        if device in self.greeted:
            answer = self._ask(device, "chat.seen", stream=stream, delivered=delivered, read=read)
            assert answer is None if stream in self._reads(device) else answer is not None

    @rule(device=devices, text=nonsense)
    def babble(self, device: str, text: str) -> None:
        """Refused, or by chance understood; whoever is sent away comes back."""
        page = self.pages[device]
        self._run(self._said(page, text))
        said = [frame for frame in page.heard if frame["type"] == "error"]
        assert all(frame["code"] for frame in said)
        page.heard = [frame for frame in page.heard if frame not in said]
        self.greeted.discard(device)
        self._run(self._left(page, 0.5))
        self._read_all()

    @invariant()
    def what_is_kept_is_what_the_model_keeps(self) -> None:
        if not hasattr(self, "world"):
            return
        disk = self.world.disk
        audit = Audit(disk)
        audit.keeps_order = False  # which it reads from ids that count: here they are any, and the model has the order
        audit.streams()
        for stream, words in self.words.items():
            assert [(e.author, e.side) for e in disk.stream(stream)] == words
        for mark in disk.marks.values():
            assert mark.read <= mark.delivered <= len(disk.stream(mark.stream))
        server = self.world.server
        assert server is not None
        assert not server.chat.counts["faults"]
        assert not self.world.fault.done()

    @invariant()
    def every_page_that_is_there_holds_what_is_kept(self) -> None:
        for name in getattr(self, "greeted", ()):
            for stream in self._reads(name):
                held = self.held.get((name, stream), StreamState(stream=stream))
                assert [e.id for e in held.entries] == [e.id for e in self.world.disk.stream(stream)][held.floor :]
                assert held.head == len(self.world.disk.stream(stream))

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self._run(self.world.crash())
            self._run(asyncio.sleep(60.0))
            self.loop.close()


Conversations.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestWhateverDevicesAsk = Conversations.TestCase
