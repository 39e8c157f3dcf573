"""Whose stream this is, and whether a person may do something with it: `domain.entitlement`, with the shops looked up."""

from __future__ import annotations

from domain.entitlement import Deed, may, may_open
from domain.errors import Forbidden, NotFound
from domain.people import Customer, Staff
from domain.ports import PeopleStore
from domain.stream import owner_of

MAX_SHOPS = 50_000  # about 10 MB; a customer's shop never changes


class ChatRights:
    def __init__(self, people: PeopleStore) -> None:
        self._people = people
        self._shop_of: dict[str, str] = {}

    def shop_if_known(self, person: Staff | Customer, stream: str) -> str | None:
        """The shop that a stream belongs to, when that can be told without asking the store."""
        owner = owner_of(stream)
        if stream[0] == "i":
            return owner
        if stream[0] == "s" or isinstance(person, Customer):
            return person.shop_id  # of another's stream, whatever its shop is, nothing is allowed
        return self._shop_of.get(owner)

    async def shop(self, person: Staff | Customer, stream: str) -> str:
        """Raises NotFound for a customer who is not known here."""
        known = self.shop_if_known(person, stream)
        if known is None:
            known = (await self._people.customer(owner_of(stream))).shop_id
            if len(self._shop_of) >= MAX_SHOPS:
                self._shop_of.pop(next(iter(self._shop_of)))
            self._shop_of[owner_of(stream)] = known
        return known

    async def may_open(self, person: Staff | Customer, stream: str) -> bool:
        try:
            return may_open(person, stream, shop_id=await self.shop(person, stream))
        except NotFound:
            return False

    async def require_open(self, person: Staff | Customer, stream: str) -> None:
        """Raises NotFound: nobody learns what others have."""
        if not await self.may_open(person, stream):
            raise unknown()

    async def require(self, person: Staff | Customer, deed: Deed, stream: str) -> None:
        """Raises NotFound, or Forbidden for a conversation that the person may read."""
        require(person, deed, stream, await self.shop(person, stream))


def require(person: Staff | Customer, deed: Deed, stream: str, shop_id: str) -> None:
    customer_id = owner_of(stream)
    if stream[0] not in "cn" or not may_open(person, stream, shop_id=shop_id):
        raise unknown()
    if not may(person, deed, shop_id=shop_id, customer_id=customer_id):
        raise Forbidden("You may read this conversation, but not do this with it.")


def unknown() -> NotFound:
    return NotFound("There is no such conversation.")
