"""The customer beside the conversation: what the shop knows of them, and what they did here."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from aiohttp import web
from pydantic import BaseModel, Field

from domain.call import Call
from domain.errors import Conflict
from domain.people import Customer, Language
from domain.profile import Item, Profile
from domain.record import Booking
from domain.stream import notes_stream
from signaling.chat_rights import ChatRights
from signaling.http_body import Body, Words, json_answer, path_id, read_json, staff_of
from signaling.http_context import CHAT, HOUSE, LIVE

STALE = "A colleague changed this meanwhile. Look at it, then save again."


class VisitView(BaseModel):
    """A call that is over. `seconds`: how long they spoke, 0 for a missed one."""

    id: str
    state: str
    matter: str
    at: datetime
    seconds: int


class CustomerPage(BaseModel):
    """The newest calls and bookings first."""

    profile: Profile
    calls: list[VisitView]
    bookings: list[Booking]


class ProfileChange(Body):
    """`version`: the one that was changed. What is left out stays."""

    version: int = Field(ge=0)
    name: Words | None = Field(default=None, min_length=1, max_length=80)
    language: Language | None = None
    tags: list[Annotated[Words, Field(min_length=1, max_length=40)]] | None = Field(default=None, max_length=20)
    preferences: Words | None = Field(default=None, max_length=2000)
    items: list[Item] | None = Field(default=None, max_length=100)


def add_profile(app: web.Application) -> None:
    profile = "/api/customers/{id:[A-Za-z0-9_-]{1,64}}/profile"
    app.router.add_get(profile, _profile)
    app.router.add_post(profile, _change)


async def _profile(request: web.Request) -> web.Response:
    house, customer_id = request.app[HOUSE], path_id(request)
    await ChatRights(house.people).require(await staff_of(request), "profile", notes_stream(customer_id))
    visits = await house.profiles.visits(customer_id)
    return json_answer(
        CustomerPage(
            profile=await house.profiles.profile(customer_id),
            calls=[_visit(call) for call in visits.calls if call.is_over],
            bookings=visits.bookings,
        )
    )


async def _change(request: web.Request) -> web.Response:
    """Of two who change the same version the first one is kept; the other is answered 409, code `stale`."""
    house, customer_id = request.app[HOUSE], path_id(request)
    staff = await staff_of(request)
    await ChatRights(house.people).require(staff, "profile", notes_stream(customer_id))
    asked = await read_json(request, ProfileChange)
    named = asked.model_dump(exclude={"version"}, exclude_none=True)
    wanted = {name: getattr(asked, name) for name in named} | {"changed_at": house.now(), "changed_by": staff.name}
    was = ""

    def decide(before: Profile) -> Profile:
        nonlocal was
        if before.version != asked.version:
            raise Conflict(STALE, code="stale")
        was = before.name
        return Profile.model_validate(dict(before) | wanted | {"version": before.version + 1})

    after = await house.profiles.change_profile(customer_id, decide)
    if after.name != was:
        await tell_new_name(request, await house.people.customer(customer_id))
    return json_answer(after)


async def tell_new_name(request: web.Request, customer: Customer) -> None:
    """A call that is going on and what this customer writes from now on have the name. The inbox's row has it already."""
    if CHAT in request.app:
        request.app[CHAT].renamed(customer)
    await request.app[LIVE].renamed(customer)


def _visit(call: Call) -> VisitView:
    spoke = call.ended_at - call.live_at if call.live_at and call.ended_at else None
    seconds = int(spoke.total_seconds()) if spoke else 0
    return VisitView(id=call.id, state=call.state, matter=call.matter, at=call.created_at, seconds=seconds)
