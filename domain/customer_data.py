"""All that is kept of one customer: handed out, and erased."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from domain.attachment import Attachment
from domain.call import Call
from domain.people import Customer, LeftMessage, Staff
from domain.record import Booking, CallEvent, Picture, Recording
from domain.stream import Device


class Erasure(BaseModel):
    """An erasure that was decided: from then on nobody can read anything of it. What it names is outside the database (files,
    journals of `calls`, parts of `uploads`) and is removed after it; `done_at` says when that was over. Of `blobs` only their
    number, `files`, stays."""

    model_config = ConfigDict(frozen=True)
    id: str
    customer_id: str
    shop_id: str
    by: str
    at: datetime
    entries: int
    files: int
    calls: tuple[str, ...] = ()
    uploads: tuple[str, ...] = ()
    blobs: tuple[str, ...] = ()
    done_at: datetime | None = None


class CustomerRecord(BaseModel):
    """What is kept of a customer beside the streams and the profile; calls from the first to the last."""

    model_config = ConfigDict(frozen=True)
    customer: Customer
    calls: list[Call]
    bookings: list[Booking]
    pictures: list[Picture]
    recordings: list[Recording]
    left_messages: list[LeftMessage]
    attachments: list[Attachment]
    devices: list[Device]


class CustomerData(Protocol):
    async def record(self, customer_id: str) -> CustomerRecord: ...
    async def events(self, call_id: str) -> list[CallEvent]: ...
    async def erase(self, erasure_id: str, customer_id: str, by: Staff, now: datetime) -> Erasure:
        """In one transaction: what was said becomes stubs, an entry `erased` follows in both streams, and everything
        else that tells of the customer goes. The same id again returns the kept erasure. Raises NotFound, and Conflict
        while the customer is in a call or its recording is being made."""

    async def unfinished(self) -> list[Erasure]: ...
    async def scrub(self) -> None:
        """Makes sure that what was deleted is not in the database's files any more. Raises Unavailable when that must
        wait for somebody who is reading."""

    async def finish(self, erasure_id: str, now: datetime) -> None:
        """All files are gone: their names are forgotten, too."""
