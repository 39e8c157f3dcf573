"""Connections that deliver texts in order after seeded delays, until they are cut after some byte.

A text that was cut in the middle never arrives, and nothing behind it does; neither end hears of the cut at once.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

CarrierName = Literal["socket", "channel"]


@dataclass(slots=True)
class Weather:
    """What befalls new connections. Probabilities are per connection (`cut`, `mute`) or per text (`double`)."""

    delay_s: tuple[float, float] = (0.005, 0.2)
    cut: float = 0.0
    cut_bytes: int = 4000  # a cut falls evenly on the first so many bytes of one direction
    mute: float = 0.0  # a connection that stays open and carries nothing more
    double: float = 0.0
    notice_s: tuple[float, float] = (0.0, 10.0)  # until an end hears that its connection is gone
    cuts: tuple[int | None, int | None] | None = None  # of the next connection: bytes to the server, to the device
    room: int = 64  # texts under way until the sender has to wait

    def calm(self) -> None:
        self.cut = self.mute = self.double = 0.0
        self.notice_s = (0.0, 1.0)


@dataclass(slots=True, eq=False)
class Direction:
    """One way of a connection. `cut_after`: so many bytes still pass; None: all do."""

    connection: Connection
    deliver: Callable[[str], None]
    cut_after: int | None = None
    bytes_passed: int = 0
    ends: list[int] = field(default_factory=list)  # of the texts, in bytes from the beginning
    under_way: int = 0
    is_mute: bool = False
    arrives_at: float = 0.0
    has_room: asyncio.Event = field(default_factory=asyncio.Event)

    def write(self, text: str) -> None:
        """Never waits; what is written on a connection that is gone is lost."""
        connection = self.connection
        if connection.is_cut:
            return
        size = len(text.encode())
        if self.cut_after is not None and self.bytes_passed + size > self.cut_after:
            self._send(None)
            return
        self.bytes_passed += size
        self.ends.append(self.bytes_passed)
        self._send(text)
        if connection.rng.random() < connection.weather.double:
            loop = asyncio.get_running_loop()
            loop.call_at(self.arrives_at + connection.rng.uniform(1e-5, 5.0), self._arrive_again, text)

    def _send(self, text: str | None) -> None:
        loop = asyncio.get_running_loop()
        delay = self.connection.rng.uniform(*self.connection.weather.delay_s)
        self.arrives_at = max(self.arrives_at + 1e-5, loop.time() + delay)  # timers of the same moment have no order
        self.under_way += 1
        loop.call_at(self.arrives_at, self._arrive, text)

    def _arrive(self, text: str | None) -> None:
        if self.is_mute:
            return
        self.under_way -= 1
        self.has_room.set()
        if text is None:
            self.connection.cut()
        elif not self.connection.is_cut:
            self.deliver(text)

    def _arrive_again(self, text: str) -> None:
        if not self.connection.is_cut and not self.is_mute:
            self.deliver(text)

    async def room(self) -> None:
        """Waits until the way takes more: a connection that went mute makes the sender wait until it is given up."""
        while self.under_way >= self.connection.weather.room and not self.connection.is_cut:
            self.has_room.clear()
            await self.has_room.wait()


class Connection:
    """Between one tab and the server. `lost(reason)` of each end is called once, `notice_s` after the cut."""

    def __init__(self, rng: random.Random, weather: Weather, name: CarrierName) -> None:
        self.rng = rng
        self.weather = weather
        self.name: CarrierName = name
        self.is_cut = False
        self.to_server = Direction(self, _nobody)
        self.to_device = Direction(self, _nobody)
        self.device_lost: Callable[[int | None], None] = _nothing
        self.server_lost: Callable[[int | None], None] = _nothing
        if weather.cuts is not None:
            self.to_server.cut_after, self.to_device.cut_after = weather.cuts
            weather.cuts = None
        elif rng.random() < weather.cut:
            way = rng.choice((self.to_server, self.to_device))
            way.cut_after = rng.randrange(weather.cut_bytes)
        elif rng.random() < weather.mute:
            asyncio.get_running_loop().call_later(rng.uniform(0.1, 20.0), self._fall_mute)

    def cut(self) -> None:
        """Both ways are gone; each end hears of it later."""
        if self.is_cut:
            return
        self.is_cut = True
        loop = asyncio.get_running_loop()
        for lost in (self._tell_device, self._tell_server):
            loop.call_later(self.rng.uniform(*self.weather.notice_s), lost, None)

    def close(self, code: int | None = None) -> None:
        """In order behind what is under way to the device, as a WebSocket closes."""
        if self.is_cut:
            return
        loop = asyncio.get_running_loop()
        at = max(self.to_device.arrives_at + 1e-5, loop.time() + self.rng.uniform(*self.weather.delay_s))
        loop.call_at(at, self._closed, code)

    def _closed(self, code: int | None) -> None:
        if not self.is_cut:
            self.is_cut = True
            self._tell_device(code)
            self._tell_server(code)

    def _fall_mute(self) -> None:
        self.to_device.is_mute = self.to_server.is_mute = True

    def _tell_device(self, code: int | None) -> None:
        lost, self.device_lost = self.device_lost, _nothing
        lost(code)

    def _tell_server(self, code: int | None) -> None:
        self.is_cut = True
        self.to_device.has_room.set()
        lost, self.server_lost = self.server_lost, _nothing
        lost(code)


def _nobody(_: str) -> None:
    raise AssertionError("nobody listens on this connection")


def _nothing(_: int | None) -> None:
    return
