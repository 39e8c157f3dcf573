"""The inbox beyond what its socket tells: what was closed long ago, the colleagues, and handing over all that one has."""

from __future__ import annotations

from contextlib import suppress
from typing import Literal

from aiohttp import web
from pydantic import BaseModel, Field

from domain.conversation import Conversation, ConversationState
from domain.conversation_ports import ConversationStore
from domain.errors import Conflict, NotFound
from domain.inbox import TOLD_AS, Deed, act, body_of
from domain.people import Staff
from domain.stream import NewEntry, notes_stream
from signaling.chat_news import InboxRow
from signaling.chat_rights import ChatRights
from signaling.chat_source import row_view
from signaling.http_body import Body, PathId, json_answer, path_id, read_json, staff_of
from signaling.http_context import HOUSE

PAGE = 50
HELD: tuple[ConversationState, ...] = ("open", "snoozed")


class Wanted(BaseModel):
    state: ConversationState | None = None
    who: Literal["mine", "unassigned", "all"] = "all"
    before: int | None = Field(default=None, ge=1, le=2**31 - 1)


class InboxPage(BaseModel):
    """The last changed first. `before`: ask with it for those before these; None when there are no more."""

    rows: list[InboxRow]
    before: int | None


class ColleagueName(BaseModel):
    id: str
    name: str


class Colleagues(BaseModel):
    """All of the shop, by name, whether they are here or not."""

    colleagues: list[ColleagueName]


class HandOverBody(Body):
    """`to`: the colleague who goes on; None gives the conversations back to everybody."""

    to: PathId | None = None


class HandedOver(BaseModel):
    """How many conversations have changed hands."""

    conversations: int


def add_inbox(app: web.Application) -> None:
    app.router.add_get("/api/colleagues", _colleagues)
    app.router.add_post("/api/inbox/hand-over", _hand_over)
    app.router.add_get("/api/inbox", _inbox)
    app.router.add_get("/api/inbox/{id:[A-Za-z0-9_-]{1,64}}", _row)


async def _inbox(request: web.Request) -> web.Response:
    staff = await staff_of(request)
    wanted = Wanted.model_validate(dict(request.query))
    assignee = {"mine": staff.id, "unassigned": "", "all": None}[wanted.who]
    rows = await request.app[HOUSE].conversations.listed(
        staff.shop_id, state=wanted.state, assignee=assignee, before=wanted.before, limit=PAGE
    )
    before = rows[-1].conversation.inbox_position if len(rows) == PAGE else None
    return json_answer(InboxPage(rows=[row_view(row) for row in rows], before=before))


async def _row(request: web.Request) -> web.Response:
    """One conversation, also a closed one."""
    staff, house = await staff_of(request), request.app[HOUSE]
    await ChatRights(house.people).require(staff, "act", notes_stream(path_id(request)))
    return json_answer(row_view(await house.conversations.row(path_id(request))))


async def _colleagues(request: web.Request) -> web.Response:
    staff = await staff_of(request)
    found = await request.app[HOUSE].people.staff_of(staff.shop_id)
    return json_answer(Colleagues(colleagues=[ColleagueName(id=each.id, name=each.name) for each in found]))


async def _hand_over(request: web.Request) -> web.Response:
    """All that is not closed and is this person's. One after the other: when it is cut off, asking again does the rest."""
    staff, house = await staff_of(request), request.app[HOUSE]
    body = await read_json(request, HandOverBody)
    colleague = None if body.to is None else await house.people.staff(body.to)
    if colleague is not None and colleague.shop_id != staff.shop_id:
        raise NotFound("There is no such colleague in this shop.")
    deed: Deed = "unassign" if colleague is None else "assign"

    def decide(conversation: Conversation) -> Conversation:
        if conversation.assignee != staff.id or conversation.state == "closed":
            raise Conflict("A colleague has it by now.")
        return act(conversation, deed, assignee=colleague)

    count = 0
    for conversation_id in await _held_by(house.conversations, staff):
        note = NewEntry(
            stream=notes_stream(conversation_id),
            id=house.new_id(),
            kind=TOLD_AS[deed],
            author=staff.id,
            side="staff",
            author_name=staff.name,
            at=house.now(),
            body=body_of(deed, colleague, None, house.now()),
        )
        with suppress(Conflict):
            count += await house.conversations.act(conversation_id, decide, note) is not None
    return json_answer(HandedOver(conversations=count))


async def _held_by(store: ConversationStore, staff: Staff) -> list[str]:
    found: list[str] = []
    for state in HELD:
        before = None
        while rows := await store.listed(staff.shop_id, state=state, assignee=staff.id, before=before, limit=PAGE):
            found += [row.conversation.id for row in rows]
            before = rows[-1].conversation.inbox_position
    return found
