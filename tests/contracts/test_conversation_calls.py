"""What calls write into conversations."""

from __future__ import annotations

from datetime import timedelta

from domain.call import end
from domain.record import Recording
from store.database import Database
from tests.support.kept import CALL, LIVE, NOW, booking, message
from tests.support.said import Listener


async def test_what_happens_in_a_call_is_told_in_the_conversation(db: Database) -> None:
    heard = Listener()
    db.conversations.listen(heard.told)
    await db.calls.add(LIVE)
    await db.calls.append(message(1, text="The heel"))
    await db.calls.append(message(1, text="The heel"))
    await db.calls.append(message(2, author="s-0").model_copy(update={"side": "staff"}), booking=booking())
    consent = message(3).model_copy(update={"kind": "consent", "body": {"recording": True}})
    await db.calls.append(consent)
    over = NOW + timedelta(seconds=90)
    await db.calls.change("call-1", lambda call: end(call, "staff_hung_up", over))
    await db.calls.change("call-1", lambda call: call.model_copy(update={"note": "later"}))
    ready = Recording(call_id="call-1", state="ready", started_at=NOW, duration_s=20.125)
    await db.calls.put_recording(ready)
    await db.calls.put_recording(ready)
    entries = await db.conversations.entries("c.ann")
    assert [(e.position, e.kind, e.id.removeprefix("call-1.")) for e in entries] == [
        (1, "text", "cmid-000001"), (2, "text", "cmid-000002"), (3, "call", "over"), (4, "recording", "recording"),
    ]  # fmt: skip
    assert entries[0].body == {"text": "The heel", "call_id": "call-1"}
    assert entries[2].body == {"call_id": "call-1", "state": "ended", "seconds": 90.0}
    assert heard.entries == entries
    conversation = await db.conversations.conversation("ann")
    assert (conversation.state, conversation.waiting_since) == ("open", None)


async def test_a_call_that_nobody_answered_waits_in_the_inbox(db: Database) -> None:
    await db.calls.add(CALL)
    await db.calls.change("call-1", lambda call: end(call, "nobody_answered", NOW + timedelta(minutes=10)))
    (entry,) = await db.conversations.entries("c.ann")
    assert (entry.kind, entry.body["state"], entry.side) == ("call", "missed", "machine")
    conversation = await db.conversations.conversation("ann")
    assert (conversation.state, conversation.waiting_since) == ("open", entry.at)
