from __future__ import annotations

import pytest
from aiohttp import WSServerHandshakeError

from signaling.auth import hash_password
from signaling.http_context import REFUSED
from tests.support.doors import Door, refusal, sign_in
from tests.support.houses import MEI, PASSWORD, ZHOU


async def test_the_right_password_signs_in_and_the_cookie_is_for_this_site_only(door: Door) -> None:
    browser = door.browser()
    response = await sign_in(browser, "mei")
    assert response.status == 200
    said = await response.json()
    assert said["staff"] == {"id": MEI.id, "name": "Mei", "role": "manager"}
    assert said["shop"]["slug"] == "cobbler"
    assert said["shop"]["services"][0]["price"] == 8000
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith("loupe_staff=")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Secure" not in cookie
    assert (await (await browser.get("/api/me")).json()) == said


async def test_nothing_of_a_password_leaves_the_house(door: Door) -> None:
    said = await (await sign_in(door.browser(), "mei")).text()
    assert "argon2" not in said
    assert PASSWORD not in said


@pytest.mark.parametrize(("username", "password"), [("mei", "wrong"), ("nobody", PASSWORD), (" ", PASSWORD)])
async def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(door: Door, username: str, password: str) -> None:
    response = await sign_in(door.browser(), username, password)
    said = await refusal(response, 401, "wrong_password")
    assert said["message"] == "Username or password is wrong. Check both and try again."
    assert "Set-Cookie" not in response.headers


async def test_after_five_wrong_passwords_the_address_waits_and_is_told_how_long(door: Door) -> None:
    browser = door.browser()
    for _ in range(5):
        await refusal(await sign_in(browser, "mei", "wrong"), 401, "wrong_password")
    response = await sign_in(browser, "mei", PASSWORD)
    said = await refusal(response, 429, "rate_limited")
    assert said["retry_after_s"] > 0
    assert int(response.headers["Retry-After"]) >= 1
    door.house.clock.advance(said["retry_after_s"] + 1)
    assert (await sign_in(browser, "mei", PASSWORD)).status == 200
    assert door.app[REFUSED]["wrong_password"] == 5
    assert door.app[REFUSED]["rate_limited"] == 1


async def test_signing_out_ends_the_session_also_for_a_copied_cookie(door: Door) -> None:
    browser = door.browser()
    await sign_in(browser, "mei")
    copied = {c.key: c.value for c in browser.session.cookie_jar}
    response = await browser.post("/api/sign-out")
    assert (response.status, await response.json()) == (200, {})
    await refusal(await browser.get("/api/me"), 401, "not_signed_in")
    thief = door.browser()
    thief.session.cookie_jar.update_cookies(copied, thief.make_url("/"))
    await refusal(await thief.get("/api/me"), 401, "not_signed_in")


async def test_a_removed_member_of_staff_is_signed_out(door: Door) -> None:
    browser = door.staff(MEI)
    assert (await browser.get("/api/me")).status == 200
    del door.house.people.staff_by_id[MEI.id]
    await refusal(await browser.get("/api/me"), 401, "not_signed_in")


async def test_a_changed_password_ends_every_session_made_under_the_old_one(door: Door) -> None:
    browser = door.staff(MEI)
    changed = MEI.model_copy(update={"password_hash": await hash_password("a new one")})
    door.house.people.staff_by_id[MEI.id] = changed
    await refusal(await browser.get("/api/me"), 401, "not_signed_in")
    assert (await sign_in(browser, "mei", "a new one")).status == 200


async def test_a_session_in_daily_use_is_renewed_and_one_unused_for_a_month_ends(door: Door) -> None:
    daily, unused = door.staff(MEI), door.staff(ZHOU)
    for _ in range(3):
        door.house.clock.advance(20 * 24 * 3600)
        response = await daily.get("/api/me")
        assert response.status == 200
        assert "Set-Cookie" in response.headers
    await refusal(await unused.get("/api/me"), 401, "not_signed_in")


async def test_a_session_cookie_that_was_changed_by_one_letter_is_refused(door: Door) -> None:
    browser = door.browser()
    await sign_in(browser, "mei")
    [cookie] = list(browser.session.cookie_jar)
    for place in range(0, len(cookie.value), 7):
        letter = "A" if cookie.value[place] != "A" else "B"
        forged = cookie.value[:place] + letter + cookie.value[place + 1 :]
        thief = door.browser()
        thief.session.cookie_jar.update_cookies({cookie.key: forged}, thief.make_url("/"))
        await refusal(await thief.get("/api/me"), 401, "not_signed_in")


async def test_a_customers_cookie_does_not_pass_as_a_staff_cookie(door: Door) -> None:
    browser = door.browser()
    await browser.post("/api/enter", json={"shop": "cobbler"})
    [cookie] = list(browser.session.cookie_jar)
    thief = door.browser()
    thief.session.cookie_jar.update_cookies({"loupe_staff": cookie.value}, thief.make_url("/"))
    await refusal(await thief.get("/api/me"), 401, "not_signed_in")


async def test_the_staff_socket_opens_for_staff_and_for_nobody_else(door: Door) -> None:
    async with door.staff(MEI).ws_connect("/ws/staff") as socket:
        assert await socket.receive_str(timeout=5) == MEI.id
    with pytest.raises(WSServerHandshakeError) as refused:
        await door.browser().ws_connect("/ws/staff")
    assert refused.value.status == 401


async def test_a_socket_asked_for_by_another_sites_page_is_refused(door: Door) -> None:
    with pytest.raises(WSServerHandshakeError) as refused:
        await door.staff(MEI, origin="https://evil.example").ws_connect("/ws/staff")
    assert refused.value.status == 403
