from __future__ import annotations

import asyncio
import io

import pytest
from aiohttp import ClientResponse, FormData
from PIL import Image

from tests.support.doors import Browser, Door, refusal
from tests.support.fake_node import jpeg
from tests.support.houses import ANN, COBBLER, LI, TOM, ZHOU

MESSAGE = {"id": "left-0001", "name": "Ann", "contact": "138 0000 0000", "text": "鞋跟掉了 The heel came off"}


def form(photo: bytes | None = None, **changes: str) -> FormData:
    data = FormData(default_to_multipart=True)
    for name, value in {**MESSAGE, **changes}.items():
        data.add_field(name, value)
    if photo is not None:
        data.add_field("picture", photo, filename="IMG_1.jpg", content_type="image/jpeg")
    return data


async def leave(browser: Browser, photo: bytes | None = None, **changes: str) -> ClientResponse:
    return await browser.post("/api/left-messages", data=form(photo, **changes))


async def test_a_message_left_with_a_photo_is_found_by_staff_and_marked_done(door: Door) -> None:
    response = await leave(door.customer(ANN), jpeg(200, 100))
    assert (response.status, await response.json()) == (200, {"id": "left-0001"})
    assert door.live.arrived == [COBBLER.id]
    staff = door.staff(LI)
    [found] = (await (await staff.get("/api/left-messages")).json())["messages"]
    assert (found["name"], found["contact"], found["text"]) == ("Ann", MESSAGE["contact"], MESSAGE["text"])
    assert found["customer_id"] == ANN.id
    assert found["done_at"] is None
    photo = await staff.get("/api/left-messages/left-0001/picture.jpg")
    assert (photo.status, photo.content_type) == (200, "image/jpeg")
    assert Image.open(io.BytesIO(await photo.read())).size == (200, 100)
    done = (await (await staff.post("/api/left-messages/left-0001/done")).json())["message"]
    assert done["done_by"] == LI.id
    door.house.clock.advance(60)
    again = (await (await door.staff(LI).post("/api/left-messages/left-0001/done")).json())["message"]
    assert again == done


async def test_a_message_sent_again_after_a_lost_answer_is_kept_once(door: Door) -> None:
    phone = door.customer(ANN)
    answers = await asyncio.gather(*(leave(phone) for _ in range(5)))
    assert [(a.status, await a.json()) for a in answers] == [(200, {"id": "left-0001"})] * 5
    assert len(door.house.people.messages) == 1
    await leave(phone, text="something else")
    assert door.house.people.messages["left-0001"].text == MESSAGE["text"]
    await refusal(await leave(door.customer(TOM)), 409, "conflict")


async def test_a_message_without_a_photo_has_none(door: Door) -> None:
    assert (await leave(door.customer(ANN), contact="")).status == 200
    await refusal(await door.staff(LI).get("/api/left-messages/left-0001/picture.jpg"), 404, "not_found")


async def test_messages_are_for_staff_of_their_shop_only(door: Door) -> None:
    await leave(door.customer(ANN), jpeg())
    assert (await (await door.staff(ZHOU).get("/api/left-messages")).json()) == {"messages": []}
    for method, path in (
        ("GET", "/api/left-messages/left-0001/picture.jpg"),
        ("POST", "/api/left-messages/left-0001/done"),
    ):
        await refusal(await door.staff(ZHOU).request(method, path), 404, "not_found")
        await refusal(await door.customer(ANN).request(method, path), 401, "not_signed_in")
        await refusal(await door.browser().request(method, path), 401, "not_signed_in")
    await refusal(await door.customer(ANN).get("/api/left-messages"), 401, "not_signed_in")
    await refusal(await door.staff(LI).post("/api/left-messages/nothing/done"), 404, "not_found")
    await refusal(await leave(door.browser()), 401, "not_signed_in")


@pytest.mark.parametrize(
    "changes",
    [{"id": ""}, {"id": "../x"}, {"name": " "}, {"name": "x" * 81}, {"text": ""}, {"text": "x" * 4001}, {"more": "1"}],
)
async def test_a_message_that_cannot_be_kept_is_refused(door: Door, changes: dict[str, str]) -> None:
    await refusal(await leave(door.customer(ANN), None, **changes), 400, "bad_request")
    assert door.house.people.messages == {}


async def test_a_field_or_a_photo_over_its_limit_is_refused(tmp_path: object) -> None:
    from pathlib import Path

    from tests.support.doors import open_door

    async with open_door(Path(str(tmp_path)), max_upload_bytes=100_000) as door:
        await refusal(await leave(door.customer(ANN), text="x" * 20_000), 413, "too_large")
        await refusal(await leave(door.customer(ANN), b"x" * 100_001), 413, "too_large")
        assert door.house.people.messages == {}


async def test_a_photo_that_is_none_is_refused_with_its_message(door: Door) -> None:
    await refusal(await leave(door.customer(ANN), b"<script>alert(1)</script>"), 400, "unusable_picture")
    assert door.house.people.messages == {}


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{}", "application/json"),
        (b"nothing", "multipart/form-data"),
        (b"nothing", "multipart/form-data; boundary=x"),
        (b"--x\r\n\r\n\r\n--x--", "multipart/form-data; boundary=x"),
        (
            b"--x\r\nContent-Disposition: form-data; name=id\r\n\r\n\xff\xfe\r\n--x--\r\n",
            "multipart/form-data; boundary=x",
        ),
        (
            b"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y--\r\n--x--\r\n",
            "multipart/form-data; boundary=x",
        ),
        (b"--x\r\nContent-Disposition: form-data; name=id\r\n\r\ncut off", "multipart/form-data; boundary=x"),
        (
            b"--x\r\nContent-Disposition: form-data; name=id\r\n"
            b"Content-Transfer-Encoding: base64\r\n\r\n!\r\n--x--\r\n",
            "multipart/form-data; boundary=x",
        ),
        (
            b"--x\r\nContent-Disposition: form-data; name=id\r\nContent-Encoding: gzip\r\n\r\n!!\r\n--x--\r\n",
            "multipart/form-data; boundary=x",
        ),
    ],
)
async def test_a_malformed_form_is_refused(door: Door, body: bytes, kind: str) -> None:
    answer = await door.customer(ANN).post("/api/left-messages", data=body, headers={"Content-Type": kind})
    await refusal(answer, 400, "bad_request")


async def test_one_customer_cannot_fill_the_shops_box(door: Door) -> None:
    phone = door.customer(ANN)
    statuses = [(await leave(phone, id=f"left-{n:04d}")).status for n in range(33)]
    assert statuses == [200] * 30 + [429] * 3
    assert (await leave(door.customer(TOM), id="left-tom1")).status == 200
