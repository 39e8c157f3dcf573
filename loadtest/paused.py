"""What recording costs: the same server and calls, in turns with all recordings going on and paused. Two servers one after the
other differ by more than recording costs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from loadtest.measures import cpu_seconds, with_children
from loadtest.standing import Standing

PAUSED = (True, False, False, True, True, False, False, True)  # what grows or fades with time is in both alike
SETTLE_S = 0.7  # what was held is written by then
PART = 0.2  # of a turn's length, for each


@dataclass(slots=True)
class Spent:
    cpu_s: float = 0.0
    packets: int = 0

    @property
    def us_per_packet(self) -> float:
        return self.cpu_s / self.packets * 1e6


@dataclass(slots=True)
class Paired:
    """Summed over all windows."""

    recording: Spent = field(default_factory=Spent)
    paused: Spent = field(default_factory=Spent)

    @property
    def costs(self) -> float | None:
        """Of what forwarding takes; None when nothing was measured."""
        if not (self.recording.packets and self.paused.packets):
            return None
        return self.recording.us_per_packet / self.paused.us_per_packet - 1


async def compare(standing: Standing, into: Paired, turn_s: float) -> None:
    """Takes 1.6 times `turn_s` and some seconds. Raises Refused when the server does not pause."""
    assert standing.pause is not None
    clients, family = standing.clients, with_children(standing.pid)
    for is_paused in PAUSED:
        await standing.pause(is_paused)
        await asyncio.sleep(SETTLE_S)
        received, spent_s = sum(c.received for c in clients), cpu_seconds(family)
        await asyncio.sleep(PART * turn_s)
        spent = into.paused if is_paused else into.recording
        spent.cpu_s += cpu_seconds(family) - spent_s
        spent.packets += sum(c.received for c in clients) - received
    await standing.pause(False)
