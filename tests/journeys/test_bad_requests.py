"""Bad requests of every kind, while a call runs: the one error shape, counted; nothing crashes, nothing is kept."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import socket
import struct
import zlib
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from domain.people import Shop
from server.demo import SHOP
from signaling.links import make_link
from tests.journeys.hostile_scene import Scene, Stranger, raw_request
from tests.support.houses import TestHouse

pytestmark = [pytest.mark.journey, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]
JPEG = b"\xff\xd8\xff\xe0" + bytes(200)


@pytest.fixture(scope="module")
def slow_ones(call: Scene) -> list[socket.socket]:
    """Connections that begin a request and never end it; looked at in the last test."""
    found = []
    for number in range(60):
        connection = socket.create_connection(("127.0.0.1", call.server.port))
        connection.setblocking(False)
        begun = (
            b"",
            b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
            b"POST /api/sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 60\r\n\r\n{",
        )[number % 3]
        if begun:
            connection.sendall(begun)
        found.append(connection)
    return found


async def test_expired_and_altered_links_are_told_apart_and_refused(
    call: Scene, slow_ones: list[socket.socket], tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    house = TestHouse(tmp_path, secret=(call.server.data / "secret").read_bytes())
    house.clock.at = now.replace(year=now.year - 1)
    shop: Shop = SHOP
    expired = make_link(house.house, shop).url.partition("?t=")[2]
    house.clock.at = now
    good = make_link(house.house, shop).url.partition("?t=")[2]
    other = make_link(house.house, shop.model_copy(update={"slug": "other"})).url.partition("?t=")[2]
    async with (
        Stranger(call.server.base) as visitor,
        call.unharmed("http_refused_link_expired", "http_refused_link_altered"),
    ):
        assert (await visitor.post("/api/enter", {"shop": "demo", "token": expired}))[1]["code"] == "link_expired"
        for token in (good[:-1], good[1:], good.swapcase(), "A" * 4096, "..", other, "é", good + "\n", good + "."):
            status, said = await visitor.post("/api/enter", {"shop": "demo", "token": token})
            assert (status, said["type"], said["code"]) == (401, "error", "link_altered"), token
        assert visitor.http.cookie_jar.filter_cookies(visitor.http._base_url or "") == {}  # type: ignore[arg-type]
        assert (await visitor.post("/api/enter", {"shop": "demo", "token": good}))[0] == 200


async def test_bodies_that_are_not_what_they_should_be_are_refused(call: Scene, stranger: Stranger) -> None:
    async with call.unharmed("http_refused_bad_request", "http_refused_too_large", "http_refused_not_found"):
        for body in (
            b"",
            b"{",
            b"[]",
            b"null",
            b"\xff\xfe",
            b"[" * 60_000,
            b'{"shop": 7}',
            b'{"shop": "demo", "x": 1}',
        ):
            async with stranger.http.post(
                "/api/enter", data=body, headers={"Content-Type": "application/json"}
            ) as answer:
                assert (answer.status, (await answer.json())["type"]) == (400, "error"), body
        async with stranger.http.post(
            "/api/enter", data=b"x" * 70_000, headers={"Content-Type": "application/json"}
        ) as answer:
            assert (answer.status, (await answer.json())["code"]) == (413, "too_large")
        assert (await stranger.post("/api/enter", {"shop": "../../etc"}))[1]["code"] == "not_found"
        for text in (
            b"GARBAGE\r\n\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n",
            b"\0" * 500 + b"\r\n\r\n",
        ):
            status, _ = await asyncio.to_thread(raw_request, call.server.port, text)
            assert status >= 400


async def test_pictures_that_are_none_and_bombs_are_refused_and_not_kept(call: Scene, stranger: Stranger) -> None:
    still = f"/api/pictures/{call.picture_id}/still"
    http = call.customer._http
    async with call.unharmed("http_refused_unusable_picture", "http_refused_bad_request", "http_refused_not_found"):
        for data in (
            b"",
            b"GIF89a" + bytes(100),
            JPEG,
            bomb(60_000, 60_000),
            bomb(200_000_000, 1),
            b"\x89PNG\r\n\x1a\n" + os.urandom(500),
        ):
            async with http.put(still, data=data, headers=hashed(data)) as answer:
                assert (answer.status, (await answer.json())["code"]) == (400, "unusable_picture"), data[:10]
        for headers in (hashed(b"other"), hashed(JPEG) | {"X-Content-SHA256": "é"}, {"Content-Type": "image/jpeg"}):
            async with http.put(still, data=JPEG, headers=headers) as answer:
                assert (answer.status, (await answer.json())["code"]) == (400, "bad_request")
        async with http.put(still, data=JPEG, headers=hashed(JPEG) | {"Content-Type": "text/html"}) as answer:
            assert answer.status == 400
        async with stranger.http.put(still, data=JPEG, headers=hashed(JPEG)) as answer:
            assert answer.status == 404  # somebody else's picture does not exist
        form = aiohttp.FormData({"id": "bomb-1", "name": "Eve", "text": "see"})
        form.add_field("picture", bomb(50_000, 50_000), filename="a.png")
        async with stranger.http.post("/api/left-messages", data=form) as answer:
            assert (answer.status, (await answer.json())["code"]) == (400, "unusable_picture")
        broken = {"Content-Type": "multipart/form-data; boundary=x"}
        for body in (
            b"",
            b"--x",
            b"--x\r\n\r\n",
            b"--x\r\nContent-Disposition: form-data; name=id\r\n\r\n" + b"z" * 20_000 + b"\r\n--x--",
        ):
            async with stranger.http.post("/api/left-messages", data=body, headers=broken) as answer:
                assert answer.status in (400, 413), body[:20]


def hashed(data: bytes) -> dict[str, str]:
    return {"Content-Type": "image/jpeg", "X-Content-SHA256": hashlib.sha256(data).hexdigest()}


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is `width` by `height`."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack("!I", len(data)) + name + data + struct.pack("!I", zlib.crc32(name + data))

    head = struct.pack("!IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(5_000_000)))
        + chunk(b"IEND", b"")
    )


async def test_no_path_leads_out_of_where_it_should_stay(call: Scene, stranger: Stranger) -> None:
    places = [
        "/{}", "/assets/{}", "/s/{}", "/staff/{}", "/api/calls/{}", "/api/calls/{}/files/call", "/api/pictures/{}.jpg",
        f"/api/calls/{call.call_id}/files/{{}}", "/api/left-messages/{}/picture.jpg", "/api/{}",
    ]  # fmt: skip
    ways = [
        "../../../../etc/passwd", "..%2f..%2f..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "..\\..\\etc\\passwd",
        "%2fetc%2fpasswd", "....//....//etc/passwd", "..%252f..%252fetc%252fpasswd", "%00", "x%00.js", "secret", "data/secret",
        "../secret", "demo.json", "..%c0%af..%c0%afetc/passwd", "%ff%fe", "x" * 5000,
    ]  # fmt: skip
    secret = (call.server.data / "secret").read_bytes()
    cookies = "; ".join(f"{c.key}={c.value}" for c in call.staff._http.cookie_jar)
    async with call.unharmed("http_refused_not_found"):
        for place in places:
            for way in ways:
                head = f"GET {place.format(way)} HTTP/1.1\r\nHost: 127.0.0.1:{call.server.port}\r\n"
                text = f"{head}Cookie: {cookies}\r\nConnection: close\r\n\r\n".encode()
                status, answer = await asyncio.to_thread(raw_request, call.server.port, text)
                assert status < 500, (place, way)
                assert b"root:" not in answer
                assert secret not in answer
                assert b"password" not in answer.split(b"\r\n\r\n", 1)[1] or answer.startswith(b"HTTP/1.1 200"), (
                    place,
                    way,
                )


async def test_what_belongs_to_somebody_else_does_not_exist(call: Scene, stranger: Stranger) -> None:
    call_id, picture = call.call_id, call.picture_id
    async with call.unharmed("http_refused_not_found", "http_refused_not_signed_in", "http_refused_forbidden"):
        for path in (f"/api/calls/{call_id}", f"/api/calls/{call_id}/files/call", f"/api/pictures/{picture}.jpg",
                     f"/api/calls/{call_id}/composition", f"/api/calls/{call_id}/composition/file"):  # fmt: skip
            async with stranger.http.get(path) as answer:
                assert (answer.status, (await answer.json())["code"]) == (404, "not_found"), path
        for path in ("/api/stats", "/api/calls", "/api/left-messages", "/api/me"):
            async with stranger.http.get(path) as answer:
                assert answer.status == 401, path
        async with call.customer._http.get(f"/api/calls/{call_id}/composition") as answer:
            assert answer.status == 403
        async with call.customer._http.put(f"/api/pictures/{picture}/strokes", json={"strokes": []}) as answer:
            assert answer.status == 403


async def test_pages_of_other_sites_can_do_nothing_here(call: Scene, stranger: Stranger) -> None:
    async with call.unharmed("http_refused_wrong_origin"):
        for origin in ("https://evil.example", "null", f"http://127.0.0.1:{call.server.port}.evil.example", "file://"):
            status, said = await stranger.post("/api/enter", {"shop": "demo"}, Origin=origin)
            assert (status, said["code"]) == (403, "wrong_origin")
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await stranger.http.ws_connect("/ws/customer", headers={"Origin": origin})
            assert refused.value.status == 403


async def test_guessed_passwords_are_refused_and_then_have_to_wait(call: Scene) -> None:
    async with (
        Stranger(call.server.base) as guesser,
        call.unharmed("http_refused_wrong_password", "http_refused_rate_limited"),
    ):
        codes = []
        for number in range(9):
            status, said = await guesser.post("/api/sign-in", {"username": "lin", "password": f"guess-{number}"})
            codes.append((status, said["code"]))
            if said["code"] == "rate_limited":
                assert said["retry_after_s"] > 0
        assert codes[:5] == [(401, "wrong_password")] * 5
        assert codes[-1] == (429, "rate_limited")


async def test_who_never_ends_a_request_is_sent_away_and_held_nobody_up(
    call: Scene, slow_ones: list[socket.socket]
) -> None:
    async with call.unharmed(), asyncio.timeout(40):
        await asyncio.gather(*(closed(connection) for connection in slow_ones))
    assert (await call.stats())["http_refused_unavailable"] >= 20  # bodies that did not come in time
    for connection in slow_ones:
        connection.close()


async def closed(connection: socket.socket) -> None:
    """Returns when the server has ended this connection."""
    with contextlib.suppress(ConnectionError):
        while await asyncio.get_running_loop().sock_recv(connection, 65536):
            pass
