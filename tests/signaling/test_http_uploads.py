"""Files reach a conversation whole or not at all, and only those who may read it ever see them."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import io
import os
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestServer
from PIL import Image

from domain.attachment import CHUNK_BYTES
from domain.errors import NotReady
from domain.stream import Device, EntryKind, NewEntry
from signaling.app import make_app
from signaling.arrivals import Arrivals
from signaling.chat import Chat
from signaling.http_context import ARRIVALS
from store.blobs import FileBlobs, open_blobs
from store.database import Database, open_database
from tests.media.test_incoming import png_bomb, voice
from tests.media.test_stills import with_place
from tests.support.databases import sqlite_address
from tests.support.doors import Browser, Door, SlowComposer, SmallLive, refusal
from tests.support.houses import ANN, COBBLER, LI, NAILS, TOM, ZHOU, TestHouse

HTML = b"<!doctype html><script>alert(document.cookie)</script>"


class Counter(Door):
    """A door over a real database and real blobs. `send` uploads as pages do."""

    db: Database
    blobs: FileBlobs
    folder: Path
    _written = 0

    async def send(self, browser: Browser, data: bytes, name: str = "photo.jpg") -> dict[str, Any]:
        begun = await (await self.begin(browser, data, name)).json()
        at = begun["offset"]
        while at < len(data):
            at = (await (await self.put(browser, begun["upload"], at, data[at : at + CHUNK_BYTES])).json())["offset"]
        done = await self.done(browser, begun["upload"])
        assert done.status == 200, await done.text()
        return dict((await done.json())["attachment"])

    async def begin(self, browser: Browser, data: bytes, name: str = "photo.jpg", **changes: Any) -> ClientResponse:
        sha256 = hashlib.sha256(data).hexdigest()
        body = {"conversation": ANN.id, "sha256": sha256, "bytes": len(data), "name": name, **changes}
        return await browser.post("/api/uploads", json=body)

    async def put(self, browser: Browser, upload: str, offset: int, data: bytes) -> ClientResponse:
        return await browser.put(f"/api/uploads/{upload}?offset={offset}", data=io.BytesIO(data))

    async def done(self, browser: Browser, upload: str) -> ClientResponse:
        return await browser.post(f"/api/uploads/{upload}/done")

    async def write(self, kind: EntryKind, body: dict[str, Any]) -> str:
        """As Ann's phone."""
        device = Device(id="d-ann", person_id=ANN.id, side="customer", made_at=self.now, seen_at=self.now)
        await self.db.conversations.device(device)
        entry = NewEntry(
            stream=f"c.{ANN.id}", id=f"m-{self._written + 1}", kind=kind, author=ANN.id, side="customer",
            author_name="Ann", at=self.now, body=body, device="d-ann", counter=self._written + 1,
        )  # fmt: skip
        await self.db.conversations.append(entry)
        self._written += 1
        return entry.id

    @property
    def now(self) -> Any:
        return self.house.clock()

    def left_behind(self) -> list[str]:
        """Of parts and blobs."""
        places = (self.folder / "scratch" / "uploads", self.folder / "blobs")
        return [path.name for place in places for path in place.rglob("*") if path.is_file()]


@asynccontextmanager
async def opened(folder: Path, address: str | None = None, **settings: Any) -> AsyncIterator[Counter]:
    async with AsyncExitStack() as stack:
        is_new = address is None or not Path(address.removeprefix("sqlite:///")).exists()
        db = await stack.enter_async_context(open_database(address or sqlite_address(folder)))
        for shop in (COBBLER, NAILS) if is_new else ():
            await db.people.add_shop(shop)
        for customer in (ANN, TOM):
            await db.people.put_customer(customer)
        house = TestHouse(folder, **settings)
        blobs = await stack.enter_async_context(open_blobs(folder / "blobs"))
        house.house = dataclasses.replace(
            house.house, conversations=db.conversations, attachments=db.attachments, blobs=blobs
        )
        chat = await stack.enter_async_context(Chat(house.house))
        live, composer = SmallLive(), SlowComposer()
        server = TestServer(make_app(house.house, live, chat, compose=composer), host="127.0.0.1")
        await server.start_server()
        stack.push_async_callback(server.close)
        door = Counter(house, live, chat, composer, server)
        stack.push_async_callback(door.close)
        door.db, door.blobs, door.folder = db, blobs, folder
        yield door


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Counter]:
    async with opened(tmp_path) as made:
        yield made


