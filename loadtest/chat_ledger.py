"""What was written, what the server promised, what each reader has: the books of a run, and the audit at its end."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from loadtest.chat_stream import Entry
from loadtest.histogram import Histogram

CARRIERS = ("socket", "channel")


@dataclass(slots=True)
class Message:
    """`due`: when its author's pace asked for it; `number` counts its author's messages. `position` is the server's
    promise, 0 without one."""

    id: str
    author: str
    number: int
    text: str
    due: float
    position: int = 0


@dataclass(slots=True)
class Findings:
    """Ids of messages that are wrong anywhere: in the server's record or with one of the two people. `delivered`: how
    many of the `promised` ones the other person has. `altered`: the text is not what was written."""

    promised: int = 0
    delivered: int = 0
    lost: set[str] = field(default_factory=set)
    duplicated: set[str] = field(default_factory=set)
    reordered: set[str] = field(default_factory=set)
    altered: set[str] = field(default_factory=set)

    def add(self, other: Findings) -> None:
        self.promised += other.promised
        self.delivered += other.delivered
        self.lost |= other.lost
        self.duplicated |= other.duplicated
        self.reordered |= other.reordered
        self.altered |= other.altered


@dataclass(slots=True)
class CallBook:
    """One call: its messages by id, and every entry that each of its two people applied, in the order of applying."""

    readers: tuple[str, ...] = ()
    messages: dict[str, Message] = field(default_factory=dict)
    applied: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))

    @property
    def head(self) -> int:
        """The last promised position."""
        return max((message.position for message in self.messages.values()), default=0)

    def audit(self, record: list[Entry]) -> Findings:
        """Holds the server's record and both readers' streams against what was promised. A message without a promise
        may be kept (its answer was lost) and need not be."""
        found = self._audit_of(record)
        found.promised = sum(message.position > 0 for message in self.messages.values())
        kept = {entry["position"]: entry["id"] for entry in record}
        for reader in self.readers:
            entries = self.applied[reader]
            found.add(self._audit_of(entries))
            found.reordered |= {e["id"] for e in entries if kept.get(e["position"], e["id"]) != e["id"]}
            have = {entry["id"] for entry in entries}
            found.delivered += sum(
                m.position > 0 and m.author != reader and m.id in have for m in self.messages.values()
            )
        return found

    def _audit_of(self, entries: list[Entry]) -> Findings:
        """One list of entries. Behind a later message of the same author, or elsewhere than promised: reordered."""
        found = Findings()
        newest: dict[str, int] = defaultdict(lambda: -1)
        places: dict[str, int] = {}
        for entry in entries:
            message = self.messages.get(entry["id"])
            if message is None:
                continue
            if message.id in places:
                found.duplicated.add(message.id)
            if message.number < newest[message.author] or message.position not in (0, entry["position"]):
                found.reordered.add(message.id)
            if entry["body"] != {"text": message.text}:
                found.altered.add(message.id)
            newest[message.author] = max(newest[message.author], message.number)
            places[message.id] = entry["position"]
        found.lost = {m.id for m in self.messages.values() if m.position and m.id not in places}
        return found


class Ledger:
    """`book(call)` holds what happened; latencies run from the moment that the pace asked for a message (no coordinated
    omission) to the acknowledgement, and to the moment at which the other person has it in its place. Acknowledgements are
    those of the carrier that a message went out on. Both carriers of a person bring a message: `delivery` is the first one,
    `brought` each by itself."""

    def __init__(self) -> None:
        self.books: dict[str, CallBook] = defaultdict(CallBook)
        self.acknowledgement = {name: Histogram() for name in CARRIERS}
        self.delivery = Histogram()
        self.brought = {name: Histogram() for name in (*CARRIERS, "fetch")}
        self.lateness = Histogram()
        self.started = time.monotonic()
        self.is_closed = False  # what is promised from then on is not in the books: the record is being read
        self.moved = asyncio.Event()  # set with each acknowledgement and each applied entry
        self._seconds: dict[int, Histogram] = defaultdict(Histogram)

    def written(self, call: str, message: Message) -> None:
        self.lateness.record_since(message.due, time.monotonic())
        self.books[call].messages[message.id] = message

    def acknowledged(self, call: str, id: str, position: int, carrier: str) -> None:
        if self.is_closed:
            return
        message = self.books[call].messages[id]
        message.position = position
        self.moved.set()
        self.acknowledgement[carrier].record_since(message.due, time.monotonic())

    def applied(self, call: str, reader: str, entry: Entry, carrier: str) -> None:
        book = self.books[call]
        book.applied[reader].append(entry)
        self.moved.set()
        message = book.messages.get(entry["id"])
        if message is not None and message.author != reader:
            now = time.monotonic()
            self.delivery.record_since(message.due, now)
            self.brought[carrier].record_since(message.due, now)
            self._seconds[int(now - self.started)].record_since(message.due, now)

    def brought_again(self, call: str, reader: str, entry: Entry, carrier: str) -> None:
        message = self.books[call].messages.get(entry["id"])
        if message is not None and message.author != reader:
            self.brought[carrier].record_since(message.due, time.monotonic())

    def slowest_by_second(self) -> list[list[float]]:
        return [[float(second), round(found.max_ms, 3)] for second, found in sorted(self._seconds.items())]


def merged(histograms: Iterable[Histogram]) -> Histogram:
    whole = Histogram()
    for histogram in histograms:
        whole.merge(histogram)
    return whole
