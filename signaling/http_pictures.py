"""Pictures of a call: shown, replaced by the phone's own full-resolution still, drawn on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from aiohttp import web
from pydantic import BaseModel, Field

from domain.call import Call
from domain.errors import Conflict, Invalid
from domain.record import Picture
from media.stills import clean
from signaling.http_body import Body, call_for, json_answer, path_id, people_of, read_json, received
from signaling.http_context import HOUSE, LEAVING, LIVE, PICTURES
from signaling.http_records import FILE_POLICY
from signaling.protocol import Stroke
from signaling.rights import Deed, first_who_may

STILL_KINDS = frozenset({"image/jpeg", "image/png", "image/webp"})
STILL_WINDOW = timedelta(minutes=15)  # a phone on a bad network still sends after the call; nobody does a day later
MAX_STROKES_BYTES = 512 * 1024


class StrokesBody(Body):
    strokes: list[Stroke] = Field(max_length=300)


class PictureView(BaseModel):
    picture: Picture


def add_pictures(app: web.Application) -> None:
    picture = "/api/pictures/{id:[A-Za-z0-9_-]{1,64}}"
    app.router.add_get(picture + ".jpg", _show)
    app.router.add_put(picture + "/still", _still)
    app.router.add_put(picture + "/strokes", _strokes)


async def _show(request: web.Request) -> web.StreamResponse:
    # always asked for again: under the same address the still replaces the frame
    headers = {
        "Content-Type": "image/jpeg",
        "Content-Security-Policy": FILE_POLICY,
        "Cache-Control": "private, no-cache",
    }
    if pending := request.app[LIVE].pending_picture(path_id(request)):
        call_id, jpeg = pending
        await call_for(request, "see_picture", call_id)
        return web.Response(body=jpeg, headers=headers)
    picture, _ = await _kept(request, "see_picture")
    return web.FileResponse(await request.app[HOUSE].blobs.path(picture.blob), headers=headers)


async def _still(request: web.Request) -> web.Response:
    """The phone's still of a kept picture. Sent again after a lost answer, it is answered the same."""
    house = request.app[HOUSE]
    picture, call = await _kept(request, "send_still")
    if call.ended_at is not None and house.now() - call.ended_at > STILL_WINDOW:
        raise Conflict("This call is over; its pictures stay as they are.")
    request.app[LEAVING].take(call.customer_id, house.now())
    if request.content_type not in STILL_KINDS:
        raise Invalid("Send the still as image/jpeg.")
    async with received(request, house.settings.scratch, limit=house.settings.max_upload_bytes) as (file, sha256):
        if request.headers.get("X-Content-SHA256", "").lower() != sha256:
            raise Invalid("The picture arrived damaged. Send it again, with its hash in X-Content-SHA256.")
        still = await clean(file)
    blob = await house.blobs.put(still.jpeg, ".jpg")

    def replace(now: Picture) -> Picture:
        if now.source == "still" and now.blob != blob:
            raise Conflict("This picture already has its full-resolution still.")
        size = {"width": still.width, "height": still.height}
        return now.model_copy(update={"source": "still", "blob": blob, **size})

    return await _changed(request, picture.id, replace)


async def _strokes(request: web.Request) -> web.Response:
    picture, _ = await _kept(request, "draw")
    body = await read_json(request, StrokesBody, limit=MAX_STROKES_BYTES)
    strokes: tuple[dict[str, Any], ...] = tuple(stroke.model_dump(mode="json") for stroke in body.strokes)
    return await _changed(request, picture.id, lambda now: now.model_copy(update={"strokes": strokes}))


async def _kept(request: web.Request, deed: Deed) -> tuple[Picture, Call]:
    """The kept picture of the address and its call, where this browser's person may do this with it."""
    people = await people_of(request)
    calls = request.app[HOUSE].calls
    picture = await calls.picture(path_id(request))
    call = await calls.get(picture.call_id)
    first_who_may(people, deed, call)
    return picture, call


async def _changed(request: web.Request, picture_id: str, change: Callable[[Picture], Picture]) -> web.Response:
    calls = request.app[HOUSE].calls
    async with request.app[PICTURES]:  # a still and a drawing that arrive together must both stay
        before = await calls.picture(picture_id)
        picture = change(before)
        if picture != before:
            await calls.put_picture(picture)
    if picture != before:
        await request.app[LIVE].picture_replaced(picture)
    return json_answer(PictureView(picture=picture))
