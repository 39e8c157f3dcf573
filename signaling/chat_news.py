"""What the server says of conversations; the other half of `signaling.chat_protocol`.

Refusals are `error` frames as everywhere (`signaling.news.ErrorFrame`), requests without an answer of their own get `ok`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from domain.conversation import ConversationState
from domain.record import Side
from domain.stream import EntryKind, EntrySide, Gone
from signaling.news import ErrorFrame
from signaling.protocol import Frame


class HeadView(Frame):
    stream: str
    head: int
    digest: int


class EntryView(Frame):
    """One entry as readers see it; its stream is that of the frame. `gone`: the body was taken back or erased."""

    position: int
    id: str
    kind: EntryKind
    author: str
    side: EntrySide
    author_name: str
    at: datetime
    reply_to: str | None
    gone: Gone | None
    body: dict[str, Any]


class MarkView(Frame):
    person_id: str
    side: Side
    delivered: int
    read: int


class MeView(Frame):
    id: str
    name: str
    side: Side


class ShopView(Frame):
    slug: str
    name: str
    name_zh: str


class InboxRow(Frame):
    """A conversation as the inbox shows it; the whole row replaces the one before. `position` is that of its last change
    in the inbox: of two rows the one with the higher position stands."""

    conversation: str
    position: int
    name: str
    state: ConversationState
    assignee: str | None
    assignee_name: str | None
    waiting_since: datetime | None
    snoozed_until: datetime | None
    last_at: datetime
    preview: str
    preview_kind: str
    head: int
    customer_head: int


class ChatWelcome(Frame):
    """Answer to `chat.hello`. `expected`: the counter of this device's next entry. `streams`: the heads of those that
    are open now; what this device lacks of them follows as `chat.entries`."""

    type: Literal["chat.welcome"] = "chat.welcome"
    ref: str
    epoch: str
    me: MeView
    expected: int
    now: datetime
    streams: list[HeadView]
    shop: ShopView


class ChatOk(Frame):
    type: Literal["ok"] = "ok"
    ref: str


class ChatAck(Frame):
    """The entry is on the disk, at this position. The same id is always answered the same."""

    type: Literal["chat.ack"] = "chat.ack"
    ref: str
    id: str
    stream: str
    position: int
    at: datetime


class ChatEntries(Frame):
    """Entries `after + 1, after + 2, ...`. Apply when `after` is your cursor; ignore those you have; a larger `after` is a
    gap: `chat.fetch`. `digest` is the stream's at the last of them; when yours differs, fetch from 0. `head` may be
    further."""

    type: Literal["chat.entries"] = "chat.entries"
    ref: str | None = None
    stream: str
    after: int
    entries: list[EntryView]
    head: int
    digest: int


class ChatReset(Frame):
    """Forget this stream's entries and go on from `after`, where its digest is `digest`: your cursor is not of this
    server's stream, or too far behind. Older ones are read by HTTP."""

    type: Literal["chat.reset"] = "chat.reset"
    stream: str
    after: int
    digest: int


class ChatHeads(Frame):
    """Every 20 s: all that was told before has arrived before, so a difference is a gap: fetch."""

    type: Literal["chat.heads"] = "chat.heads"
    heads: list[HeadView]


class ChatMarks(Frame):
    type: Literal["chat.marks"] = "chat.marks"
    stream: str
    marks: list[MarkView]


class ChatTypingNews(Frame):
    type: Literal["chat.typing"] = "chat.typing"
    stream: str
    who: str
    side: Side
    is_typing: bool


class ChatHere(Frame):
    """To staff: the customer has this conversation open now, or no more."""

    type: Literal["chat.here"] = "chat.here"
    conversation: str
    is_here: bool


class ChatInbox(Frame):
    """Rows that changed after `after`, up to the inbox's `position`. Apply when `after` is not beyond your position.
    `digest` is the inbox's at `position`: nobody can make it from rows, it goes into the cursor as it is.
    `is_whole`: these are all; rows that are not among them are closed."""

    type: Literal["chat.inbox"] = "chat.inbox"
    after: int
    position: int
    digest: int
    is_whole: bool
    rows: list[InboxRow]


ChatSaid = (
    ChatWelcome | ChatOk | ErrorFrame | ChatAck | ChatEntries | ChatReset | ChatHeads | ChatMarks | ChatTypingNews
    | ChatHere | ChatInbox
)  # fmt: skip
