"""Pictures from the stream are whole, sharp, upright and quick."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from media.errors import MediaFault
from media.picture import PictureMaker, Shot
from tests.media.clips import ORIENTATION_ID, Source, encode_video, left_edge_bright


@pytest.fixture
async def maker() -> AsyncIterator[PictureMaker]:
    async with PictureMaker() as maker:
        yield maker


def packets_of(source: Source) -> list[bytes]:
    return [packet.data for packet in source.sent if not packet.report]


def pixels(shot: Shot) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(shot.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert image.shape[:2] == (shot.height, shot.width)
    return image


def one_sharp_frame(index: int, width: int, height: int) -> np.ndarray:
    """Noise, blurred in all frames but the 40th, whose corner is marked white."""
    image = np.random.default_rng(index).integers(0, 255, (height, width, 3), np.uint8)
    if index == 40:
        image[:40, :40] = 255
        return image
    return cv2.GaussianBlur(image, (0, 0), 4)


@pytest.mark.parametrize("codec", ["vp8", "h264"])
async def test_the_sharpest_frame_of_the_last_second_is_taken(maker: PictureMaker, codec: str) -> None:
    clip = encode_video(codec, 2.2, draw=one_sharp_frame, keyframe_every=300, bit_rate=4_000_000)
    shot = await maker.take(codec, packets_of(Source(codec, 7).send(clip)), orientation_id=None)
    assert (shot.width, shot.height) == (320, 240)
    assert pixels(shot)[5:35, 5:35].mean() > 200
    assert shot.sharpness > 0


@pytest.mark.parametrize("codec", ["vp8", "h264"])
@pytest.mark.parametrize(("rotation", "edge"), [(0, "left"), (90, "top"), (180, "right"), (270, "bottom")])
async def test_a_picture_stands_upright(maker: PictureMaker, codec: str, rotation: int, edge: str) -> None:
    source = Source(codec, 7).send(encode_video(codec, 0.4, draw=left_edge_bright), rotation=rotation)
    image = pixels(await maker.take(codec, packets_of(source), orientation_id=ORIENTATION_ID))
    edges = {"top": image[:20], "bottom": image[-20:], "left": image[:, :20], "right": image[:, -20:]}
    assert max(edges, key=lambda name: edges[name].mean()) == edge


def processor_s(pid: int) -> float:
    """What a process has used so far: unlike the clock, it does not count what others use meanwhile."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def test_a_picture_of_sixty_frames_in_high_definition_costs_less_than_a_fifth_of_a_second(
    maker: PictureMaker,
) -> None:
    clip = encode_video("vp8", 2.4, width=1280, height=720, keyframe_every=300, bit_rate=2_500_000)
    packets = packets_of(Source("vp8", 7).send(clip))
    assert maker.pid is not None
    before, times = processor_s(maker.pid), 5
    for _ in range(times):
        shot = await maker.take("vp8", packets, orientation_id=None)
        assert (shot.width, shot.height) == (1280, 720)
    assert (processor_s(maker.pid) - before) / times < 0.2


async def test_after_a_lost_frame_the_last_clean_picture_is_taken(maker: PictureMaker) -> None:
    source = Source("vp8", 7).send(encode_video("vp8", 2, keyframe_every=300))
    whole = await maker.take("vp8", [p.data for p in source.sent if not p.report and p.frame < 40], orientation_id=None)
    lossy = [p.data for p in source.sent if not p.report and p.frame != 40]
    shot = await maker.take("vp8", lossy, orientation_id=None)
    assert shot == whole


async def test_order_and_doubles_do_not_matter(maker: PictureMaker) -> None:
    packets = packets_of(Source("h264", 7, seq=65_500).send(encode_video("h264", 1.5)))
    plain = await maker.take("h264", packets, orientation_id=None)
    mixed = packets[:1] + random.Random(1).sample(packets[1:] * 2, 2 * len(packets) - 2)
    assert await maker.take("h264", mixed, orientation_id=None) == plain


@pytest.mark.parametrize("packets", [[], [b""], [b"\x80" * 40], [os.urandom(900)]])
async def test_without_a_whole_keyframe_the_refusal_says_what_to_do(maker: PictureMaker, packets: list[bytes]) -> None:
    with pytest.raises(MediaFault, match=r"yet|again|decoded"):
        await maker.take("vp8", packets, orientation_id=None)
    inter = [p.data for p in Source("vp8", 7).send(encode_video("vp8", 1)).sent if p.frame > 0 and not p.report]
    with pytest.raises(MediaFault, match="try again"):
        await maker.take("vp8", inter, orientation_id=None)
    with pytest.raises(MediaFault, match="av1"):
        await maker.take("av1", inter, orientation_id=None)


async def test_garbage_behind_a_good_header_does_not_end_the_process(maker: PictureMaker) -> None:
    source = Source("vp8", 7)
    keyframe = b"\x10\x00\x00\x9d\x01\x2a\x40\x01\xf0\x00" + os.urandom(300)
    packets = [source.header(0.0, marker=True, rotation=None) + b"\x10" + keyframe]
    before = maker.pid
    for codec in ("vp8", "h264"):
        try:
            await maker.take(codec, packets, orientation_id=None)
        except MediaFault:
            pass
    assert maker.pid == before


async def test_a_dead_process_is_replaced_and_the_picture_still_comes(maker: PictureMaker) -> None:
    packets = packets_of(Source("vp8", 7).send(encode_video("vp8", 0.5)))
    before = maker.pid
    assert before is not None
    os.kill(before, signal.SIGKILL)
    shot = await maker.take("vp8", packets, orientation_id=None)
    assert shot.width == 320
    assert maker.pid != before


async def test_a_hung_process_costs_two_seconds_and_is_replaced(maker: PictureMaker) -> None:
    packets = packets_of(Source("vp8", 7).send(encode_video("vp8", 0.5)))
    assert maker.pid is not None
    os.kill(maker.pid, signal.SIGSTOP)
    with pytest.raises(MediaFault, match="too long"):
        await maker.take("vp8", packets, orientation_id=None)
    assert (await maker.take("vp8", packets, orientation_id=None)).width == 320


async def test_pictures_asked_for_at_once_all_come(maker: PictureMaker) -> None:
    packets = packets_of(Source("vp8", 7).send(encode_video("vp8", 0.5)))
    async with asyncio.timeout(5):
        shots = await asyncio.gather(*(maker.take("vp8", packets, orientation_id=None) for _ in range(8)))
    assert len({shot.jpeg for shot in shots}) == 1
