"""Finding what was said: staff in all conversations of their shop, or in one; a customer in the own one."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web
from pydantic import BaseModel, Field

from domain.entitlement import may
from domain.people import Customer, Staff
from domain.search import Found, Scope, SearchStore
from domain.stream import EntryKind, EntrySide, conversation_stream, owner_of
from domain.words import Query, excerpt, query
from signaling.chat_rights import ChatRights, unknown
from signaling.http_body import PathId, json_answer, people_of, staff_of
from signaling.http_context import HOUSE

PAGE = 30
LONGEST = 100


class Sought(BaseModel):
    """`q`: all of its parts must be there. `store`: the id of another shop, for who may. `before`: that of the last page."""

    q: str = Field(min_length=1, max_length=LONGEST)
    store: PathId | None = None
    conversation: PathId | None = None
    before: int | None = Field(default=None, ge=1, le=2**62)


class Hit(BaseModel):
    """An entry at `position` of `stream`; `match` stands between `before` and `after` in it. `name` is the customer's."""

    conversation: str
    name: str
    stream: str
    position: int
    id: str
    kind: EntryKind
    at: datetime
    side: EntrySide
    author_name: str
    before: str
    match: str
    after: str


class SearchPage(BaseModel):
    """Newest first. `before`: ask with it for those before these; None when there are no more."""

    hits: list[Hit]
    before: int | None


def add_search(app: web.Application, store: SearchStore) -> None:
    async def search(request: web.Request) -> web.Response:
        asked = Sought.model_validate({k: v for k, v in request.query.items() if k in Sought.model_fields})
        scope = await _scope(request, asked)
        wanted = query(asked.q)
        if wanted is None:
            return json_answer(SearchPage(hits=[], before=None))
        found = await store.search(asked.q, scope, before=asked.before, limit=PAGE)
        names = await _names(request, found)
        hits = [_hit(each, wanted, names) for each in found]
        return json_answer(SearchPage(hits=hits, before=found[-1].place if len(found) == PAGE else None))

    app.router.add_get("/api/search", search)


async def _scope(request: web.Request, asked: Sought) -> Scope:
    """Without a conversation: a whole shop. Raises NotSignedIn, NotFound."""
    if asked.conversation is None:
        staff = await staff_of(request)
        shop_id = asked.store or staff.shop_id
        if not may(staff, "search", shop_id=shop_id, customer_id=""):
            raise unknown()
        return Scope(shop_id=shop_id)
    rights, stream = ChatRights(request.app[HOUSE].people), conversation_stream(asked.conversation)
    for person in await people_of(request):
        if await rights.may_open(person, stream):
            shop_id = await rights.shop(person, stream)
            return Scope(shop_id=shop_id, customer_id=asked.conversation, has_notes=isinstance(person, Staff))
    raise unknown()


async def _names(request: web.Request, found: list[Found]) -> dict[str, str]:
    people = request.app[HOUSE].people
    owners = {owner_of(each.entry.stream) for each in found}
    customers: list[Customer] = [await people.customer(owner) for owner in sorted(owners)]
    return {customer.id: customer.name for customer in customers}


def _hit(found: Found, wanted: Query, names: dict[str, str]) -> Hit:
    entry = found.entry
    shown = excerpt(found.said, wanted)
    owner = owner_of(entry.stream)
    return Hit(
        conversation=owner, name=names[owner], stream=entry.stream, position=entry.position, id=entry.id,
        kind=entry.kind, at=entry.at, side=entry.side, author_name=entry.author_name,
        before=shown.before, match=shown.match, after=shown.after,
    )  # fmt: skip
