"""What calls left behind: the list of past calls, one call's record, the files of its recording, the file to share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from domain.call import Call
from domain.errors import Invalid, NotFound
from domain.record import Booking, CallEvent, Picture, Recording
from signaling.call_words import said_in
from signaling.chat_news import EntryView
from signaling.chat_source import entry_view
from signaling.composition import PREFIX, Format
from signaling.http_body import Body, call_for, json_answer, path_id, read_json, staff_of
from signaling.http_context import COMPOSITIONS, HOUSE
from signaling.rights import may

KINDS = {".webm": "video/webm", ".mkv": "video/x-matroska", ".mp4": "video/mp4"}
PAGE = 50
MAX_EVENTS = 5000

# a file from a browser's camera is shown, never run (also when opened as a page of its own)
FILE_POLICY = "sandbox; default-src 'none'; media-src 'self'; img-src 'self'; style-src 'unsafe-inline'"


class StaffName(BaseModel):
    id: str
    name: str


class RecordShop(BaseModel):
    slug: str
    name: str
    name_zh: str
    currency: str
    time_zone: str


class CallRecord(BaseModel):
    """`call` is a Call; a customer's copy has no `note`. `said`: what was written in the conversation during the call."""

    call: dict[str, Any]
    events: list[CallEvent]
    said: list[EntryView]
    bookings: list[Booking]
    pictures: list[Picture]
    recording: Recording
    staff: list[StaffName]
    shop: RecordShop


class Calls(BaseModel):
    """`bookings`: at most one per call, the confirmed one before others, the latest before older ones."""

    calls: list[Call]
    bookings: list[Booking]


class CompositionBody(Body):
    format: Format


def add_records(app: web.Application) -> None:
    call = "/api/calls/{id:[A-Za-z0-9_-]{1,64}}"
    app.router.add_get("/api/calls", _list)
    app.router.add_get(call, _record)
    app.router.add_get(call + "/files/{name:[A-Za-z0-9_-]{1,64}}", _file)
    app.router.add_post(call + "/composition", _compose)
    app.router.add_get(call + "/composition", _composition)
    app.router.add_get(call + "/composition/file", _composed_file)


async def _list(request: web.Request) -> web.Response:
    staff = await staff_of(request)
    before = _moment(request.query["before"]) if request.query.get("before") else None
    store = request.app[HOUSE].calls
    calls = await store.history(staff.shop_id, before=before, limit=PAGE)
    bookings = []
    for call in calls:
        if made := await store.bookings(call.id):
            bookings.append(max(made, key=lambda booking: (booking.state == "confirmed", booking.proposed_at)))
    return json_answer(Calls(calls=calls, bookings=bookings))


async def _record(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    person, call = await call_for(request, "read", path_id(request))
    events: list[CallEvent] = []
    while page := await house.calls.events(call.id, after=len(events)):
        events += page
        if len(events) >= MAX_EVENTS:
            break
    shop = await house.people.shop(call.shop_id)
    hidden = set() if may(person, "read_note", call) else {"note"}
    named = set(call.staff_ids) | {e.author for e in events if e.side == "staff"}
    colleagues = await house.people.staff_of(call.shop_id)
    return json_answer(
        CallRecord(
            call=call.model_dump(mode="json", exclude=hidden),
            # what an older version kept as said in the call stands in the conversation as well: it may be taken back there
            events=[event for event in events if event.kind != "message"],
            said=[entry_view(entry) for entry in await said_in(house.conversations, call)],
            bookings=await house.calls.bookings(call.id),
            pictures=await house.calls.pictures(call.id),
            recording=_shown(await house.calls.recording(call.id)),
            staff=[StaffName(id=s.id, name=s.name) for s in colleagues if s.id in named],
            shop=RecordShop.model_validate(shop.model_dump(include=set(RecordShop.model_fields))),
        )
    )


def _shown(recording: Recording) -> Recording:
    """Without the files to share: those have their own routes."""
    files = {name: blob for name, blob in recording.files.items() if not name.startswith(PREFIX)}
    return recording.model_copy(update={"files": files})


async def _file(request: web.Request) -> web.StreamResponse:
    house = request.app[HOUSE]
    _, call = await call_for(request, "play", path_id(request))
    blob = (await house.calls.recording(call.id)).files.get(request.match_info["name"])
    if blob is None:
        raise NotFound("The recording of this call has no such file.")
    path = await house.blobs.path(blob)
    kind = KINDS.get(path.suffix, "application/octet-stream")
    # blobs are named by content, but a finished recording can be made again under the same address
    headers = {"Content-Type": kind, "Content-Security-Policy": FILE_POLICY, "Cache-Control": "private, no-cache"}
    return web.FileResponse(path, headers=headers)


async def _compose(request: web.Request) -> web.Response:
    _, call = await call_for(request, "compose", path_id(request))
    body = await read_json(request, CompositionBody)
    return json_answer(await request.app[COMPOSITIONS].start(call.id, body.format))


async def _composition(request: web.Request) -> web.Response:
    _, call = await call_for(request, "compose", path_id(request))
    return json_answer(await request.app[COMPOSITIONS].state(call.id))


async def _composed_file(request: web.Request) -> web.StreamResponse:
    _, call = await call_for(request, "compose", path_id(request))
    path, fmt = await request.app[COMPOSITIONS].file(call.id)
    headers = {
        "Content-Type": KINDS[f".{fmt}"],
        "Content-Security-Policy": FILE_POLICY,
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f'attachment; filename="call-{call.created_at:%Y-%m-%d-%H%M}.{fmt}"',
    }
    return web.FileResponse(path, headers=headers)


def _moment(text: str) -> datetime:
    """RFC 3339; a `+` that a query string turned into a space is taken as one; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid("`before` must be a time such as 2026-11-22T09:00:00Z.") from None
