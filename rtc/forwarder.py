"""Who hears and sees whom: parties, routes, taps.

Pure computation: packets and time come as arguments, `Port`s take what goes out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import update_wrapper
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from rtc import reports
from rtc.leg import Leg
from rtc.party import Party, Port
from rtc.pressure import Pressure
from rtc.quality import Quality
from rtc.sdp import Kind
from rtc.source import PumpedStream, Tap, TapReport

if TYPE_CHECKING:
    from rtc.native.pump import Pump

KINDS: tuple[Kind, ...] = ("audio", "video")
FEEDBACK_NS = 95_000_000  # every second tick
REPORT_NS = 1_000_000_000
PRESSED_TICKS = 8

Given = ParamSpec("Given")
Answer = TypeVar("Answer")
Wish = tuple[str, int, str]  # sink, slot, source

__all__ = ["Forwarder", "Party", "Port", "Quality", "Wish"]


def _still(method: Callable[Concatenate[Forwarder, Given], Answer]) -> Callable[Concatenate[Forwarder, Given], Answer]:
    """While it runs, the pump moves no packet."""

    def alone(self: Forwarder, /, *given: Given.args, **named: Given.kwargs) -> Answer:
        with self.still:
            return method(self, *given, **named)

    return update_wrapper(alone, method)


class Forwarder:
    """Routes are wishes: peers that are not here yet are connected when they come. Call `tick` every 50 ms, and every 250
    while pictures are left out.

    A sink's slot shows one source; when two calls wish for the same slot, the later wish holds.
    """

    def __init__(self, pressure: Pressure | None = None) -> None:
        self._pressure = pressure
        self._pump: Pump | None = None
        self.still: AbstractContextManager[None] = nullcontext()
        self._parties: dict[str, Party] = {}
        self._wishes: dict[str, frozenset[Wish]] = {}
        self._taps: dict[str, tuple[Tap | None, TapReport | None, Mapping[Kind, PumpedStream]]] = {}
        self._now_ns = 0
        self._ticks = 0
        self._stray = 0

    def pump_through(self, pump: Pump) -> None:
        """Ordinary packets of peers that come from now on go through `pump`."""
        self._pump = self.still = pump

    @_still
    def add_peer(self, port: Port) -> None:
        """A peer, or the same one again with a new description: what it sends and receives goes on where possible."""
        party = self._parties.get(port.id)
        if party is None:
            party = self._parties[port.id] = Party(port, self._pump, self._pressure)
            party.reported_ns = self._now_ns
        else:
            party.renegotiate(port)
        self._apply_tap(party)
        self._connect()

    @_still
    def remove_peer(self, peer_id: str) -> None:
        """Its wishes stay and hold again when it comes back under this id, as a new peer."""
        party = self._parties.pop(peer_id, None)
        if party is None:
            return
        for leg in party.legs.values():
            if leg.source is not None:
                leg.source.detach(leg)
        for source in party.sources.values():
            for leg in (*source.legs, *source.waiting):
                source.detach(leg)
        party.uplink.give_to(None)
        party.retire()
        self._choose_owners()

    @_still
    def set_routes(self, call_id: str, routes: Iterable[Wish], now_ns: int | None = None) -> None:
        """The whole wish for one call; an empty one disconnects all of it."""
        if now_ns is not None:
            self._now_ns = now_ns
        wishes = frozenset(routes)
        self._wishes.pop(call_id, None)
        if wishes:
            self._wishes[call_id] = wishes
        self._connect()

    def _connect(self) -> None:
        """Makes the legs agree with the wishes: ends what nobody wants, then starts what is new."""
        wanted: dict[tuple[str, int], str] = {}
        for wishes in self._wishes.values():
            for sink, slot, source in wishes:
                wanted[sink, slot] = source
        started: list[tuple[Leg, Party]] = []
        for party in self._parties.values():
            for (_, slot), leg in party.legs.items():
                other = self._parties.get(wanted.get((party.id, slot), ""))
                goal = other.sources.get(leg.kind) if other is not None and leg.line.sends else None
                if leg.source is goal:
                    continue
                if leg.source is not None:
                    leg.source.detach(leg)
                if goal is not None and other is not None:
                    started.append((leg, other))
        for leg, other in started:
            other.sources[leg.kind].attach(leg, self._now_ns)
        self._choose_owners()

    def _choose_owners(self) -> None:
        for party in self._parties.values():
            party.choose_owner()

    def source_of(self, peer_id: str) -> Party:
        """The party whose `rtp` and `rtcp` (packet, now_ns) the transport calls directly. Raises KeyError."""
        return self._parties[peer_id]

    def rtp_in(self, peer_id: str, packet: bytes, now_ns: int) -> None:
        party = self._parties.get(peer_id)
        if party is None:
            self._stray += 1
            return
        self._now_ns = now_ns
        party.rtp(packet, now_ns)

    def rtcp_in(self, peer_id: str, packet: bytes, now_ns: int) -> None:
        party = self._parties.get(peer_id)
        if party is None:
            self._stray += 1
            return
        self._now_ns = now_ns
        party.rtcp(packet, now_ns)

    def tick(self, now_ns: int) -> None:
        """Retries, feedback, reports. Work is per peer, not per packet. While pictures are left out each tick is of one peer in
        `PRESSED_TICKS`: then there is neither time for all, nor may packets wait for so long."""
        self._now_ns = now_ns
        self._ticks += 1
        parties = list(self._parties.values())
        if self._pressure is not None and self._pressure.is_shedding:
            parties = parties[self._ticks % PRESSED_TICKS :: PRESSED_TICKS]
        for party in parties:
            with self.still:
                self._tick(party, now_ns)

    @staticmethod
    def _tick(party: Party, now_ns: int) -> None:
        party.tick()
        for source in party.sources.values():
            source.tick(now_ns)
        uplink = party.uplink
        if now_ns - party.fed_ns >= FEEDBACK_NS:
            party.fed_ns = now_ns
            if uplink.top > uplink.reported and uplink.reports_itself(now_ns):
                party.tell_uplink(uplink.own_feedback(*party.speaker))
        span_ns = now_ns - party.reported_ns
        if span_ns >= REPORT_NS:
            party.reported_ns = now_ns
            reports.report_for_ourselves(party, span_ns, now_ns)

    @_still
    def set_tap(
        self,
        peer_id: str,
        rtp: Tap | None,
        sender_report: TapReport | None = None,
        tapes: Mapping[Kind, PumpedStream] | None = None,
    ) -> None:
        """`rtp(packet, arrival_ns, is_video)` gets each original packet once, in order of arrival (retransmissions
        unwrapped; no duplicates, no padding); `sender_report(block, arrival_ns, is_video)` each sender report. May come before
        the peer; None ends it at once. `tapes` say where the pump is to put what it would give to `rtp`; without them
        it leaves this peer's packets to Python."""
        self._taps.pop(peer_id, None)
        if rtp is not None or sender_report is not None:
            self._taps[peer_id] = (rtp, sender_report, tapes or {})
        party = self._parties.get(peer_id)
        if party is not None:
            self._apply_tap(party)

    def _apply_tap(self, party: Party) -> None:
        tap, tap_report, tapes = self._taps.get(party.id, (None, None, {}))
        for kind, source in party.sources.items():
            source.set_tap(tap, tap_report, tapes.get(kind))

    @_still
    def gop(self, peer_id: str) -> tuple[str, list[bytes]] | None:
        """The codec's name and the packets since the last keyframe, in order of sequence; holes are packets that are
        not here. None: no picture, no keyframe, or longer ago than is kept (ask for one)."""
        party = self._parties.get(peer_id)
        source = party.sources.get("video") if party is not None else None
        found = source.ring.since_keyframe(source.highest) if source is not None else None
        return (source.codec, [packet for _, packet in found]) if source is not None and found else None

    @_still
    def request_keyframe(self, peer_id: str, now_ns: int) -> None:
        party = self._parties.get(peer_id)
        source = party.sources.get("video") if party is not None else None
        if source is not None:
            source.request_keyframe(now_ns)

    def quality(self, peer_id: str) -> dict[Kind, Quality]:
        """How this peer's packets came in during the last second."""
        party = self._parties.get(peer_id)
        return {kind: source.meter.quality for kind, source in party.sources.items()} if party is not None else {}

    def stats(self) -> dict[str, int]:
        """Sums over the present peers; every key is always there."""
        sources = [source for party in self._parties.values() for source in party.sources.values()]
        legs = [leg for party in self._parties.values() for leg in party.legs.values()]
        return {
            "peers": len(self._parties),
            "routes": sum(leg.source is not None for leg in legs),
            "packets_in": sum(s.received for s in sources),
            "bytes_in": sum(s.octets for s in sources),
            "packets_out": sum(leg.packets for leg in legs),
            "payload_bytes_out": sum(leg.octets for leg in legs),
            "duplicates": sum(s.duplicates for s in sources),
            "recovered": sum(s.recovered for s in sources),
            "given_up": sum(s.missing.given_up for s in sources),
            "malformed": sum(s.malformed for s in sources),
            "unknown_ssrc": sum(p.unknown for p in self._parties.values()),
            "unknown_peer": self._stray,
            "reports_refused": sum(p.reports_refused for p in self._parties.values()),
            "keyframes": sum(s.ring.keyframes for s in sources),
            "keyframes_asked": sum(s.keys.asked for s in sources),
        }
