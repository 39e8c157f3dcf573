"""A stream by HTTP: older entries while a page scrolls back, and its whole state."""

from __future__ import annotations

from aiohttp import web
from pydantic import BaseModel, Field

from domain.conversation import Conversation
from domain.people import Customer, Staff
from domain.stream import owner_of
from signaling.chat_marks import mark_view
from signaling.chat_news import EntryView, MarkView
from signaling.chat_rights import ChatRights, unknown
from signaling.chat_source import entry_view
from signaling.http_body import json_answer, path_id, people_of
from signaling.http_context import HOUSE

PAGE = 50
LARGEST_PAGE = 100
STATE_ENTRIES = 100


class Span(BaseModel):
    """Entries after a position, oldest first, or the last ones before one."""

    before: int | None = Field(default=None, ge=1, le=2**31 - 1)
    after: int | None = Field(default=None, ge=0, le=2**31 - 1)
    limit: int = Field(default=PAGE, ge=1, le=LARGEST_PAGE)


class StreamPage(BaseModel):
    """`head` and `digest` are the stream's, whichever entries were asked for."""

    head: int
    digest: int
    entries: list[EntryView]


class StreamState(StreamPage):
    """The last entries. `conversation` is how the shop's inbox has it: staff alone see it, of `c.` streams."""

    marks: list[MarkView]
    conversation: Conversation | None


def add_streams(app: web.Application) -> None:
    stream = r"/api/streams/{id:[cns]\.[A-Za-z0-9_-]{1,64}}"
    app.router.add_get(stream, _state)
    app.router.add_get(stream + "/entries", _entries)


async def _entries(request: web.Request) -> web.Response:
    store, stream = request.app[HOUSE].conversations, path_id(request)
    await _reader(request, stream)
    span = Span.model_validate(dict(request.query))
    [head] = await store.heads([stream])
    if span.after is not None:
        found = await store.entries(stream, after=span.after, limit=span.limit)
    else:
        found = await store.older(stream, before=span.before or head.head + 1, limit=span.limit)
    return json_answer(StreamPage(head=head.head, digest=head.digest, entries=[entry_view(e) for e in found]))


async def _state(request: web.Request) -> web.Response:
    store, stream = request.app[HOUSE].conversations, path_id(request)
    person = await _reader(request, stream)
    [head] = await store.heads([stream])
    found = await store.older(stream, before=head.head + 1, limit=STATE_ENTRIES)
    is_inbox_shown = isinstance(person, Staff) and stream[0] == "c"
    return json_answer(
        StreamState(
            head=head.head,
            digest=head.digest,
            entries=[entry_view(e) for e in found],
            marks=[mark_view(mark) for mark in await store.marks([stream])],
            conversation=await store.conversation(owner_of(stream)) if is_inbox_shown else None,
        )
    )


async def _reader(request: web.Request, stream: str) -> Staff | Customer:
    """Who of this browser's people may read the stream. Raises NotSignedIn, NotFound."""
    rights = ChatRights(request.app[HOUSE].people)
    for person in await people_of(request):
        if await rights.may_open(person, stream):
            return person
    raise unknown()
