"""Calls that stand: pairs of light clients connected through some server, ready to be measured."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from loadtest.clients import Client
from loadtest.clip import Clip

PICTURE_DEADLINE_S = 30.0
SAY_AGAIN_S = 0.05  # Chromium; OpenSSL: 1 s


class NothingFlows(RuntimeError):
    """Packets did not arrive, so there is nothing to measure."""


class PromptClient(Client):
    """Repeats what it last said in the DTLS handshake as soon as browsers do. Janus and aiortc listen a moment after
    they answered a check, and a client with OpenSSL's patience would charge them with a second that is its own."""

    _said: tuple[bytes, ...] = ()

    async def _send(self, data: bytes) -> None:
        self._said = (*self._said, data)
        await super()._send(data)

    async def _recv(self) -> bytes:
        record = await super()._recv()
        self._said = ()
        return record

    async def connect(self, answer: str) -> None:
        saying = asyncio.create_task(self._say_again())
        try:
            await super().connect(answer)
        finally:
            saying.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await saying

    async def _say_again(self) -> None:
        while True:
            before = self._said
            await asyncio.sleep(SAY_AGAIN_S)
            if before and self._said is before:
                for record in before:
                    self._put(record)


@dataclass(slots=True)
class Standing:
    """Who sends to whom, and the server's process. `connect_ms`: one for each client, from the moment at which its
    session description leaves it until its DTLS handshake is done, signaling included. `first_frame_ms`: one for each
    client, from "this call is answered" to the first whole frame of the other side. `pause` pauses the recordings of all calls, or resumes
    them; None: nothing is recorded, or the server cannot."""

    pid: int
    pairs: list[tuple[Client, Client]] = field(default_factory=list)
    connect_ms: list[float] = field(default_factory=list)
    first_frame_ms: list[float] = field(default_factory=list)
    pause: Callable[[bool], Awaitable[None]] | None = None

    @property
    def clients(self) -> list[Client]:
        return [client for pair in self.pairs for client in pair]

    async def connect(self, client: Client, answer: str, since_ns: int) -> None:
        await client.connect(answer)
        self.connect_ms.append((time.monotonic_ns() - since_ns) / 1e6)

    async def answered(self, pair: tuple[Client, Client], answered_ns: int) -> None:
        """Takes up a pair that sends, and waits for both first frames. Raises NothingFlows."""
        try:
            async with asyncio.timeout(PICTURE_DEADLINE_S):
                for client in pair:
                    await client.has_sound.wait()
                    while not client.arrived_frames:
                        client.frame_shown.clear()
                        await client.frame_shown.wait()
        except TimeoutError:
            raise NothingFlows(
                f"call {len(self.pairs) + 1}: no sound or no picture within {PICTURE_DEADLINE_S:.0f} s"
            ) from None
        self.pairs.append(pair)
        self.first_frame_ms += [(client.arrived_frames[0][1] - answered_ns) / 1e6 for client in pair]


Tell = Callable[[str], None]
Opening = Callable[[Clip, int], AbstractAsyncContextManager[Standing]]
