"""Staff come in and go: `/api/sign-in`, `/api/sign-out`, `/api/me`."""

from __future__ import annotations

from aiohttp import web
from pydantic import BaseModel, Field

from domain.people import Role, Shop, Staff
from signaling.cookies import begun
from signaling.http_body import Body, Nothing, json_answer, read_json
from signaling.http_context import COOKIES, HOUSE, SIGN_IN
from signaling.limits import address_key
from signaling.signing_out import sign_out


class SignInBody(Body):
    username: str = Field(min_length=1, max_length=64)
    password: str = Field(min_length=1, max_length=256)


class StaffView(BaseModel):
    id: str
    name: str
    role: Role


class SignedIn(BaseModel):
    staff: StaffView
    shop: Shop


def add_sign_in(app: web.Application) -> None:
    app.router.add_post("/api/sign-in", _sign_in)
    app.router.add_post("/api/sign-out", _sign_out)
    app.router.add_get("/api/me", _me)


async def _sign_in(request: web.Request) -> web.Response:
    body = await read_json(request, SignInBody)
    staff = await request.app[SIGN_IN].check(body.username, body.password, address_key(request.remote))
    response = await _signed_in(request, staff)
    request.app[COOKIES].set_staff(request, response, begun(staff))
    return response


async def _sign_out(request: web.Request) -> web.Response:
    """Ends the session: its cookies, and what is open by them. Who is not signed in has signed out: no refusal."""
    response = json_answer(Nothing())
    session = request.app[COOKIES].clear_staff(request, response)
    if session is not None:
        await sign_out(request.app, session)
    return response


async def _me(request: web.Request) -> web.Response:
    known = await request.app[COOKIES].staff(request)
    response = await _signed_in(request, known.person)
    if request.app[COOKIES].wants_renewal(request):
        request.app[COOKIES].set_staff(request, response, known)
    return response


async def _signed_in(request: web.Request, staff: Staff) -> web.Response:
    shop = await request.app[HOUSE].people.shop(staff.shop_id)
    return json_answer(SignedIn(staff=StaffView(id=staff.id, name=staff.name, role=staff.role), shop=shop))
