"""What calls in progress are like for some seconds: how long pictures and sounds take, and how many of them arrive."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from loadtest.call_pair import Pair
from loadtest.clients import Client
from loadtest.gauges import OwnLoad, ServerCost
from loadtest.histogram import Histogram
from loadtest.measures import transits_ms

_RECENT_FRAMES = 250  # 10 s: what may still be on its way
MOST_ON_THEIR_WAY = 0.03
LIMIT_MS = 20.0  # of the 99th percentile: a load that can be carried
LEAST_SHARE_WELL = 0.95


@dataclass(slots=True)
class Window:
    """`share` of a core that the server may have; `sound_share`, `pictures_share`: what came, of what was sent meanwhile;
    `least_sound_share`: of the person who heard least."""

    share: float
    transit: Histogram = field(default_factory=Histogram)
    sound_delay: Histogram = field(default_factory=Histogram)
    sounds_sent: int = 0
    sounds_heard: int = 0
    frames_sent: int = 0
    frames_shown: int = 0
    least_sound_share: float = 1.0
    server_cores: float = 0.0
    tester_cores: float = 0.0

    @property
    def sound_share(self) -> float:
        return self.sounds_heard / max(1, self.sounds_sent)

    @property
    def pictures_share(self) -> float:
        return self.frames_shown / max(1, self.frames_sent)

    @property
    def p50_ms(self) -> float:
        return self.transit.percentile(0.5)

    @property
    def p99_ms(self) -> float:
        return self.transit.percentile(0.99)

    @property
    def p99_of_sent_ms(self) -> float:
        """A picture that did not come took for ever; a few are always on their way at the end."""
        lacking = self.frames_sent - self.frames_shown
        return math.inf if lacking > MOST_ON_THEIR_WAY * self.frames_sent else self.p99_ms

    @property
    def is_well(self) -> bool:
        arrives = min(self.sound_share, self.pictures_share) > LEAST_SHARE_WELL
        return bool(self.transit.count) and self.p99_ms < LIMIT_MS and arrives

    def facts(self) -> dict[str, object]:
        return {
            "share": round(self.share, 3),
            "transit_ms": self.transit.facts(),
            "sound_share": round(self.sound_share, 4),
            "least_sound_share": round(self.least_sound_share, 4),
            "pictures_share": round(self.pictures_share, 4),
            "server_cores": round(self.server_cores, 3),
            "tester_cores": round(self.tester_cores, 3),
            "sound_delay_ms": self.sound_delay.facts(),
        }


async def measure(pairs: list[Pair], cost: ServerCost, own: OwnLoad, share: float, seconds: float) -> Window:
    window = Window(share)
    ways = list(_ways(pairs))
    before = [_counts(source, sink) for source, sink in ways]
    own.restart()
    await cost.begin()
    await asyncio.sleep(seconds)
    spent_s, lasted_s = await cost.so_far()
    window.server_cores, window.tester_cores = spent_s / lasted_s, own.cores
    after = [_counts(source, sink) for source, sink in ways]
    for (source, sink), then, now in zip(ways, before, after, strict=True):
        sent, heard, frames, shown = (count - earlier for count, earlier in zip(now, then, strict=True))
        window.sounds_sent += sent
        window.sounds_heard += heard
        window.frames_sent += frames
        window.frames_shown += shown
        window.least_sound_share = min(window.least_sound_share, heard / max(1, sent))
        recent = dict(list(source.sent_frames.items())[-round(_RECENT_FRAMES + 25 * seconds) :])
        for value in transits_ms(recent, sink.arrived_frames[now[3] - shown : now[3]]):
            window.transit.record(value)
        for value in sink.sound.delays_ms(source.sent_sounds, heard):
            window.sound_delay.record(value)
        await asyncio.sleep(
            0
        )  # else all clients would stand still until all is counted, and then send everything at once
    return window


def _ways(pairs: list[Pair]) -> Iterator[tuple[Client, Client]]:
    for pair in pairs:
        yield pair.customer.client, pair.staff.client
        yield pair.staff.client, pair.customer.client


def _counts(source: Client, sink: Client) -> tuple[int, int, int, int]:
    """Sounds sent and heard, frames sent and shown."""
    return len(source.sent_sounds), sink.sound.received, len(source.frame_log), len(sink.arrived_frames)
