from __future__ import annotations

import asyncio
import hashlib
import io
import tracemalloc
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import ClientResponse
from PIL import Image

from domain.call import Call
from domain.record import Picture
from tests.support.doors import Browser, Door, refusal
from tests.support.fake_node import jpeg
from tests.support.houses import ANN, LI, MEI, TOM, ZHOU


async def kept_picture(door: Door) -> tuple[Call, Picture]:
    call = await door.house.waiting_call(ANN, state="live", staff_ids=(MEI.id,))
    picture = Picture(
        id="picture-1", call_id=call.id, taken_by=MEI.id, taken_at=door.house.clock(), width=64, height=48,
        blob=await door.house.blobs.put(jpeg(), ".jpg"),
    )  # fmt: skip
    door.house.calls.kept_pictures[picture.id] = picture
    return call, picture


async def put_still(browser: Browser, data: bytes, **headers: str) -> ClientResponse:
    sent = {"Content-Type": "image/jpeg", "X-Content-SHA256": hashlib.sha256(data).hexdigest(), **headers}
    return await browser.put("/api/pictures/picture-1/still", data=data, headers=sent)


def located_jpeg() -> bytes:
    """A JPEG that says where and with which phone it was taken."""
    image, out = Image.new("RGB", (800, 600), (10, 200, 90)), io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "SecretPhone"
    exif.get_ifd(0x8825)[2] = (31.0, 14.0, 0.0)
    image.save(out, "JPEG", exif=exif)
    return out.getvalue()


async def test_a_kept_picture_is_shown_to_both_and_asked_for_again_each_time(door: Door) -> None:
    await kept_picture(door)
    for browser in (door.staff(LI), door.customer(ANN)):
        response = await browser.get("/api/pictures/picture-1.jpg")
        assert (response.status, response.content_type) == (200, "image/jpeg")
        assert response.headers["Cache-Control"] == "private, no-cache"
        assert response.headers["Content-Security-Policy"].startswith("sandbox;")
        assert await response.read() == jpeg()
        again = await browser.get("/api/pictures/picture-1.jpg", headers={"If-None-Match": response.headers["ETag"]})
        assert again.status == 304


async def test_a_picture_that_is_not_kept_yet_is_shown_to_its_call_only(door: Door) -> None:
    call = await door.house.waiting_call(ANN, state="live", staff_ids=(MEI.id,))
    door.live.pending["pending-1"] = (call.id, b"a jpeg")
    assert await (await door.customer(ANN).get("/api/pictures/pending-1.jpg")).read() == b"a jpeg"
    assert await (await door.staff(MEI).get("/api/pictures/pending-1.jpg")).read() == b"a jpeg"
    await refusal(await door.customer(TOM).get("/api/pictures/pending-1.jpg"), 404, "not_found")
    await refusal(await door.staff(ZHOU).get("/api/pictures/pending-1.jpg"), 404, "not_found")
    await refusal(await door.browser().get("/api/pictures/pending-1.jpg"), 401, "not_signed_in")
    await refusal(await put_still(door.customer(ANN), b"x"), 404, "not_found")


async def test_the_phones_still_replaces_the_frame_without_where_it_was_taken(door: Door) -> None:
    await kept_picture(door)
    response = await put_still(door.customer(ANN), located_jpeg())
    assert response.status == 200
    picture = (await response.json())["picture"]
    assert (picture["source"], picture["width"], picture["height"]) == ("still", 800, 600)
    assert [p.id for p in door.live.replaced] == ["picture-1"]
    shown = await (await door.staff(LI).get("/api/pictures/picture-1.jpg")).read()
    assert Image.open(io.BytesIO(shown)).size == (800, 600)
    assert b"SecretPhone" not in shown
    assert not Image.open(io.BytesIO(shown)).getexif()


async def test_a_still_sent_again_is_answered_the_same_and_another_one_is_refused(door: Door) -> None:
    await kept_picture(door)
    phone = door.customer(ANN)
    first = await (await put_still(phone, located_jpeg())).json()
    assert await (await put_still(phone, located_jpeg())).json() == first
    assert len(door.live.replaced) == 1
    await refusal(await put_still(phone, jpeg(100, 100)), 409, "conflict")


async def test_a_still_and_a_drawing_that_arrive_together_both_stay(door: Door) -> None:
    await kept_picture(door)
    stroke = {"id": "s1", "tool": "pen", "points": [[0.1, 0.2], [0.3, 0.4]]}
    drawn = door.staff(LI).put("/api/pictures/picture-1/strokes", json={"strokes": [stroke]})
    answers = await asyncio.gather(put_still(door.customer(ANN), jpeg(300, 200)), drawn)
    assert [answer.status for answer in answers] == [200, 200]
    picture = await door.house.calls.picture("picture-1")
    assert picture.source == "still"
    assert picture.strokes[0]["points"] == [[0.1, 0.2], [0.3, 0.4]]
    assert {p.id for p in door.live.replaced} == {"picture-1"}


