from __future__ import annotations

from tests.support.doors import Door, refusal
from tests.support.houses import ANN, LI, MEI, ZHOU

HOURS = "/api/quick-replies/reply-hours"


async def test_managers_write_quick_replies_and_all_of_the_shop_have_them(door: Door) -> None:
    mei, li = door.staff(MEI), door.staff(LI)
    kept = await (await mei.put(HOURS, json={"label": "营业时间", "text": "We are open 9:00 to 18:00.\n每天"})).json()
    assert kept["id"] == "reply-hours"
    await mei.put(HOURS, json={"label": "hours", "text": "9 to 6"})
    assert [(r["label"], r["text"]) for r in (await (await li.get("/api/quick-replies")).json())["replies"]] == [
        ("hours", "9 to 6")
    ]
    await mei.post(HOURS + "/remove", json={})
    assert (await (await li.get("/api/quick-replies")).json())["replies"] == []
    await refusal(await mei.post(HOURS + "/remove", json={}), 404, "not_found")


async def test_clerks_and_other_shops_change_none_and_customers_see_none(door: Door) -> None:
    await door.staff(MEI).put(HOURS, json={"label": "hours", "text": "9 to 6"})
    await refusal(await door.staff(LI).put(HOURS, json={"label": "a", "text": "b"}), 403, "forbidden")
    await refusal(await door.staff(LI).post(HOURS + "/remove", json={}), 403, "forbidden")
    assert (await (await door.staff(ZHOU).get("/api/quick-replies")).json())["replies"] == []
    await refusal(await door.customer(ANN).get("/api/quick-replies"), 401, "not_signed_in")


async def test_a_quick_reply_that_says_nothing_is_refused(door: Door) -> None:
    mei = door.staff(MEI)
    for wrong in (
        {"label": "", "text": "x"},
        {"label": "x", "text": " "},
        {"label": "x" * 41, "text": "x"},
        {"label": "x"},
    ):
        await refusal(await mei.put(HOURS, json=wrong), 400, "bad_request")
