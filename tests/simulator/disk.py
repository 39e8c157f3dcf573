"""What is committed, and the store of one server process over it: the real appender, the real decision, a made-up disk.

A process that crashed keeps its store object and reaches the disk no more.
"""

from __future__ import annotations

import asyncio
import copy
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from domain.accepting import Committed, Ledger, Line, accept, accept_all, needs, place_in_inboxes
from domain.conversation import Conversation, ConversationState, Row
from domain.conversation_ports import Told
from domain.errors import Conflict, Forbidden, NotFound, Unavailable
from domain.people import Customer, Staff
from domain.stream import Cursor, Device, Entry, Head, Kept, Mark, NewEntry, inbox_stream, owner_of
from domain.unchecked import changed
from store.appender import Appender

T = TypeVar("T")
Key = tuple[str, str]


@dataclass(slots=True)
class Disk:
    """`faults` refuse every write while it is set, as a full disk does. Values are immutable, so a copy is cheap."""

    customers: dict[str, Customer]
    staff: dict[str, Staff]
    streams: dict[str, list[Entry]] = field(default_factory=dict)
    inboxes: dict[str, Head] = field(default_factory=dict)
    conversations: dict[str, Conversation] = field(default_factory=dict)
    devices: dict[str, Device] = field(default_factory=dict)
    marks: dict[Key, Mark] = field(default_factory=dict)
    known: dict[Key, Entry] = field(default_factory=dict)
    epoch: str = "epoch-0"
    signed_out: dict[str, datetime] = field(default_factory=dict)
    is_full: bool = False

    def backup(self) -> Disk:
        return replace(
            self, streams={s: list(entries) for s, entries in self.streams.items()}, inboxes=dict(self.inboxes),
            conversations=dict(self.conversations), devices=dict(self.devices), marks=dict(self.marks),
            known=dict(self.known), signed_out=dict(self.signed_out), is_full=False,
        )  # fmt: skip

    def stream(self, stream: str) -> list[Entry]:
        return self.streams.get(stream, [])

    def shop_of(self, stream: str) -> str | None:
        owner = owner_of(stream)
        person = self.staff.get(owner) if stream[0] == "s" else self.customers.get(owner)
        return person.shop_id if person is not None else None

    def head(self, stream: str) -> Head:
        if stream[0] == "i":
            return self.inboxes.get(stream, Head(stream=stream, head=0, digest=0))
        entries = self.stream(stream)
        return Head(stream=stream, head=len(entries), digest=entries[-1].digest if entries else 0)

    def ledger(self, batch: Sequence[NewEntry]) -> Ledger:
        wanted = needs(batch)
        shops = {s: shop for s in wanted.streams if (shop := self.shop_of(s)) is not None}
        ids = {*shops, *(inbox_stream(shop) for shop in shops.values())}
        heads = {stream: self.head(stream) for stream in ids}
        lines = {s: Line(shops.get(s, owner_of(s)), head.head, head.digest) for s, head in heads.items()}
        owners = {owner_of(s) for s in shops if s[0] in "cn"}
        return Ledger(
            streams=lines,
            conversations={owner: self.conversation(owner) for owner in owners},
            devices={id: self.devices[id] for id in wanted.devices if id in self.devices},
            known={key: entry for key, entry in self.known.items() if key[0] in wanted.entry_ids},
            ringing={s: ring for s in wanted.rings if (ring := self.ringing(s)) is not None},
        )

    def ringing(self, stream: str) -> Entry | None:
        rings = [entry for entry in self.stream(stream) if entry.kind == "ring"]
        answered = {entry.body["ring"] for entry in self.stream(stream) if entry.kind == "rung"}
        return rings[-1] if rings and rings[-1].id not in answered else None

    def conversation(self, owner: str) -> Conversation:
        if owner not in self.customers:
            raise NotFound("There is no such conversation.")
        customer = self.customers[owner]
        blank = Conversation(id=owner, shop_id=customer.shop_id, last_at=customer.created_at)
        return self.conversations.get(owner, blank)

    def write(self, ledger: Ledger, committed: Committed) -> None:
        gone = {(e.id, e.author): e for e in ledger.recalled}
        for entry in committed.fresh:
            self.streams.setdefault(entry.stream, []).append(entry)
            self.known[entry.id, entry.author] = entry
        for key, entry in gone.items():
            self.streams[entry.stream][entry.position - 1] = entry
            self.known[key] = entry
        self.inboxes |= {head.stream: head for head in committed.inboxes}
        self.conversations |= {id: ledger.conversations[id] for id in ledger.changed}
        self.devices |= {id: changed(self.devices[id], {"counter": n}) for id, n in ledger.counted.items()}


