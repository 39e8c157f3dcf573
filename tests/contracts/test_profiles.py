"""What the shop knows of customers, and what it says often: on SQLite, on PostgreSQL and in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from domain.errors import Conflict, Invalid, NotFound
from domain.people import Customer, Shop
from domain.ports import CallStore, PeopleStore
from domain.profile import Item, Profile, ProfileStore
from domain.quick_reply import MOST_QUICK_REPLIES, QuickReply, QuickReplyStore
from store.database import Database, open_database
from tests.support.databases import Cluster, sqlite_address
from tests.support.houses import MemoryCalls, MemoryPeople
from tests.support.kept import CALL, NOW, SHOP, booking, message
from tests.support.memory_profiles import MemoryProfiles, MemoryQuickReplies
from tests.support.said import Listener, said


class Stores(NamedTuple):
    people: PeopleStore
    calls: CallStore
    profiles: ProfileStore
    replies: QuickReplyStore


@pytest.fixture(params=["sqlite", "postgresql", "memory"])
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stores]:
    if request.param == "memory":
        people, calls = MemoryPeople(), MemoryCalls()
        yield await filled(Stores(people, calls, MemoryProfiles(people, calls), MemoryQuickReplies()))
        return
    cluster: Cluster | None = request.getfixturevalue("cluster") if request.param == "postgresql" else None
    address = cluster.new_database() if cluster else sqlite_address(tmp_path)
    async with open_database(address) as db:
        yield await filled(Stores(db.people, db.calls, db.profiles, db.quick_replies))


async def filled(stores: Stores) -> Stores:
    await stores.people.add_shop(SHOP)
    await stores.people.add_shop(Shop(id="shop-2", slug="mei", name="Mei"))
    for name in ("ann", "bob"):
        await stores.people.put_customer(Customer(id=name, shop_id="shop-1", name=name.title(), created_at=NOW))
    return stores


def raised(profile: Profile, **changes: object) -> Profile:
    return profile.model_copy(update={"version": profile.version + 1, **changes})


async def test_a_profile_begins_empty_and_keeps_what_was_written_down(stores: Stores) -> None:
    blank = await stores.profiles.profile("ann")
    assert (blank.name, blank.version, blank.tags, blank.items, blank.since) == ("Ann", 0, (), (), NOW)
    boots = Item(name="Boots", material="小牛皮", bought_on=date(2026, 10, 1), care_months=3)
    changes = {"tags": ("常客",), "preferences": "cash", "items": (boots,), "changed_at": NOW, "changed_by": "Li"}
    after = await stores.profiles.change_profile("ann", lambda p: raised(p, **changes))
    assert after == await stores.profiles.profile("ann") == blank.model_copy(update={**changes, "version": 1})
    assert (await stores.profiles.profile("bob")).version == 0
    for ask in (stores.profiles.profile("nobody"), stores.profiles.visits("nobody")):
        with pytest.raises(NotFound):
            await ask


async def test_a_new_name_is_the_customers_name_and_a_name_of_the_customers_own_is_the_profiles(stores: Stores) -> None:
    await stores.profiles.change_profile("ann", lambda p: raised(p, name="Ann Chen", language="zh-CN"))
    customer = await stores.people.customer("ann")
    assert (customer.name, customer.language) == ("Ann Chen", "zh-CN")
    await stores.people.put_customer(customer.model_copy(update={"name": "Annie"}))
    assert (await stores.profiles.profile("ann")).name == "Annie"


async def test_of_twenty_who_change_the_same_version_one_does(stores: Stores) -> None:
    def decide(profile: Profile) -> Profile:
        if profile.version != 0:
            raise Conflict("Somebody was first.")
        return raised(profile, preferences="mine")

    asked = [stores.profiles.change_profile("ann", decide) for _ in range(20)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(answer, Profile) for answer in answers) == 1
    assert (await stores.profiles.profile("ann")).version == 1


async def test_what_cannot_be_kept_changes_nothing(stores: Stores) -> None:
    def decide(profile: Profile) -> Profile:
        raise Invalid("No.")

    with pytest.raises(Invalid):
        await stores.profiles.change_profile("ann", decide)
    assert (await stores.profiles.profile("ann")).version == 0


async def test_visits_are_a_customers_own_calls_and_bookings_the_newest_first(stores: Stores) -> None:
    for number in range(3):
        changes = {"id": f"k-{number}", "customer_id": "ann", "state": "ended"}
        await stores.calls.add(CALL.model_copy(update={**changes, "created_at": NOW + timedelta(hours=number)}))
    other = {"id": "k-9", "customer_id": "bob"}
    await stores.calls.add(CALL.model_copy(update=other))
    promised = booking(call_id="k-0", customer_id="ann")
    await stores.calls.append(message(1, call_id="k-0"), booking=promised)
    visits = await stores.profiles.visits("ann", limit=2)
    assert [call.id for call in visits.calls] == ["k-2", "k-1"]
    assert visits.bookings == [promised]
    assert (await stores.profiles.visits("bob")).bookings == []


async def test_quick_replies_are_the_shops_own_and_in_the_order_of_their_labels(stores: Stores) -> None:
    def reply(label: str, **changes: str) -> QuickReply:
        return QuickReply(**{"id": f"q-{label}", "shop_id": "shop-1", "label": label, "text": f"{label}!", **changes})

    for label in ("取货", "hours", "Address"):
        await stores.replies.put_quick_reply(reply(label))
    assert [r.label for r in await stores.replies.quick_replies("shop-1")] == ["Address", "hours", "取货"]
    await stores.replies.put_quick_reply(reply("hours", text="9 to 6"))
    assert (await stores.replies.quick_replies("shop-1"))[1].text == "9 to 6"
    assert await stores.replies.quick_replies("shop-2") == []
    with pytest.raises(NotFound):
        await stores.replies.put_quick_reply(reply("hours", shop_id="shop-2"))
    with pytest.raises(NotFound):
        await stores.replies.remove_quick_reply("shop-2", "q-hours")
    await stores.replies.remove_quick_reply("shop-1", "q-hours")
    assert [r.label for r in await stores.replies.quick_replies("shop-1")] == ["Address", "取货"]


async def test_a_shop_keeps_so_many_quick_replies_and_no_more(stores: Stores) -> None:
    for number in range(MOST_QUICK_REPLIES):
        made = QuickReply(id=f"q-{number}", shop_id="shop-1", label=f"{number:03}", text="x")
        await stores.replies.put_quick_reply(made)
    with pytest.raises(Conflict):
        await stores.replies.put_quick_reply(made.model_copy(update={"id": "one-more"}))
    await stores.replies.put_quick_reply(made.model_copy(update={"text": "changed"}))


async def test_a_new_name_and_the_row_that_shows_it_are_kept_together(db: Database) -> None:
    heard, store = Listener(), db.conversations
    await store.append(said(1))
    store.listen(heard.told)
    before, (_, head) = await store.row("ann"), await store.rows("shop-1")
    places = {"inbox_position", "inbox_digest"}
    ann = await db.people.customer("ann")
    await db.profiles.change_profile("ann", lambda profile: profile.model_copy(update={"preferences": "cash"}))
    await db.people.put_customer(ann.model_copy(update={"language": "zh-CN"}))
    await db.profiles.change_profile("bob", lambda profile: profile.model_copy(update={"name": "Bobby"}))
    assert heard.inboxes == []  # no row shows anything else than before
    for number, name in enumerate(("Ann Chen", "Annie"), 1):
        if number == 1:
            await db.profiles.change_profile("ann", lambda profile: profile.model_copy(update={"name": "Ann Chen"}))
        else:
            await db.people.put_customer(ann.model_copy(update={"name": name}))
        [row], head = await store.rows("shop-1", after=head)
        assert (row.name, row.conversation.inbox_position) == (name, heard.inboxes[-1].head)
        assert row.conversation.model_dump(exclude=places) == before.conversation.model_dump(exclude=places)
        assert len(heard.inboxes) == number

    def cannot(profile: Profile) -> Profile:
        raise Conflict("Somebody was first.")

    with pytest.raises(Conflict):
        await db.profiles.change_profile("ann", cannot)
    with pytest.raises(NotFound):
        await store.row("nobody")
    assert len(heard.inboxes) == 2
