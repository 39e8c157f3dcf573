"""Asking a customer to a video call: a link that waits in the conversation, and what becomes of it.

Open pages ring while a `ring` is young and nobody has answered it. The answer is an entry of the house, so that the first
one counts, every page of both sides stops ringing with it, and whoever comes later sees what became of it.
"""

from __future__ import annotations

from datetime import timedelta

from domain.errors import Forbidden, NotFound, TooLate
from domain.people import Staff
from domain.stream import NewEntry, conversation_stream
from signaling import chat_protocol as p
from signaling.chat_asks import Asked, Desk, ack
from signaling.chat_rights import unknown

ANSWERED_WITHIN = timedelta(minutes=10)  # pages ring for one; a link that waits longer is a link and no ring


async def ring(desk: Desk, asked: Asked, ask: p.ChatRing) -> None:
    """While one rings already, whoever asked for it, that one is the answer."""
    by, stream = asked.reader.person, conversation_stream(ask.conversation)
    if not isinstance(by, Staff):
        raise unknown()
    await desk.rights.require(by, "ring", stream)
    shop = await desk.facts.shop(await desk.rights.shop(by, stream))
    entry = NewEntry(
        stream=stream,
        id=ask.id,
        kind="ring",
        author=by.id,
        side="staff",
        author_name=by.name,
        at=desk.house.now(),
        body={"path": f"/s/{shop.slug}"},
    )
    asked.answer(ack(await desk.store.append(entry), ask.ref))


async def answer(desk: Desk, asked: Asked, ask: p.ChatRingAnswer) -> None:
    """The customer accepts or declines, staff give it up. The first answer stays; a later one is told where that is."""
    by, stream, now = asked.reader.person, conversation_stream(ask.conversation), desk.house.now()
    await desk.rights.require_open(by, stream)
    if (ask.answer == "withdrawn") != isinstance(by, Staff):
        raise Forbidden("The customer accepts or declines, and the shop gives up.")
    found = await desk.store.entries(stream, after=ask.position - 1, limit=1)
    if not found or found[0].kind != "ring" or found[0].position != ask.position:
        raise NotFound("Nobody rings there.")
    if now - found[0].at > ANSWERED_WITHIN:
        raise TooLate("This was long ago. Follow its link, or ring again.")
    entry = NewEntry(
        stream=stream,
        id=f"{found[0].id}.rung",
        kind="rung",
        author="loupe",
        side="machine",
        author_name="Loupe",
        at=now,
        body={"ring": found[0].id, "answer": ask.answer},
    )
    asked.answer(ack(await desk.store.append(entry), ask.ref))
