"""A started `loupe serve`, as a tester from outside starts it: free loopback ports, an empty data folder, the JSON line."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

READY_DEADLINE_S = 90.0  # a start is 2 s of processor, and took 42 s on a machine that was busy with other work


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class NotStarted(AssertionError):
    """A server did not come up: how it ended, if it did, and its last words."""


class LoupeServer:
    """`async with LoupeServer(tmp_path) as server`; `kill` is kill -9, `start` again on the same ports and data."""

    def __init__(
        self, data: Path, *options: str, advertise_port: int | None = None, env: dict[str, str] | None = None
    ) -> None:
        self.data = data
        self.port = free_port()
        self.media_port = free_port(socket.SOCK_DGRAM)
        self.options = list(options)
        self.env = env or {}
        if advertise_port:
            self.options += ["--media-advertise", f"127.0.0.1:{advertise_port}"]
        self.facts: dict[str, Any] = {}
        self.process: asyncio.subprocess.Process | None = None
        self.log = data.parent / f"{data.name}.log"

    async def start(self) -> None:
        """Raises NotStarted; nothing is left running then."""
        try:
            await self._start()
        except BaseException:  # Ctrl-C too: nobody else would end it
            if self.process is not None and self.process.returncode is None:
                await self.kill()
            raise

    async def _start(self) -> None:
        with self.log.open("ab") as log:
            # A process group of its own: Ctrl-C is for the tester, who then ends it in order.
            self.process = await asyncio.create_subprocess_exec(
                str(Path(sys.executable).parent / "loupe"), "serve", "--demo", "--json", "--host", "127.0.0.1", "--port", str(self.port),
                "--media-port", str(self.media_port), "--data", str(self.data), *self.options,
                stdout=asyncio.subprocess.PIPE, stderr=log, stdin=asyncio.subprocess.DEVNULL, env={**os.environ, **self.env},
                process_group=0,
            )  # fmt: skip
        assert self.process.stdout is not None
        try:
            async with asyncio.timeout(READY_DEADLINE_S):
                line = await self.process.stdout.readline()
        except TimeoutError:
            raise NotStarted(
                f"the server was not ready within {READY_DEADLINE_S:.0f} s and is {self._state()}: {self._last_words()}"
            ) from None
        if not line:
            async with asyncio.timeout(READY_DEADLINE_S):
                code = await self.process.wait()
            raise NotStarted(f"the server did not start (exit code {code}): {self._last_words()}")
        self.facts = json.loads(line)

    def _state(self) -> str:
        """What the kernel says of the process that does not come up: how long it ran, and what it waits for."""
        assert self.process is not None
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
            ran_s = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except OSError:
            return "gone"
        return f"in state {fields[0]} after {ran_s:.1f} s of processor"

    def _last_words(self) -> str:
        return self.log.read_text(errors="replace")[-2000:].strip()

    async def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def stop(self) -> int:
        """As a service manager ends it; returns the exit code."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            return await self.process.wait()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process and self.process.returncode is None:
            try:
                await self.stop()
            except TimeoutError:
                await self.kill()
                raise AssertionError("Ctrl-C did not end the server within 20 s") from fault

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"
