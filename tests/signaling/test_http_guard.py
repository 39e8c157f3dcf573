"""What holds for every route: own origins, limits, one shape of refusals, the headers of every answer."""

from __future__ import annotations

import asyncio
import json
import ssl
from pathlib import Path
from typing import Any

import pytest
import structlog
import trustme
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.record import Recording
from signaling.app import make_app
from signaling.http_context import REFUSED
from tests.support.doors import Door, SlowComposer, SmallLive, open_door, refusal, sign_in
from tests.support.houses import ANN, LI, MEI, PASSWORD, TestHouse

CHANGING = [
    ("POST", "/api/sign-in"),
    ("POST", "/api/sign-out"),
    ("POST", "/api/enter"),
    ("POST", "/api/invitations"),
    ("POST", "/api/calls/c-1/composition"),
    ("PUT", "/api/pictures/p-1/still"),
    ("PUT", "/api/pictures/p-1/strokes"),
    ("POST", "/api/left-messages"),
    ("POST", "/api/left-messages/m-1/done"),
]
JSON_ROUTES = [r for r in CHANGING if r[1].rpartition("/")[2] in ("sign-in", "enter", "invitations", "composition")]


async def test_health_says_that_it_is_well_and_nothing_else(door: Door) -> None:
    assert await (await door.browser().get("/api/health")).json() == {"ok": True}


@pytest.mark.parametrize(("method", "path"), CHANGING)
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "file://", "http://[", "é"])
async def test_another_sites_page_changes_nothing(door: Door, method: str, path: str, origin: str) -> None:
    response = await door.staff(MEI, origin=origin).request(method, path)
    await refusal(response, 403, "wrong_origin")
    assert "Set-Cookie" not in response.headers


async def test_the_servers_own_origins_are_its_public_addresses_and_the_one_in_the_address_bar(door: Door) -> None:
    public = door.house.house.settings.public_urls[0]
    for origin in (public, door.origin):
        assert (await sign_in(door.browser(origin=origin), "mei")).status == 200
    async with ClientSession() as program:  # no page, no origin
        body = {"username": "mei", "password": PASSWORD}
        assert (await program.post(f"{door.origin}/api/sign-in", json=body)).status == 200
        crossed = await program.post(f"{door.origin}/api/sign-in", json=body, headers={"Sec-Fetch-Site": "cross-site"})
        await refusal(crossed, 403, "wrong_origin")


@pytest.mark.parametrize(("method", "path"), JSON_ROUTES)
async def test_bodies_that_are_no_json_of_the_right_size_are_refused(door: Door, method: str, path: str) -> None:
    browser = door.staff(MEI)
    if "calls" in path:
        call = await door.house.waiting_call(ANN)
        path = path.replace("c-1", call.id)
    kind = {"Content-Type": "application/json"}
    for body in (b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b"[" * 5000, b'{"username": "\\ud800"}', b"NaN"):
        await refusal(await browser.request(method, path, data=body, headers=kind), 400, "bad_request")
    await refusal(
        await browser.request(method, path, data=b"{}", headers={"Content-Type": "text/plain"}), 400, "bad_request"
    )
    await refusal(await browser.request(method, path, data=b" " * 65537, headers=kind), 413, "too_large")


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(
    ["username", "password", "shop", "token", "language", "name", "matter", "days", "format", "strokes"]
)
bodies = st.dictionaries(names | st.text(max_size=8), values, max_size=5)


