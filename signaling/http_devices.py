"""A person's devices, the code with which a customer's second one joins, and the long poll of those without sockets."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from aiohttp import web
from pydantic import BaseModel, Field

from domain.errors import NotFound
from domain.people import Staff
from domain.stream import Device
from signaling.chat_poll import PollBody
from signaling.cookies import begun
from signaling.http_body import Body, Nothing, customer_of, json_answer, known_of, path_id, read_json
from signaling.http_context import CHAT, COOKIES, HOUSE, JOINING
from signaling.http_enter import CustomerView, ShopView, qr_svg, shop_view
from signaling.limits import address_key
from signaling.links import shop_url
from signaling.signing_out import end_session

CODE_LIFE = timedelta(minutes=5)
MAX_POLL_BYTES = 512 * 1024


class DeviceView(BaseModel):
    id: str
    name: str
    made_at: datetime
    seen_at: datetime


class Devices(BaseModel):
    devices: list[DeviceView]


class CodeView(BaseModel):
    """Eight digits, valid once. `url` opens the conversation on the second device and takes the code along."""

    code: str
    url: str
    qr_svg: str
    expires_at: datetime


class JoinBody(Body):
    code: str = Field(pattern=r"^[0-9]{8}$")


class Joined(BaseModel):
    customer: CustomerView
    shop: ShopView


def add_devices(app: web.Application) -> None:
    app.router.add_post("/api/chat/poll", _poll)
    app.router.add_get("/api/devices", _devices)
    app.router.add_post("/api/devices/code", _code)
    app.router.add_post("/api/devices/join", _join)
    app.router.add_post("/api/devices/{id:[A-Za-z0-9_-]{8,64}}/end", _end)


async def _poll(request: web.Request) -> web.Response:
    await known_of(request)  # who is nobody need not send anything
    ask = await read_json(request, PollBody, limit=MAX_POLL_BYTES)
    known = await known_of(request)  # again: somebody may have been signed out while it came
    is_staff = {"staff": True, "customer": False}
    found = next((k for k in known if ask.side is None or isinstance(k.person, Staff) is is_staff[ask.side]), None)
    if found is None:
        raise NotFound("This browser is not known as that person. Sign in, or open the shop's link, first.")
    frames = await request.app[CHAT].poll(found.person, ask, found.session)
    return web.Response(text=f'{{"frames":[{",".join(frames)}]}}', content_type="application/json")


async def _devices(request: web.Request) -> web.Response:
    store = request.app[HOUSE].conversations
    devices = [device for known in await known_of(request) for device in await store.devices_of(known.person.id)]
    return json_answer(Devices(devices=[_view(device) for device in devices]))


async def _end(request: web.Request) -> web.Response:
    """Its cookie is no good and its pages are closed before this is answered; nothing that it sends is taken any more."""
    house, device_id = request.app[HOUSE], path_id(request)
    for person, session in await known_of(request):
        if device_id in {device.id for device in await house.conversations.devices_of(person.id)}:
            ended = await house.conversations.end_device(device_id, house.now(), asked_by=session)
            request.app[CHAT].drop(person.id, device_id)
            if ended:
                end_session(request.app, ended)
            return json_answer(Nothing())
    raise NotFound("You have no such device.")


async def _code(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    customer = await customer_of(request)
    request.app[JOINING].take(customer.id, house.now())
    code, expires_at = f"{secrets.randbelow(10**8):08d}", house.now() + CODE_LIFE
    await house.conversations.put_code(_hashed(request, code), customer.id, expires_at)
    shop = await house.people.shop(customer.shop_id)
    url = f"{shop_url(house.settings.public_urls, shop)}/chat#join={code}"  # a fragment is in no log
    return json_answer(CodeView(code=code, url=url, qr_svg=qr_svg(url), expires_at=expires_at))


async def _join(request: web.Request) -> web.Response:
    """This browser becomes a device of the customer who was shown the code."""
    house = request.app[HOUSE]
    request.app[JOINING].take(address_key(request.remote), house.now())
    body = await read_json(request, JoinBody)
    customer = await house.people.customer(await house.conversations.use_code(_hashed(request, body.code), house.now()))
    shop = await house.people.shop(customer.shop_id)
    response = json_answer(
        Joined(
            customer=CustomerView(id=customer.id, name=customer.name),
            shop=shop_view(shop),
        )
    )
    had = await request.app[COOKIES].customers(request, shop.slug)
    known = next((each for each in had if each.person.id == customer.id), None) or begun(customer)
    request.app[COOKIES].set_customer(request, response, known, shop)
    return response


def _hashed(request: web.Request, code: str) -> str:
    """Keyed: whoever reads the database cannot try all codes on it."""
    return hmac.new(request.app[HOUSE].settings.secret, b"device " + code.encode(), hashlib.sha256).hexdigest()


def _view(device: Device) -> DeviceView:
    return DeviceView(id=device.id, name=device.name, made_at=device.made_at, seen_at=device.seen_at)
