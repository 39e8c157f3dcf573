"""The network between a browser and the media port: loses everything on command, and comes back from another port."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Self


class _Side(asyncio.DatagramProtocol):
    def __init__(self, shim: Shim, faces_browser: bool) -> None:
        self._shim, self._faces_browser = shim, faces_browser

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._shim.carry(data, addr, self._faces_browser)


class Shim:
    """One browser's way to `server_port`. Advertise `port` in the candidates. `is_cut` drops both directions."""

    def __init__(self, server_port: int = 0) -> None:
        self.server_port = server_port
        self.is_cut = False
        self.port = 0
        self._browser: Any = None
        self._near: asyncio.DatagramTransport | None = None
        self._far: asyncio.DatagramTransport | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._near, _ = await loop.create_datagram_endpoint(lambda: _Side(self, True), local_addr=("127.0.0.1", 0))
        self.port = self._near.get_extra_info("sockname")[1]
        await self.rebind()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        for side in (self._near, self._far):
            if side is not None:
                side.close()

    async def rebind(self) -> None:
        """From now on the server sees another source port."""
        if self._far is not None:
            self._far.close()
        loop = asyncio.get_running_loop()
        self._far, _ = await loop.create_datagram_endpoint(lambda: _Side(self, False), local_addr=("127.0.0.1", 0))

    def carry(self, data: bytes, address: Any, from_browser: bool) -> None:
        if from_browser:
            self._browser = address
        if self.is_cut or self._far is None or self._near is None:
            return
        if from_browser:
            self._far.sendto(data, ("127.0.0.1", self.server_port))
        elif self._browser is not None:
            self._near.sendto(data, self._browser)
