from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from rtc.forwarder import Forwarder
from rtc.native.library import Library
from rtc.native.pump import Pump
from rtc.pressure import Pressure


@pytest.fixture
def forwarder() -> Forwarder:
    return Forwarder()


@contextmanager
def idle(found: Library) -> Iterator[Pump]:
    async def start() -> Pump:
        return Pump(found, sock, Pressure().state, lambda *_: None)

    with asyncio.Runner() as runner, socket.socket(type=socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        running = runner.run(start())
        yield running
        running.stop()


@pytest.fixture(scope="module")
def pump() -> Iterator[Pump]:
    """The native pump, which nothing is sent through."""
    with idle(Library()) as running:
        yield running


@pytest.fixture(scope="module")
def openssl_pump() -> Iterator[Pump]:
    """The same on a processor that cannot do AES by itself."""
    found = Library()
    found.crypto.is_openssl_only = 1
    with idle(found) as running:
        yield running
