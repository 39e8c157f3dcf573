"""A UDP shim in front of the one media port: seeded loss, a black-out, and a change of the sender's port.

Browsers are pointed at it by `--media-advertise`, so real packets of real browsers go through it.
"""

from __future__ import annotations

import asyncio
import random
from types import TracebackType
from typing import Self, cast

Address = tuple[str, int]


class _Outer(asyncio.DatagramProtocol):
    """The side that browsers see."""

    def __init__(self, shim: Shim) -> None:
        self.shim = shim

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self.shim.upward(data, addr)


class _Inner(asyncio.DatagramProtocol):
    """One browser's side towards the server."""

    def __init__(self, shim: Shim, browser: Address) -> None:
        self.shim = shim
        self.browser = browser
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self.shim.downward(data, self.browser)


class Shim:
    """`loss` is the share of media datagrams lost each way; `is_dark` loses all; `rebind` gives every browser a new port."""

    def __init__(self, target_port: int, *, seed: int = 1, loss: float = 0.0) -> None:
        self.target = ("127.0.0.1", target_port)
        self.loss = loss
        self.is_dark = False
        self.lost = 0
        self.passed = 0
        self._random = random.Random(seed)
        self._inner: dict[Address, _Inner] = {}
        self._outer: asyncio.DatagramTransport | None = None
        self._opening: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._outer, _ = await loop.create_datagram_endpoint(lambda: _Outer(self), local_addr=("127.0.0.1", 0))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._opening:
            task.cancel()
        for inner in self._inner.values():
            if inner.transport:
                inner.transport.close()
        if self._outer:
            self._outer.close()

    @property
    def port(self) -> int:
        assert self._outer is not None
        return int(self._outer.get_extra_info("sockname")[1])

    def rebind(self) -> None:
        """From now on the server sees every browser come from another port, as after a change of network."""
        old, self._inner = self._inner, {}
        for inner in old.values():
            if inner.transport:
                inner.transport.close()

    def _is_lost(self, data: bytes) -> bool:
        # Loss is for media (RTP, RTCP): lost handshakes only make a test slower, and have tests of their own.
        if self.is_dark or (self.loss and data[0] >= 128 and self._random.random() < self.loss):
            self.lost += 1
            return True
        self.passed += 1
        return False

    def upward(self, data: bytes, browser: Address) -> None:
        if self._is_lost(data):
            return
        inner = self._inner.get(browser)
        if inner is None:
            inner = self._inner[browser] = _Inner(self, browser)
            task = asyncio.ensure_future(self._open(inner, data))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
        elif inner.transport and not inner.transport.is_closing():
            inner.transport.sendto(data)

    async def _open(self, inner: _Inner, first: bytes) -> None:
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: inner, remote_addr=self.target)
        if inner.transport:
            inner.transport.sendto(first)

    def downward(self, data: bytes, browser: Address) -> None:
        if self._outer and not self._is_lost(data):
            self._outer.sendto(data, browser)
