"""What every HTTP route reads from the app, under typed keys, and what the door needs of the live half."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Protocol

from aiohttp import web

from domain.attachment import AttachmentStore
from domain.people import Customer, Staff
from domain.record import Picture
from signaling.arrivals import Arrivals
from signaling.auth import SignIn
from signaling.chat_poll import PollBody
from signaling.composition import Compositions
from signaling.cookies import Cookies
from signaling.house import House
from signaling.limits import Buckets


class LiveDoor(Protocol):
    """The live half (`signaling.live.Live`) as the HTTP routes see it."""

    async def staff_socket(self, request: web.Request, staff: Staff, session: str = "") -> web.WebSocketResponse:
        """Serves one staff tab until it closes. Origin and sign-in were checked; `session` is the cookie's."""

    async def customer_socket(
        self, request: web.Request, customer: Customer, session: str = ""
    ) -> web.WebSocketResponse: ...

    def end_session(self, session: str) -> None:
        """This session was signed out: its sockets and connections close, and its pages stay away."""

    def staff_available(self, shop_id: str) -> int: ...

    async def renamed(self, customer: Customer) -> None:
        """An open call of this customer has the new name."""

    def pending_picture(self, picture_id: str) -> tuple[str, bytes] | None:
        """(call id, JPEG) of a picture that is shown but not kept (yet)."""

    async def picture_replaced(self, picture: Picture) -> None:
        """A kept picture has changed (full-resolution still, strokes): tell the call."""

    async def left_message_arrived(self, shop_id: str) -> None:
        """A message was left, or one was done."""

    def counts(self) -> dict[str, float]:
        """Flat counters and gauges for operators."""

    async def close(self) -> None:
        """Closes every socket so that its page comes back; may be called more than once."""


class ChatDoor(Protocol):
    """The conversations' half (`signaling.chat.Chat`) as the HTTP routes see it."""

    async def serve(self, request: web.Request, person: Staff | Customer, session: str = "") -> web.WebSocketResponse:
        """Serves one page until it closes. Origin and sign-in were checked; `session` is the cookie's."""

    def renamed(self, customer: Customer) -> None:
        """What open pages of this customer write from now on has the new name."""

    async def poll(self, person: Staff | Customer, ask: PollBody, session: str = "") -> list[str]:
        """Takes a page's frames in and answers with those that wait for it, each a JSON text."""

    def end_session(self, session: str) -> None:
        """This session was signed out: nothing more is said on its carriers."""

    def drop(self, person_id: str, device: str | None = None) -> None:
        """The right of this person, or of one device, has ended: nothing more is said there from now on."""

    def erased(self, customer_id: str) -> None:
        """All that was kept of this customer is gone: every page of theirs is told, and closed."""

    def figures(self) -> dict[str, float]:
        """Flat counters and gauges for operators."""

    async def close(self) -> None:
        """Closes every socket so that its page comes back; may be called more than once."""


HOUSE: web.AppKey[House] = web.AppKey("house", House)
LIVE: web.AppKey[LiveDoor] = web.AppKey("live", LiveDoor)
CHAT: web.AppKey[ChatDoor] = web.AppKey("chat", ChatDoor)  # only where conversations are served
COOKIES: web.AppKey[Cookies] = web.AppKey("cookies", Cookies)
SIGN_IN: web.AppKey[SignIn] = web.AppKey("sign_in", SignIn)
COMPOSITIONS: web.AppKey[Compositions] = web.AppKey("compositions", Compositions)
REFUSED: web.AppKey[Counter[str]] = web.AppKey("refused", Counter)
ENTERING: web.AppKey[Buckets] = web.AppKey("entering", Buckets)  # customers at the door, by address
JOINING: web.AppKey[Buckets] = web.AppKey("joining", Buckets)  # codes of second devices: shown and tried
LEAVING: web.AppKey[Buckets] = web.AppKey("leaving", Buckets)  # messages left and stills sent, by customer
PICTURES: web.AppKey[asyncio.Lock] = web.AppKey("pictures", asyncio.Lock)  # read-change-write of a kept picture
FILES: web.AppKey[AttachmentStore] = web.AppKey("files", AttachmentStore)  # only where conversations take files
ARRIVALS: web.AppKey[Arrivals] = web.AppKey("arrivals", Arrivals)  # as above
UPLOADING: web.AppKey[Buckets] = web.AppKey("uploading", Buckets)  # files begun, by person
