"""What an upload leaves when something else happens to it, or to the same content, at that very moment."""

from __future__ import annotations

import asyncio
import dataclasses
import fcntl
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from PIL import Image

from domain.attachment import UNUSED_FOR, Attachment, AttachmentStore, Removed, Upload
from domain.errors import NotFound, Unavailable
from domain.people import Customer
from signaling.arrivals import Arrivals
from signaling.http_context import ARRIVALS
from store.blobs import FileBlobs
from store.database import Database
from tests.contracts.test_attachments import file_of, upload
from tests.signaling.test_http_uploads import HTML, Counter, opened
from tests.support.doors import refusal
from tests.support.houses import ANN, TOM


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Counter]:
    async with opened(tmp_path) as made:
        yield made


class SlowToName:
    """The store of a house, which keeps a finished file only when told to."""

    def __init__(self, db: Database) -> None:
        self._store = db.attachments
        self.asked, self.go = asyncio.Event(), asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def finish(self, attachment: Attachment, **quota: int) -> Attachment:
        self.asked.set()
        await self.go.wait()
        return await self._store.finish(attachment, **quota)


class NoRoomForThumbs(FileBlobs):
    async def put_file(self, path: Path, suffix: str) -> str:
        if path.name == "thumb":
            raise Unavailable("The disk is full.")
        return await super().put_file(path, suffix)


async def whole(door: Counter, data: bytes, of: Customer = ANN) -> Upload:
    """All of it is here, and it is not finished."""
    sender = door.customer(of)
    begun = (await (await door.begin(sender, data, conversation=of.id)).json())["upload"]
    await door.put(sender, begun, 0, data)
    return await door.db.attachments.upload(begun)


async def test_a_file_stays_when_the_same_content_is_let_go_elsewhere_while_it_is_kept(door: Counter) -> None:
    upload, store = await whole(door, HTML), SlowToName(door.db)
    arrivals = Arrivals(door.house.house, cast(AttachmentStore, store))
    finishing = asyncio.create_task(arrivals.finish(upload))
    await store.asked.wait()  # the file is among the blobs, and nothing names it yet
    blob = hashlib.sha256(HTML).hexdigest()
    forgetting = asyncio.create_task(arrivals.forget(Removed(blobs=(blob,))))
    await door.db.attachments.unnamed(())  # a question that was asked before this one is answered now
    store.go.set()
    kept, _ = await asyncio.gather(finishing, forgetting)
    assert (await door.blobs.path(kept.blob)).read_bytes() == HTML


async def test_what_left_no_blob_is_forgotten_while_another_server_keeps_files(door: Counter) -> None:
    upload = await whole(door, HTML)
    with (door.folder / "scratch" / "blobs.lock").open("w") as other_server:
        fcntl.flock(other_server, fcntl.LOCK_EX)
        async with asyncio.timeout(5):
            await door.app[ARRIVALS].forget(Removed(uploads=(upload.id,)))
    assert door.left_behind() == []


async def test_a_chunk_that_arrives_after_its_upload_was_dropped_leaves_nothing(door: Counter) -> None:
    ann, arrivals = door.customer(ANN), door.app[ARRIVALS]
    begun = (await (await door.begin(ann, HTML)).json())["upload"]
    upload = await door.db.attachments.upload(begun)
    await arrivals.drop(upload)
    with pytest.raises(NotFound):
        await arrivals.add(upload, 0, HTML[:5])
    assert door.left_behind() == []


async def test_done_that_was_asked_before_and_comes_after_the_file_was_kept_is_answered_the_same(door: Counter) -> None:
    upload, arrivals = await whole(door, HTML), door.app[ARRIVALS]
    kept = await arrivals.finish(upload)
    assert await arrivals.finish(upload) == kept


async def test_a_picture_that_grows_past_the_quota_is_not_kept(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), "navy").save(tmp_path / "small.png")
    data = (tmp_path / "small.png").read_bytes()
    assert len(data) < 300  # and a JPEG of it is larger
    async with opened(tmp_path, conversation_quota_bytes=300) as door:
        upload = await whole(door, data)
        await refusal(await door.done(door.customer(ANN), upload.id), 409, "quota")
        assert door.left_behind() == []
        assert (await door.begin(door.customer(ANN), HTML)).status == 200  # its place is free again


async def test_a_picture_whose_thumb_cannot_be_kept_leaves_no_blob(door: Counter, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), "navy").save(tmp_path / "small.png")
    upload = await whole(door, (tmp_path / "small.png").read_bytes())
    house = dataclasses.replace(door.house.house, blobs=NoRoomForThumbs(door.folder / "blobs"))
    with pytest.raises(Unavailable):
        await Arrivals(house, door.db.attachments).finish(upload)
    assert door.left_behind() == [upload.id]  # the part: to finish it can be tried again


async def test_who_sends_one_file_does_not_wait_for_all_that_somebody_else_sent_before(door: Counter) -> None:
    anns = [await whole(door, HTML + bytes([number])) for number in range(8)]
    toms, arrivals = await whole(door, HTML, TOM), door.app[ARRIVALS]
    looked_into = [asyncio.create_task(arrivals.finish(upload)) for upload in anns]
    await asyncio.wait(looked_into, return_when=asyncio.FIRST_COMPLETED)
    assert (await arrivals.finish(toms)).owner == TOM.id
    assert sum(not task.done() for task in looked_into) >= 3
    kept = await asyncio.gather(*looked_into)
    assert {each.owner for each in kept} == {ANN.id}


async def test_a_sweep_goes_on_when_what_it_found_is_gone_before_it_looks(door: Counter) -> None:
    uploads = door.folder / "scratch" / "uploads"
    for number in range(20):  # listed, and not there to be looked at: as what ended in between
        (uploads / f"gone-{number}").symlink_to(door.folder / "nowhere")
        (uploads / f"old-{number}").touch()
        os.utime(uploads / f"old-{number}", (0, 0))
    await door.app[ARRIVALS].sweep()
    assert door.left_behind() == []


async def test_what_was_kept_and_never_sent_goes_after_a_day_however_much_it_is_and_its_room_is_free(
    tmp_path: Path,
) -> None:
    count, size = 450, 10
    async with opened(tmp_path, conversation_quota_bytes=count * size) as door:
        for number in range(count):
            data = f"{number:010}".encode()
            begun = upload(of=ANN.id, sha256=hashlib.sha256(data).hexdigest(), size=size, made_at=door.now)
            await door.db.attachments.begin(begun)
            blob = await door.blobs.put(data, ".bin")
            await door.db.attachments.finish(file_of(begun, kind="file", blob=blob, thumb=None, bytes=size))
        ann, arrivals = door.customer(ANN), door.app[ARRIVALS]
        sent = upload(of=ANN.id, sha256=hashlib.sha256(b"0000000000").hexdigest()).id
        await door.write("file", {"attachment": sent})
        await refusal(await door.begin(ann, HTML), 409, "quota")
        door.house.clock.advance(UNUSED_FOR.total_seconds() - 1)
        assert await arrivals.sweep() == Removed()
        door.house.clock.advance(2)
        assert len((await arrivals.sweep()).blobs) == count - 1
        assert len(door.left_behind()) == 1
        assert (await ann.get(f"/api/attachments/{sent}")).status == 200
        assert (await door.begin(ann, HTML)).status == 200
