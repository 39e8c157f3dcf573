"""No file to share outlives the erasure of who is in it, wherever in its making that finds it."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from domain.record import Recording
from signaling.composition import Compositions
from store.blobs import FileBlobs
from tests.support.databases import sqlite_address
from tests.support.doors import SlowComposer
from tests.support.houses import ANN, COBBLER, MEI, START
from tests.support.kept import CALL
from tests.support.whole import WholeDoor, whole_door


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[WholeDoor]:
    async with whole_door(tmp_path, sqlite_address(tmp_path)) as made:
        ended = {"state": "ended", "created_at": START, "ended_at": START, "shop_id": COBBLER.id, "customer_id": ANN.id}
        await made.db.calls.add(CALL.model_copy(update=ended))
        film = await made.blobs.put(b"film", ".webm")
        await made.db.calls.put_recording(Recording(call_id=CALL.id, state="ready", files={"call": film}))
        yield made


class SlowBlobs(FileBlobs):
    """The file is in its place at once; to say so takes until `go`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.is_put, self.go = asyncio.Event(), asyncio.Event()

    async def put_file(self, path: Path, suffix: str) -> str:
        name = await super().put_file(path, suffix)
        self.is_put.set()
        await self.go.wait()
        return name


async def left(door: WholeDoor) -> list[str]:
    """The files to share among the blobs, once every erasure is done."""
    async with asyncio.timeout(5):
        await door.erasing.settled()
    return [path.suffix for path in (door.folder / "blobs").rglob("*.mp4")]


async def test_a_film_that_becomes_a_blob_while_it_is_forgotten_is_erased_with_its_call(door: WholeDoor) -> None:
    blobs, composer = SlowBlobs(door.folder / "blobs"), SlowComposer()
    composer.go.set()
    compositions = Compositions(dataclasses.replace(door.house.house, blobs=blobs), composer)
    await compositions.start(CALL.id, "mp4")
    await blobs.is_put.wait()
    forgetting = asyncio.create_task(compositions.forget(CALL.id))
    await door.db.calls.recording(CALL.id)  # it is forgetting now
    blobs.go.set()
    await forgetting
    await door.erasing.erase("erasure-1", ANN.id, MEI)
    assert await left(door) == []


async def test_a_film_that_was_begun_too_late_to_be_forgotten_is_not_kept(door: WholeDoor) -> None:
    composer = SlowComposer()
    compositions = Compositions(door.house.house, composer)
    await compositions.start(CALL.id, "mp4")
    await composer.started.wait()
    await door.erasing.erase("erasure-1", ANN.id, MEI)
    composer.go.set()
    job = next(task for task in asyncio.all_tasks() if task.get_name().startswith("compose"))
    await asyncio.wait([job])
    assert (await compositions.state(CALL.id)).state == "failed"
    assert await left(door) == []


async def test_what_a_server_that_died_had_half_made_goes_with_an_erasure(door: WholeDoor) -> None:
    half = door.house.house.settings.scratch / f"composed-{CALL.id}.mp4"
    half.write_bytes(b"half a film")
    await door.erasing.erase("erasure-1", ANN.id, MEI)
    assert not half.exists()
