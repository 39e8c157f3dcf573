"""What the domain needs kept, as Protocols. `store` implements them; `server` hands them to `signaling`.

Every method is one transaction and is durable when it returns. A method that finds nothing raises NotFound unless it
says otherwise. A store never decides: it applies, or tells that somebody else was first. What it is given to decide with
(`decide`) may be called on another thread while the event loop goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from math import inf
from pathlib import Path
from typing import Protocol

from domain.call import Call
from domain.people import Customer, LeftMessage, Shop, Staff
from domain.record import Booking, CallEvent, NewEvent, Picture, Recording, Watermark


class PeopleStore(Protocol):
    async def add_shop(self, shop: Shop) -> None: ...
    async def shop(self, shop_id: str) -> Shop: ...
    async def shop_by_slug(self, slug: str) -> Shop: ...
    async def add_staff(self, staff: Staff) -> None: ...
    async def staff(self, staff_id: str) -> Staff: ...
    async def staff_by_username(self, username: str) -> Staff | None: ...
    async def staff_of(self, shop_id: str) -> list[Staff]: ...
    async def put_customer(self, customer: Customer) -> None:
        """Inserts, or renames the one with this id, and its row in the inbox with it."""

    async def customer(self, customer_id: str) -> Customer: ...
    async def leave_message(self, message: LeftMessage) -> None:
        """Keeps a message; one with the same id is already kept and nothing changes."""

    async def left_messages(self, shop_id: str, *, limit: int = 100) -> list[LeftMessage]:
        """Newest first, those not done before those done."""

    async def left_message(self, message_id: str) -> LeftMessage: ...
    async def finish_left_message(self, message_id: str, staff_id: str, now: datetime) -> LeftMessage: ...


class CallStore(Protocol):
    async def add(self, call: Call) -> None:
        """Raises Conflict when this customer already has a call that is not over."""

    async def get(self, call_id: str) -> Call: ...
    async def change(self, call_id: str, decide: Callable[[Call], Call]) -> Call:
        """Reads the call, applies `decide`, writes the result: serialised per call, so that of 200 who answer one wins.

        What `decide` raises passes through and nothing is written. Returns the call as it now stands.
        """

    async def open_calls(self, shop_id: str | None = None) -> list[Call]:
        """Calls that are not over, oldest first."""

    async def open_call_of(self, customer_id: str) -> Call | None: ...
    async def history(self, shop_id: str, *, before: datetime | None = None, limit: int = 50) -> list[Call]:
        """Calls that are over, newest first."""

    async def append(
        self, event: NewEvent, *, booking: Booking | None = None, picture: Picture | None = None
    ) -> tuple[CallEvent, bool]:
        """Gives the event the next position of its call and keeps it, with the booking or picture it carries, in one
        transaction. An event with the same (call, author, cmid) returns the stored one and False; nothing changes then."""

    async def kept(self, call_id: str, author: str, cmid: str) -> CallEvent | None:
        """What this person has kept in this call under this `cmid`; None when nothing."""

    async def events(self, call_id: str, *, after: int = 0, limit: int = 500) -> list[CallEvent]: ...
    async def seen(self, mark: Watermark) -> Watermark:
        """Merges by maximum, never beyond the call's head, and returns the merged mark."""

    async def watermarks(self, call_id: str) -> list[Watermark]: ...
    async def booking(self, booking_id: str) -> Booking: ...
    async def bookings(self, call_id: str) -> list[Booking]: ...
    async def picture(self, picture_id: str) -> Picture: ...
    async def pictures(self, call_id: str) -> list[Picture]: ...
    async def put_picture(self, picture: Picture) -> None:
        """Replaces a kept picture (full-resolution still arrived, strokes were drawn)."""

    async def recording(self, call_id: str) -> Recording:
        """A call without one answers with state `none`."""

    async def put_recording(self, recording: Recording) -> None: ...


class BlobStore(Protocol):
    """Files named by the SHA-256 of their content. A name never changes meaning; a blob is whole or absent."""

    async def put(self, data: bytes, suffix: str) -> str:
        """Returns the blob's name, `<sha256><suffix>`."""

    async def put_file(self, path: Path, suffix: str) -> str:
        """Takes a finished file over (moves it)."""

    async def path(self, name: str) -> Path:
        """A local path to read from; raises NotFound."""

    async def put_between(self, after_s: float, before_s: float) -> list[str]:
        """Names of the blobs last put in this time, in seconds since 1970."""

    async def delete(self, name: str, *, put_before_s: float = inf) -> None:
        """Not one that was put since, also if that was just now."""
