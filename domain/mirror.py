"""What happens in a call is told in the conversation, too: which things, and as what.

Their ids begin with the call's id and a dot, which an id of a device cannot hold.
"""

from __future__ import annotations

from typing import Any

from domain.call import Call
from domain.record import CallEvent, Recording
from domain.stream import EntryKind, NewEntry, conversation_stream

MACHINE = "machine"
KINDS: dict[str, EntryKind] = {"message": "text", "booking": "booking", "picture": "picture"}


def of_event(event: CallEvent, customer_id: str) -> NewEntry | None:
    """Messages, bookings and pictures; None for what concerns the call alone (consent, who came and went)."""
    kind = KINDS.get(event.kind)
    if kind is None:
        return None
    return NewEntry(
        stream=conversation_stream(customer_id),
        id=f"{event.call_id}.{event.cmid}",
        kind=kind,
        author=event.author,
        side=event.side,
        author_name=event.author_name,
        at=event.at,
        body=_body(event.kind, event.body) | {"call_id": event.call_id},
    )


def of_end(before: Call, after: Call) -> NewEntry | None:
    """The call as one line of the conversation, once it is over."""
    if before.is_over or not after.is_over or after.ended_at is None:
        return None
    seconds = (after.ended_at - after.live_at).total_seconds() if after.live_at else 0.0
    body = {"call_id": after.id, "state": after.state, "seconds": round(seconds, 1)}
    return _by_machine(after, "over", "call", body)


def of_recording(recording: Recording, call: Call) -> NewEntry | None:
    """That the call can be watched again."""
    if recording.state != "ready":
        return None
    body = {"call_id": call.id, "seconds": round(recording.duration_s, 1)}
    return _by_machine(call, "recording", "recording", body)


def _by_machine(call: Call, name: str, kind: EntryKind, body: dict[str, Any]) -> NewEntry:
    return NewEntry(
        stream=conversation_stream(call.customer_id),
        id=f"{call.id}.{name}",
        kind=kind,
        author=MACHINE,
        side="machine",
        author_name="",
        at=call.ended_at or call.created_at,
        body=body,
    )


def _body(kind: str, body: dict[str, Any]) -> dict[str, Any]:
    match kind:
        case "message":
            return {"text": body.get("text", "")}
        case "booking":
            return {"booking": body.get("booking", {})}
        case _:
            return {"picture_id": body.get("picture", {}).get("id", "")}
