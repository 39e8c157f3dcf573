"""When nobody was available: a customer leaves a message with a photo, staff find it and mark it done."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from aiohttp import BodyPartReader, web
from pydantic import AfterValidator, BaseModel, Field

from domain.bodies import not_blank
from domain.errors import Conflict, Invalid, NotFound
from domain.people import LeftMessage
from media.stills import clean
from signaling.http_body import UPLOAD_DEADLINE_S, Body, Words, customer_of, json_answer, path_id, read_part, staff_of
from signaling.http_context import HOUSE, LEAVING, LIVE
from signaling.http_records import FILE_POLICY
from signaling.protocol import Id
from signaling.rights import require_own_shop

MAX_FIELD_BYTES = 16 * 1024  # 4000 characters of Chinese are 12 kB
FIELDS = frozenset({"id", "name", "contact", "text"})


class LeftBody(Body):
    id: Id
    name: Words = Field(min_length=1, max_length=80)
    contact: Words = Field(default="", max_length=120)
    text: Annotated[Words, AfterValidator(not_blank)] = Field(min_length=1, max_length=4000)


class Left(BaseModel):
    id: str


class MessagesView(BaseModel):
    messages: list[LeftMessage]


class MessageView(BaseModel):
    message: LeftMessage


def add_left_messages(app: web.Application) -> None:
    message = "/api/left-messages/{id:[A-Za-z0-9_-]{1,64}}"
    app.router.add_post("/api/left-messages", _leave)
    app.router.add_get("/api/left-messages", _list)
    app.router.add_post(message + "/done", _done)
    app.router.add_get(message + "/picture.jpg", _picture)


async def _leave(request: web.Request) -> web.Response:
    """Keeps the message once, however often it is sent (`id` is the browser's own)."""
    house = request.app[HOUSE]
    customer = await customer_of(request)
    request.app[LEAVING].take(customer.id, house.now())
    if request.content_type != "multipart/form-data":
        raise Invalid("Send the message as multipart/form-data.")
    async with asyncio.timeout(UPLOAD_DEADLINE_S):
        fields, photo = await _parts(request, house.settings.max_upload_bytes)
    body = LeftBody.model_validate(fields)
    if await _is_kept(request, body.id, customer.id):
        return json_answer(Left(id=body.id))
    blob = None
    if photo:
        blob = await house.blobs.put((await clean(photo)).jpeg, ".jpg")
    message = LeftMessage(
        **body.model_dump(),
        shop_id=customer.shop_id,
        customer_id=customer.id,
        picture_blob=blob,
        created_at=house.now(),
    )
    await house.people.leave_message(message)
    if not await _is_kept(request, body.id, customer.id):
        raise Conflict("The message was not kept. Send it again.")
    await request.app[LIVE].left_message_arrived(customer.shop_id)
    return json_answer(Left(id=body.id))


async def _is_kept(request: web.Request, message_id: str, customer_id: str) -> bool:
    """Raises Conflict for an id that another customer's message has."""
    try:
        kept = await request.app[HOUSE].people.left_message(message_id)
    except NotFound:
        return False
    if kept.customer_id != customer_id:
        raise Conflict("This id is taken. Send the message again under a new one.")
    return True


async def _parts(request: web.Request, max_photo_bytes: int) -> tuple[dict[str, Any], bytes]:
    fields: dict[str, Any] = {}
    photo = b""
    try:
        reader = await request.multipart()
        while (part := await reader.next()) is not None:
            if not isinstance(part, BodyPartReader) or part.name in fields:
                raise Invalid("Each field may come once.")
            if part.name in FIELDS:
                fields[part.name] = (await read_part(part, limit=MAX_FIELD_BYTES)).decode()
            elif part.name == "picture" and not photo:
                photo = await read_part(part, limit=max_photo_bytes)
            else:
                raise Invalid("The fields are id, name, contact, text and picture.")
    except (ValueError, AssertionError, RuntimeError):  # how aiohttp's reader tells of malformed parts
        raise Invalid("The form cannot be read. Send it again.") from None
    return fields, photo


async def _list(request: web.Request) -> web.Response:
    staff = await staff_of(request)
    return json_answer(MessagesView(messages=await request.app[HOUSE].people.left_messages(staff.shop_id)))


async def _done(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    staff = await staff_of(request)
    message = await house.people.left_message(path_id(request))
    require_own_shop(staff, message.shop_id)
    if message.done_at is None:
        message = await house.people.finish_left_message(message.id, staff.id, house.now())
        await request.app[LIVE].left_message_arrived(staff.shop_id)  # the count of unread ones changed
    return json_answer(MessageView(message=message))


async def _picture(request: web.Request) -> web.StreamResponse:
    house = request.app[HOUSE]
    staff = await staff_of(request)
    message = await house.people.left_message(path_id(request))
    require_own_shop(staff, message.shop_id)
    if message.picture_blob is None:
        raise NotFound("This message has no photo.")
    headers = {
        "Content-Type": "image/jpeg",
        "Content-Security-Policy": FILE_POLICY,
        "Cache-Control": "private, max-age=31536000, immutable",
    }
    return web.FileResponse(await house.blobs.path(message.picture_blob), headers=headers)
