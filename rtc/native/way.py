"""What every way through the pump has: a plan in C's memory, whose memory it points into, and whose keys it uses."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Generic, TypeVar

from rtc.native import library as native
from rtc.peer import Peer

if TYPE_CHECKING:
    from rtc.native.pump import Pump

Shape = TypeVar("Shape", native.Pipe, native.Return)


class Way(Generic[Shape]):
    """`handled` after what Python let through itself: the next ordinary one need not come up. `stop` before anything changes
    that the plan depends on. Both with the pump's lock held. `ends` are the peers whose keys and addresses the plan has."""

    __slots__ = ("_holds", "_is_running", "ends", "plan", "pump")

    def __init__(self, pump: Pump, plan: Shape) -> None:
        self.pump = pump
        self.plan: Shape = plan
        self._is_running = False
        self._holds: list[object] = []
        self.ends: set[Peer] = set()

    def stop(self) -> None:
        if self._is_running and self.pump.remove(self):
            self._is_running = False
            self._holds = []
            self.ends = set()

    def _run(self) -> None:
        self._is_running = True
        self.pump.add(self)

    def _hold(self, flat: array[int]) -> int:
        self._holds.append(flat)
        return flat.buffer_info()[0]
