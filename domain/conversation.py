"""A conversation as the shop's inbox shows it: one for each customer, with the customer's id."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from domain.stream import WORDS, Entry, EntryKind
from domain.unchecked import changed

ConversationState = Literal["open", "snoozed", "closed"]
PREVIEW_CHARACTERS = 120


class Conversation(BaseModel):
    """`waiting_since`: the customer's oldest words without an answer. The heads are positions of the last words of a
    side in `c.`, 0 for none. `inbox_position`: where its last change is in the shop's inbox stream; `inbox_digest`: the
    inbox's digest there."""

    model_config = ConfigDict(frozen=True)
    id: str
    shop_id: str
    state: ConversationState = "closed"
    assignee: str | None = None
    snoozed_until: datetime | None = None
    waiting_since: datetime | None = None
    last_at: datetime
    preview: str = ""
    preview_kind: EntryKind | Literal[""] = ""
    customer_head: int = 0
    staff_head: int = 0
    staff_head_author: str | None = None
    inbox_position: int = 0
    inbox_digest: int = 0

    def after(self, entry: Entry) -> Conversation:
        """This conversation once `entry` is in its stream `c.`."""
        change: dict[str, Any] = {"last_at": entry.at, "preview": _preview(entry), "preview_kind": entry.kind}
        opened = {"state": "open", "snoozed_until": None, "waiting_since": self.waiting_since or entry.at}
        if entry.kind in WORDS and entry.side == "customer":
            change |= opened | {"customer_head": entry.position}
        elif entry.kind in WORDS and entry.side == "staff":
            change |= {"staff_head": entry.position, "staff_head_author": entry.author, "waiting_since": None}
            change["assignee"] = self.assignee or entry.author
            if self.state == "closed":  # who writes first begins something new, and it is theirs
                change |= {"state": "open", "assignee": entry.author}
        elif entry.kind == "call":
            change |= {"waiting_since": None} if entry.body.get("state") == "ended" else opened
        return changed(self, change)


class Row(BaseModel):
    """A line of the inbox: the conversation, the names it is shown with, and the head of its stream `c.`."""

    model_config = ConfigDict(frozen=True)
    conversation: Conversation
    name: str
    assignee_name: str | None
    head: int


def _preview(entry: Entry) -> str:
    said = entry.body.get("text") or entry.body.get("caption") or entry.body.get("name") or ""
    return str(said)[:PREVIEW_CHARACTERS]
