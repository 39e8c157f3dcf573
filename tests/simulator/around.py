"""What a page holds besides its database: who it belongs to, its carriers, and the world as it knows it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from domain.fold import StreamState
from domain.record import Side
from tests.simulator.clock import WallClock
from tests.simulator.database import Wire
from tests.simulator.network import CarrierName, Connection

if TYPE_CHECKING:
    from tests.simulator.tab import Tab


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    side: Side
    reads: tuple[str, ...]  # the streams that a page of theirs keeps open


class Around(Protocol):
    """The world as a tab knows it."""

    clock: WallClock

    def connect(self, tab: Tab, name: CarrierName) -> Connection | None:
        """None when nobody answers."""

    def trace(self, who: str, what: str) -> None: ...
    def ended(self, task: asyncio.Task[Any]) -> None:
        """A fault of a task ends the run."""

    def shows_sent(self, tab: Tab, connection: Connection, id: str) -> None: ...
    def applied(self, tab: Tab, connection: Connection, state: StreamState) -> None: ...
    def marked(self, tab: Tab, stream: str, mark: Wire) -> None: ...


@dataclass(slots=True)
class Flight:
    """`ref` is that of the last copy."""

    ref: str
    first_at: float
    last_at: float


@dataclass(slots=True, eq=False)
class Carrier:
    """`asked`: appends without an answer, by id. `is_halted`: something was refused, so nothing more is sent until all in
    flight is answered; then what waits is numbered anew from `expected`, if the server asked for that."""

    connection: Connection
    lost: asyncio.Future[int | None]
    heard_at: float
    hello_at: float = 0.0
    is_welcome: bool = False
    asked: dict[str, Flight] = field(default_factory=dict)
    taken_below: int = 0  # numbers that were taken when it began: by what waits here, or by what this device forgot
    is_halted: bool = False
    expected: int | None = None
    probes: bool = False  # the numbers are new: the oldest goes alone, and the rest when it was taken
