"""The file to share, made by the real compositor behind the door."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import av
import numpy as np

from domain.record import Recording
from media.compose import compose
from tests.support.doors import Door, open_door
from tests.support.houses import ANN, LI


def film(shade: int) -> bytes:
    """One second of grey, VP8 in WebM."""
    out = io.BytesIO()
    with av.open(out, "w", format="webm") as container:
        stream = container.add_stream("libvpx", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for _ in range(10):
            frame = av.VideoFrame.from_ndarray(np.full((240, 320, 3), shade, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


async def ready(door: Door, path: str) -> dict[str, object]:
    jobs = [task for task in asyncio.all_tasks() if task.get_name().startswith("compose")]
    assert len(jobs) == 1
    await asyncio.wait(jobs, timeout=60)
    view: dict[str, object] = await (await door.staff(LI).get(path)).json()
    return view


async def test_both_people_become_one_film_that_can_be_downloaded(tmp_path: Path) -> None:
    async with open_door(tmp_path, compose=compose) as door:
        call = await door.house.waiting_call(ANN, state="ended")
        files = {
            name: await door.house.blobs.put(film(shade), ".webm") for name, shade in (("customer", 200), ("staff", 40))
        }
        recording = Recording(call_id=call.id, state="ready", duration_s=1.0, files=files)
        await door.house.calls.put_recording(recording)
        path = f"/api/calls/{call.id}/composition"
        await door.staff(LI).post(path, json={"format": "mp4"})
        assert await ready(door, path) == {"state": "ready", "format": "mp4", "progress": 1.0, "message": ""}
        response = await door.staff(LI).get(path + "/file")
        assert response.content_type == "video/mp4"
        with av.open(io.BytesIO(await response.read())) as made:
            assert (made.streams.video[0].width, made.streams.video[0].height) == (1280, 720)
