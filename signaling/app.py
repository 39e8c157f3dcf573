"""The door: one aiohttp application of every HTTP route and the sockets. `server` runs it."""

from __future__ import annotations

import asyncio
from collections import Counter

from aiohttp import web

from domain.attachment import AttachmentStore
from media.compose import compose as compose_in_a_process
from signaling.arrivals import Arrivals
from signaling.auth import SignIn
from signaling.composition import Compose, Compositions
from signaling.cookies import Cookies
from signaling.erasing import ERASING, Erasing
from signaling.guard import own_origins_only, secure_answer
from signaling.house import House
from signaling.http_attachments import add_attachments
from signaling.http_body import known_customer
from signaling.http_context import (
    ARRIVALS,
    CHAT,
    COMPOSITIONS,
    COOKIES,
    ENTERING,
    FILES,
    HOUSE,
    JOINING,
    LEAVING,
    LIVE,
    PICTURES,
    REFUSED,
    SIGN_IN,
    UPLOADING,
    ChatDoor,
    LiveDoor,
)
from signaling.http_customers import add_customers
from signaling.http_devices import add_devices
from signaling.http_enter import add_enter
from signaling.http_inbox import add_inbox
from signaling.http_left_messages import add_left_messages
from signaling.http_pictures import add_pictures
from signaling.http_profile import add_profile
from signaling.http_quick_replies import add_quick_replies
from signaling.http_records import add_records
from signaling.http_search import add_search
from signaling.http_sign_in import add_sign_in
from signaling.http_stats import add_stats
from signaling.http_streams import add_streams
from signaling.http_uploads import add_uploads
from signaling.limits import Buckets
from signaling.manifest import add_manifest
from signaling.openapi import add_openapi
from signaling.refusals import refusals
from signaling.signing_out import watch_others
from signaling.static import add_static


def make_app(
    house: House, live: LiveDoor, chat: ChatDoor | None = None, *, compose: Compose = compose_in_a_process
) -> web.Application:
    """The whole door of one house. `app[REFUSED]` counts refusals by code.

    Run it with `web.AppRunner(app, access_log=None)` (an access log would hold addresses). When the runner shuts down,
    the live half's sockets are closed first, and the compositions at work end; `live` itself is opened and left by
    whoever made it. Without `chat` there are no conversations at this door.
    """
    app = web.Application(
        middlewares=[refusals, own_origins_only], client_max_size=house.settings.max_upload_bytes + 1024 * 1024
    )
    app[HOUSE] = house
    app[LIVE] = live
    if chat is not None:
        app[CHAT] = chat
        app.router.add_get("/ws/staff/chat", _staff_chat)
        app.router.add_get("/ws/customer/chat", _customer_chat)
        app[JOINING] = Buckets(burst=5, per_second=1 / 60)  # of a hundred million codes, valid for five minutes
        add_streams(app)
        add_devices(app)
        add_inbox(app)
        if house.attachments is not None:
            _take_files(app, house, house.attachments)
        if house.search is not None:
            add_search(app, house.search)
        add_profile(app)
        add_quick_replies(app)
    app[COOKIES] = Cookies(house)
    app[SIGN_IN] = SignIn(house.people, house.now)
    app[COMPOSITIONS] = Compositions(house, compose)
    app[REFUSED] = Counter()
    app[ENTERING] = Buckets(burst=300, per_second=20)  # a whole mall may share one address
    app[LEAVING] = Buckets(burst=30, per_second=0.2)
    app[PICTURES] = asyncio.Lock()
    app.cleanup_ctx.append(app[COMPOSITIONS].lifetime)
    if chat is not None and house.data is not None and ARRIVALS in app:
        app[ERASING] = Erasing(house, house.data, chat, app[ARRIVALS], app[COMPOSITIONS])
        app.cleanup_ctx.append(app[ERASING].lifetime)
        add_customers(app, house.data)
    app.cleanup_ctx.append(watch_others)
    app.on_response_prepare.append(secure_answer)
    app.on_shutdown.append(_close_sockets)
    app.router.add_get("/api/health", _health)
    app.router.add_get("/ws/staff", _staff_socket)
    app.router.add_get("/ws/customer", _customer_socket)
    for add in (add_sign_in, add_enter, add_records, add_pictures, add_left_messages, add_stats):
        add(app)
    add_openapi(app)
    add_manifest(app)
    add_static(app)
    return app


def _take_files(app: web.Application, house: House, store: AttachmentStore) -> None:
    app[FILES] = store
    app[ARRIVALS] = Arrivals(house, store)
    app[UPLOADING] = Buckets(burst=100, per_second=0.5)  # a trip's photos at once
    app.cleanup_ctx.append(app[ARRIVALS].lifetime)
    add_uploads(app)
    add_attachments(app)


async def _close_sockets(app: web.Application) -> None:
    """Before aiohttp waits for its requests: an open WebSocket is one, and would hold up the end."""
    await asyncio.gather(*(half.close() for half in (app[LIVE], app.get(CHAT)) if half is not None))


async def _health(request: web.Request) -> web.Response:
    return web.json_response({"ok": True})


async def _staff_socket(request: web.Request) -> web.StreamResponse:
    return await request.app[LIVE].staff_socket(request, *await request.app[COOKIES].staff(request))


async def _customer_socket(request: web.Request) -> web.StreamResponse:
    return await request.app[LIVE].customer_socket(request, *await known_customer(request))


async def _staff_chat(request: web.Request) -> web.StreamResponse:
    return await request.app[CHAT].serve(request, *await request.app[COOKIES].staff(request))


async def _customer_chat(request: web.Request) -> web.StreamResponse:
    return await request.app[CHAT].serve(request, *await known_customer(request))
