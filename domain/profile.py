"""What a shop knows of a customer: what they like, what they own, what kind of customer they are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field

from domain.call import Call
from domain.people import Language
from domain.record import Booking

Tag = Annotated[str, Field(min_length=1, max_length=40)]


class Item(BaseModel):
    """Something that the customer bought or brings in; every so many months it wants care."""

    model_config = ConfigDict(frozen=True)
    name: str = Field(min_length=1, max_length=120)
    material: str = Field(default="", max_length=120)
    bought_on: date | None = None
    care_months: int | None = Field(default=None, ge=1, le=60)


class Profile(BaseModel):
    """`version` grows with each change by staff, `changed_by` is the name of who made the last one. `name` and `language`
    are the customer's own: the customer may change them too."""

    model_config = ConfigDict(frozen=True)
    customer_id: str
    shop_id: str
    name: str = Field(min_length=1, max_length=80)
    language: Language = "en"
    since: datetime
    tags: tuple[Tag, ...] = Field(default=(), max_length=20)
    preferences: str = Field(default="", max_length=2000)
    items: tuple[Item, ...] = Field(default=(), max_length=100)
    version: int = 0
    changed_at: datetime | None = None
    changed_by: str | None = None


class Visits(BaseModel):
    """The newest first."""

    calls: list[Call]
    bookings: list[Booking]


class ProfileStore(Protocol):
    """Every method raises NotFound for an unknown customer."""

    async def profile(self, customer_id: str) -> Profile:
        """Of whom nobody wrote anything down yet it is empty, at version 0."""

    async def change_profile(self, customer_id: str, decide: Callable[[Profile], Profile]) -> Profile:
        """Applies `decide` under the profile's lock. What it raises passes through and nothing is written. A new name is
        shown by the inbox's row in the same moment."""

    async def visits(self, customer_id: str, *, limit: int = 20) -> Visits: ...
