"""The promises of the conversation, held against a run: some at every step, the rest at its end."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Protocol

from domain.fold import StreamState
from domain.stream import Entry, next_digest
from tests.simulator.database import Database, Wire

MAX_OUTBOX_FRAMES = 512
SHOWN = {"position", "id", "kind", "author", "side", "author_name", "at", "reply_to", "gone", "body"}


class Broken(AssertionError):
    """A promise was not kept."""


class Disk(Protocol):
    """What is committed now."""

    streams: dict[str, list[Entry]]

    def stream(self, stream: str) -> list[Entry]: ...


class Audit:
    """`promised`: every (author, id) that some page has shown as sent, and whose database still lives."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.promised: dict[tuple[str, str], tuple[str, Database]] = {}
        self.applied: dict[tuple[str, str], int] = defaultdict(int)  # by person and stream: the furthest of any device
        self.ended: set[str] = set()
        self.was_restored = False
        self.keeps_order = True  # of what one device writes: not promised where several tabs send
        self.most_waiting = 0
        self.frames = 0

    # --- at every step ---

    def shown_sent(self, person: str, database: Database, stream: str, id: str, disk: Disk) -> None:
        if not any((e.id, e.author) == (id, person) for e in disk.stream(stream)):
            raise Broken(f"{id} is shown as sent and is not on the disk")
        self.promised[person, id] = (stream, database)

    def applied_to(self, person: str, database: Database, state: StreamState, disk: Disk) -> None:
        kept = disk.stream(state.stream)
        if state.head > len(kept):
            raise Broken(f"{database.device} holds {state.stream} up to {state.head}; the disk ends at {len(kept)}")
        for entry in state.entries[-20:]:
            if kept[entry.position - 1].id != entry.id:
                raise Broken(
                    f"{database.device} holds {entry.id} at {state.stream} {entry.position}; the disk does not"
                )
        key = (person, state.stream)
        self.applied[key] = max(self.applied[key], state.head)

    def marked(self, stream: str, mark: Wire) -> None:
        read, delivered, person = mark["read"], mark["delivered"], mark["person_id"]
        if not read <= delivered <= max(self.applied[person, stream], 0):
            raise Broken(f"{person} is said to have {delivered}/{read} of {stream}, has {self.applied[person, stream]}")

    def said(self, person: str, side: str, device: str, waiting: int, text: str) -> None:
        """A text leaves the server for this person's device; `waiting`: how many more are queued on its carrier."""
        self.frames += 1
        self.most_waiting = max(self.most_waiting, waiting)
        if waiting > MAX_OUTBOX_FRAMES:
            raise Broken(f"{waiting} frames wait for {device}")
        frame = json.loads(text)
        if device in self.ended and frame["type"] != "error":
            raise Broken(f"{frame['type']} is said to {device}, whose right has ended")
        if side == "customer":
            stream = frame.get("stream", f"c.{person}")
            streams = [head["stream"] for head in (*frame.get("heads", ()), *frame.get("streams", ()))]
            if {stream, *streams} != {f"c.{person}"} or frame["type"] in ("chat.inbox", "chat.here"):
                raise Broken(f"{person} is told of {stream} {streams}: {text[:200]}")

    # --- at the end ---

    def record(self) -> None:
        """What was promised is in the streams, once."""
        self.streams()
        for (person, id), (stream, database) in self.promised.items():
            times = sum((e.id, e.author) == (id, person) for e in self.disk.stream(stream))
            # what was taken back is not offered to a server that lost it
            is_recalled = any(write.body.get("target") == id for write in database.own.values())
            is_given_up = database.device in self.ended or id in database.given_up
            is_excused = self.was_restored and (is_recalled or is_given_up)
            if times != 1 and not is_excused:
                raise Broken(f"{id} was shown as sent and is {times} times in {stream}")

    def streams(self) -> None:
        """The committed streams by themselves."""
        for stream in self.disk.streams:
            self._one_stream(stream)

    def _one_stream(self, stream: str) -> None:
        digest = 0
        newest: dict[str, int] = defaultdict(int)
        ids: set[tuple[str, str]] = set()
        for at, entry in enumerate(self.disk.stream(stream), 1):
            digest = next_digest(digest, entry.id)
            if (entry.position, entry.digest) != (at, digest):
                raise Broken(f"{stream} has {entry.position} with {entry.digest} at place {at}, digest {digest}")
            if (entry.id, entry.author) in ids:
                raise Broken(f"{entry.id} is twice in {stream}")
            ids.add((entry.id, entry.author))
            if entry.device is not None and self.keeps_order and not self.was_restored:
                number = int(entry.id.rsplit("-", 1)[1])
                if number < newest[entry.device]:
                    raise Broken(f"{entry.id} of {stream} stands behind number {newest[entry.device]} of its device")
                newest[entry.device] = number

    def differs(self, person: str, database: Database, reads: tuple[str, ...]) -> str | None:
        """What a device lacks, or has too much: None when it holds what the disk holds and nothing waits."""
        if database.outbox:
            return f"{database.device} still waits for {[w.id for w in database.outbox.values()]}"
        for stream in reads:
            if stream.startswith("i."):
                continue
            kept, state = self.disk.stream(stream), database.state(stream)
            if state.head != len(kept):
                return f"{database.device} is at {state.head} of {len(kept)} in {stream}"
            shown = SHOWN - {"at"} if self.was_restored else SHOWN  # what came back to its old place has a new time
            want = [e.model_dump(include=shown) for e in kept[state.floor :]]
            have = [e.model_dump(include=shown) for e in state.entries]
            if want != have:
                return next(f"{database.device} holds {b} for {a}" for a, b in zip(want, have, strict=True) if a != b)
        return None
