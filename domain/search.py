"""Looking for what was said, and who may look where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from domain.stream import Entry


class Scope(BaseModel):
    """Where to look: all conversations and notes of a shop, or those of one customer, for customers without the notes."""

    model_config = ConfigDict(frozen=True)
    shop_id: str
    customer_id: str | None = None
    has_notes: bool = True


class Found(BaseModel):
    """`place` orders what was found, newest first; give the last one as `before` to go on."""

    model_config = ConfigDict(frozen=True)
    entry: Entry
    place: int

    @property
    def said(self) -> str:
        return said_in(self.entry.body)


def said_in(body: Mapping[str, Any]) -> str:
    """What people find an entry by."""
    return "\n".join([str(body[name]) for name in ("text", "caption", "name") if body.get(name)])


class SearchStore(Protocol):
    async def search(self, sought: str, scope: Scope, *, before: int | None = None, limit: int = 30) -> list[Found]:
        """Newest first. All parts of `sought` are in each (`domain.words`); taken back and erased words are not found."""
