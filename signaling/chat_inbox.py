"""What staff do with a conversation as a whole: take it, hand it over, put it off, close it."""

from __future__ import annotations

from domain.conversation import Conversation
from domain.errors import AlreadyTaken, NotFound
from domain.inbox import TOLD_AS, act, body_of
from domain.people import Staff
from domain.stream import NewEntry, conversation_stream, notes_stream
from signaling import chat_news as news
from signaling import chat_protocol as p
from signaling.chat_asks import Asked, Desk, ack, fall_silent
from signaling.chat_rights import unknown


async def inbox_set(desk: Desk, asked: Asked, ask: p.ChatInboxSet) -> None:
    """The change and the entry that tells of it are one transaction; of fifty who take, one wins. What is so already is
    answered `ok` and told to nobody."""
    by, stream, now = asked.reader.person, notes_stream(ask.conversation), desk.house.now()
    if not isinstance(by, Staff):
        raise unknown()
    await desk.rights.require(by, "act", stream)
    assignee = by if ask.deed == "take" else await _colleague(desk, stream, ask)
    note = NewEntry(
        stream=stream,
        id=ask.id,
        kind=TOLD_AS[ask.deed],
        author=by.id,
        side="staff",
        author_name=by.name,
        at=now,
        body=body_of(ask.deed, assignee, ask.until, now),
    )

    def decide(conversation: Conversation) -> Conversation:
        return act(conversation, ask.deed, assignee=assignee, until=ask.until)

    try:
        kept = await desk.store.act(ask.conversation, decide, note)
    except AlreadyTaken as taken:
        colleague = await desk.house.people.staff(taken.taken_by)
        raise AlreadyTaken(taken.message, taken_by=colleague.name) from None
    if ask.deed == "close":
        fall_silent(desk, asked.reader, conversation_stream(ask.conversation))
    asked.answer(news.ChatOk(ref=ask.ref) if kept is None else ack(kept, ask.ref))


async def _colleague(desk: Desk, stream: str, ask: p.ChatInboxSet) -> Staff | None:
    if ask.deed != "assign" or ask.staff_id is None:
        return None
    colleague = await desk.house.people.staff(ask.staff_id)
    if colleague.shop_id != await desk.rights.shop(colleague, stream):
        raise NotFound("There is no such colleague in this shop.")
    return colleague