async def test_any_json_gets_an_answer_or_the_one_shape_of_refusal(tmp_path: Path) -> None:
    async with open_door(tmp_path) as door:
        browser = door.staff(LI)
        call = await door.house.waiting_call(ANN)
        routes = [(m, p.replace("c-1", call.id)) for m, p in JSON_ROUTES] + [("PUT", "/api/pictures/p-1/strokes")]
        examples: list[tuple[tuple[str, str], bytes]] = []

        @settings(max_examples=300, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(route=st.sampled_from(routes), body=bodies, garbage=st.binary(max_size=40) | st.none())
        def collect(route: tuple[str, str], body: dict[str, Any], garbage: bytes | None) -> None:
            examples.append((route, garbage if garbage is not None else json.dumps(body).encode()))

        collect()
        assert len(examples) >= 100
        for (method, path), data in examples:
            door.house.clock.advance(3600)  # past every limit
            response = await browser.request(method, path, data=data, headers={"Content-Type": "application/json"})
            if response.status != 200:
                said = await response.json()
                await refusal(response, response.status, said["code"])
                assert response.status < 500
        assert door.app[REFUSED]["unexpected"] == 0


async def test_wrong_methods_and_addresses_are_refused_in_the_same_shape(door: Door) -> None:
    browser = door.browser()
    wrong = await browser.delete("/api/me")
    await refusal(wrong, 405, "method_not_allowed")
    await refusal(await browser.get("/api/nothing"), 404, "not_found")
    await refusal(await browser.get("/api/calls/" + "x" * 65), 404, "not_found")
    assert door.app[REFUSED] == {"method_not_allowed": 1, "not_found": 2}


@pytest.mark.parametrize("path", ["/api/health", "/api/me", "/staff", "/api/nothing", "/assets/x.js"])
async def test_every_answer_carries_the_security_headers(door: Door, path: str) -> None:
    headers = (await door.browser().get(path)).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "camera=(self)" in headers["Permissions-Policy"]
    assert "microphone=(self)" in headers["Permissions-Policy"]
    policy = headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self';" in policy
    assert f"ws://127.0.0.1:{door.server.port}" in policy
    assert "aiohttp" not in headers["Server"]
    if path.startswith("/api/"):
        assert headers["Cache-Control"] == "no-store"


async def test_a_made_up_host_does_not_get_into_the_policy(door: Door) -> None:
    headers = (await door.browser().get("/staff", headers={"Host": "x; script-src *"})).headers
    assert "script-src *" not in headers["Content-Security-Policy"]


class BrokenLive(SmallLive):
    def staff_available(self, shop_id: str) -> int:
        raise RuntimeError("Ann said that her password is secret")


async def test_an_unexpected_fault_is_logged_by_its_place_and_not_by_its_words(door: Door) -> None:
    with structlog.testing.capture_logs() as logs:
        door.live.__class__ = BrokenLive
        response = await door.browser().post("/api/enter", json={"shop": "cobbler"})
    said = await refusal(response, 500, "unexpected")
    assert "secret" not in str(said)
    [entry] = [e for e in logs if e["log_level"] == "error"]
    assert entry["fault"] == "RuntimeError"
    assert entry["route"] == "/api/enter"
    assert any("staff_available" in place for place in entry["places"])
    assert "secret" not in str(entry)
    assert door.app[REFUSED]["unexpected"] == 1


async def test_over_tls_cookies_are_bound_to_the_host_and_plain_ones_do_not_count(tmp_path: Path) -> None:
    authority = trustme.CA()
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(server_side)
    client_side = ssl.create_default_context()
    authority.configure_trust(client_side)
    server = TestServer(
        make_app(TestHouse(tmp_path).house, SmallLive(), compose=SlowComposer()), host="127.0.0.1", scheme="https"
    )
    await server.start_server(ssl=server_side)
    try:
        async with ClientSession() as session:
            body = {"username": "mei", "password": PASSWORD}
            response = await session.post(server.make_url("/api/sign-in"), json=body, ssl=client_side)
            cookie = response.headers["Set-Cookie"]
        assert cookie.startswith("__Host-loupe_staff=")
        assert "Secure" in cookie
        assert "Path=/" in cookie
        assert "Domain" not in cookie
        value = cookie.partition("=")[2].partition(";")[0]
        for name, status in (("__Host-loupe_staff", 200), ("loupe_staff", 401)):
            async with ClientSession(headers={"Cookie": f"{name}={value}"}) as other:
                assert (await other.get(server.make_url("/api/me"), ssl=client_side)).status == status
    finally:
        await server.close()


async def test_a_proxy_that_ends_tls_gets_secure_cookies_for_its_public_address(tmp_path: Path) -> None:
    async with open_door(tmp_path, public_urls=("https://loupe.example",)) as door:
        headers = {"Host": "loupe.example", "Origin": "https://loupe.example"}
        body = {"username": "mei", "password": PASSWORD}
        response = await door.browser().post("/api/sign-in", json=body, headers=headers)
        assert response.status == 200
        assert response.headers["Set-Cookie"].startswith("__Host-loupe_staff=")


async def test_when_the_server_ends_the_sockets_are_closed_and_the_compositions_end(tmp_path: Path) -> None:
    async with open_door(tmp_path) as door:
        call = await door.house.waiting_call(ANN, state="ended")
        blob = await door.house.blobs.put(b"film", ".webm")
        await door.house.calls.put_recording(Recording(call_id=call.id, state="ready", files={"customer": blob}))
        await door.staff(LI).post(f"/api/calls/{call.id}/composition", json={"format": "mp4"})
        await asyncio.wait_for(door.composer.started.wait(), 5)
    assert door.live.is_closed
    assert door.composer.at_once == 0
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("compose")]
