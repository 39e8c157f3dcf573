"""The inbox of a shop: who takes a conversation, hands it over, puts it off, closes and reopens it.

A conversation is a value. `act` takes it and a deed and returns the next value, or raises a `Refusal`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal

from domain.conversation import Conversation
from domain.errors import AlreadyTaken, Conflict, Invalid
from domain.people import Staff
from domain.stream import EntryKind

Deed = Literal["take", "assign", "unassign", "snooze", "close", "reopen"]
LONGEST_SNOOZE = timedelta(days=90)
TOLD_AS: dict[Deed, EntryKind] = {
    "take": "assigned",
    "assign": "assigned",
    "unassign": "unassigned",
    "snooze": "snoozed",
    "close": "closed",
    "reopen": "reopened",
}


def act(
    conversation: Conversation, deed: Deed, *, assignee: Staff | None = None, until: datetime | None = None
) -> Conversation:
    """`assignee`: who takes it, or whom it is given to. `until` of a snooze was checked by `body_of`. Raises AlreadyTaken
    for a `take` of what a colleague has (`assign` gives it to oneself even so), Conflict for what is so already."""
    match deed:
        case "take" | "assign":
            assert assignee is not None
            if deed == "take" and conversation.assignee not in (None, assignee.id):
                raise AlreadyTaken("A colleague has this conversation.", taken_by=conversation.assignee or "")
            return conversation.model_copy(update={"assignee": assignee.id})
        case "unassign":
            return conversation.model_copy(update={"assignee": None})
        case "snooze":
            if conversation.state == "closed":
                raise Conflict("This conversation is closed. Reopen it, then put it off.")
            return conversation.model_copy(update={"state": "snoozed", "snoozed_until": until})
        case "close":
            if conversation.state == "closed":
                raise Conflict("This conversation is closed already.")
            return conversation.model_copy(update={"state": "closed", "snoozed_until": None, "waiting_since": None})
        case "reopen":
            if conversation.state == "open":
                raise Conflict("This conversation is open already.")
            return conversation.model_copy(update={"state": "open", "snoozed_until": None})


def wake(conversation: Conversation, now: datetime) -> Conversation:
    """Raises Conflict when its time has not come, or it was woken otherwise."""
    if conversation.state != "snoozed" or conversation.snoozed_until is None or conversation.snoozed_until > now:
        raise Conflict("This conversation is not to be woken now.")
    return conversation.model_copy(update={"state": "open", "snoozed_until": None})


def body_of(deed: Deed, assignee: Staff | None, until: datetime | None, now: datetime) -> dict[str, Any]:
    """The body of the entry that tells of the deed. Raises Invalid for a deed that lacks what it needs."""
    if deed in ("take", "assign"):
        if assignee is None:
            raise Invalid("Say whom to give this conversation to.")
        return {"staff_id": assignee.id, "staff_name": assignee.name}
    if deed == "snooze":
        if until is None or until.utcoffset() is None or not now < until <= now + LONGEST_SNOOZE:
            raise Invalid("Choose a time within the next 90 days.")
        return {"until": until.isoformat()}
    return {}
