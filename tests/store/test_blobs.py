"""A blob is whole or absent, has one name, and no name leads out of its folder."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid, NotFound, Unavailable
from store.blobs import ABANDONED_S, FileBlobs, open_blobs

PHOTO = b"\xff\xd8 a photo" * 1000
NAME = hashlib.sha256(PHOTO).hexdigest() + ".jpg"


@pytest.fixture
async def blobs(tmp_path: Path) -> AsyncIterator[FileBlobs]:
    async with open_blobs(tmp_path / "blobs") as opened:
        yield opened


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def blobs_source(kept: Path) -> Path:
    """The same file as was kept, as old as that, to be kept again."""
    source = kept.with_name("again")
    shutil.copy2(kept, source)
    return source


async def test_a_blob_is_named_by_its_content_and_kept_once(blobs: FileBlobs, tmp_path: Path) -> None:
    assert await blobs.put(PHOTO, ".jpg") == NAME
    names = await asyncio.gather(*(blobs.put(PHOTO, ".jpg") for _ in range(20)))
    assert set(names) == {NAME}
    path = await blobs.path(NAME)
    assert path.read_bytes() == PHOTO
    assert files(tmp_path) == [path]


async def test_a_finished_file_is_moved_not_copied(blobs: FileBlobs, tmp_path: Path) -> None:
    source = tmp_path / "finished"
    source.write_bytes(PHOTO)
    number = source.stat().st_ino
    assert await blobs.put_file(source, ".jpg") == NAME
    assert not source.exists()
    assert (await blobs.path(NAME)).stat().st_ino == number
    source.write_bytes(PHOTO)
    assert await blobs.put_file(source, ".jpg") == NAME
    assert not source.exists()


async def test_a_file_from_another_disk_is_kept_whole(blobs: FileBlobs) -> None:
    with tempfile.NamedTemporaryFile(dir="/dev/shm", delete=False) as source:
        source.write(PHOTO)
    assert await blobs.put_file(Path(source.name), ".jpg") == NAME
    assert Path(source.name).name not in os.listdir("/dev/shm")
    assert (await blobs.path(NAME)).read_bytes() == PHOTO


async def test_what_was_put_again_is_not_deleted_as_old(blobs: FileBlobs) -> None:
    left = await blobs.put(b"left behind", "")
    for name in (await blobs.put(PHOTO, ".jpg"), left):
        os.utime(await blobs.path(name), (1000.0, 1000.0))
    assert set(await blobs.put_between(1000.0, 1001.0)) == {NAME, left}
    await blobs.put(PHOTO, ".jpg")
    assert await blobs.put_between(0.0, 1001.0) == [left]
    for old in (NAME, left, left):
        await blobs.delete(old, put_before_s=1001.0)
    assert (await blobs.path(NAME)).read_bytes() == PHOTO
    with pytest.raises(NotFound):
        await blobs.path(left)
    os.utime(await blobs.path(NAME), (1000.0, 1000.0))
    source = blobs_source(await blobs.path(NAME))
    await blobs.put_file(source, ".jpg")
    assert await blobs.put_between(0.0, 1001.0) == []


async def test_what_is_not_there_is_not_found(blobs: FileBlobs, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        await blobs.path(NAME)
    with pytest.raises(NotFound):
        await blobs.put_file(tmp_path / "none", ".jpg")
    with pytest.raises(NotFound):
        await blobs.put_file(tmp_path, ".jpg")
    await blobs.delete(NAME)
    await blobs.put(PHOTO, ".jpg")
    await blobs.delete(NAME)
    with pytest.raises(NotFound):
        await blobs.path(NAME)


@given(
    st.text(max_size=80)
    | st.sampled_from(["../" * 5 + "etc/passwd", f"../{NAME}", f"{NAME}/..", f"{NAME}\n", "\x00", "."])
)
async def test_no_other_name_reaches_any_file(name: str) -> None:
    blobs = FileBlobs(Path("/nonexistent"))
    with pytest.raises(NotFound):
        await blobs.path(name)
    with pytest.raises(NotFound):
        await blobs.delete(name)


@pytest.mark.parametrize("suffix", ["jpg", "./x", "..", ".a/b", ".JPG", ".\x00", ".verylongsuffix", ".jpg\n"])
async def test_a_suffix_is_a_dot_and_letters(blobs: FileBlobs, tmp_path: Path, suffix: str) -> None:
    source = tmp_path / "finished"
    source.write_bytes(PHOTO)
    with pytest.raises(Invalid):
        await blobs.put(PHOTO, suffix)
    with pytest.raises(Invalid):
        await blobs.put_file(source, suffix)
    assert source.read_bytes() == PHOTO


async def test_what_a_dead_process_left_is_removed_and_what_a_living_one_writes_is_not(tmp_path: Path) -> None:
    async with open_blobs(tmp_path):
        pass
    old, young = tmp_path / ".unfinished" / "old", tmp_path / ".unfinished" / "young"
    for path in (old, young):
        path.write_bytes(b"half")
    long_ago = young.stat().st_mtime - ABANDONED_S - 60
    os.utime(old, (long_ago, long_ago))
    async with open_blobs(tmp_path):
        assert (old.exists(), young.exists()) == (False, True)


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="data folder"):
        async with open_blobs(tmp_path / "file" / "blobs"):
            pass


async def test_two_servers_that_start_on_one_folder_do_not_stop_each_other(tmp_path: Path) -> None:
    async with open_blobs(tmp_path):
        pass
    (tmp_path / ".unfinished" / "gone").symlink_to(tmp_path / "nowhere")  # listed, and removed by the other one
    async with open_blobs(tmp_path) as blobs:
        assert await blobs.put(PHOTO, ".jpg") == NAME
