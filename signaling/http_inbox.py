"""The inbox beyond what its socket tells: conversations that were closed long ago, page by page."""

from __future__ import annotations

from typing import Literal

from aiohttp import web
from pydantic import BaseModel, Field

from domain.conversation import ConversationState
from domain.stream import notes_stream
from signaling.chat_news import InboxRow
from signaling.chat_rights import ChatRights
from signaling.chat_source import row_view
from signaling.http_body import json_answer, path_id, staff_of
from signaling.http_context import HOUSE

PAGE = 50


class Wanted(BaseModel):
    state: ConversationState | None = None
    who: Literal["mine", "unassigned", "all"] = "all"
    before: int | None = Field(default=None, ge=1, le=2**31 - 1)


class InboxPage(BaseModel):
    """The last changed first. `before`: ask with it for those before these; None when there are no more."""

    rows: list[InboxRow]
    before: int | None


def add_inbox(app: web.Application) -> None:
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
