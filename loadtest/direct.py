"""Two browsers that talk to each other without a server between them: what glass to glass through Loupe is held against."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from playwright.async_api import Browser, Page, Route

from loadtest import glass_pages
from loadtest.browser import PHONE, TABLET, person
from loadtest.impairment import Impairment
from loadtest.lab import Lab

ADDRESS = "http://127.0.0.1:9/direct"  # answered by the test itself; loopback may use cameras
START_BITRATE = "x-google-start-bitrate=1000"  # as Loupe's answers say
CONNECTED = "() => pc.connectionState === 'connected'"
CONNECT_DEADLINE_MS = 15_000
PHONE_CAMERA = {
    "width": 1280, "height": 720, "hint": "detail", "preference": "maintain-resolution", "maxBitrate": 2_500_000,
}  # fmt: skip
TABLET_CAMERA = {
    "width": 640, "height": 360, "hint": "motion", "preference": "maintain-framerate", "maxBitrate": 800_000,
}  # fmt: skip


@asynccontextmanager
async def direct_call(
    phones: Browser, tablets: Browser, *, impairment: Impairment | None, seed: int, script: str
) -> AsyncIterator[tuple[Page, Page]]:
    """The phone's page and the tablet's, in a call of their own. With an impairment the packets cross two labs, one for
    each person's network, as they do on their way through a server."""
    async with AsyncExitStack() as stack:
        pages = []
        for browser, size, camera in ((phones, PHONE, PHONE_CAMERA), (tablets, TABLET, TABLET_CAMERA)):
            context, page = await person(browser, size=size, script=script)
            stack.push_async_callback(context.close)
            await page.route(ADDRESS, bare)
            await page.goto(ADDRESS)
            await page.evaluate(glass_pages.OPEN_DIRECT, camera)
            pages.append(page)
        phone, tablet = pages
        offer = await phone.evaluate(glass_pages.OFFER)
        answer = await tablet.evaluate(glass_pages.ANSWER, _with_start(_without_candidates(offer)))
        port = loopback_port(answer)
        if impairment is not None:
            near = await stack.enter_async_context(Lab(port, impairment, seed=seed))
            far = await stack.enter_async_context(Lab(near.port, impairment, seed=seed + 1))
            port = far.port
        await phone.evaluate(glass_pages.ACCEPT, _with_start(with_candidate(answer, port)))
        await asyncio.gather(
            *(page.wait_for_function(CONNECTED, timeout=CONNECT_DEADLINE_MS, polling=100) for page in pages)
        )
        for page in pages:
            await page.evaluate(glass_pages.TUNE_DIRECT)
        yield phone, tablet
        for page in pages:
            await page.evaluate(glass_pages.CLOSE_DIRECT)


async def bare(route: Route) -> None:
    """Answers ADDRESS."""
    await route.fulfill(body=glass_pages.BARE_PAGE, content_type="text/html")


def loopback_port(sdp: str) -> int:
    """The UDP port of the host candidate on 127.0.0.1 (RFC 8839 5.1). Raises ValueError when there is none."""
    for line in sdp.splitlines():
        parts = line.split()
        if line.startswith("a=candidate:") and parts[2].lower() == "udp" and parts[4] == "127.0.0.1":
            return int(parts[5])
    raise ValueError("the browser offers no loopback candidate: it needs --allow-loopback-in-peer-connection")


def with_candidate(sdp: str, port: int) -> str:
    """The description with one candidate in its first section, and no other."""
    out: list[str] = []
    sections = 0
    for line in _without_candidates(sdp).splitlines():
        out.append(line)
        sections += line.startswith("m=")
        if sections == 1 and line.startswith("c="):
            out += [f"a=candidate:1 1 udp 2113937151 127.0.0.1 {port} typ host", "a=end-of-candidates"]
    return "\r\n".join(out) + "\r\n"


def _without_candidates(sdp: str) -> str:
    kept = [line for line in sdp.splitlines() if not line.startswith(("a=candidate:", "a=end-of-candidates"))]
    return "\r\n".join(kept) + "\r\n"


def _with_start(sdp: str) -> str:
    """The start bitrate for every VP8 of the description."""
    out: list[str] = []
    for line in sdp.splitlines():
        out.append(line)
        if line.startswith("a=rtpmap:") and line.endswith(" VP8/90000"):
            out.append(f"a=fmtp:{line[9:].split()[0]} {START_BITRATE}")
    return "\r\n".join(out) + "\r\n"
