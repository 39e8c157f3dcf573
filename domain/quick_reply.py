"""Sentences that a shop says often, as it typed them, in whatever language."""

from __future__ import annotations

from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

MOST_QUICK_REPLIES = 200


class QuickReply(BaseModel):
    """`label` is what staff find it by; `text` is what is put into the answer."""

    model_config = ConfigDict(frozen=True)
    id: str
    shop_id: str
    label: str = Field(min_length=1, max_length=40)
    text: str = Field(min_length=1, max_length=2000)


class QuickReplyStore(Protocol):
    async def quick_replies(self, shop_id: str) -> list[QuickReply]:
        """By label."""

    async def put_quick_reply(self, reply: QuickReply) -> None:
        """Inserts it, or replaces the one with this id. Raises NotFound for one of another shop, Conflict when the shop
        has `MOST_QUICK_REPLIES`."""

    async def remove_quick_reply(self, shop_id: str, reply_id: str) -> None:
        """Raises NotFound."""
