"""An endpoint and a forwarder put together as a node does it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from rtc.endpoint import Endpoint
from rtc.events import PeerConnected, TransportEvent
from rtc.forwarder import Forwarder
from tests.support.rtc_heard import Heard

TICK_S = 0.05


@dataclass
class Room:
    """`connected`: the peers that are, in the order in which they came."""

    endpoint: Endpoint
    forwarder: Forwarder
    heard: Heard
    connected: list[str] = field(default_factory=list)


@asynccontextmanager
async def room(forwarder: Forwarder | None = None, **options: Any) -> AsyncIterator[Room]:
    """`options` are the endpoint's."""
    forwarder, heard = forwarder or Forwarder(), Heard()

    def hear(event: TransportEvent) -> None:
        if isinstance(event, PeerConnected):
            peer = made.endpoint.peers[event.peer]
            forwarder.add_peer(peer)
            party = forwarder.source_of(event.peer)
            peer.on_rtp, peer.on_rtcp = party.rtp, party.rtcp
            made.connected.append(event.peer)
        heard(event)

    async def tick() -> None:
        while True:
            forwarder.tick(time.monotonic_ns())
            await asyncio.sleep(TICK_S)

    async with Endpoint("127.0.0.1", 0, hear=hear, **options) as endpoint:
        made = Room(endpoint, forwarder, heard)
        if endpoint.pump is not None:
            forwarder.pump_through(endpoint.pump)
        ticking = asyncio.create_task(tick())
        try:
            yield made
        finally:
            ticking.cancel()
            with suppress(asyncio.CancelledError):
                await ticking