@pytest.mark.parametrize(
    ("data", "headers", "status", "code"),
    [
        (jpeg(), {"X-Content-SHA256": "0" * 64}, 400, "bad_request"),
        (jpeg(), {"X-Content-SHA256": ""}, 400, "bad_request"),
        (jpeg(), {"Content-Type": "text/html"}, 400, "bad_request"),
        (b"not a picture at all", {}, 400, "unusable_picture"),
        (jpeg()[:200], {}, 400, "unusable_picture"),
        (b"", {}, 400, "unusable_picture"),
        (b"x" * 200_001, {}, 413, "too_large"),
    ],
)
async def test_a_bad_still_is_refused_and_the_frame_stays(
    tmp_path: Any, data: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    from tests.support.doors import open_door

    async with open_door(tmp_path, max_upload_bytes=200_000) as door:
        _, before = await kept_picture(door)
        await refusal(await put_still(door.customer(ANN), data, **headers), status, code)
        assert await door.house.calls.picture("picture-1") == before
        assert door.live.replaced == []


async def test_an_upload_without_a_length_is_cut_off_at_the_limit(tmp_path: Any) -> None:
    from tests.support.doors import open_door

    async def endless() -> Any:
        for _ in range(100):
            yield b"x" * 10_000

    async with open_door(tmp_path, max_upload_bytes=200_000) as door:
        await kept_picture(door)
        headers = {"Content-Type": "image/jpeg", "X-Content-SHA256": "0" * 64}
        answer = await door.customer(ANN).put("/api/pictures/picture-1/still", data=endless(), headers=headers)
        await refusal(answer, 413, "too_large")


async def test_a_large_still_is_never_in_memory_whole(door: Door) -> None:
    await kept_picture(door)
    piece, pieces = bytes(64 * 1024), 300

    async def slowly() -> AsyncIterator[bytes]:
        for _ in range(pieces):
            yield piece

    headers = {"Content-Type": "image/jpeg", "X-Content-SHA256": hashlib.sha256(piece * pieces).hexdigest()}
    tracemalloc.start()
    try:
        answer = await door.customer(ANN).put("/api/pictures/picture-1/still", data=slowly(), headers=headers)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    await refusal(answer, 400, "unusable_picture")  # all of it came, with the hash that was said
    assert most < len(piece) * pieces / 3
    assert list(door.house.house.settings.scratch.iterdir()) == []


async def test_a_still_comes_late_by_minutes_and_not_by_days(door: Door) -> None:
    call, _ = await kept_picture(door)
    door.house.calls.calls[call.id] = call.model_copy(update={"state": "ended", "ended_at": door.house.clock()})
    door.house.clock.advance(timedelta(minutes=10).total_seconds())
    assert (await put_still(door.customer(ANN), jpeg(300, 200))).status == 200
    door.house.clock.advance(timedelta(days=1).total_seconds())
    await refusal(await put_still(door.customer(ANN), jpeg(300, 201)), 409, "conflict")


async def test_a_drawing_is_kept_with_its_picture(door: Door) -> None:
    await kept_picture(door)
    strokes = [
        {"id": "s1", "tool": "arrow", "color": "#00ff00", "width": 0.01, "points": [[0, 0], [1, 1]]},
        {"id": "s2", "tool": "text", "points": [[0.5, 0.5]], "text": "划痕"},
    ]
    response = await door.staff(LI).put("/api/pictures/picture-1/strokes", json={"strokes": strokes})
    assert [s["text"] for s in (await response.json())["picture"]["strokes"]] == ["", "划痕"]
    assert [p.id for p in door.live.replaced] == ["picture-1"]
    assert (await door.house.calls.picture("picture-1")).strokes[0]["color"] == "#00ff00"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"strokes": [{"id": "s1", "tool": "spray", "points": []}]},
        {"strokes": [{"id": "s1", "tool": "pen", "points": [[9, 9]]}]},
        {"strokes": [{"id": "s1", "tool": "pen", "points": [["NaN", 0]]}]},
        {"strokes": [{"id": "s1", "tool": "pen", "color": "url(x)", "points": []}]},
        {"strokes": [{"id": "s1", "tool": "pen", "points": []}] * 301},
    ],
)
async def test_a_drawing_that_cannot_be_drawn_is_refused(door: Door, body: dict[str, object]) -> None:
    await kept_picture(door)
    await refusal(await door.staff(LI).put("/api/pictures/picture-1/strokes", json=body), 400, "bad_request")


async def test_a_drawing_larger_than_any_hand_makes_is_refused(door: Door) -> None:
    await kept_picture(door)
    stroke = {"id": "s1", "tool": "pen", "points": [[0.123456789, 0.123456789]] * 2000}
    answer = await door.staff(LI).put("/api/pictures/picture-1/strokes", json={"strokes": [stroke] * 15})
    await refusal(answer, 413, "too_large")
