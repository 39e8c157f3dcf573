"""What the contract of conversations is told with: entries, devices and a listener."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from domain.conversation_ports import ConversationStore
from domain.people import Shop
from domain.stream import Device, Entry, EntrySide, Head, Kept, NewEntry
from tests.support.kept import NOW

OTHER_SHOP = Shop(id="shop-2", slug="mei", name="Mei")


def device(who: str, person: str | None = None, **changes: Any) -> Device:
    person = person or who
    side = "staff" if person.startswith("s-") else "customer"
    made = Device(id=f"device-{who}", person_id=person, side=side, made_at=NOW, seen_at=NOW)  # type: ignore[arg-type]
    return made.model_copy(update=changes)


def said(number: int, author: str = "ann", **changes: Any) -> NewEntry:
    """Words without a device, in Ann's conversation."""
    side: EntrySide = "staff" if author.startswith("s-") else "customer"
    entry = NewEntry(
        stream="c.ann", id=f"{author}-{number:06}", kind="text", author=author, side=side, author_name=author.title(),
        at=NOW + timedelta(seconds=number), body={"text": f"word {number}"},
    )  # fmt: skip
    return entry.model_copy(update=changes)


def note(number: int, **changes: Any) -> NewEntry:
    return said(number, "s-1").model_copy(update={"stream": "n.ann", "kind": "note", **changes})


class Listener:
    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.inboxes: list[Head] = []

    def told(self, entries: Sequence[Entry], inboxes: Sequence[Head]) -> None:
        self.entries += entries
        self.inboxes += inboxes


async def positions(store: ConversationStore, stream: str = "c.ann") -> list[int]:
    return [entry.position for entry in await store.entries(stream, limit=1000)]


async def reply(store: ConversationStore, number: int, staff: str = "s-1", **changes: Any) -> Kept:
    counter = (await store.device(device(staff))).counter + 1
    return await store.append(said(number, staff, device=f"device-{staff}", counter=counter, **changes))