async def test_an_upload_that_is_cut_at_any_boundary_goes_on_where_it_stopped(door: Counter) -> None:
    data = bytes(range(256)) * 4096 * 3 + b"the rest"  # three chunks and a little
    chunks = [data[at : at + CHUNK_BYTES] for at in range(0, len(data), CHUNK_BYTES)]
    for cut in range(len(chunks) + 1):
        ann, content = door.customer(ANN), data + bytes([cut])
        begun = await (await door.begin(ann, content, "plan.bin")).json()
        for number in range(cut):
            await door.put(ann, begun["upload"], number * CHUNK_BYTES, chunks[number])
        later = door.customer(ANN)  # another page, which remembers nothing
        again = await (await door.begin(later, content, "plan.bin")).json()
        assert again == {**begun, "offset": min(cut * CHUNK_BYTES, len(data))}
        assert (await (await later.get(f"/api/uploads/{begun['upload']}")).json())["offset"] == again["offset"]
        kept = await door.send(later, content, "plan.bin")
        assert (kept["kind"], kept["bytes"]) == ("file", len(content))
        assert await (await later.get(f"/api/attachments/{kept['id']}")).read() == content


async def test_an_upload_outlives_a_server_that_dies_in_the_middle_of_a_chunk(tmp_path: Path) -> None:
    data = with_place(1) + bytes(5000)
    address = sqlite_address(tmp_path)
    async with opened(tmp_path, address) as door:
        ann = door.customer(ANN)
        upload = (await (await door.begin(ann, data)).json())["upload"]
        await door.put(ann, upload, 0, data[:700])
    with (tmp_path / "scratch" / "uploads" / upload).open("ab") as part:
        part.write(data[700:1111])  # of the chunk that was never answered
    async with opened(tmp_path, address) as door:
        ann = door.customer(ANN)
        assert (await (await door.begin(ann, data)).json())["offset"] == 1111
        assert (await door.send(ann, data))["kind"] == "image"


async def test_a_chunk_at_another_place_is_refused_with_the_right_one(door: Counter) -> None:
    ann = door.customer(ANN)
    upload = (await (await door.begin(ann, b"0123456789")).json())["upload"]
    await door.put(ann, upload, 0, b"0123")
    for wrong in (0, 3, 5):
        said = await refusal(await door.put(ann, upload, wrong, b"4"), 409, "expect")
        assert said["expected"] == 4
    await refusal(await door.put(ann, upload, 4, b"4567890123"), 413, "too_large")
    await refusal(await door.put(ann, upload, 4, bytes(CHUNK_BYTES + 1)), 413, "too_large")
    for offset in ("", "x", "-1", "²", "9" * 20):
        await refusal(await ann.put(f"/api/uploads/{upload}?offset={offset}", data=b"4"), 400, "bad_request")
    await refusal(await door.done(ann, upload), 409, "not_ready")
    assert (await (await door.put(ann, upload, 4, b"456789")).json())["offset"] == 10


async def test_html_named_as_a_photo_can_only_be_saved(door: Counter) -> None:
    ann = door.customer(ANN)
    kept = await door.send(ann, HTML, "../../etc/\u202egpj.photo.jpg")
    assert kept["kind"] == "file"
    file = await ann.get(f"/api/attachments/{kept['id']}")
    assert file.headers["Content-Type"] == "application/octet-stream"
    assert file.headers["Content-Disposition"].startswith("attachment; filename=")
    assert "/" not in file.headers["Content-Disposition"].replace("UTF-8''", "")
    assert file.headers["X-Content-Type-Options"] == "nosniff"
    assert file.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert await file.read() == HTML
    await refusal(await ann.get(f"/api/attachments/{kept['id']}/thumb.jpg"), 404, "not_found")


