from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from rtc.forwarder import Forwarder
from rtc.native.library import library
from rtc.native.pump import Pump
from rtc.pressure import Pressure


@pytest.fixture
def forwarder() -> Forwarder:
    return Forwarder()


@pytest.fixture(scope="module")
def pump() -> Iterator[Pump]:
    """The native pump, which nothing is sent through."""
    found = library()
    assert found is not None

    async def start() -> Pump:
        return Pump(found, sock, Pressure().state, lambda *_: None)

    with asyncio.Runner() as runner, socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        running = runner.run(start())
        yield running
        running.stop()
