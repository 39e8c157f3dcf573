"""What a device asks of its conversations, on any carrier: the chat's WebSocket, a call's data channel, a long poll.

Each frame has a `ref` of the device's choosing; the answer carries it back. A device is its id, not its carrier.
`docs/protocol-conversation.md` shows each frame; `web/src/conversation/frames.ts` is generated from here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from domain.bodies import EntryId
from domain.people import Language
from domain.record import Cmid
from domain.stream import Cursor, StreamId
from signaling.protocol import Frame, Id, Request

MAX_CURSORS = 2000  # a tablet that opened every conversation of its shop; those beyond are opened one by one
Position = Annotated[int, Field(ge=0, le=2**31 - 1)]


class CursorView(Frame):
    """How far this device is in a stream; `digest` is the running CRC-32 of the ids up to there, 0 at 0."""

    stream: StreamId
    position: Position = 0
    digest: int = Field(default=0, ge=0, le=2**32 - 1)

    def cursor(self) -> Cursor:
        return Cursor(stream=self.stream, position=self.position, digest=self.digest)


class ChatHello(Request):
    """First frame on every carrier. `device` is one browser profile of one person, `tab` one load of its page: two tabs
    share a device and its counter. `epoch` is that of the last welcome. Answer: `chat.welcome`."""

    type: Literal["chat.hello"]
    device: Cmid
    tab: Id
    epoch: str = Field(default="", max_length=32)
    language: Language = "en"
    name: str = Field(default="", max_length=80)
    cursors: list[CursorView] = Field(default=[], max_length=MAX_CURSORS)


class ChatAppend(Request):
    """Writes. `n` is this device's counter, one more than that of its last kept entry; `id` makes it once. `seen` is the
    last position that a staff author has read of this stream; `force` sends it even so. Answer: `chat.ack`."""

    type: Literal["chat.append"]
    n: int = Field(ge=1, le=2**31 - 1)
    id: Cmid
    stream: StreamId
    kind: Literal["text", "image", "voice", "video", "file", "recall", "note"]
    body: dict[str, Any]
    reply_to: EntryId | None = None
    seen: Position | None = None
    force: bool = False


class ChatOpen(Request):
    """Reads a stream from a cursor on: what follows comes as `chat.entries`. Answer: `ok`."""

    type: Literal["chat.open"]
    stream: StreamId
    position: Position = 0
    digest: int = Field(default=0, ge=0, le=2**32 - 1)


class ChatLeave(Request):
    """Reads a stream no more. Answer: `ok`."""

    type: Literal["chat.leave"]
    stream: StreamId


class ChatFetch(Request):
    """A gap: sends again what comes after `after`. Answer: `chat.entries` with this `ref`."""

    type: Literal["chat.fetch"]
    stream: StreamId
    after: Position


class ChatSeen(Request):
    """Marks of this person, merged by maximum. No answer but `error`."""

    type: Literal["chat.seen"]
    stream: StreamId
    delivered: Position
    read: Position = 0


class ChatTyping(Request):
    """Not kept, not answered; sent again every few seconds while it lasts."""

    type: Literal["chat.typing"]
    stream: StreamId
    is_typing: bool


class ChatInboxSet(Request):
    """Staff: takes, hands over, snoozes, closes or reopens a conversation. `staff_id` of `assign`; `until` of `snooze`.
    Answer: `chat.ack` of the entry that tells of it, in the stream of notes; `ok` when it is so already."""

    type: Literal["chat.inbox.set"]
    id: Cmid
    conversation: Id
    deed: Literal["take", "assign", "unassign", "snooze", "close", "reopen"]
    staff_id: Id | None = None
    until: datetime | None = None


class ChatRing(Request):
    """Staff: asks the customer to a video call. A link waits in the conversation as an entry `ring`; the customer's open
    pages ring for a minute, until an entry `rung` names it. Answer: `chat.ack`, of the one that rings already if one does."""

    type: Literal["chat.ring"]
    id: Cmid
    conversation: Id


class ChatRingAnswer(Request):
    """The customer accepts or declines the ring at this position, or staff give it up: an entry `rung` {ring, answer}. The
    first answer stays. Answer: `chat.ack` of that entry."""

    type: Literal["chat.ring.answer"]
    conversation: Id
    position: int = Field(ge=1, le=2**31 - 1)
    answer: Literal["accepted", "declined", "withdrawn"]


ChatAsk = (
    ChatHello | ChatAppend | ChatOpen | ChatLeave | ChatFetch | ChatSeen | ChatTyping | ChatInboxSet | ChatRing
    | ChatRingAnswer
)  # fmt: skip
chat_frames: TypeAdapter[ChatAsk] = TypeAdapter(Annotated[ChatAsk, Field(discriminator="type")])
