from __future__ import annotations

from tests.signaling.test_chat_poll import PollingPage
from tests.support.doors import Door, refusal
from tests.support.houses import ANN, MEI, TOM


async def test_a_second_phone_joins_with_the_code_that_the_first_one_shows(door: Door) -> None:
    shown = await (await door.customer(ANN).post("/api/devices/code", json={})).json()
    assert shown["url"].endswith(f"/s/cobbler/chat#join={shown['code']}")
    assert shown["qr_svg"].startswith("<svg")
    phone = door.browser()
    joined = await phone.post("/api/devices/join", json={"code": shown["code"]})
    assert (await joined.json())["customer"] == {"id": ANN.id, "name": "Ann"}
    page = PollingPage(phone, "device-second")
    assert (await page.hello())["me"]["id"] == ANN.id


async def test_a_code_counts_once_and_for_five_minutes(door: Door) -> None:
    ann = door.customer(ANN)
    codes = [(await (await ann.post("/api/devices/code", json={})).json())["code"] for _ in range(2)]
    assert (await door.browser().post("/api/devices/join", json={"code": codes[0]})).status == 200
    await refusal(await door.browser().post("/api/devices/join", json={"code": codes[0]}), 404, "not_found")
    door.house.clock.advance(301)
    await refusal(await door.browser().post("/api/devices/join", json={"code": codes[1]}), 404, "not_found")


async def test_codes_cannot_be_guessed_one_after_the_other(door: Door) -> None:
    for number in range(5):
        await refusal(await door.browser().post("/api/devices/join", json={"code": f"{number:08d}"}), 404, "not_found")
    await refusal(await door.browser().post("/api/devices/join", json={"code": "00000009"}), 429, "rate_limited")
    for wrong in ("1", "x" * 8, "123456789", 12345678):
        door.house.clock.advance(60)
        await refusal(await door.browser().post("/api/devices/join", json={"code": wrong}), 400, "bad_request")


async def test_codes_are_for_customers(door: Door) -> None:
    await refusal(await door.staff(MEI).post("/api/devices/code", json={}), 401, "not_signed_in")


async def test_a_device_that_is_ended_is_gone_from_the_list_and_comes_in_no_more(door: Door) -> None:
    ann = door.customer(ANN)
    first, second = PollingPage(ann, "device-one"), PollingPage(ann, "device-two")
    for page in (first, second):
        await page.hello()
    listed = (await (await ann.get("/api/devices")).json())["devices"]
    assert {device["id"] for device in listed} == {"device-one", "device-two"}
    await refusal(await door.customer(TOM).post("/api/devices/device-two/end", json={}), 404, "not_found")
    assert (await ann.post("/api/devices/device-two/end", json={})).status == 200
    assert [d["id"] for d in (await (await ann.get("/api/devices")).json())["devices"]] == ["device-one"]
    said = await second.ask(wait_s=1.0)
    assert [frame["code"] for frame in said] == ["ended"]
    assert (await second.hello())["code"] == "ended"
    await first.ask({"type": "chat.fetch", "ref": "f", "stream": f"c.{ANN.id}", "after": 0})
