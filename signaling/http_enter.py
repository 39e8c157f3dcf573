"""Customers come in through a link (`/api/enter`), and staff make such links (`/api/invitations`)."""

from __future__ import annotations

import io
from datetime import datetime

import segno
from aiohttp import web
from pydantic import BaseModel, Field

from domain import fold
from domain.errors import NotSignedIn
from domain.people import Customer, Language, Shop
from signaling.cookies import Known, begun
from signaling.http_body import Body, Words, json_answer, read_json, staff_of
from signaling.http_context import COOKIES, ENTERING, HOUSE, LIVE
from signaling.http_profile import tell_new_name
from signaling.keeping import KEEPING
from signaling.limits import address_key
from signaling.links import MAX_TOKEN_CHARS, Invitation, make_link, read_token

NAMELESS: dict[Language, str] = {"en": "Guest", "zh-CN": "访客"}  # until the customer says a name
UNNAMED = frozenset({*NAMELESS.values(), fold.NAMELESS})


class EnterBody(Body):
    """`name`: what the customer wants to be called from now on; empty: as before."""

    shop: str = Field(min_length=1, max_length=64)
    name: Words = Field(default="", max_length=80)
    token: str | None = Field(default=None, max_length=MAX_TOKEN_CHARS)
    language: Language = "en"


class CustomerView(BaseModel):
    """`name` is empty until the customer said one."""

    id: str
    name: str


class ShopView(BaseModel):
    slug: str
    name: str
    name_zh: str
    time_zone: str


def shop_view(shop: Shop) -> ShopView:
    return ShopView(slug=shop.slug, name=shop.name, name_zh=shop.name_zh, time_zone=shop.time_zone)


class Entered(BaseModel):
    customer: CustomerView
    shop: ShopView
    invitation: Invitation | None
    staff_available: int


class InvitationBody(Body):
    name: Words = Field(default="", max_length=80)
    matter: Words = Field(default="", max_length=500)
    days: int | None = Field(default=None, ge=1, le=366)


class InvitationView(BaseModel):
    url: str
    qr_svg: str
    expires_at: datetime


def add_enter(app: web.Application) -> None:
    app.router.add_post("/api/enter", _enter)
    app.router.add_post("/api/invitations", _invite)


async def _enter(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    request.app[ENTERING].take(address_key(request.remote), house.now())
    body = await read_json(request, EnterBody)
    shop = await house.people.shop_by_slug(body.shop)
    before = await request.app[COOKIES].customers(request, shop.slug)
    known = before[0].person if before else None
    if known is None and await request.app[COOKIES].was_signed_out(request, shop.slug):
        raise NotSignedIn("This device was signed out. Add it again with a code from another device.", code="ended")
    invitation = None
    if body.token:
        invitation = read_token(house, shop, body.token)
    elif not shop.open_door and known is None:
        raise NotSignedIn("This shop lets customers in by invitation. Ask the shop for a link.", code="link_needed")
    came = known or Customer(
        id=house.new_id(),
        shop_id=shop.id,
        name=(invitation.name if invitation else "") or NAMELESS[body.language],
        language=body.language,
        created_at=house.now(),
    )
    customer = came.model_copy(update={"language": body.language, "name": body.name or came.name})
    if customer != known:
        await house.people.put_customer(customer)
        if known is not None and customer.name != known.name:
            await tell_new_name(request, customer)
    response = json_answer(
        Entered(
            customer=CustomerView(id=customer.id, name="" if customer.name in UNNAMED else customer.name),
            shop=shop_view(shop),
            invitation=invitation,
            staff_available=await _staff_available(request, shop),
        )
    )
    renewed = Known(customer, before[0].session) if before else begun(customer)
    request.app[COOKIES].set_customer(request, response, renewed, shop)
    return response


async def _staff_available(request: web.Request, shop: Shop) -> int:
    if KEEPING in request.app:
        return await request.app[KEEPING].staff_available(shop.id)
    return request.app[LIVE].staff_available(shop.id)


async def _invite(request: web.Request) -> web.Response:
    staff = await staff_of(request)
    body = await read_json(request, InvitationBody)
    house = request.app[HOUSE]
    shop = await house.people.shop(staff.shop_id)
    link = make_link(house, shop, name=body.name, matter=body.matter, days=body.days)
    return json_answer(InvitationView(url=link.url, qr_svg=qr_svg(link.url), expires_at=link.expires_at))


def qr_svg(url: str) -> str:
    """An SVG element with its quiet zone, dark on white, that scales to its box."""
    out = io.BytesIO()
    segno.make(url, error="l", micro=False).save(
        out, kind="svg", xmldecl=False, svgns=True, omitsize=True, border=4, dark="#000000", light="#ffffff"
    )
    return out.getvalue().decode()