class DiskStore:
    """`ConversationStore` of one process. Every read and write takes a while; a crash falls before or after it."""

    def __init__(self, disk: Disk, rng: random.Random) -> None:
        self.disk = disk
        self.rng = rng
        self.is_dead = False
        self.slow_s = (0.001, 0.03)
        self._listeners: list[Told] = []
        self.appender = Appender(self.commit, self._tell)

    # --- writing ---

    def append(self, entry: NewEntry) -> asyncio.Future[Kept]:
        return self.appender.put(entry)

    async def commit(self, batch: Sequence[NewEntry]) -> Committed:
        return await self._write(lambda: self.decide(batch))

    def decide(self, batch: Sequence[NewEntry]) -> Committed:
        """The transaction: all of it at once."""
        ledger = self.disk.ledger(batch)
        committed = accept_all(ledger, batch)
        self.disk.write(ledger, committed)
        return committed

    async def _write(self, job: Callable[[], T]) -> T:
        await self._wait()
        if self.disk.is_full:
            raise Unavailable("The disk is full; nothing was kept. Try again later.")
        result = job()
        await self._wait()
        return result

    async def _wait(self) -> None:
        await asyncio.sleep(self.rng.uniform(*self.slow_s))
        if self.is_dead:
            await asyncio.Event().wait()  # this process is gone

    def _tell(self, committed: Committed) -> None:
        for told in self._listeners:
            told(committed.fresh, committed.inboxes)

    def listen(self, told: Told) -> None:
        self._listeners.append(told)

    async def act(
        self, conversation_id: str, decide: Callable[[Conversation], Conversation], note: NewEntry
    ) -> Kept | None:
        def job() -> Committed | None:
            ledger = self.disk.ledger([note])
            before = ledger.conversations[conversation_id]
            if (note.id, note.author) not in ledger.known:
                after = decide(before)
                if after == before:
                    return None
                ledger.put(after)
            kept = accept(ledger, note)
            committed = Committed([kept], ledger.fresh, place_in_inboxes(ledger))
            self.disk.write(ledger, committed)
            return committed

        committed = await self._write(job)
        if committed is None:
            return None
        self._tell(committed)
        kept = committed.answers[0]
        assert isinstance(kept, Kept)
        return kept

    # --- reading ---

    async def entries(self, stream: str, *, after: int = 0, limit: int = 200) -> list[Entry]:
        await self._wait()
        return self.disk.stream(stream)[after : after + limit]

    async def older(self, stream: str, *, before: int, limit: int = 50) -> list[Entry]:
        await self._wait()
        return self.disk.stream(stream)[: max(before - 1, 0)][-limit:]

    async def heads(self, streams: Sequence[str]) -> list[Head]:
        await self._wait()
        return [self.disk.head(stream) for stream in streams]

    async def matches(self, cursor: Cursor) -> bool:
        await self._wait()
        if cursor.position == 0:
            return cursor.digest == 0
        if cursor.stream[0] == "i":
            at = {(c.inbox_position, c.inbox_digest) for c in self.disk.conversations.values()}
            head = self.disk.head(cursor.stream)
            return (cursor.position, cursor.digest) in {*at, (head.head, head.digest)}
        entries = self.disk.stream(cursor.stream)
        return cursor.position <= len(entries) and entries[cursor.position - 1].digest == cursor.digest

    async def conversation(self, conversation_id: str) -> Conversation:
        await self._wait()
        return self.disk.conversation(conversation_id)

    async def rows(self, shop_id: str, *, after: int = 0, limit: int = 500) -> tuple[list[Row], int]:
        await self._wait()
        return self.rows_now(shop_id, after)[:limit], self.disk.head(inbox_stream(shop_id)).head

    def rows_now(self, shop_id: str, after: int = 0) -> list[Row]:
        kept = [c for c in self.disk.conversations.values() if c.shop_id == shop_id and c.inbox_position > after]
        kept = [c for c in kept if after or c.state != "closed"]
        return [self._row(c) for c in sorted(kept, key=lambda c: c.inbox_position)]

    def _row(self, kept: Conversation) -> Row:
        assignee = self.disk.staff.get(kept.assignee or "")
        name = self.disk.customers[kept.id].name
        head = len(self.disk.stream(f"c.{kept.id}"))
        return Row(conversation=kept, name=name, assignee_name=assignee.name if assignee else None, head=head)

    async def listed(
        self,
        shop_id: str,
        *,
        state: ConversationState | None = None,
        assignee: str | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> list[Row]:
        await self._wait()
        kept = [c for c in self.disk.conversations.values() if c.shop_id == shop_id and state in (None, c.state)]
        kept = [c for c in kept if assignee in (None, c.assignee or "") and c.inbox_position < (before or 2**31)]
        return [self._row(c) for c in sorted(kept, key=lambda c: -c.inbox_position)[:limit]]

    async def due(self, now: datetime, *, limit: int = 100) -> list[str]:
        await self._wait()
        put_off = [c for c in self.disk.conversations.values() if c.state == "snoozed"]
        return [c.id for c in put_off if c.snoozed_until is not None and c.snoozed_until <= now][:limit]

    async def row(self, conversation_id: str) -> Row:
        await self._wait()
        return self._row(self.disk.conversation(conversation_id))

    async def touch(self, conversation_id: str) -> None:
        def job() -> Committed:
            if conversation_id not in self.disk.conversations:
                return Committed([], [], [])
            conversation = self.disk.conversation(conversation_id)
            heads = map(self.disk.head, (f"c.{conversation_id}", inbox_stream(conversation.shop_id)))
            lines = {head.stream: Line(conversation.shop_id, head.head, head.digest) for head in heads}
            ledger = Ledger(streams=lines, conversations={}, devices={}, known={})
            ledger.put(conversation)
            committed = Committed([], [], place_in_inboxes(ledger))
            self.disk.write(ledger, committed)
            return committed

        self._tell(await self._write(job))

    # --- devices and marks ---

    async def device(self, device: Device) -> Device:
        def job() -> Device:
            kept = self.disk.devices.get(device.id, device)
            if kept.person_id != device.person_id:
                raise Conflict("This device belongs to somebody else.")
            if kept.ended_at is not None:
                raise Forbidden("This device was signed out.", code="ended")
            change = {"name": device.name, "seen_at": device.seen_at, "session": device.session or kept.session}
            met = kept.model_copy(update=change)
            self.disk.devices[device.id] = met
            return met

        return await self._write(job)

    async def devices_of(self, person_id: str) -> list[Device]:
        await self._wait()
        kept = [d for d in self.disk.devices.values() if d.person_id == person_id and d.ended_at is None]
        return sorted(kept, key=lambda device: device.seen_at, reverse=True)

    async def end_device(self, device_id: str, now: datetime, *, asked_by: str = "") -> str:
        def job() -> str:
            if device_id not in self.disk.devices:
                raise NotFound("This device is not known here.")
            ended = self.disk.devices[device_id].model_copy(update={"ended_at": now})
            self.disk.devices[device_id] = ended
            alike = [d for d in self.disk.devices.values() if d.session == asked_by and d.ended_at is None]
            if not ended.session or (ended.session == asked_by and any(d.seen_at >= ended.seen_at for d in alike)):
                return ""
            self.disk.signed_out.setdefault(ended.session, now)
            return ended.session

        return await self._write(job)

    async def sign_out(self, session: str, now: datetime) -> None:
        await self._write(lambda: self.disk.signed_out.setdefault(session, now))

    async def has_signed_out(self, session: str) -> bool:
        await self._wait()
        return session in self.disk.signed_out

    async def signed_out_since(self, at: datetime) -> list[str]:
        await self._wait()
        return [session for session, since in self.disk.signed_out.items() if since >= at]

    async def put_code(self, code_hash: str, customer_id: str, expires_at: datetime) -> None:
        raise NotFound("The simulation knows no codes.")

    async def use_code(self, code_hash: str, now: datetime) -> str:
        raise NotFound("The simulation knows no codes.")

    async def see(self, marks: Sequence[Mark]) -> list[Mark]:
        def job() -> list[Mark]:
            merged: dict[Key, Mark] = {}
            for mark in marks:
                key = (mark.stream, mark.person_id)
                old = self.disk.marks.get(key, mark.model_copy(update={"delivered": 0, "read": 0}))
                head = self.disk.head(mark.stream).head
                read = max(old.read, min(mark.read, head))
                delivered = max(old.delivered, min(mark.delivered, head), read)
                self.disk.marks[key] = merged[key] = old.model_copy(update={"delivered": delivered, "read": read})
            return list(merged.values())

        return await self._write(job)

    async def marks(self, streams: Sequence[str]) -> list[Mark]:
        await self._wait()
        return [mark for mark in self.disk.marks.values() if mark.stream in streams]

    async def marks_of(self, person_id: str) -> list[Mark]:
        await self._wait()
        return [mark for mark in self.disk.marks.values() if mark.person_id == person_id]

    async def epoch(self) -> str:
        await self._wait()
        return self.disk.epoch

    async def renew_epoch(self) -> str:
        self.disk.epoch = f"epoch-{int(self.disk.epoch[6:]) + 1}"
        return copy.copy(self.disk.epoch)
