from __future__ import annotations

from datetime import timedelta
from functools import partial

from domain.conversation import Conversation
from domain.people import Customer, Staff
from domain.stream import NewEntry
from tests.support.doors import Door, refusal
from tests.support.houses import ANN, BO, COBBLER, LI, MEI, START, ZHOU


async def closed(door: Door, count: int) -> None:
    """`count` customers who said something, whose conversations are closed; Mei had every second one."""
    store = door.house.conversations
    for number in range(count):
        customer = Customer(id=f"c-{number}", shop_id=COBBLER.id, name=f"C{number}", created_at=START)
        door.house.people.customers[customer.id] = customer
        said = NewEntry(
            stream=f"c.c-{number}", id=f"said-{number:04}", kind="text", author=customer.id, side="customer",
            author_name=customer.name, at=START + timedelta(seconds=number), body={"text": "Thank you"},
        )  # fmt: skip
        await store.append(said)
        note = said.model_copy(update={"stream": f"n.c-{number}", "id": f"note-{number:04}", "kind": "closed"})
        change = {"state": "closed", "assignee": MEI.id if number % 2 else None}
        await store.act(customer.id, partial(Conversation.model_copy, update=change), note)


async def test_closed_conversations_are_found_page_by_page_the_last_changed_first(door: Door) -> None:
    await closed(door, 70)
    await door.chat.append_by_machine(f"c.{ANN.id}", "job.1", "ring", {"path": "/s/cobbler"})
    mei = door.staff(MEI)
    first = await (await mei.get("/api/inbox?state=closed")).json()
    rest = await (await mei.get(f"/api/inbox?state=closed&before={first['before']}")).json()
    assert (len(first["rows"]), rest["before"]) == (50, None)
    shown = [row["conversation"] for row in first["rows"] + rest["rows"] if row["conversation"] != ANN.id]
    assert shown == [f"c-{number}" for number in reversed(range(70))]
    mine = await (await mei.get("/api/inbox?who=mine")).json()
    assert {row["assignee_name"] for row in mine["rows"]} == {"Mei"}
    assert len(mine["rows"]) == 35
    nobodys = await (await door.staff(LI).get("/api/inbox?who=unassigned&state=closed")).json()
    assert all(row["assignee"] is None for row in nobodys["rows"])


async def test_the_inbox_is_the_shops_own(door: Door) -> None:
    await closed(door, 1)
    assert await (await door.staff(ZHOU).get("/api/inbox")).json() == {"rows": [], "before": None}
    await refusal(await door.customer(ANN).get("/api/inbox"), 401, "not_signed_in")
    for query in ("state=lost", "who=me", "before=0", "before=x"):
        await refusal(await door.staff(MEI).get(f"/api/inbox?{query}"), 400, "bad_request")


async def test_one_conversation_is_found_also_when_it_is_closed_or_still_empty(door: Door) -> None:
    await closed(door, 1)
    mei = door.staff(MEI)
    found = await (await mei.get("/api/inbox/c-0")).json()
    assert (found["name"], found["state"], found["preview"], found["head"]) == ("C0", "closed", "Thank you", 1)
    assert (await (await mei.get(f"/api/inbox/{ANN.id}")).json())["head"] == 0
    await refusal(await door.staff(ZHOU).get("/api/inbox/c-0"), 404, "not_found")
    await refusal(await mei.get("/api/inbox/nobody"), 404, "not_found")
    await refusal(await door.customer(ANN).get(f"/api/inbox/{ANN.id}"), 401, "not_signed_in")


async def given(door: Door, staff: Staff, *customers: str, state: str = "open") -> None:
    """Conversations of customers `c-0`, `c-1` ... that this member of staff has."""
    for customer_id in customers:
        change = {"assignee": staff.id, "state": state}
        note = NewEntry(
            stream=f"n.{customer_id}", id=f"given-{customer_id}", kind="assigned", author=staff.id, side="staff",
            author_name=staff.name, at=START, body={},
        )  # fmt: skip
        await door.house.conversations.act(customer_id, partial(Conversation.model_copy, update=change), note)


async def test_who_leaves_gives_all_that_they_have_to_a_colleague_or_back(door: Door) -> None:
    await closed(door, 5)
    await given(door, LI, "c-0", "c-1")
    await given(door, LI, "c-2", state="snoozed")
    await given(door, LI, "c-3", state="closed")
    await given(door, MEI, "c-4")
    li, store = door.staff(LI), door.house.conversations
    said = await (await li.post("/api/inbox/hand-over", json={"to": MEI.id})).json()
    assert said == {"conversations": 3}
    owners = {f"c-{n}": (await store.conversation(f"c-{n}")).assignee for n in range(5)}
    assert owners == {"c-0": MEI.id, "c-1": MEI.id, "c-2": MEI.id, "c-3": LI.id, "c-4": MEI.id}
    told = (await store.entries("n.c-0"))[-1]
    assert (told.kind, told.author_name, told.body) == ("assigned", "Li", {"staff_id": MEI.id, "staff_name": "Mei"})
    assert (await (await li.post("/api/inbox/hand-over", json={"to": None})).json()) == {"conversations": 0}
    assert (await (await door.staff(MEI).post("/api/inbox/hand-over", json={})).json()) == {"conversations": 4}
    assert (await store.conversation("c-2")).assignee is None
    assert (await store.conversation("c-2")).state == "snoozed"


async def test_nobody_hands_over_to_a_stranger(door: Door) -> None:
    await closed(door, 1)
    await given(door, LI, "c-0")
    for nobody in (ZHOU.id, "nobody"):
        await refusal(await door.staff(LI).post("/api/inbox/hand-over", json={"to": nobody}), 404, "not_found")
    await refusal(await door.customer(ANN).post("/api/inbox/hand-over", json={}), 401, "not_signed_in")
    assert (await door.house.conversations.conversation("c-0")).assignee == LI.id


async def test_colleagues_are_those_of_the_shop(door: Door) -> None:
    found = await (await door.staff(LI).get("/api/colleagues")).json()
    assert {(one["id"], one["name"]) for one in found["colleagues"]} == {(s.id, s.name) for s in (MEI, LI, BO)}
    await refusal(await door.customer(ANN).get("/api/colleagues"), 401, "not_signed_in")
