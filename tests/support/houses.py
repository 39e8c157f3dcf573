"""A house for tests: stores in memory that keep the Protocols of `domain/ports.py`, a clock that stands still until
it is moved, two shops with their people, and `FakeNode`, a media node without packets.

The stores yield to the event loop inside transactions, so a race in the caller shows; `change` is serialised per call.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from math import inf
from pathlib import Path
from typing import TypeVar

from argon2 import PasswordHasher

from domain.call import Call
from domain.errors import Conflict, NotFound
from domain.people import Customer, LeftMessage, Service, Shop, Staff
from domain.ports import BlobStore, CallStore, PeopleStore
from domain.record import Booking, CallEvent, NewEvent, Picture, Recording, Watermark
from signaling.house import DoorSettings, House
from signaling.node import MediaNode
from tests.support.fake_node import FakeNode
from tests.support.memory_profiles import MemoryProfiles, MemoryQuickReplies
from tests.support.memory_streams import MemoryConversations

T = TypeVar("T")
PASSWORD = "open sesame"
START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
_cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # real argon2, as cheap as it allows
PASSWORD_HASH = _cheap.hash(PASSWORD)


class Clock:
    """`clock()` is the house's `now`; it moves only by `advance`."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def advance(self, seconds: float) -> datetime:
        self.at += timedelta(seconds=seconds)
        return self.at


class MemoryPeople:
    def __init__(self) -> None:
        self.shops: dict[str, Shop] = {}
        self.staff_by_id: dict[str, Staff] = {}
        self.customers: dict[str, Customer] = {}
        self.messages: dict[str, LeftMessage] = {}
        self.place_anew: Callable[[str], Awaitable[None]] = _nowhere  # the customer's row in the inbox

    async def add_shop(self, shop: Shop) -> None:
        self.shops[shop.id] = shop

    async def shop(self, shop_id: str) -> Shop:
        return _found(self.shops.get(shop_id), "shop")

    async def shop_by_slug(self, slug: str) -> Shop:
        await asyncio.sleep(0)
        return _found(next((s for s in self.shops.values() if s.slug == slug), None), "shop")

    async def add_staff(self, staff: Staff) -> None:
        self.staff_by_id[staff.id] = staff

    async def staff(self, staff_id: str) -> Staff:
        return _found(self.staff_by_id.get(staff_id), "member of staff")

    async def staff_by_username(self, username: str) -> Staff | None:
        return next((s for s in self.staff_by_id.values() if s.username == username), None)

    async def staff_of(self, shop_id: str) -> list[Staff]:
        return [s for s in self.staff_by_id.values() if s.shop_id == shop_id]

    async def put_customer(self, customer: Customer) -> None:
        await asyncio.sleep(0)
        before, self.customers[customer.id] = self.customers.get(customer.id, customer), customer
        if before.name != customer.name:
            await self.place_anew(customer.id)

    async def customer(self, customer_id: str) -> Customer:
        return _found(self.customers.get(customer_id), "customer")

    async def leave_message(self, message: LeftMessage) -> None:
        await asyncio.sleep(0)
        self.messages.setdefault(message.id, message)

    async def left_messages(self, shop_id: str, *, limit: int = 100) -> list[LeftMessage]:
        mine = [m for m in self.messages.values() if m.shop_id == shop_id]
        mine.sort(key=lambda m: m.created_at, reverse=True)
        return sorted(mine, key=lambda m: m.done_at is not None)[:limit]

    async def left_message(self, message_id: str) -> LeftMessage:
        return _found(self.messages.get(message_id), "message")

    async def finish_left_message(self, message_id: str, staff_id: str, now: datetime) -> LeftMessage:
        message = await self.left_message(message_id)
        if message.done_at is None:
            message = message.model_copy(update={"done_at": now, "done_by": staff_id})
            self.messages[message_id] = message
        return message


