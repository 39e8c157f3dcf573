from __future__ import annotations

from domain.stream import NewEntry
from tests.support.doors import Door, refusal
from tests.support.houses import ANN, LI, MEI, START, TOM, ZHOU

PROFILE = f"/api/customers/{ANN.id}/profile"


async def test_a_clerk_writes_down_what_the_shop_knows_and_a_colleague_reads_it(door: Door) -> None:
    li, mei = door.staff(LI), door.staff(MEI)
    blank = (await (await li.get(PROFILE)).json())["profile"]
    assert (blank["name"], blank["version"], blank["items"], blank["changed_by"]) == ("Ann", 0, [], None)
    boots = {"name": "Boots", "material": "calf", "bought_on": "2026-10-01", "care_months": 3}
    change = {"version": 0, "tags": ["frequent"], "preferences": "pays cash", "items": [boots]}
    kept = await (await li.post(PROFILE, json=change)).json()
    assert (kept["version"], kept["changed_by"], kept["items"]) == (1, "Li", [boots])
    assert (await (await mei.get(PROFILE)).json())["profile"] == kept
    more = await (await mei.post(PROFILE, json={"version": 1, "preferences": ""})).json()
    assert (more["tags"], more["preferences"], more["changed_by"]) == (["frequent"], "", "Mei")


async def test_of_two_who_change_the_same_version_the_second_is_asked_to_look(door: Door) -> None:
    li, mei = door.staff(LI), door.staff(MEI)
    await li.post(PROFILE, json={"version": 0, "preferences": "cash"})
    said = await refusal(await mei.post(PROFILE, json={"version": 0, "preferences": "card"}), 409, "stale")
    assert "colleague" in said["message"]
    assert (await (await mei.get(PROFILE)).json())["profile"]["preferences"] == "cash"


async def test_a_new_name_is_told_in_the_inbox_in_calls_and_in_what_is_written_next(door: Door) -> None:
    door.house.conversations.append(
        NewEntry(
            stream=f"c.{ANN.id}", id="said-0001", kind="text", author=ANN.id, side="customer", author_name="Ann",
            at=START, body={"text": "Hello"},
        )
    )  # fmt: skip
    mei = door.staff(MEI)
    before = await (await mei.get(f"/api/inbox/{ANN.id}")).json()
    await mei.post(PROFILE, json={"version": 0, "name": "Ann Chen"})
    after = await (await mei.get(f"/api/inbox/{ANN.id}")).json()
    assert (before["name"], after["name"]) == ("Ann", "Ann Chen")
    assert after["position"] > before["position"]
    assert door.live.renames == ["Ann Chen"]
    await mei.post(PROFILE, json={"version": 1, "tags": ["new"]})
    assert door.live.renames == ["Ann Chen"]
    await door.customer(ANN).post("/api/enter", json={"shop": "cobbler", "name": "Annie"})
    assert (await (await mei.get(f"/api/inbox/{ANN.id}")).json())["name"] == "Annie"
    assert door.live.renames == ["Ann Chen", "Annie"]


async def test_calls_that_are_over_and_bookings_are_beside_it(door: Door) -> None:
    await door.house.waiting_call(ANN)
    over = {"state": "ended", "live_at": START, "ended_at": door.house.clock.advance(75)}
    call = await door.house.waiting_call(TOM, **over)
    tom = await (await door.staff(LI).get(f"/api/customers/{TOM.id}/profile")).json()
    assert [(c["id"], c["seconds"], c["state"]) for c in tom["calls"]] == [(call.id, 75, "ended")]
    assert (await (await door.staff(LI).get(PROFILE)).json())["calls"] == []


async def test_a_profile_is_the_shops_own_and_never_the_customers(door: Door) -> None:
    for ask in ("get", "post"):
        body = {"json": {"version": 0}} if ask == "post" else {}
        await refusal(await getattr(door.staff(ZHOU), ask)(PROFILE, **body), 404, "not_found")
        await refusal(await getattr(door.customer(ANN), ask)(PROFILE, **body), 401, "not_signed_in")
    await refusal(await door.staff(MEI).get("/api/customers/nobody/profile"), 404, "not_found")


async def test_what_a_profile_cannot_hold_is_refused(door: Door) -> None:
    mei = door.staff(MEI)
    for wrong in (
        {}, {"version": -1}, {"version": 0, "name": ""}, {"version": 0, "name": "  "}, {"version": 0, "tags": ["x"] * 21},
        {"version": 0, "items": [{"name": ""}]}, {"version": 0, "items": [{"name": "x", "care_months": 0}]},
        {"version": 0, "language": "fr"}, {"version": 0, "color": "red"}, {"version": 0, "preferences": "x" * 2001},
        {"version": 0, "tags": ["\x00"]},
    ):  # fmt: skip
        await refusal(await mei.post(PROFILE, json=wrong), 400, "bad_request")
    assert (await (await mei.get(PROFILE)).json())["profile"]["version"] == 0
