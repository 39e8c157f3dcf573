"""A manager hands out and erases what is kept of one customer; nobody else does, and nothing is shown by half."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import io
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientPayloadError

from domain.attachment import Upload, upload_id
from domain.customer_data import Erasure
from domain.people import LeftMessage
from domain.record import Recording
from domain.stream import Device
from signaling.erasing import Erasing
from signaling.exporting import Export
from signaling.http_context import ARRIVALS, CHAT, COMPOSITIONS
from store.blobs import FileBlobs
from tests.contracts.test_attachments import file_of
from tests.support.databases import sqlite_address
from tests.support.doors import Browser, refusal
from tests.support.houses import ANN, BO, COBBLER, LI, MEI, START, TOM, ZHOU
from tests.support.kept import CALL
from tests.support.whole import WholeDoor, whole_door

ERASE, EXPORT = f"/api/customers/{ANN.id}/erase", f"/api/customers/{ANN.id}/export.zip"
BODY = {"id": "erasure-1", "name": "Ann"}


@pytest.fixture
def address(tmp_path: Path) -> str:
    return sqlite_address(tmp_path)


@pytest.fixture
async def door(tmp_path: Path, address: str) -> AsyncIterator[WholeDoor]:
    async with whole_door(tmp_path, address) as made:
        yield made


async def lived(door: WholeDoor) -> dict[str, str]:
    """Ann wrote, sent a photo, left a message and was in a recorded call. Returns the blobs."""
    db = door.db
    blobs = {name: await door.blobs.put(name.encode() * 1000, suffix) for name, suffix in
             (("photo", ".jpg"), ("thumb", ".jpg"), ("film", ".webm"), ("left", ".jpg"))}  # fmt: skip
    device = Device(id="d-ann-phone", person_id=ANN.id, side="customer", name="Phone", made_at=START, seen_at=START)
    await db.conversations.device(device)
    await door.say("<script>alert('heel')</script> 鞋跟", author_name="Ann")
    await door.say("Ask twice", stream=f"n.{ANN.id}", kind="note", side="staff", author=LI.id, author_name="Li")
    upload = Upload(id=upload_id(ANN.id, ANN.id, "1" * 64), person_id=ANN.id, conversation_id=ANN.id, sha256="1" * 64,
                    bytes=5, name="heel.jpg", made_at=START)  # fmt: skip
    await db.attachments.begin(upload)
    file = await db.attachments.finish(file_of(upload, blob=blobs["photo"], thumb=blobs["thumb"]))
    await door.say("", kind="image", body={"attachment": file.id, "name": "heel.jpg", "caption": "The heel"})
    ended = {"state": "ended", "ended_at": START, "shop_id": COBBLER.id, "customer_id": ANN.id}
    await db.calls.add(CALL.model_copy(update=ended))
    await db.calls.put_recording(Recording(call_id=CALL.id, state="ready", files={"call": blobs["film"]}))
    await db.people.leave_message(
        LeftMessage(id="left-1", shop_id=COBBLER.id, customer_id=ANN.id, name="Ann", text="Call me", created_at=START,
                    picture_blob=blobs["left"])
    )  # fmt: skip
    await door.say("Tom's own", of=TOM.id)
    return blobs


async def zipped(browser: Browser) -> zipfile.ZipFile:
    response = await browser.get(EXPORT)
    assert response.status == 200, await response.text()
    return zipfile.ZipFile(io.BytesIO(await response.read()))


async def test_an_export_holds_everything_of_one_customer_to_read_and_to_look_at(door: WholeDoor) -> None:
    await lived(door)
    archive = await zipped(door.staff(MEI))
    assert archive.testzip() is None
    told: dict[str, Any] = json.loads(archive.read("customer.json"))
    assert [entry["kind"] for entry in told["conversation"]] == ["text", "image", "recording"]
    assert [entry["body"]["text"] for entry in told["notes"]] == ["Ask twice"]
    assert archive.read(told["files"][0]["file"]) == b"photo" * 1000
    assert archive.read(told["calls"][0]["recording"]["call"]) == b"film" * 1000
    assert archive.read(told["left_messages"][0]["file"]) == b"left" * 1000
    assert told["devices"][0]["name"] == "Phone"
    page = archive.read("conversation.html").decode()
    assert "<script>" not in page
    assert "&lt;script&gt;alert(&#x27;heel&#x27;)&lt;/script&gt; 鞋跟" in page
    assert f'src="{told["files"][0]["file"]}"' in page
    assert '<html lang="en">' in page
    assert "Tom" not in page + json.dumps(told)


async def test_the_readable_page_is_in_the_customers_language(door: WholeDoor) -> None:
    await door.db.people.put_customer(ANN.model_copy(update={"language": "zh-CN"}))
    await door.say("您好")
    page = (await zipped(door.staff(MEI))).read("conversation.html").decode()
    assert '<html lang="zh-CN">' in page
    assert "您在暖阳鞋匠的数据" in page


async def test_an_export_of_much_is_sent_in_pieces(door: WholeDoor) -> None:
    """What is asked for and not read does not pile up in the server: the first piece comes before the last file is read."""
    blobs = await lived(door)
    big = door.folder / "blobs" / blobs["film"][:2] / blobs["film"]
    with big.open("wb") as file:
        for number in range(64):
            file.write(bytes([number]) * 1024 * 1024)
    response = await door.staff(MEI).get(EXPORT)
    first = await response.content.readany()
    assert 0 < len(first) < 8 * 1024 * 1024
    data = first + await response.read()
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    assert max(info.file_size for info in archive.infolist()) == 64 * 1024 * 1024


async def test_an_export_that_an_erasure_overtakes_is_whole_and_says_what_was_gone(door: WholeDoor) -> None:
    await lived(door)
    chunks = (await Export(door.house.house, door.db.data).begin(ANN.id)).chunks()
    data = await anext(chunks)
    assert (await door.staff(MEI).post(ERASE, json=BODY)).status == 200
    await door.erasing.settled()
    data += b"".join([chunk async for chunk in chunks])
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    told, files = json.loads(archive.read("customer.json")), json.loads(archive.read("files.json"))
    assert files == {
        told["files"][0]["file"]: {"bytes": 5000},  # it was being read
        told["calls"][0]["recording"]["call"]: {"gone": True},
        told["left_messages"][0]["file"]: {"gone": True},
    }
    assert {name for name in archive.namelist() if name.startswith("media/")} == {told["files"][0]["file"]}


class Vanishing(FileBlobs):
    """Each file is deleted as soon as it was found."""

    async def path(self, name: str) -> Path:
        found = await super().path(name)
        found.unlink()
        return found


async def test_an_export_is_whole_when_a_file_goes_between_being_found_and_opened(door: WholeDoor) -> None:
    await lived(door)
    house = dataclasses.replace(door.house.house, blobs=Vanishing(door.folder / "blobs"))
    chunks = (await Export(house, door.db.data).begin(ANN.id)).chunks()
    archive = zipfile.ZipFile(io.BytesIO(b"".join([chunk async for chunk in chunks])))
    assert archive.testzip() is None
    assert list(json.loads(archive.read("files.json")).values()) == [{"gone": True}] * 3


async def test_an_export_that_meets_a_broken_disk_fails_and_does_not_end_well(door: WholeDoor) -> None:
    blobs = await lived(door)
    film = door.folder / "blobs" / blobs["film"][:2] / blobs["film"]
    film.unlink()
    film.symlink_to("/proc/self/mem")  # a file whose reading fails
    response = await door.staff(MEI).get(EXPORT)
    with pytest.raises(ClientPayloadError):
        await response.read()


async def test_only_a_manager_of_the_shop_or_hq_exports_and_erases(door: WholeDoor) -> None:
    await lived(door)
    away = MEI.model_copy(update={"id": "staff-away", "username": "away", "shop_id": ZHOU.shop_id})
    await door.db.people.add_staff(away)
    for staff in (LI, BO):
        await refusal(await door.staff(staff).get(EXPORT), 403, "forbidden")
        await refusal(await door.staff(staff).post(ERASE, json=BODY), 403, "forbidden")
    for stranger in (ZHOU, away):
        await refusal(await door.staff(stranger).get(EXPORT), 404, "not_found")
        await refusal(await door.staff(stranger).post(ERASE, json=BODY), 404, "not_found")
    for browser in (door.customer(ANN), door.browser()):
        await refusal(await browser.get(EXPORT), 401, "not_signed_in")
        await refusal(await browser.post(ERASE, json=BODY), 401, "not_signed_in")
    mei = door.staff(MEI)
    await refusal(await mei.post("/api/customers/nobody/erase", json=BODY), 404, "not_found")
    await refusal(await mei.post(ERASE, json={**BODY, "name": "Anne"}), 400, "bad_request")
    await refusal(await mei.post(ERASE, json={"id": "erasure-1"}), 400, "bad_request")
    assert len(await door.db.conversations.entries(f"c.{ANN.id}")) == 3
    assert (await door.db.conversations.entries(f"c.{ANN.id}"))[0].gone is None


async def files_left(door: WholeDoor) -> set[str]:
    """The blobs that are there once every erasure is done."""
    async with asyncio.timeout(5):
        await door.erasing.settled()
    return {path.name for path in (door.folder / "blobs").rglob("*") if path.is_file()}


async def test_an_erasure_leaves_stubs_and_no_file_and_is_answered_the_same_again(door: WholeDoor) -> None:
    blobs = await lived(door)
    mei = door.staff(MEI)
    for files_are in ("going", "gone"):
        answer = await (await mei.post(ERASE, json=BODY)).json()
        assert answer == {"entries": 4, "files": 4, "files_are": files_are}
        await door.erasing.settled()
    entries = await door.db.conversations.entries(f"c.{ANN.id}")
    assert [entry.gone for entry in entries] == ["erased"] * 3 + [None]
    assert await files_left(door) & set(blobs.values()) == set()
    told = json.loads((await zipped(mei)).read("customer.json"))
    assert (told["customer"]["name"], told["files"], told["devices"], told["left_messages"]) == ("-", [], [], [])
    assert "heel" not in json.dumps(told)
    assert door.house.node.forgotten == [CALL.id]


async def test_an_erasure_that_cannot_be_finished_holds_up_no_other_and_the_manager_is_told(door: WholeDoor) -> None:
    blobs = await lived(door)
    toms = await door.blobs.put(b"Tom's heel", ".jpg")
    left = {"id": "left-2", "name": "Tom", "text": "Call me", "created_at": START, "picture_blob": toms}
    await door.db.people.leave_message(LeftMessage(shop_id=COBBLER.id, customer_id=TOM.id, **left))  # type: ignore[arg-type]
    stuck = door.folder / "blobs" / blobs["photo"][:2] / blobs["photo"]
    stuck.unlink()
    (stuck / "cannot").mkdir(parents=True)  # the disk does not let go of it
    mei = door.staff(MEI)

    async def answer(browser: Browser, path: str, body: dict[str, str]) -> str:
        return str((await (await browser.post(path, json=body)).json())["files_are"])

    toms_path, toms_body = f"/api/customers/{TOM.id}/erase", {"id": "erasure-2", "name": "Tom"}
    async with asyncio.timeout(10):
        assert await answer(mei, ERASE, BODY) == "going"
        while await answer(mei, ERASE, BODY) != "late":
            pass
        assert await answer(mei, toms_path, toms_body) == "going"
        while await answer(mei, toms_path, toms_body) != "gone":
            pass
        assert await answer(mei, ERASE, BODY) == "late"
    assert {path.name for path in (door.folder / "blobs").rglob("*") if path.is_file()} == set()
    app, house = door.app, door.house.house
    stubborn = Erasing(house, door.db.data, app[CHAT], app[ARRIVALS], app[COMPOSITIONS], again_s=0.001)
    async with contextlib.asynccontextmanager(stubborn.lifetime)(app), asyncio.timeout(10):
        (stuck / "cannot").rmdir()
        stuck.rmdir()
        await stubborn.settled()
    assert await answer(mei, ERASE, BODY) == "gone"


async def test_open_pages_of_the_customer_are_told_and_closed(door: WholeDoor) -> None:
    await lived(door)
    socket = await door.customer(ANN).ws_connect("/ws/customer/chat")
    hello = {"type": "chat.hello", "ref": "1", "device": "d-ann-phone", "tab": "t", "cursors": []}
    await socket.send_json(hello)
    frames: list[dict[str, Any]] = [await socket.receive_json() for _ in range(2)]
    assert frames[1]["type"] == "chat.entries"
    assert (await door.staff(MEI).post(ERASE, json=BODY)).status == 200
    codes = [json.loads(message.data)["code"] async for message in socket if '"error"' in message.data]
    assert codes[0] == "erased"
    assert socket.close_code == 4503
    again = await door.customer(ANN).ws_connect("/ws/customer/chat")
    await again.send_json(hello)
    assert (await again.receive_json())["code"] == "erased"
    assert [message async for message in again] == []
    assert again.close_code == 4503


async def test_who_comes_anew_after_an_erasure_stays_when_the_manager_asks_how_far_it_is(door: WholeDoor) -> None:
    await lived(door)
    assert (await door.staff(MEI).post(ERASE, json=BODY)).status == 200
    door.house.clock.advance(1)
    socket = await door.customer(ANN).ws_connect("/ws/customer/chat")
    await socket.send_json({"type": "chat.hello", "ref": "1", "device": "d-ann-anew", "tab": "t", "cursors": []})
    assert (await socket.receive_json())["type"] == "chat.welcome"
    assert (await door.staff(MEI).post(ERASE, json=BODY)).status == 200
    await socket.send_json({"type": "chat.fetch", "ref": "2", "stream": f"c.{ANN.id}", "after": 0})
    async with asyncio.timeout(10):
        while (frame := await socket.receive_json()).get("ref") != "2":
            assert frame["type"] != "error"


async def test_an_erasure_that_was_cut_short_is_finished_by_the_next_server(tmp_path: Path, address: str) -> None:
    async with whole_door(tmp_path, address) as door:
        blobs = await lived(door)
        decided: Erasure = await door.db.data.erase("erasure-1", ANN.id, MEI, START)  # and the server dies here
        assert await door.db.data.unfinished() == [decided]
    async with whole_door(tmp_path, address, is_first=False) as door:
        assert await files_left(door) & set(blobs.values()) == set()