class MemoryCalls:
    def __init__(self) -> None:
        self.calls: dict[str, Call] = {}
        self.streams: dict[str, list[CallEvent]] = {}
        self.marks: dict[tuple[str, str], Watermark] = {}
        self.kept_bookings: dict[str, Booking] = {}
        self.kept_pictures: dict[str, Picture] = {}
        self.recordings: dict[str, Recording] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def add(self, call: Call) -> None:
        if await self.open_call_of(call.customer_id) is not None:
            raise Conflict("This customer is already in line or in a call.")
        self.calls[call.id] = call

    async def get(self, call_id: str) -> Call:
        return _found(self.calls.get(call_id), "call")

    def line_of(self, call_id: str) -> asyncio.Lock:
        """Who holds it keeps others waiting who would change this call."""
        return self._locks.setdefault(call_id, asyncio.Lock())

    async def change(self, call_id: str, decide: Callable[[Call], Call]) -> Call:
        async with self.line_of(call_id):
            call = decide(await self.get(call_id))
            await asyncio.sleep(0)
            self.calls[call_id] = call
            return call

    async def open_calls(self, shop_id: str | None = None) -> list[Call]:
        rows = [c for c in self.calls.values() if not c.is_over and shop_id in (None, c.shop_id)]
        return sorted(rows, key=lambda c: c.created_at)

    async def open_call_of(self, customer_id: str) -> Call | None:
        return next((c for c in self.calls.values() if c.customer_id == customer_id and not c.is_over), None)

    async def history(self, shop_id: str, *, before: datetime | None = None, limit: int = 50) -> list[Call]:
        rows = [c for c in self.calls.values() if c.shop_id == shop_id and c.is_over]
        rows = [c for c in rows if before is None or c.created_at < before]
        return sorted(rows, key=lambda c: c.created_at, reverse=True)[:limit]

    async def append(
        self, event: NewEvent, *, booking: Booking | None = None, picture: Picture | None = None
    ) -> tuple[CallEvent, bool]:
        await self.get(event.call_id)
        await asyncio.sleep(0)
        stream = self.streams.setdefault(event.call_id, [])
        for known in stream:
            if (known.author, known.cmid) == (event.author, event.cmid):
                return known, False
        kept = CallEvent(position=len(stream) + 1, **event.model_dump())
        stream.append(kept)
        if booking is not None:
            self.kept_bookings[booking.id] = booking
        if picture is not None:
            self.kept_pictures[picture.id] = picture
        return kept, True

    async def kept(self, call_id: str, author: str, cmid: str) -> CallEvent | None:
        await asyncio.sleep(0)
        events = self.streams.get(call_id, [])
        return next((e for e in events if (e.author, e.cmid) == (author, cmid)), None)

    async def events(self, call_id: str, *, after: int = 0, limit: int = 500) -> list[CallEvent]:
        return [e for e in self.streams.get(call_id, []) if e.position > after][:limit]

    async def seen(self, mark: Watermark) -> Watermark:
        head = len(self.streams.get(mark.call_id, []))
        old = self.marks.get((mark.call_id, mark.person_id), Watermark(call_id=mark.call_id, person_id=mark.person_id))
        read = min(max(old.read, mark.read), head)
        merged = old.model_copy(update={"read": read, "delivered": min(max(old.delivered, mark.delivered, read), head)})
        self.marks[(mark.call_id, mark.person_id)] = merged
        return merged

    async def watermarks(self, call_id: str) -> list[Watermark]:
        return [m for m in self.marks.values() if m.call_id == call_id]

    async def booking(self, booking_id: str) -> Booking:
        return _found(self.kept_bookings.get(booking_id), "booking")

    async def bookings(self, call_id: str) -> list[Booking]:
        return [b for b in self.kept_bookings.values() if b.call_id == call_id]

    async def picture(self, picture_id: str) -> Picture:
        return _found(self.kept_pictures.get(picture_id), "picture")

    async def pictures(self, call_id: str) -> list[Picture]:
        return [p for p in self.kept_pictures.values() if p.call_id == call_id]

    async def put_picture(self, picture: Picture) -> None:
        await self.picture(picture.id)
        self.kept_pictures[picture.id] = picture

    async def recording(self, call_id: str) -> Recording:
        return self.recordings.get(call_id, Recording(call_id=call_id, state="none"))

    async def put_recording(self, recording: Recording) -> None:
        self.recordings[recording.call_id] = recording


