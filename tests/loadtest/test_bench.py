from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from loadtest.measures import with_children

ROOT = Path(__file__).resolve().parents[2]


async def start(*given: str, env: dict[str, str] | None = None) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtest", "bench", *given,
        cwd=ROOT, env={**os.environ, **(env or {})}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def test_ctrl_c_leaves_nothing_running() -> None:
    process = await start("--quick", "--only", "forwarding")
    assert process.stdout is not None
    async with asyncio.timeout(60):
        while b"turn 1" not in await process.stdout.readline():
            pass
        family = with_children(process.pid)
        while len(family) < 2:  # the server is being started
            await asyncio.sleep(0)
            family = with_children(process.pid)
        process.send_signal(signal.SIGINT)
        _, said = await process.communicate()
    assert process.returncode == 130
    assert b"Stopped" in said
    assert not [pid for pid in family if Path(f"/proc/{pid}").exists()]


async def test_without_chromium_answering_says_how_to_get_it() -> None:
    process = await start("--only", "answering", env={"PATH": "/nowhere"})
    _, said = await process.communicate()
    assert process.returncode == 3
    assert b"apt-get install chromium" in said


async def test_a_server_that_does_not_start_is_told_with_its_own_words() -> None:
    process = await start("--quick", "--only", "forwarding", env={"LOUPE_WORKERS": "many"})
    _, said = await process.communicate()
    assert process.returncode == 4
    assert b"did not start" in said
    assert b"LOUPE_WORKERS" in said
