"""The store of conversations, as the domain needs it. `store` implements it; `tests/support` has one in memory.

Every method but `append` is one transaction and durable when it returns; `append` gathers what waits into one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from domain.conversation import Conversation, ConversationState, Row
from domain.stream import Cursor, Device, Entry, Head, Kept, Mark, NewEntry

Told = Callable[[Sequence[Entry], Sequence[Head]], None]


class ConversationStore(Protocol):
    def append(self, entry: NewEntry) -> asyncio.Future[Kept]:
        """Answered when it is on the disk. The future raises Expect, HeldBack, NotReady, TooLate, Forbidden, Conflict,
        NotFound, Invalid or Unavailable; nothing of a refused entry is kept."""

    def listen(self, told: Told) -> None:
        """`told(entries, inboxes)` is called once for each commit with what is fresh in it, in the order of commits of
        this store's appends. What calls and `act` write is told too, but may come out of order: read on by position.
        `inboxes` are the inbox streams (`i.<shop>`) in which rows changed."""

    async def entries(self, stream: str, *, after: int = 0, limit: int = 200) -> list[Entry]:
        """Oldest first."""

    async def older(self, stream: str, *, before: int, limit: int = 50) -> list[Entry]:
        """The last ones before a position, oldest first."""

    async def heads(self, streams: Sequence[str]) -> list[Head]:
        """In the order of `streams`. One that nobody wrote in yet has head 0."""

    async def matches(self, cursor: Cursor) -> bool:
        """True when this store's stream has the cursor's digest at its position. Of an inbox that is known only where
        the last change of some conversation is: False elsewhere."""

    async def device(self, device: Device) -> Device:
        """Inserts it, or returns the kept one (with its counter). Raises Conflict when the id belongs to another
        person, Forbidden (code `ended`) when it was signed out."""

    async def devices_of(self, person_id: str) -> list[Device]:
        """Those not ended, last seen first."""

    async def end_device(self, device_id: str, now: datetime, *, asked_by: str = "") -> str:
        """Nothing of it is taken any more, and the session that it last came with is signed out: returns that, or "" when
        none was. `asked_by`: the session that asks; it stays when a newer device came with it, since then this is what
        a browser was before it lost what it had kept. Raises NotFound."""

    async def sign_out(self, session: str, now: datetime) -> None:
        """No cookie of this session is good any more."""

    async def has_signed_out(self, session: str) -> bool: ...
    async def signed_out_since(self, at: datetime) -> list[str]:
        """Sessions that were signed out at or after a time, perhaps by another process."""

    async def put_code(self, code_hash: str, customer_id: str, expires_at: datetime) -> None:
        """A code with which a second device joins."""

    async def use_code(self, code_hash: str, now: datetime) -> str:
        """The customer of a code, once; raises NotFound for one unknown, used or too old."""

    async def see(self, marks: Sequence[Mark]) -> list[Mark]:
        """Merges by maximum, never beyond a stream's head. Returns the merged marks, one for each stream and person."""

    async def marks(self, streams: Sequence[str]) -> list[Mark]: ...
    async def marks_of(self, person_id: str) -> list[Mark]: ...
    async def conversation(self, conversation_id: str) -> Conversation:
        """One that nobody wrote in yet is closed and empty. Raises NotFound for an unknown customer."""

    async def rows(self, shop_id: str, *, after: int = 0, limit: int = 500) -> tuple[list[Row], int]:
        """The conversations that changed after an inbox position, in that order, and the inbox's head; from 0 only those
        not closed. Fewer rows than `limit`: there are no more."""

    async def act(
        self, conversation_id: str, decide: Callable[[Conversation], Conversation], note: NewEntry
    ) -> Kept | None:
        """Applies `decide` under the conversation's lock and keeps `note` (in `n.`) with it, once for each id. None when
        it changes nothing: then there is no note to keep. What `decide` raises passes through and nothing is written."""

    async def listed(
        self,
        shop_id: str,
        *,
        state: ConversationState | None = None,
        assignee: str | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> list[Row]:
        """The last changed first, those before an inbox position; of one member of staff, or of nobody (`assignee` "")."""

    async def due(self, now: datetime, *, limit: int = 100) -> list[str]:
        """Snoozed conversations whose time has come, the longest due first."""

    async def epoch(self) -> str: ...
    async def renew_epoch(self) -> str:
        """After a backup was put back: devices then offer what this database lost."""

    async def row(self, conversation_id: str) -> Row:
        """Raises NotFound for an unknown customer."""
