"""How frames of a page travel: by WebSocket or by long poll, and again when one broke. Files travel beside them, by HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
from collections.abc import Awaitable, Callable

import aiohttp

from docs.examples.fold import Frame
from docs.examples.page import Page


async def woken(page: Page) -> None:
    """Until there may be something to say; now and then something is to be said again."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1):
            await page.wake.wait()


async def by_socket(page: Page, session: aiohttp.ClientSession, url: str) -> int | None:
    """Until the WebSocket ends; its close code."""
    async with session.ws_connect(url) as socket:
        page.begin()

        async def say() -> None:
            with contextlib.suppress(ConnectionError):  # the reader sees it, too
                while True:
                    page.wake.clear()
                    for frame in page.take():
                        await socket.send_json(frame)
                    await woken(page)

        saying = asyncio.create_task(say())
        try:
            while (heard := await socket.receive(45 if page.me else 10)).type is aiohttp.WSMsgType.TEXT:
                page.hear(heard.json())
        finally:
            saying.cancel()
    return socket.close_code


async def by_polling(page: Page, session: aiohttp.ClientSession, url: str) -> int | None:
    """Until a request fails: one waits for news, what is new is said in others."""
    page.begin()

    async def poll(frames: list[Frame], wait_s: float) -> None:
        asked = {"device": page.kept["device"], "tab": page.tab, "frames": frames, "wait_s": wait_s}
        async with session.post(url, json=asked, raise_for_status=True) as answer:
            for frame in (await answer.json())["frames"]:
                page.hear(frame)

    async def listen() -> None:
        while True:
            await poll([], 25)

    await poll(page.take(), 0)
    listening = asyncio.create_task(listen())
    try:
        while not listening.done():
            page.wake.clear()
            if frames := page.take():
                await poll(frames, 0)
            await woken(page)
    finally:
        listening.cancel()
    await listening  # it ended: this raises why
    return None


async def stay(page: Page, carry: Callable[[], Awaitable[int | None]]) -> None:
    """Comes back after each break, until the server says to stay away."""
    wait_s, code = 0.2, None
    while not page.is_over and not (code and 4500 <= code < 5000):
        code = None
        with contextlib.suppress(OSError, TimeoutError, aiohttp.ClientError):
            code = await carry()
        wait_s = 0.2 if page.me else min(5, wait_s * 2)
        await asyncio.sleep(random.uniform(0, wait_s))


async def upload(session: aiohttp.ClientSession, origin: str, conversation: str, name: str, content: bytes) -> Frame:
    """The attachment. Asked again after a cut, it goes on where that was. Raises ValueError with the refusal."""
    begun = {"conversation": conversation, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    async with session.post(f"{origin}/api/uploads", json=begun | {"name": name}) as answer:
        said = await answer.json()
    upload_url = f"{origin}/api/uploads/{said.get('upload')}"
    offset = said.get("offset", 0)
    while not said.get("attachment"):
        if said.get("code", "expect") != "expect":
            raise ValueError(said)
        offset = said.get("expected", said.get("offset", offset))
        if offset < len(content):
            asking = session.put(f"{upload_url}?offset={offset}", data=content[offset : offset + 1_000_000])
        else:
            asking = session.post(f"{upload_url}/done", json={})
        async with asking as answer:
            said = await answer.json()
    attachment: Frame = said["attachment"]
    return attachment
