"""A page that says only what it is told to say, and keeps what it hears: for dialogues and for made-up frames."""

from __future__ import annotations

import json
import random
from functools import partial

from tests.simulator.around import Person
from tests.simulator.database import Wire
from tests.simulator.network import Connection
from tests.simulator.tab import Tab
from tests.simulator.world import World

MEANWHILE = {"chat.heads", "chat.here"}  # may come at any time


class Page:
    """Its first frame opens its connection. `closed_with`: the code, when the server has closed it."""

    def __init__(self, world: World, name: str, person: Person) -> None:
        self.person = person
        self._world = world
        self._tab = Tab(world, name, person, world.device(name), random.Random(1))
        self._connection: Connection | None = None
        self.heard: list[Wire] = []
        self.closed_with: int | None = None

    def says(self, frame: Wire) -> None:
        self.says_text(json.dumps(frame))

    def says_text(self, text: str) -> None:
        if self._connection is None:
            self._connection = self._world.connect(self._tab, "socket")
            assert self._connection is not None
            self._connection.to_device.deliver = self._hear
            self._connection.device_lost = partial(self._lost, self._connection)
        self._connection.to_server.write(text)

    def leaves(self) -> None:
        if self._connection is not None:
            self._connection.cut()
            self._connection = None

    def take(self, ref: str) -> Wire | None:
        """The answer to this ref."""
        found = next((frame for frame in self.heard if frame.get("ref") == ref), None)
        if found is not None:
            self.heard.remove(found)
        return found

    def _hear(self, text: str) -> None:
        frame = json.loads(text)
        if frame["type"] not in MEANWHILE:
            self.heard.append(frame)

    def _lost(self, connection: Connection, code: int | None) -> None:
        if connection is self._connection:
            self.closed_with = code
            self._connection = None
