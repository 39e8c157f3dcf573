"""Calls through stock aiortc (`loadtest.stock`), a process of its own."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp

from loadtest.clip import Clip
from loadtest.server_process import NotStarted
from loadtest.standing import PromptClient, Standing

READY_DEADLINE_S = 20.0


@asynccontextmanager
async def stock_calls(clip: Clip, calls: int) -> AsyncIterator[Standing]:
    """Its transports are set up when the call is answered: it has no connection that waits."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtest.stock",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with AsyncExitStack() as open_things:
            folder = open_things.enter_context(tempfile.TemporaryDirectory(prefix="loupe-bench-"))
            async with asyncio.timeout(READY_DEADLINE_S):
                line = await process.stdout.readline()
            if not line:
                raise NotStarted("the stock aiortc server ended at once: try `python -m loadtest.stock`")
            http = await open_things.enter_async_context(
                aiohttp.ClientSession(f"http://127.0.0.1:{json.loads(line)['port']}")
            )
            standing = Standing(process.pid)
            for number in range(calls):
                pair = (
                    await open_things.enter_async_context(PromptClient(clip)),
                    await open_things.enter_async_context(PromptClient(clip)),
                )
                answered_ns = time.monotonic_ns()
                asked = {"offers": [client.offer() for client in pair], "record": f"{folder}/{number}"}
                async with http.post("/pair", json=asked) as said:
                    answers = (await said.json())["answers"]
                await asyncio.gather(
                    *(standing.connect(client, sdp, answered_ns) for client, sdp in zip(pair, answers, strict=True))
                )
                for client in pair:
                    client.start()
                await standing.answered(pair, answered_ns)
            yield standing
            # Its recorders write until the end: they must have ended before their folder goes.
            await _end(process)
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(5):
            await process.wait()
    except TimeoutError:  # decoder threads that do not end
        process.kill()
        await process.wait()
