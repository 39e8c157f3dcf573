"""The inbox beyond what its socket tells: conversations that were closed long ago, page by page."""

from __future__ import annotations

from typing import Literal

from aiohttp import web
from pydantic import BaseModel, Field

from domain.conversation import ConversationState
from signaling.chat_news import InboxRow
from signaling.chat_source import row_view
from signaling.http_body import json_answer, staff_of
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


async def _inbox(request: web.Request) -> web.Response:
    staff = await staff_of(request)
    wanted = Wanted.model_validate(dict(request.query))
    assignee = {"mine": staff.id, "unassigned": "", "all": None}[wanted.who]
    rows = await request.app[HOUSE].conversations.listed(
        staff.shop_id, state=wanted.state, assignee=assignee, before=wanted.before, limit=PAGE
    )
    before = rows[-1].conversation.inbox_position if len(rows) == PAGE else None
    return json_answer(InboxPage(rows=[row_view(row) for row in rows], before=before))