class FolderBlobs:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def put(self, data: bytes, suffix: str) -> str:
        name = hashlib.sha256(data).hexdigest() + suffix
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_bytes(data)
        return name

    async def put_file(self, path: Path, suffix: str) -> str:
        name = await self.put(await asyncio.to_thread(path.read_bytes), suffix)
        await asyncio.to_thread(path.unlink)
        return name

    async def path(self, name: str) -> Path:
        path = self.folder / name
        return _found(path if path.is_file() else None, "file")

    async def put_between(self, after_s: float, before_s: float) -> list[str]:
        return [path.name for path in self.folder.iterdir() if after_s <= path.stat().st_mtime < before_s]

    async def delete(self, name: str, *, put_before_s: float = inf) -> None:
        if name in await self.put_between(0.0, put_before_s):
            (self.folder / name).unlink(missing_ok=True)


async def _nowhere(customer_id: str) -> None:
    """There is no inbox."""


def _found(row: T | None, what: str) -> T:
    if row is None:
        raise NotFound(f"There is no such {what}.")
    return row


COBBLER = Shop(
    id="shop-cobbler",
    slug="cobbler",
    name="Sunny Cobbler",
    name_zh="暖阳鞋匠",
    services=(Service(name="New heels", name_zh="换鞋跟", minutes=30, price=8000),),
)
NAILS = Shop(id="shop-nails", slug="nails", name="River Nails", name_zh="河畔美甲", open_door=False)
MEI = Staff(id="staff-mei", shop_id=COBBLER.id, username="mei", name="Mei", role="manager", password_hash=PASSWORD_HASH)
LI = Staff(id="staff-li", shop_id=COBBLER.id, username="li", name="Li", password_hash=PASSWORD_HASH)
BO = Staff(id="staff-bo", shop_id=COBBLER.id, username="bo", name="Bo", password_hash=PASSWORD_HASH)
ZHOU = Staff(id="staff-zhou", shop_id=NAILS.id, username="zhou", name="Zhou", password_hash=PASSWORD_HASH)
ANN = Customer(id="customer-ann", shop_id=COBBLER.id, name="Ann", created_at=START)
TOM = Customer(id="customer-tom", shop_id=COBBLER.id, name="Tom", created_at=START)
SETTINGS_SECRET = b"a secret of the tests, 32 bytes or more"


class TestHouse:
    """Two shops (`COBBLER` with Mei, Li and Bo; `NAILS`, door closed, with Zhou) and the customers Ann and Tom of the
    cobbler. `house` is what `signaling` gets; the other fields are the same objects with their test-side types."""

    __test__ = False

    def __init__(self, folder: Path, **settings: object) -> None:
        self.people = MemoryPeople()
        self.calls = MemoryCalls()
        self.conversations = MemoryConversations(self.people)
        self.people.place_anew = self.conversations.touch
        self.profiles = MemoryProfiles(self.people, self.calls)
        self.quick_replies = MemoryQuickReplies()
        self.blobs = FolderBlobs(folder / "blobs")
        self.node = FakeNode()
        self.clock = Clock()
        numbers = itertools.count(1)
        wishes: dict[str, object] = {
            "public_urls": ("http://127.0.0.1:8080",),
            "secret": SETTINGS_SECRET,
            "web_dist": folder / "web",
            "scratch": folder / "scratch",
            **settings,
        }
        people: PeopleStore = self.people
        calls: CallStore = self.calls
        blobs: BlobStore = self.blobs
        node: MediaNode = self.node
        self.house = House(
            people=people,
            calls=calls,
            conversations=self.conversations,
            profiles=self.profiles,
            quick_replies=self.quick_replies,
            blobs=blobs,
            node=node,
            settings=DoorSettings(**wishes),  # type: ignore[arg-type]
            now=self.clock,
            new_id=lambda: f"id-{next(numbers):06d}",
        )
        (folder / "scratch").mkdir(parents=True, exist_ok=True)
        for shop in (COBBLER, NAILS):
            self.people.shops[shop.id] = shop
        for staff in (MEI, LI, BO, ZHOU):
            self.people.staff_by_id[staff.id] = staff
        for customer in (ANN, TOM):
            self.people.customers[customer.id] = customer

    async def waiting_call(self, customer: Customer = ANN, **changes: object) -> Call:
        """A kept call of this customer in state `waiting`, with `changes` on top."""
        call = Call(
            id=self.house.new_id(),
            shop_id=customer.shop_id,
            customer_id=customer.id,
            customer_name=customer.name,
            matter="A scuffed heel",
            created_at=self.clock(),
        ).model_copy(update=changes)
        await self.calls.add(call)
        return call