async def test_a_photo_loses_its_place_and_has_a_small_picture(door: Counter) -> None:
    ann, li = door.customer(ANN), door.staff(LI)
    kept = await door.send(ann, with_place(6), "IMG 1.HEIC")
    assert (kept["kind"], kept["name"]) == ("image", "IMG 1.jpg")
    await door.write("image", {"attachment": kept["id"], "caption": "The heel"})
    [entry] = await door.db.conversations.entries(f"c.{ANN.id}")
    shown = {name: entry.body["file"][name] for name in ("mime", "width", "height", "has_thumb", "name")}
    assert shown == {"mime": "image/jpeg", "width": 48, "height": 64, "has_thumb": True, "name": "IMG 1.jpg"}
    for path in (f"/api/attachments/{kept['id']}", f"/api/attachments/{kept['id']}/thumb.jpg"):
        picture = await li.get(path)
        data = await picture.read()
        assert (picture.headers["Content-Type"], picture.headers["Cache-Control"]) == (
            "image/jpeg",
            "private, no-cache",
        )
        assert b"SecretPhone" not in data
        with Image.open(io.BytesIO(data)) as image:
            assert image.size == (48, 64)


@pytest.mark.parametrize("data", [png_bomb(60_000), with_place(1)[:200]])
async def test_a_bomb_and_a_damaged_photo_are_refused_and_leave_nothing(door: Counter, data: bytes) -> None:
    ann = door.customer(ANN)
    upload = (await (await door.begin(ann, data)).json())["upload"]
    for at in range(0, len(data), CHUNK_BYTES):
        await door.put(ann, upload, at, data[at : at + CHUNK_BYTES])
    await refusal(await door.done(ann, upload), 400, "unusable_file")
    await refusal(await door.done(ann, upload), 404, "not_found")
    assert door.left_behind() == []


async def test_a_file_with_another_content_than_was_said_is_refused_and_begins_anew(door: Counter) -> None:
    ann, data = door.customer(ANN), b"what was promised"
    upload = (await (await door.begin(ann, data)).json())["upload"]
    await door.put(ann, upload, 0, data[::-1])
    await refusal(await door.done(ann, upload), 400, "unusable_file")
    assert (await (await door.begin(ann, data)).json())["offset"] == 0
    assert (await door.send(ann, data))["kind"] == "file"


async def test_a_message_is_refused_until_its_file_is_whole(door: Counter) -> None:
    ann = door.customer(ANN)
    upload = (await (await door.begin(ann, HTML)).json())["upload"]
    await door.put(ann, upload, 0, HTML[:10])
    future = door.write("file", {"attachment": upload})
    with pytest.raises(NotReady):
        await future
    kept = await door.send(ann, HTML)
    assert kept["id"] == upload
    await door.write("file", {"attachment": upload})


async def test_what_is_too_large_or_beyond_the_quota_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    async with opened(tmp_path, max_attachment_bytes=2 * 1024**2, conversation_quota_bytes=1000) as door:
        ann, li = door.customer(ANN), door.staff(LI)
        await refusal(await door.begin(ann, b"x", bytes=3 * 1024**2), 413, "too_large")
        assert (await door.begin(ann, b"1" * 600)).status == 200
        assert (await door.begin(ann, b"1" * 600)).status == 200  # the same again
        await refusal(await door.begin(ann, b"2" * 600), 409, "quota")
        await refusal(await door.begin(li, b"2" * 600), 409, "quota")
        upload = (await (await door.begin(ann, b"1" * 600)).json())["upload"]
        assert (await ann.delete(f"/api/uploads/{upload}")).status == 200
        assert (await door.begin(ann, b"2" * 600)).status == 200


