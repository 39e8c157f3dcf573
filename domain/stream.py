"""Streams: the one order of all that a customer and a shop share, before, in and after calls.

A stream is a row of entries at positions 1, 2, 3 ... without gaps. Its id says whose it is:

    c.<customer>  the conversation: the customer's devices and the shop read it
    n.<customer>  notes and the history of the inbox: the shop alone reads it
    i.<shop>      the inbox: only its head counts, what changed is one row for each conversation
    s.<staff>     what concerns one member of staff (mentions)
"""

from __future__ import annotations

import zlib
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from domain.record import Side

StreamId = Annotated[str, Field(pattern=r"^[cnis]\.[A-Za-z0-9_-]{1,64}$")]
EntrySide = Literal["customer", "staff", "machine"]
Gone = Literal["recalled", "erased"]
EntryKind = Literal[
    "text", "image", "voice", "video", "file", "recall",  # written by devices, in c.
    "booking", "picture", "call", "recording", "ring", "rung", "erased",  # what happened, in c.
    "note", "assigned", "unassigned", "snoozed", "closed", "reopened", "woken",  # in n.
    "mention",  # in s.
]  # fmt: skip
FILES: frozenset[EntryKind] = frozenset({"image", "voice", "video", "file"})
WORDS: frozenset[EntryKind] = FILES | {
    "text"
}  # what people say to each other: it waits for an answer, and can be recalled


def conversation_stream(customer_id: str) -> str:
    return f"c.{customer_id}"


def notes_stream(customer_id: str) -> str:
    return f"n.{customer_id}"


def inbox_stream(shop_id: str) -> str:
    return f"i.{shop_id}"


def staff_stream(staff_id: str) -> str:
    return f"s.{staff_id}"


def owner_of(stream: str) -> str:
    """The customer, shop or member of staff that the stream is named after."""
    return stream[2:]


def next_digest(digest: int, entry_id: str) -> int:
    """The running CRC-32 of a stream's entry ids, 0 before the first. Two that agree on it at a position hold the same
    entries in the same order. It finds faults, not forgers."""
    return zlib.crc32(entry_id.encode(), digest)


class NewEntry(BaseModel):
    """An entry before it has a position. `device` and `counter` together: the next number of this device; a machine
    and a call have neither. `seen` is how far its staff author had read; `force` sends it even so."""

    model_config = ConfigDict(frozen=True)
    stream: str
    id: str
    kind: EntryKind
    author: str
    side: EntrySide
    author_name: str
    at: datetime
    body: dict[str, Any]
    reply_to: str | None = None
    device: str | None = None
    counter: int | None = None
    seen: int | None = None
    force: bool = False


class Entry(BaseModel):
    """`digest` is the stream's at this position. `gone`: the body was taken back by its author, or erased; it is {}."""

    model_config = ConfigDict(frozen=True)
    stream: str
    position: int
    id: str
    kind: EntryKind
    author: str
    side: EntrySide
    author_name: str
    at: datetime
    body: dict[str, Any]
    reply_to: str | None = None
    device: str | None = None
    counter: int | None = None
    digest: int
    gone: Gone | None = None


class Kept(BaseModel):
    """The answer to an append. Not fresh: it was kept before, and nothing changed now."""

    model_config = ConfigDict(frozen=True)
    entry: Entry
    is_fresh: bool


class Cursor(BaseModel):
    """How far a reader is: `digest` is the stream's at `position`, 0 at 0."""

    model_config = ConfigDict(frozen=True)
    stream: str
    position: int = Field(default=0, ge=0)
    digest: int = Field(default=0, ge=0)


class Head(BaseModel):
    model_config = ConfigDict(frozen=True)
    stream: str
    head: int
    digest: int


class Mark(BaseModel):
    """How far one person's devices are in a stream: `read <= delivered <= head`; merged by maximum."""

    model_config = ConfigDict(frozen=True)
    stream: str
    person_id: str
    side: Side
    delivered: int = Field(default=0, ge=0)
    read: int = Field(default=0, ge=0)


class Device(BaseModel):
    """One browser profile of one person. `counter` is the number of its last kept entry; the next must be one more.
    `session` is the browser session (a cookie's) that it last came with, empty when it came with none."""

    model_config = ConfigDict(frozen=True)
    id: str
    person_id: str
    side: Side
    counter: int = 0
    name: str = Field(default="", max_length=80)
    session: str = ""
    made_at: datetime
    seen_at: datetime
    ended_at: datetime | None = None
