"""Loupe beside what one would use instead: the same clients, clip and machine, one server after the other, in turns."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median

from loadtest import janus
from loadtest.clip import Clip, make_clip
from loadtest.gauges import held_by
from loadtest.histogram import Histogram, histogram_of
from loadtest.loupe_calls import loupe_calls
from loadtest.measures import cpu_seconds, transits_ms, wakeups, with_children
from loadtest.paused import Paired, compare
from loadtest.standing import NothingFlows, Opening, Standing
from loadtest.stock_calls import stock_calls
from loadtest.target import check_room

RECORDING, PLAIN, STOCK, JANUS = "Loupe, recording", "Loupe, no recording", "aiortc, recording", "Janus, recording"
STOCK_CALLS = 1  # it decodes and encodes: three calls, even without recording, were half a second late
SETTLE_S = 2.0  # first keyframes and congestion control
MOST_TURNS, LEAST_TURN_S = 3, 4.0
CLIENT_LIMIT_CORES = 0.7  # one event loop: beyond this its own delays show in the transit times
OTHERS_LIMIT_CORES = 0.2
WAKING_SHARE = 0.4  # of packets
LEAST_DELIVERED = 0.98  # some are on their way when a turn ends
BEHIND_MS = 500.0  # useless for a conversation
Tell = Callable[[str], None]


@dataclass(slots=True)
class Measured:
    """One server, summed over its turns. Transits in ms: a video frame's last packet, from the send call of one client
    until the kernel has it for the other. A server that rewrites timestamps by more than a constant has none."""

    name: str
    calls: int
    opening: Opening
    keeps_stamps: bool = True
    seconds: float = 0.0
    packets: int = 0
    sent: int = 0
    server_cpu_s: float = 0.0
    wakeups: int = 0
    client_cpu_s: float = 0.0
    others_cpu_s: float = 0.0
    rss_mb: float = 0.0
    transit: Histogram = field(default_factory=Histogram)
    connect: Histogram = field(default_factory=Histogram)
    first_frame: Histogram = field(default_factory=Histogram)
    turns_us: list[float] = field(default_factory=list)
    paired: Paired = field(default_factory=Paired)

    @property
    def us_per_packet(self) -> float:
        return self.server_cpu_s / self.packets * 1e6

    @property
    def calls_per_core(self) -> float:
        return self.calls * self.seconds / self.server_cpu_s

    @property
    def client_cores(self) -> float:
        return self.client_cpu_s / self.seconds

    @property
    def others_cores(self) -> float:
        return self.others_cpu_s / self.seconds

    def facts(self) -> dict[str, object]:
        return {
            "name": self.name,
            "calls": self.calls,
            "us_per_packet": round(self.us_per_packet, 2),
            "us_per_packet_of_turns": [round(value, 2) for value in self.turns_us],
            "wakeups_per_packet": round(self.wakeups / self.packets, 3),
            "calls_per_core": round(self.calls_per_core, 1),
            "cpu_cores": round(self.server_cpu_s / self.seconds, 4),
            "packets_per_s": round(self.packets / self.seconds, 1),
            "delivered": round(self.packets / self.sent, 4),
            "transit_ms": self.transit.facts(),
            "connect_ms": self.connect.facts(),
            "first_frame_ms": self.first_frame.facts(),
            "rss_mb": round(self.rss_mb, 1),
            "tester_cores": round(self.client_cores, 3),
            "others_cores": round(self.others_cores, 3),
        }


class PeersRun:
    """`await run()`; `facts()` at any time: those of the turns that are complete. Each server is measured for `seconds`, in up
    to three turns."""

    def __init__(self, calls: int, seconds: float, seed: int, tell: Tell) -> None:
        self._calls = calls
        self._seconds = seconds
        self._seed = seed
        self._tell = tell
        self._turns = max(1, min(MOST_TURNS, int(seconds / LEAST_TURN_S)))
        self._results: list[Measured] = []
        self._is_janus_missing = False

    @property
    def expected_s(self) -> float:
        return 5.6 * self._seconds + 4 * self._turns * (SETTLE_S + 4 + 0.3 * self._calls)

    async def run(self) -> None:
        """Raises CannotLoad before anything starts, NothingFlows, NotStarted, Refused when Loupe finds the machine too busy for
        so many calls."""
        calls, seconds = self._calls, self._seconds / self._turns
        check_room(calls)
        random.seed(self._seed)
        self._tell("The load goes to servers of its own, on this machine, one after the other.")
        clip = await asyncio.to_thread(make_clip)
        library = await asyncio.to_thread(janus.library_folder)
        self._results = [
            Measured(RECORDING, calls, partial(loupe_calls, is_recorded=True)),
            Measured(PLAIN, calls, partial(loupe_calls, is_recorded=False)),
            Measured(STOCK, min(calls, STOCK_CALLS), stock_calls, keeps_stamps=False),
        ]
        self._is_janus_missing = library is None
        if library is None:
            self._tell(janus.MISSING)
        else:
            self._results.insert(2, Measured(JANUS, calls, partial(janus.janus_calls, library=library)))
        for turn in range(1, self._turns + 1):
            for measured in self._results:
                about = f"{measured.calls} {'call' if measured.calls == 1 else 'calls'}, {seconds:.0f} s"
                self._tell(f"peers, turn {turn} of {self._turns}: {measured.name}, {about}")
                await _one_turn(measured, clip, seconds)

    def facts(self) -> dict[str, object]:
        """`peers` has what was measured, `ratios` how they compare, `missing` what is not installed, `notes` what a reader
        must know."""
        return facts_of(
            [measured for measured in self._results if measured.packets], is_janus_missing=self._is_janus_missing
        )

    def live(self) -> list[tuple[str, str]]:
        return [
            (measured.name, f"{measured.us_per_packet:.1f} us a packet, {measured.calls_per_core:.1f} calls a core")
            for measured in self._results
            if measured.packets
        ]


async def _one_turn(measured: Measured, clip: Clip, seconds: float) -> None:
    try:
        async with measured.opening(clip, measured.calls) as standing:
            await measure(standing, measured, seconds)
            if standing.pause is not None:
                await compare(standing, measured.paired, seconds)
    except (TimeoutError, ConnectionError) as fault:
        raise NothingFlows(f"{measured.name}: {fault or 'the server kept silent'}") from fault


async def measure(standing: Standing, into: Measured, seconds: float) -> None:
    """Lets the calls flow for `seconds` and adds what they cost. Raises NothingFlows."""
    clients = standing.clients
    await asyncio.sleep(min(SETTLE_S, seconds))
    gc.collect()
    for client in clients:
        client.arrived_frames.clear()
    received, sent = sum(c.received for c in clients), sum(c.sent for c in clients)
    family = with_children(standing.pid)
    woken = wakeups(family)
    all_s, server_s, own_s, start = machine_cpu_seconds(), cpu_seconds(family), time.process_time(), time.monotonic()
    await asyncio.sleep(seconds)
    server_spent_s, own_spent_s = cpu_seconds(family) - server_s, time.process_time() - own_s
    all_spent_s, elapsed = machine_cpu_seconds() - all_s, time.monotonic() - start
    packets = sum(c.received for c in clients) - received
    for client in clients:
        if fault := client.fault():
            raise NothingFlows(f"{into.name}: a client failed: {fault!r}") from fault
    if packets <= 0:
        raise NothingFlows(f"{into.name}: no packet came through within {elapsed:.0f} s")
    into.wakeups += max(0, wakeups(family) - woken)  # a thread that ended took its count along
    into.seconds += elapsed
    into.packets += packets
    into.sent += sum(c.sent for c in clients) - sent
    into.server_cpu_s += server_spent_s
    into.client_cpu_s += own_spent_s
    into.others_cpu_s += max(0.0, all_spent_s - server_spent_s - own_spent_s)
    into.turns_us.append(server_spent_s / packets * 1e6)
    into.rss_mb = max(into.rss_mb, held_by(standing.pid).rss_mb)
    into.connect.merge(histogram_of(standing.connect_ms))
    into.first_frame.merge(histogram_of(standing.first_frame_ms))
    for one, other in standing.pairs:
        for source, sink in ((one, other), (other, one)):
            transits = transits_ms(source.sent_frames, sink.arrived_frames)
            if not transits and into.keeps_stamps:
                raise NothingFlows(f"{into.name}: the frames that arrived are not those that were sent")
            into.transit.merge(histogram_of(transits))


def facts_of(results: list[Measured], *, is_janus_missing: bool) -> dict[str, object]:
    """`results`: of servers that were measured at all; a ratio needs both."""
    ratios: dict[str, float] = {}
    named = {measured.name: measured for measured in results}
    ours = named.get(RECORDING)
    if ours is not None:
        if (costs := ours.paired.costs) is not None:
            ratios["recording_costs"] = round(costs, 3)
        for name, rival in (("janus", JANUS), ("aiortc", STOCK)):
            if rival in named:
                ratios[f"calls_per_core_to_{name}"] = round(ours.calls_per_core / named[rival].calls_per_core, 2)
    return {
        "peers": [measured.facts() for measured in results],
        "ratios": ratios,
        "missing": [{"name": JANUS, "why": janus.MISSING}] if is_janus_missing else [],
        "notes": _notes(results, ratios, is_janus_missing=is_janus_missing) if results else [],
    }


def _notes(results: list[Measured], ratios: dict[str, float], *, is_janus_missing: bool) -> list[str]:
    notes = [
        f"For one core that {RECORDING} needs, {name} needs {ratios[key]:.1f}."
        for name, key in (("Janus", "calls_per_core_to_janus"), ("stock aiortc", "calls_per_core_to_aiortc"))
        if key in ratios
    ]
    if "recording_costs" in ratios:
        pairs = results[0].paired
        notes.append(
            f"Recording costs {ratios['recording_costs']:+.1%} CPU on top of forwarding: {pairs.recording.us_per_packet:.2f} "
            f"us/packet, and {pairs.paused.us_per_packet:.2f} while the recordings of the same calls were paused, in turns."
        )
    if is_janus_missing:
        notes.append(janus.MISSING)
    spread = "; ".join(f"{m.name}: {min(m.turns_us):.1f} to {max(m.turns_us):.1f}" for m in results)
    if results[0].wakeups > WAKING_SHARE * results[0].packets:
        notes.append(
            f"{RECORDING} was woken {results[0].wakeups / results[0].packets:.1f} times for each packet: at this load waking up "
            "is likely much of what a packet costs, in the others as well (see their column), and a busier server needs less for each. "
            "`--calls` takes more at once."
        )
    turns = len(results[0].turns_us)
    length_s = median(m.seconds / len(m.turns_us) for m in results)
    notes.append(f"Turns: {turns}, {length_s:.0f} s each. CPU us/packet of single turns: {spread}.")
    for measured in results:
        if measured.calls != results[0].calls:
            notes.append(f"{measured.name} was given {measured.calls} at once, the others {results[0].calls}.")
        if not measured.keeps_stamps:
            notes.append(
                f"{measured.name} has no transit: `MediaRecorder` rounds the timestamps of the frames it shares with "
                "`MediaRelay` to 30ths of a second, so that they cannot be recognised."
            )
        if measured.keeps_stamps and measured.packets < LEAST_DELIVERED * measured.sent:
            notes.append(
                f"{measured.name} delivered only {measured.packets / measured.sent:.0%} of the packets: its calls per core are "
                "too high by that, and its picture stood."
            )
        if measured.transit.percentile(0.5) > BEHIND_MS:
            notes.append(f"{measured.name} fell behind: its transit grows the longer the load lasts.")
    busiest = max(measured.client_cores for measured in results)
    if busiest > CLIENT_LIMIT_CORES:
        notes.append(
            f"The tester was at its limit ({busiest:.2f} of a core): transit times show its own delays, not only the "
            "server's. CPU per packet is not touched by that; ask for fewer --calls for good transit times."
        )
    else:
        notes.append(f"The tester used {busiest:.2f} of a core at most.")
    others = max(measured.others_cores for measured in results)
    if others > OTHERS_LIMIT_CORES:
        notes.append(f"Other work took up to {others:.1f} cores of the machine meanwhile: only ratios count.")
    return notes


def machine_cpu_seconds() -> float:
    """What all cores together have worked since the machine started, and what its host took from it (proc(5))."""
    user, nice, system, _idle, _waiting, irq, softirq, steal, *_ = (
        int(ticks) for ticks in Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    )
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