async def test_another_customer_and_another_shop_see_the_same_as_for_an_unknown_file(door: Counter) -> None:
    ann = door.customer(ANN)
    kept = await door.send(ann, with_place(1))
    await door.write("image", {"attachment": kept["id"]})
    begun = (await (await door.begin(ann, HTML)).json())["upload"]
    unknown = "0" * 40
    for stranger in (door.customer(TOM), door.staff(ZHOU)):
        for path in ("/api/attachments/{}", "/api/attachments/{}/thumb.jpg", "/api/uploads/{}"):
            ids = (begun if "uploads" in path else kept["id"], unknown)
            said = [await refusal(await stranger.get(path.format(i)), 404, "not_found") for i in ids]
            assert said[0] == said[1]
        said = [await refusal(await door.put(stranger, i, 0, b"x"), 404, "not_found") for i in (begun, unknown)]
        said += [await refusal(await door.done(stranger, i), 404, "not_found") for i in (kept["id"], begun, unknown)]
        said += [await refusal(await stranger.delete(f"/api/uploads/{i}"), 404, "not_found") for i in (begun, unknown)]
        assert all(each == said[0] for each in said)
        said = [
            await refusal(await door.begin(stranger, HTML, conversation=who), 404, "not_found")
            for who in (ANN.id, "nobody")
        ]
        assert said[0] == said[1]
    nobody = door.browser()
    await refusal(await nobody.get(f"/api/attachments/{kept['id']}"), 401, "not_signed_in")
    await refusal(await door.begin(nobody, HTML), 401, "not_signed_in")
    assert (await door.staff(LI).get(f"/api/attachments/{kept['id']}")).status == 200
    # a colleague may read what was sent, and go on with nobody's upload but the own
    await refusal(await door.put(door.staff(LI), begun, 0, b"x"), 404, "not_found")


async def test_what_was_not_sent_or_was_taken_back_is_seen_by_its_owner_alone(door: Counter) -> None:
    ann, li = door.customer(ANN), door.staff(LI)
    kept = await door.send(ann, with_place(1))
    path = f"/api/attachments/{kept['id']}"
    assert ((await ann.get(path)).status, (await li.get(path)).status) == (200, 404)
    entry = await door.write("image", {"attachment": kept["id"]})
    assert (await li.get(path)).status == 200
    await door.write("recall", {"target": entry})
    assert (await li.get(path)).status == 404


async def test_a_sound_is_served_in_ranges_and_has_its_shape(door: Counter, tmp_path: Path) -> None:
    ann, data = door.customer(ANN), voice("webm", "libopus", tmp_path)
    kept = await door.send(ann, data, "note.webm")
    await door.write("voice", {"attachment": kept["id"]})
    [entry] = await door.db.conversations.entries(f"c.{ANN.id}")
    assert len(entry.body["file"]["wave"]) == 60
    whole = await (await ann.get(f"/api/attachments/{kept['id']}")).read()
    part = await ann.get(f"/api/attachments/{kept['id']}", headers={"Range": "bytes=100-199"})
    assert (part.status, part.headers["Content-Type"]) == (206, "audio/mp4")
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(whole)}"
    assert await part.read() == whole[100:200]
    beyond = await ann.get(f"/api/attachments/{kept['id']}", headers={"Range": "bytes=9999999-"})
    assert beyond.status == 416


async def test_done_that_is_asked_twice_at_once_is_one_file(door: Counter) -> None:
    ann = door.customer(ANN)
    data = with_place(1)
    upload = (await (await door.begin(ann, data)).json())["upload"]
    await door.put(ann, upload, 0, data)
    answers = await asyncio.gather(*(door.done(ann, upload) for _ in range(3)))
    said = [await answer.json() for answer in [*answers, await door.done(ann, upload)]]
    assert all(each["attachment"] == said[0]["attachment"] for each in said)
    assert len(await door.db.attachments.of(ANN.id)) == 1
    known = await (await door.begin(ann, data)).json()  # the same photo once more: nothing is left to send
    assert known["attachment"] == said[0]["attachment"]


