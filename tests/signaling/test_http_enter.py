from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import WSServerHandshakeError

from signaling.cookies import MAX_SHOPS, _serializer
from signaling.links import make_link
from tests.signaling.test_chat_poll import PollingPage
from tests.support.doors import Door, refusal
from tests.support.houses import ANN, COBBLER, LI, NAILS, ZHOU


def token_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["t"][0]


async def test_an_open_door_lets_a_stranger_in_and_knows_the_device_again(door: Door) -> None:
    door.live.available[COBBLER.id] = 2
    browser = door.browser()
    response = await browser.post("/api/enter", json={"shop": "cobbler", "language": "zh-CN"})
    assert response.status == 200
    first = await response.json()
    assert first["shop"] == {
        "slug": "cobbler", "name": "Sunny Cobbler", "name_zh": "暖阳鞋匠", "time_zone": "Asia/Shanghai",
    }  # fmt: skip
    assert first["invitation"] is None
    assert first["staff_available"] == 2
    assert first["customer"]["name"] == ""
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("loupe_customer_cobbler=")
    assert f"Max-Age={180 * 24 * 3600}" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    again = await (await browser.post("/api/enter", json={"shop": "cobbler"})).json()
    assert again["customer"]["id"] == first["customer"]["id"]
    assert (await door.house.people.customer(first["customer"]["id"])).shop_id == COBBLER.id


async def test_a_customer_who_says_a_name_keeps_it_until_another_is_said(door: Door) -> None:
    browser = door.browser()
    await browser.post("/api/enter", json={"shop": "cobbler"})
    for said, kept in (("Ana", "Ana"), ("", "Ana"), (" Anna ", "Anna")):
        answer = await (await browser.post("/api/enter", json={"shop": "cobbler", "name": said})).json()
        assert answer["customer"]["name"] == kept
    await refusal(await browser.post("/api/enter", json={"shop": "cobbler", "name": "n" * 81}), 400, "bad_request")


async def test_a_device_is_a_different_customer_in_each_shop(door: Door) -> None:
    browser = door.customer(ANN)
    token = token_of(make_link(door.house.house, NAILS).url)
    there = await (await browser.post("/api/enter", json={"shop": "nails", "token": token})).json()
    assert there["customer"]["id"] != ANN.id


async def test_a_closed_door_opens_with_its_link_and_shows_what_the_link_says(door: Door) -> None:
    token = token_of(make_link(door.house.house, NAILS, name="Ann", matter="Gel nails").url)
    said = await (await door.browser().post("/api/enter", json={"shop": "nails", "token": token})).json()
    assert said["invitation"] == {"name": "Ann", "matter": "Gel nails"}
    assert said["customer"]["name"] == "Ann"


async def test_a_closed_door_stays_closed_without_a_link_but_knows_its_own_customers(door: Door) -> None:
    browser = door.browser()
    await refusal(await browser.post("/api/enter", json={"shop": "nails"}), 401, "link_needed")
    token = token_of(make_link(door.house.house, NAILS).url)
    await browser.post("/api/enter", json={"shop": "nails", "token": token})
    assert (await browser.post("/api/enter", json={"shop": "nails"})).status == 200


async def test_an_expired_link_says_to_ask_for_a_new_one(door: Door) -> None:
    token = token_of(make_link(door.house.house, NAILS, days=2).url)
    door.house.clock.advance(2 * 24 * 3600)
    said = await refusal(
        await door.browser().post("/api/enter", json={"shop": "nails", "token": token}), 401, "link_expired"
    )
    assert "Ask the shop for a new one" in said["message"]


async def test_a_link_of_another_shop_or_an_altered_one_is_refused_also_at_an_open_door(door: Door) -> None:
    token = token_of(make_link(door.house.house, NAILS).url)
    for shop, wrong in (("cobbler", token), ("nails", token[:-2]), ("nails", "x"), ("nails", "x" * 4096)):
        answer = await door.browser().post("/api/enter", json={"shop": shop, "token": wrong})
        await refusal(answer, 401, "link_altered")
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"shop": "nowhere"}, 404, "not_found"),
        ({}, 400, "bad_request"),
        ({"shop": "cobbler", "language": "de"}, 400, "bad_request"),
        ({"shop": "cobbler", "more": 1}, 400, "bad_request"),
        ({"shop": "cobbler", "token": "x" * 4097}, 400, "bad_request"),
    ],
)
async def test_a_wrong_entry_is_refused(door: Door, body: dict[str, object], status: int, code: str) -> None:
    await refusal(await door.browser().post("/api/enter", json=body), status, code)


