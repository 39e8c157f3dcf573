"""A real coturn on a private loopback port, with REST credentials."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from loadtest.server_process import free_port

SECRET = "a secret of the tests only"


@asynccontextmanager
async def coturn(folder: Path) -> AsyncIterator[int]:
    """Its port. Relays between loopback addresses only, on 20 ports of its own."""
    program = shutil.which("turnserver")
    assert program, "coturn is needed: apt-get install coturn (make test does it where it may)"
    port = free_port(socket.SOCK_DGRAM)
    lowest = free_port(socket.SOCK_DGRAM)
    lowest = min(lowest, 65_000)
    process = await asyncio.create_subprocess_exec(
        program, "-n", "--listening-ip", "127.0.0.1", "--relay-ip", "127.0.0.1", "--listening-port", str(port),
        "--min-port", str(lowest), "--max-port", str(lowest + 20), "--use-auth-secret", "--static-auth-secret", SECRET,
        "--realm", "loupe.test", "--allow-loopback-peers", "--no-cli", "--no-tls", "--no-dtls", "--fingerprint",
        "--log-file", str(folder / "turn.log"), "--simple-log", "--pidfile", str(folder / "turn.pid"), "--userdb", str(folder / "turn.db"),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, stdin=asyncio.subprocess.DEVNULL, cwd=folder,
    )  # fmt: skip
    try:
        await _answers(port)
        yield port
    finally:
        process.terminate()
        await process.wait()


class _Ear(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.heard = asyncio.Event()

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.heard.set()


async def _answers(port: int) -> None:
    """Asks for a STUN binding until there is an answer."""
    loop = asyncio.get_running_loop()
    wire, ear = await loop.create_datagram_endpoint(_Ear, remote_addr=("127.0.0.1", port))
    request = bytes.fromhex("000100002112a442") + bytes(12)
    try:
        async with asyncio.timeout(20):
            while not ear.heard.is_set():
                wire.sendto(request)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(ear.heard.wait(), 0.2)
    finally:
        wire.close()
