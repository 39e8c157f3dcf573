"""The files play where staff open them."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import http.server
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from media.remux import finish
from tests.media.clips import WALL_NS, Source, encode_video, left_edge_bright, person, write_run

pytestmark = pytest.mark.browser
ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
PLAY = """async (source) => {
  const video = document.createElement('video');
  video.src = source;
  document.body.append(video);
  await new Promise((done, fail) => {
    video.onloadeddata = done;
    video.onerror = () => fail(new Error(video.error.message));
  });
  const duration = video.duration;
  await video.play();
  await new Promise((done, fail) => { video.onended = done; video.onerror = () => fail(new Error(video.error.message)); });
  const ended = video.currentTime;
  video.currentTime = 1.5;
  await new Promise((done) => { video.onseeked = done; });
  return {duration, ended, at: video.currentTime, width: video.videoWidth, height: video.videoHeight,
          frames: video.getVideoPlaybackQuality().totalVideoFrames, error: video.error && video.error.message};
}"""


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass

    def copyfile(self, source: Any, outputfile: Any) -> None:
        with contextlib.suppress(ConnectionError):  # a player may close a request that it no longer needs
            super().copyfile(source, outputfile)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "page.html").write_text("<!doctype html><title>player</title><body></body>")
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(_Quiet, directory=str(tmp_path / "out"))
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(5)
    server.server_close()


@pytest.fixture
async def page(served: str) -> AsyncIterator[Page]:
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        page = await browser.new_page()
        await page.goto(f"{served}/page.html")
        yield page
        await browser.close()


async def test_each_file_plays_to_its_end_in_chromium_with_pictures_from_vp8_and_h264(
    tmp_path: Path, page: Page, served: str
) -> None:
    sources = person("customer", codec="h264", seconds=3) + person("staff", seconds=2, start_s=1.0, ssrc=2000)
    write_run(tmp_path / "call" / "1.journal", sources, wall_ns=WALL_NS)
    done = await finish(tmp_path / "call", tmp_path / "out")
    assert done is not None
    assert {path.suffix for path in done.files.values()} == {".mkv", ".mp4", ".webm"}
    for path in done.files.values():
        async with asyncio.timeout(60):
            played = await page.evaluate(PLAY, f"{served}/{path.name}")
        assert played["error"] is None
        assert (played["width"], played["height"]) == (320, 240)
        assert played["frames"] >= 40
        assert played["duration"] == pytest.approx(3.0, abs=0.1)
        assert played["ended"] == pytest.approx(3.0, abs=0.15)


BRIGHT_EDGE = """async (source) => {
  const video = document.createElement('video');
  video.muted = true;
  document.body.append(video);
  await new Promise((done, fail) => {
    video.requestVideoFrameCallback(done);  // `loadeddata` comes before there is something to draw
    video.onerror = () => fail(new Error('cannot play'));
    video.src = source;
  });
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  const pen = canvas.getContext('2d');
  pen.drawImage(video, 0, 0);
  const [w, h] = [canvas.width, canvas.height];
  const light = (x, y) => pen.getImageData(x, y, 1, 1).data[0];
  const edges = {top: light(w >> 1, 10), bottom: light(w >> 1, h - 10), left: light(10, h >> 1), right: light(w - 10, h >> 1)};
  const edge = Object.keys(edges).reduce((a, b) => edges[a] >= edges[b] ? a : b);
  return {edge: edges[edge] > 100 ? edge : 'none', width: w, height: h};
}"""


@pytest.mark.parametrize("codec", ["vp8", "h264"])
@pytest.mark.parametrize(("rotation", "edge"), [(90, "top"), (180, "right"), (270, "bottom")])
async def test_a_turned_phone_plays_upright_in_chromium(
    tmp_path: Path, page: Page, served: str, codec: str, rotation: int, edge: str
) -> None:
    """The camera's left edge is bright: turned clockwise by a quarter it must be on top."""
    pictures = encode_video(codec, 0.4, draw=left_edge_bright)
    sent = Source(codec, 1).send(pictures, rotation=rotation).sent
    write_run(tmp_path / "call" / "1.journal", [("customer", sent, codec)], wall_ns=WALL_NS)
    done = await finish(tmp_path / "call", tmp_path / "out")
    assert done is not None
    assert done.tracks[0]["rotation"] == rotation
    for name in ("customer", "call"):
        async with asyncio.timeout(60):
            shown = await page.evaluate(BRIGHT_EDGE, f"{served}/{done.files[name].name}")
        assert shown["edge"] == edge, name
        assert (shown["width"], shown["height"]) == ((320, 240) if rotation == 180 else (240, 320))
