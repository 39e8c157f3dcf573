"""A real redis-server of our own on a Unix socket in a private folder, and ends of the bus that can be cut off."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis

START_S = 20.0
MISSING = "These tests need redis-server and found none on PATH. Install it: apt-get install redis-server"


class RedisServer:
    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self.url = f"unix://{folder / 'socket'}"

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            self._program, "--port", "0", "--unixsocket", str(self._folder / "socket"), "--dir", str(self._folder),
            "--save", "", "--appendonly", "no", stdout=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        async with asyncio.timeout(START_S), Redis.from_url(self.url) as client:
            while True:
                try:
                    await client.ping()
                    return
                except Exception:
                    await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """At once, as when it is killed: nothing of it survives."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            await process.wait()

    async def flush(self) -> None:
        async with Redis.from_url(self.url) as client:
            await client.flushall()


@asynccontextmanager
async def redis_server() -> AsyncIterator[RedisServer]:
    """Fails with a sentence that says what to install when redis-server is not there."""
    program = shutil.which("redis-server")
    assert program is not None, MISSING
    folder = Path(
        tempfile.mkdtemp(prefix="loupe-redis-", dir="/tmp")
    )  # a socket's path may have 107 characters at most
    server = RedisServer(program, folder)
    try:
        await server.start()
        yield server
    finally:
        await server.stop()
        shutil.rmtree(folder)