async def test_what_was_begun_and_what_was_never_sent_is_swept_after_a_day(door: Counter) -> None:
    ann = door.customer(ANN)
    sent, forgotten = await door.send(ann, with_place(1)), await door.send(ann, with_place(3))
    await door.write("image", {"attachment": sent["id"]})
    begun = (await (await door.begin(ann, HTML)).json())["upload"]
    await door.put(ann, begun, 0, HTML[:5])
    before = door.left_behind()
    await door.app[ARRIVALS].sweep()
    assert door.left_behind() == before
    door.house.clock.advance(25 * 3600)
    await door.app[ARRIVALS].sweep()
    assert len(door.left_behind()) == 2  # the photo and its small picture
    assert (await ann.get(f"/api/attachments/{forgotten['id']}")).status == 404
    assert (await ann.get(f"/api/attachments/{sent['id']}")).status == 200
    await refusal(await ann.get(f"/api/uploads/{begun}"), 404, "not_found")


async def test_a_blob_that_a_killed_server_did_not_name_goes_after_a_day_and_nothing_else_does(door: Counter) -> None:
    ann, blobs = door.customer(ANN), door.blobs
    sent = await door.send(ann, with_place(1))
    await door.write("image", {"attachment": sent["id"]})
    named = set(door.left_behind())
    left, again = [await blobs.put(words, ".jpg") for words in (b"nobody names it", b"nobody names it yet")]
    for path in (door.folder / "blobs").glob("??/*"):
        os.utime(path, (time.time() - 25 * 3600,) * 2)
    os.utime(door.folder / "scratch" / "blobs.swept", (time.time() - 48 * 3600,) * 2)  # a day ago
    await blobs.put(b"nobody names it yet", ".jpg")  # by an upload under way
    young = await blobs.put(b"a minute old", ".jpg")
    other_server = Arrivals(door.house.house, door.db.attachments)
    swept = await asyncio.gather(door.app[ARRIVALS].sweep(), other_server.sweep())
    assert {blob for removed in swept for blob in removed.blobs} == {left}
    assert set(door.left_behind()) == named | {again, young}


class PausingBlobs(FileBlobs):
    """Stops after it has put, until `go_on`."""

    has_put, go_on = asyncio.Event(), asyncio.Event()

    async def put_file(self, path: Path, suffix: str) -> str:
        name = await super().put_file(path, suffix)
        self.has_put.set()
        await self.go_on.wait()
        return name


async def test_a_file_that_one_server_keeps_while_another_forgets_the_same_is_not_lost(door: Counter) -> None:
    ann, tom = door.customer(ANN), door.customer(TOM)
    await door.send(ann, HTML, "words.html")
    begun = (await (await door.begin(tom, HTML, "words.html", conversation=TOM.id)).json())["upload"]
    await door.put(tom, begun, 0, HTML)
    blobs = PausingBlobs(door.folder / "blobs")
    other_server = Arrivals(dataclasses.replace(door.house.house, blobs=blobs), door.db.attachments)
    keeping = asyncio.create_task(other_server.finish(await door.db.attachments.upload(begun)))
    await blobs.has_put.wait()
    removed = await door.db.attachments.delete_of(ANN.id)
    assert len(removed.blobs) == 1
    forgetting = asyncio.create_task(door.app[ARRIVALS].forget(removed))
    await asyncio.wait({forgetting}, timeout=0.2)
    blobs.go_on.set()
    await asyncio.gather(keeping, forgetting)
    kept = await tom.get(f"/api/attachments/{begun}")
    assert (kept.status, await kept.read()) == (200, HTML)


async def test_a_cancelled_upload_leaves_nothing(door: Counter) -> None:
    ann = door.customer(ANN)
    upload = (await (await door.begin(ann, HTML)).json())["upload"]
    await door.put(ann, upload, 0, HTML[:20])
    assert (await ann.delete(f"/api/uploads/{upload}")).status == 200
    await refusal(await door.done(ann, upload), 404, "not_found")
    assert door.left_behind() == []


async def test_files_that_are_begun_without_end_are_slowed_down(door: Counter) -> None:
    ann = door.customer(ANN)
    answers = [await door.begin(ann, str(number).encode()) for number in range(101)]
    assert [answer.status for answer in answers] == [200] * 100 + [429]