async def test_one_address_cannot_make_customers_without_end(door: Door) -> None:
    browser = door.browser()
    statuses = [(await browser.post("/api/enter", json={"shop": "nowhere"})).status for _ in range(310)]
    assert statuses.count(429) == 10
    door.house.clock.advance(1)
    assert (await browser.post("/api/enter", json={"shop": "cobbler"})).status == 200


async def test_the_customer_socket_opens_for_a_customer_and_for_nobody_else(door: Door) -> None:
    async with door.customer(ANN).ws_connect("/ws/customer") as socket:
        assert await socket.receive_str(timeout=5) == ANN.id
    with pytest.raises(WSServerHandshakeError) as refused:
        await door.staff(LI).ws_connect("/ws/customer")
    assert refused.value.status == 401


async def test_staff_make_a_link_whose_qr_code_is_an_image_and_which_lets_a_customer_in(door: Door) -> None:
    body = {"name": "Tom", "matter": "Blue boots", "days": 3}
    response = await door.staff(ZHOU).post("/api/invitations", json=body)
    assert response.status == 200
    said = await response.json()
    assert said["url"].startswith("http://127.0.0.1:8080/s/nails?t=")
    assert said["qr_svg"].startswith("<svg")
    assert "<script" not in said["qr_svg"]
    expires_at = datetime.fromisoformat(said["expires_at"])
    assert expires_at == (door.house.clock() + timedelta(days=3)).astimezone(UTC)
    entered = await door.browser().post("/api/enter", json={"shop": "nails", "token": token_of(said["url"])})
    assert (await entered.json())["invitation"] == {"name": "Tom", "matter": "Blue boots"}


async def test_invitations_are_made_by_staff_only_and_within_limits(door: Door) -> None:
    await refusal(await door.browser().post("/api/invitations", json={}), 401, "not_signed_in")
    await refusal(await door.customer(ANN).post("/api/invitations", json={}), 401, "not_signed_in")
    staff = door.staff(LI)
    for body in ({"days": 0}, {"days": 1000}, {"name": "x" * 81}, {"matter": "x" * 501}, {"name": "a\u0000b"}):
        await refusal(await staff.post("/api/invitations", json=body), 400, "bad_request")
    assert (await staff.post("/api/invitations", json={})).status == 200


async def test_a_cookie_from_before_shops_had_their_own_is_honoured_and_replaced(door: Door) -> None:
    phone = door.browser()
    former = _serializer(door.house.house.settings.secret, "loupe.customer", door.house.clock).dumps({"c": ANN.id})
    phone.session.cookie_jar.update_cookies({"loupe_customer": former}, phone.make_url("/"))
    assert (await phone.get("/api/devices?shop=cobbler")).status == 200
    await refusal(await phone.get("/api/devices?shop=nails"), 401, "not_signed_in")
    thief = door.copy_of(phone)
    entered = await (await phone.post("/api/enter", json={"shop": "cobbler"})).json()
    assert entered["customer"]["id"] == ANN.id
    assert [cookie.key for cookie in phone.session.cookie_jar] == ["loupe_customer_cobbler"]
    page = PollingPage(phone, "device-ann")
    await page.hello()
    assert (await phone.post("/api/devices/device-ann/end", json={})).status == 200
    await refusal(await thief.get("/api/devices"), 401, "not_signed_in")


async def test_a_phone_keeps_the_cookies_of_the_sixteen_shops_that_it_visited_last(door: Door) -> None:
    phone = door.browser()
    for number in range(MAX_SHOPS + 4):
        shop = COBBLER.model_copy(update={"id": f"shop-{number}", "slug": f"shop-{number}"})
        door.house.people.shops[shop.id] = shop
        door.house.clock.advance(1)
        assert (await phone.post("/api/enter", json={"shop": shop.slug})).status == 200
    held = {cookie.key for cookie in phone.session.cookie_jar}
    assert held == {f"loupe_customer_shop-{number}" for number in range(4, MAX_SHOPS + 4)}
