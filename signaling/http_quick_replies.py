"""Sentences that the shop says often: all of the shop use them, managers write them."""

from __future__ import annotations

from aiohttp import web
from pydantic import BaseModel, Field

from domain.quick_reply import QuickReply
from signaling.http_body import Body, Words, json_answer, path_id, read_json, staff_of
from signaling.http_context import HOUSE
from signaling.rights import require_manager


class QuickReplyBody(Body):
    label: Words = Field(min_length=1, max_length=40)
    text: Words = Field(min_length=1, max_length=2000)


class QuickReplies(BaseModel):
    """By label."""

    replies: list[QuickReply]


def add_quick_replies(app: web.Application) -> None:
    one = "/api/quick-replies/{id:[A-Za-z0-9_-]{8,64}}"
    app.router.add_get("/api/quick-replies", _all)
    app.router.add_put(one, _put)
    app.router.add_post(one + "/remove", _remove)


async def _all(request: web.Request) -> web.Response:
    staff = await staff_of(request)
    return json_answer(QuickReplies(replies=await request.app[HOUSE].quick_replies.quick_replies(staff.shop_id)))


async def _put(request: web.Request) -> web.Response:
    """The id is the writer's: what is sent twice is kept once."""
    staff = await staff_of(request)
    require_manager(staff)
    body = await read_json(request, QuickReplyBody)
    reply = QuickReply(id=path_id(request), shop_id=staff.shop_id, label=body.label, text=body.text)
    await request.app[HOUSE].quick_replies.put_quick_reply(reply)
    return json_answer(reply)


async def _remove(request: web.Request) -> web.Response:
    staff = await staff_of(request)
    require_manager(staff)
    await request.app[HOUSE].quick_replies.remove_quick_reply(staff.shop_id, path_id(request))
    return web.json_response({})
