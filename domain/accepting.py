"""What a stream takes: the decision on each new entry, made under the store's locks and without any I/O.

A store reads what `needs` names into a `Ledger`, lets `accept_all` decide, and writes what the ledger then holds, all in
one transaction. So every store decides alike, and a batch of hundreds costs as many statements as one entry.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from domain.conversation import Conversation
from domain.errors import Conflict, Expect, Forbidden, HeldBack, Invalid, NotFound, NotReady, Refusal, TooLate
from domain.stream import (
    FILES,
    WORDS,
    Device,
    Entry,
    Head,
    Kept,
    NewEntry,
    inbox_stream,
    next_digest,
    owner_of,
    staff_stream,
)
from domain.unchecked import changed, unchecked

RECALL_WINDOW = timedelta(seconds=120)
RINGS_FOR = timedelta(seconds=60)


@dataclass(slots=True)
class Line:
    """A stream as the transaction holds it; it moves on with each entry."""

    shop_id: str
    head: int
    digest: int


@dataclass(slots=True)
class Needs:
    """What must be read, and locked, before a batch is decided. `streams` without the inboxes of their shops."""

    streams: set[str]
    devices: set[str]
    entry_ids: set[str]
    attachments: set[str]
    rings: set[str] = field(default_factory=set)  # streams in which somebody wants to ring


@dataclass(slots=True)
class Ledger:
    """What a transaction read, and after `accept_all` what it must write.

    `streams` holds the inboxes too; `conversations` are by customer; `known` by (id, author); `attachments` by id, each
    with its `conversation_id` and what pages must know of it; `ringing` is the last `ring` of a stream that nobody has
    answered.
    """

    streams: dict[str, Line]
    conversations: dict[str, Conversation]
    devices: dict[str, Device]
    known: dict[tuple[str, str], Entry]
    attachments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    ringing: dict[str, Entry] = field(default_factory=dict)
    fresh: list[Entry] = field(default_factory=list)
    recalled: list[Entry] = field(default_factory=list)
    changed: dict[str, None] = field(default_factory=dict)  # conversations, in the order of their last change
    counted: dict[str, int] = field(default_factory=dict)  # devices whose counter moved, and where it is now
    used: Counter[str] = field(default_factory=Counter)  # attachments: by how many entries more (or fewer) name it now

    def put(self, conversation: Conversation) -> None:
        self.conversations[conversation.id] = conversation
        self.changed.pop(conversation.id, None)
        self.changed[conversation.id] = None


@dataclass(frozen=True, slots=True)
class Committed:
    """A batch that is on the disk: the answers in the batch's order, and what is new to readers. `inboxes` are the
    inbox streams in which a row changed, at their new heads."""

    answers: list[Kept | Refusal]
    fresh: list[Entry]
    inboxes: list[Head]


def needs(batch: Iterable[NewEntry]) -> Needs:
    found = Needs(set(), set(), set(), set())
    for new in batch:
        found.streams.add(new.stream)
        found.entry_ids.add(new.id)
        if new.device is not None:
            found.devices.add(new.device)
        if new.kind in FILES:
            found.attachments.add(str(new.body["attachment"]))
        elif new.kind == "recall":
            found.entry_ids.add(str(new.body["target"]))
        elif new.kind == "ring":
            found.rings.add(new.stream)
        elif new.kind == "note":
            found.streams.update(staff_stream(staff_id) for staff_id in new.body.get("mentions", ()))
    return found


def accept_all(ledger: Ledger, batch: Sequence[NewEntry]) -> Committed:
    """Decides in the order of the batch. Of a refused entry nothing is kept: position and counter stay where they are."""
    answers: list[Kept | Refusal] = []
    for new in batch:
        try:
            answers.append(accept(ledger, new))
        except Refusal as refusal:
            answers.append(refusal)
    return Committed(answers, ledger.fresh, place_in_inboxes(ledger))


def accept(ledger: Ledger, new: NewEntry) -> Kept:
    """Raises Conflict for an id that is taken, Expect for a counter out of turn, HeldBack for a reply that has not seen
    the newest words, NotReady for an attachment that is not here, Invalid for one of another kind, TooLate or NotFound
    for a recall, Forbidden. A `ring` while one rings is answered with that one."""
    known = ledger.known.get((new.id, new.author))
    if known is not None:
        if (known.stream, known.kind) != (new.stream, new.kind):
            raise Conflict("Something else of yours already has this id. Choose a new one.")
        return Kept(entry=known, is_fresh=False)
    if new.stream not in ledger.streams:
        raise NotFound("This conversation is not known here. Load the page again.")
    ringing = ledger.ringing.get(new.stream) if new.kind == "ring" else None
    if ringing is not None and new.at - ringing.at < RINGS_FOR:
        return Kept(entry=ringing, is_fresh=False)
    conversation = ledger.conversations.get(owner_of(new.stream)) if new.stream.startswith("c.") else None
    _take_turn(ledger, new)
    body = new.body
    if conversation is not None and new.device is not None and new.side == "staff" and new.kind in WORDS:
        _hold_back(conversation, new)
    if new.kind in FILES:
        body = {**body, "file": _file(ledger, new)}
    recalled = _recalled(ledger, new) if new.kind == "recall" else None

    entry = _keep(ledger, new, body)
    if new.kind == "ring":
        ledger.ringing[new.stream] = entry
    elif new.kind == "rung" and (rings := ledger.ringing.get(new.stream)) and rings.id == body.get("ring"):
        del ledger.ringing[new.stream]
    if new.kind in FILES:
        ledger.used[new.body["attachment"]] += 1
    if new.device is not None:
        ledger.counted[new.device] = new.counter or 0
    if recalled is not None:
        ledger.known[recalled.id, recalled.author] = recalled
        ledger.recalled.append(recalled)
    if conversation is not None:
        ledger.put(conversation.after(entry))
    if new.kind == "note":
        _mention(ledger, entry)
    return unchecked(Kept, {"entry": entry, "is_fresh": True})


def place_in_inboxes(ledger: Ledger) -> list[Head]:
    """Gives each changed conversation the next position of its shop's inbox. Returns the inboxes' new heads. An inbox's
    digest runs over what changed: the conversation, and the digests of what was written in it."""
    moved: dict[str, Line] = {}
    for customer_id in ledger.changed:
        conversation = ledger.conversations[customer_id]
        inbox = inbox_stream(conversation.shop_id)
        line = moved[inbox] = ledger.streams[inbox]
        line.head += 1
        written = [ledger.streams[s].digest for s in (f"c.{customer_id}", f"n.{customer_id}") if s in ledger.streams]
        line.digest = next_digest(line.digest, f"{customer_id}{written}")
        now_at = {"inbox_position": line.head, "inbox_digest": line.digest}
        ledger.conversations[customer_id] = changed(conversation, now_at)
    return [Head(stream=inbox, head=line.head, digest=line.digest) for inbox, line in moved.items()]


def _keep(ledger: Ledger, new: NewEntry, body: dict[str, Any]) -> Entry:
    line = ledger.streams[new.stream]
    line.head += 1
    line.digest = next_digest(line.digest, new.id)
    entry = unchecked(Entry, {
        "stream": new.stream, "position": line.head, "id": new.id, "kind": new.kind, "author": new.author,
        "side": new.side, "author_name": new.author_name, "at": new.at, "body": body, "reply_to": new.reply_to,
        "device": new.device, "counter": new.counter, "digest": line.digest, "gone": None,
    })  # fmt: skip
    ledger.known[new.id, new.author] = entry
    ledger.fresh.append(entry)
    return entry


def _take_turn(ledger: Ledger, new: NewEntry) -> None:
    if new.device is None:
        return
    device = ledger.devices.get(new.device)
    if device is None:
        raise NotFound("This device is not known here. Say hello again.")
    if device.ended_at is not None:
        raise Forbidden("This device was signed out. Open the shop's link again.", code="ended")
    if device.person_id != new.author:
        raise Forbidden("This device belongs to somebody else.")
    expected = ledger.counted.get(device.id, device.counter) + 1
    if new.counter != expected:
        raise Expect(f"Send {expected} first.", expected=expected)


def _hold_back(conversation: Conversation, new: NewEntry) -> None:
    newest = conversation.customer_head
    if conversation.staff_head_author != new.author:
        newest = max(newest, conversation.staff_head)
    if not new.force and newest > (new.seen or 0):
        raise HeldBack("Something new was said meanwhile. Read it, then send this again or change it.", position=newest)


def _file(ledger: Ledger, new: NewEntry) -> dict[str, Any]:
    found = ledger.attachments.get(new.body["attachment"])
    if found is None or found["conversation_id"] != owner_of(new.stream):
        raise NotReady("The file of this message is not here yet. Send the file first.")
    if new.kind not in ("file", found["kind"]):
        raise Invalid(f"This file is of another kind: send it as {found['kind']}.", code="unusable_file")
    return {name: value for name, value in found.items() if name != "conversation_id"}


def _recalled(ledger: Ledger, new: NewEntry) -> Entry:
    target = ledger.known.get((new.body["target"], new.author))
    if target is None or target.stream != new.stream or target.kind not in WORDS:
        raise NotFound("Only your own message can be taken back, and this one is not known here.")
    if target.gone is not None:
        raise Conflict("This message was already taken back.")
    if new.at - target.at > RECALL_WINDOW:
        raise TooLate("A message can be taken back for two minutes; this one is older.")
    if target.kind in FILES:
        ledger.used[target.body["attachment"]] -= 1
    return target.model_copy(update={"body": {}, "gone": "recalled"})


def _mention(ledger: Ledger, note: Entry) -> None:
    """Tells those named, as far as they are of the same shop; whoever is not is left out."""
    shop_id = ledger.streams[note.stream].shop_id
    for staff_id in dict.fromkeys(note.body.get("mentions", ())):
        line = ledger.streams.get(staff_stream(staff_id))
        if line is None or line.shop_id != shop_id:
            continue
        told = NewEntry(
            stream=staff_stream(staff_id), id=f"{note.id}.{staff_id}", kind="mention", author=note.author, side="staff",
            author_name=note.author_name, at=note.at, body={},
        )  # fmt: skip
        _keep(ledger, told, {"conversation": owner_of(note.stream), "position": note.position})
