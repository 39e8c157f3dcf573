"""The file to share shows both people and lets both be heard."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import av
import numpy as np
import pytest

from media.compose import compose
from media.errors import MediaFault
from media.remux import remux
from tests.media.clips import WALL_NS, person, watch, write_run


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The customer flashes at 0, 1, 2 and staff at 0.5, 1.5, 2.5; each beeps with the own flash."""
    folder = tmp_path_factory.mktemp("call")
    sources = person("customer", seconds=3, codec="h264", rotation=90) + person(
        "staff", start_s=0.5, seconds=3, ssrc=2000
    )
    write_run(folder / "1.journal", sources, wall_ns=WALL_NS)
    done = remux(folder, folder / "out")
    assert done is not None
    return done.files


def lit(image: np.ndarray, left: int, top: int) -> bool:
    return bool(image[top : top + 40, left : left + 40].mean() > 150)


@pytest.mark.parametrize("fmt", ["mp4", "webm"])
async def test_both_people_are_seen_and_heard_at_their_moments(
    files: dict[str, Path], tmp_path: Path, fmt: str
) -> None:
    progress: list[float] = []
    out = tmp_path / f"shared.{fmt}"
    await compose(files, out, fmt, progress.append)  # type: ignore[arg-type]
    assert progress == sorted(progress)
    assert progress[-1] == 1.0
    assert len(progress) > 10
    assert os.listdir(tmp_path) == [out.name]
    customer, staff = [], []
    with av.open(str(out)) as file:
        assert {s.codec_context.name for s in file.streams} in ({"h264", "aac"}, {"vp8", "opus"}, {"libvpx", "opus"})
        for frame in file.decode(video=0):
            image = frame.to_ndarray(format="gray")
            assert image.shape == (720, 1280)
            customer += [frame.time] if lit(image, 620, 300) else []
            staff += [frame.time] if lit(image, 1100, 600) else []
    assert customer == pytest.approx([0, 1, 2], abs=0.05)
    assert staff == pytest.approx([0.5, 1.5, 2.5], abs=0.05)
    seen = watch(out)
    assert seen.beeps[1] == pytest.approx([0, 0.5, 1, 1.5, 2, 2.5], abs=0.05)
    assert seen.duration_s == pytest.approx(3.5, abs=0.15)


async def test_one_person_alone_fills_the_picture(files: dict[str, Path], tmp_path: Path) -> None:
    await compose({"staff": files["staff"]}, tmp_path / "one.mp4", "mp4", lambda share: None)
    assert watch(tmp_path / "one.mp4").flashes[0] == pytest.approx([0.5, 1.5, 2.5], abs=0.05)


async def test_cancelling_leaves_nothing_behind(files: dict[str, Path], tmp_path: Path) -> None:
    begun = asyncio.Event()
    task = asyncio.create_task(compose(files, tmp_path / "shared.mp4", "mp4", lambda share: begun.set()))
    async with asyncio.timeout(20):
        await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert os.listdir(tmp_path) == []


async def test_what_cannot_be_composed_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(MediaFault, match="nobody"):
        await compose({"call": tmp_path / "call.webm"}, tmp_path / "x.mp4", "mp4", lambda share: None)
    (tmp_path / "bad.webm").write_bytes(b"garbage" * 100)
    with pytest.raises(MediaFault, match="could not be made"):
        await compose({"customer": tmp_path / "bad.webm"}, tmp_path / "x.mp4", "mp4", lambda share: None)
    with pytest.raises(MediaFault, match="mp4 or webm"):
        await compose({}, tmp_path / "x.gif", "gif", lambda share: None)  # type: ignore[arg-type]
    assert os.listdir(tmp_path) == ["bad.webm"]
