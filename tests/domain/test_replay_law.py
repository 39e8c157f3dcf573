"""The replay law: for every action, the state before, folded with what was told of it, is the state fetched afterwards."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.fold import StreamState, fold, newest
from domain.stream import Entry, EntryKind, EntrySide, Kept, NewEntry, inbox_stream
from tests.simulator.disk import Disk, DiskStore
from tests.support.houses import ANN, COBBLER, LI, MEI, START, TOM

STREAMS = (f"c.{ANN.id}", f"n.{ANN.id}", f"c.{TOM.id}", f"s.{LI.id}")
WINDOW = 5
people = st.sampled_from([ANN, TOM, MEI, LI])
actions = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["text", "text", "text", "recall", "recall", "note", "call", "again"]),
        "person": people,
        "pick": st.integers(0, 1000),
        "later_s": st.sampled_from([0, 1, 130, -3600]),
        "text": st.text(min_size=1, max_size=8),
    }
)


class Conversations:
    """Makes entries of drawn actions; some of them are refused, and some come a second time."""

    def __init__(self) -> None:
        customers = {customer.id: customer for customer in (ANN, TOM)}
        self.disk = Disk(customers, {staff.id: staff for staff in (MEI, LI)})
        self.store = DiskStore(self.disk, random.Random(0))
        self.now = START
        self.sent: list[NewEntry] = []

    def entry(self, action: dict[str, Any]) -> NewEntry:
        self.now += timedelta(seconds=action["later_s"])
        person, pick = action["person"], action["pick"]
        if action["kind"] == "again" and self.sent:
            return self.sent[int(pick) % len(self.sent)]
        side: EntrySide = "staff" if person in (MEI, LI) else "customer"
        owner = person.id if side == "customer" else (ANN.id, TOM.id)[pick % 2]
        kind: EntryKind = "text"
        stream = f"c.{owner}"
        body: dict[str, Any] = {"text": action["text"]}
        if action["kind"] == "recall":
            own = [e.id for e in self.disk.stream(stream) if e.author == person.id] or ["unknown-id"]
            kind, body = "recall", {"target": own[-1 - pick % min(len(own), 3)]}
        elif action["kind"] == "note" and side == "staff":
            kind, stream, body = "note", f"n.{ANN.id}", {"text": action["text"], "mentions": [LI.id][: pick % 2]}
        elif action["kind"] == "call":
            kind, side, body = "call", "machine", {"call_id": "k", "state": ("ended", "missed")[pick % 2], "seconds": 1}
        new = NewEntry(
            stream=stream, id=f"entry-{len(self.sent):05}", kind=kind, author=person.id, side=side,
            author_name=person.name, at=self.now, body=body,
        )  # fmt: skip
        self.sent.append(new)
        return new

    def state(self, stream: str) -> StreamState:
        """As a page fetches it: the head, and the last entries."""
        head, entries = self.disk.head(stream), self.disk.stream(stream)
        last = tuple(entries[-WINDOW:])
        return StreamState(stream=stream, floor=head.head - len(last), head=head.head, digest=head.digest, entries=last)

    def rows(self) -> dict[str, Any]:
        return {
            row.conversation.id: row for row in self.store.rows_now(COBBLER.id, -1) if row.conversation.inbox_position
        }


batches = st.lists(st.lists(actions, min_size=1, max_size=6), min_size=1, max_size=12)


@settings(max_examples=80, deadline=None)
@given(batches)
def test_the_state_before_folded_with_what_was_told_is_the_state_afterwards(drawn: list[list[dict[str, Any]]]) -> None:
    world = Conversations()
    for batch in drawn:
        before = {stream: world.state(stream) for stream in STREAMS}
        rows, position = world.rows(), world.disk.head(inbox_stream(COBBLER.id)).head
        committed = world.store.decide([world.entry(action) for action in batch])
        for stream in STREAMS:
            told = [entry for entry in committed.fresh if entry.stream == stream]
            assert newest(fold(before[stream], told), WINDOW) == world.state(stream)
        told_rows = (
            {row.conversation.id: row for row in world.store.rows_now(COBBLER.id, position)}
            if position
            else world.rows()
        )
        assert rows | told_rows == world.rows()
        assert {kept.entry.id for kept in committed.answers if isinstance(kept, Kept) and kept.is_fresh} <= {
            entry.id for entry in committed.fresh
        }


@settings(max_examples=40, deadline=None)
@given(batches, st.integers(0, 10))
def test_a_device_that_was_away_reads_on_and_holds_the_state_of_those_who_were_there(
    drawn: list[list[dict[str, Any]]], away_from: int
) -> None:
    world = Conversations()
    left: dict[str, tuple[Entry, ...]] = {}
    for number, batch in enumerate(drawn):
        if number == min(away_from, len(drawn) - 1):
            left = {stream: tuple(world.disk.stream(stream)) for stream in STREAMS}
        world.store.decide([world.entry(action) for action in batch])
    for stream in STREAMS:
        held = fold(StreamState(stream=stream), left[stream])
        now = fold(held, world.disk.stream(stream)[held.head :])
        assert now.entries == tuple(world.disk.stream(stream))
        assert (now.head, now.digest) == (world.disk.head(stream).head, world.disk.head(stream).digest)
