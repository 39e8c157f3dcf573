"""One peer as the forwarder knows it: the sources it sends, the legs it receives, and which SSRC is which."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from rtc import reports, rtp
from rtc.congestion import Downlink, Uplink
from rtc.leg import Leg
from rtc.pressure import Pressure
from rtc.rtp import Layout
from rtc.sdp import Kind, MediaLine, Negotiated
from rtc.source import Source
from rtc.state import HEARD_NS, numbers

if TYPE_CHECKING:
    from rtc.native.pump import Pump

SILENT_NS = 200_000_000  # an SSRC may take over a line whose present one has been silent for this long
MOST_STREAMS = 64
# Steps of work (see `reports`) that one peer's RTCP may ask for within a tick: several times what an honest browser
# that receives 4 Mbit/s needs, and less than a tenth of a core.
WORK_PER_TICK = 5000

PICTURE_FIRST: tuple[Kind, Kind] = ("video", "audio")

Take = Callable[[bytes, int], None]


class Port(Protocol):
    """What the forwarder needs of a peer's transport. `send_rtp` takes the header apart from the payload (both of one
    packet) and answers what it sent, for `send_again`, or nothing; sequence numbers may go back a little, because
    recovered packets come late."""

    @property
    def id(self) -> str: ...
    @property
    def negotiated(self) -> Negotiated: ...
    def send_rtp(self, header: bytes | bytearray, payload: bytes | memoryview) -> bytes: ...
    def send_again(self, datagram: bytes) -> None: ...
    def send_rtcp(self, packet: bytes) -> None: ...


class Party:
    """`rtp` and `rtcp` take this peer's decrypted packets (a transport may keep the bound methods for the life of the
    peer); `now_ns` is monotonic. Neither raises for any bytes."""

    __slots__ = (
        "_by_ssrc",
        "downlink",
        "fed_ns",
        "id",
        "legs",
        "legs_by_ssrc",
        "now_ns",
        "port",
        "pressure",
        "pump",
        "reported_ns",
        "reports_refused",
        "resending",
        "send_rtcp",
        "sources",
        "unknown",
        "uplink",
        "work",
    )

    def __init__(self, port: Port, pump: Pump | None = None, pressure: Pressure | None = None) -> None:
        self.id = port.id
        self.pump = pump
        self.pressure = pressure
        self.uplink = Uplink(self)
        self.downlink = Downlink(self)
        self.sources: dict[Kind, Source] = {}
        self.legs: dict[tuple[Kind, int], Leg] = {}
        self.legs_by_ssrc: dict[int, Leg] = {}
        self._by_ssrc: dict[bytes, Take] = {}
        self.unknown = 0
        self.resending: list[Leg] = []  # legs that sent something again within this tick
        self.now_ns = 0
        self.fed_ns = self.reported_ns = 0  # when this server last told it of arrivals, and reported
        self.reports_refused = 0
        self.work = numbers(1, WORK_PER_TICK)  # steps that are left of this tick's
        self.renegotiate(port)

    def renegotiate(self, port: Port) -> None:
        """Takes a (new) description over; sources and legs that it still has keep their state."""
        self.port = port
        self.send_rtcp = port.send_rtcp
        self._by_ssrc = {}
        for known in self.sources.values():
            known.halt()
        for line in port.negotiated.lines:
            if line.slot == 0 and line.accepts:
                source = self.sources.get(line.kind)
                if source is None:
                    self.sources[line.kind] = Source(self, line)
                else:
                    source.renegotiate(line)
            leg = self.legs.get((line.kind, line.slot))
            if leg is not None:
                leg.renegotiate(line)
            elif line.sends:
                leg = self.legs[line.kind, line.slot] = Leg(self, line)
            if leg is not None:
                self.legs_by_ssrc[line.ssrc] = leg

    def retire(self) -> None:
        """This peer is gone."""
        for source in self.sources.values():
            source.halt()
            source.pipe = None
        self._by_ssrc.clear()
        self.legs_by_ssrc.clear()
        self.legs.clear()
        self.sources.clear()
        self.uplink.retire()
        self.downlink.retire()

    def rtp(self, packet: bytes, now_ns: int) -> None:
        take = self._by_ssrc.get(packet[8:12])
        if take is not None and packet[0] >> 6 == 2:
            take(packet, now_ns)
        else:
            self._learn(packet, now_ns)

    def _learn(self, packet: bytes, now_ns: int) -> None:
        """An SSRC heard for the first time: known by the description, its mid, or its payload type (RFC 8843 9.2)."""
        layout = rtp.read_layout(packet)
        if layout is None:
            self.unknown += 1
            return
        ssrc = packet[8:12]
        number = int.from_bytes(ssrc, "big")
        payload_type = packet[1] & 0x7F
        source = self._by_description(number) or self._by_mid(packet, layout) or self._by_payload_type(payload_type)
        if source is None or len(self._by_ssrc) >= MOST_STREAMS:
            self.unknown += 1
            return
        if payload_type in source.apt:
            self._by_ssrc[ssrc] = source.rtx
            source.rtx(packet, now_ns)
        elif source.carries(payload_type) and self._may_speak(source, number, now_ns):
            if source.ssrc != number:
                self._by_ssrc.pop(source.ssrc_bytes, None)
                source.adopt(ssrc, packet[2] << 8 | packet[3])
            self._by_ssrc[ssrc] = source.media
            source.media(packet, now_ns)
        else:
            self.unknown += 1

    @staticmethod
    def _may_speak(source: Source, ssrc: int, now_ns: int) -> bool:
        """A line has one stream at a time: it stays while it speaks, unless the description names the other."""
        if source.ssrc in (-1, ssrc) or now_ns - source.heard_ns >= SILENT_NS:
            return True
        named = source.line.source_ssrcs
        return ssrc in named and source.ssrc not in named

    def _by_description(self, ssrc: int) -> Source | None:
        for source in self.sources.values():
            if ssrc in source.line.source_ssrcs or ssrc in source.line.source_rtx_ssrcs:
                return source
        return None

    def _by_mid(self, packet: bytes, layout: Layout) -> Source | None:
        for source in self.sources.values():
            found = layout.elements.get(source.line.extensions.get(rtp.MID, 0))
            if found and packet[found[0] : found[0] + found[1]].rstrip(b"\0") == source.line.mid.encode():
                return source
        return None

    def _by_payload_type(self, payload_type: int) -> Source | None:
        found = [s for s in self.sources.values() if s.carries(payload_type) or payload_type in s.apt]
        return found[0] if len(found) == 1 else None

    def tick(self) -> None:
        self.work[0] = WORK_PER_TICK
        for leg in self.resending:
            leg.tick()
        self.resending.clear()

    def rtcp(self, packet: bytes, now_ns: int) -> None:
        reports.hear(self, packet, now_ns)

    def forget(self, ssrc: int) -> None:
        """The peer said BYE for this stream; its line may go on under another."""
        self._by_ssrc.pop(ssrc.to_bytes(4, "big"), None)
        for source in self.sources.values():
            if source.ssrc == ssrc:
                source.state[HEARD_NS] = min(source.heard_ns, self.now_ns - SILENT_NS)

    def opened(self, source: Source, leg: Leg, now_ns: int) -> None:
        """A leg began to show this source: its clock is told at once, so that lips and voice agree from the start."""
        reports.tell_clock(source, leg, now_ns)

    def choose_owner(self) -> None:
        """Who answers for this peer's congestion: the sink that shows it in its first slot."""
        for kind in PICTURE_FIRST:
            source = self.sources.get(kind)
            for leg in (*source.legs, *source.waiting) if source else ():
                if leg.slot == 0 and gives_feedback(leg.line):
                    self.uplink.give_to(leg.downlink)
                    return
        self.uplink.give_to(None)

    def tell_uplink(self, packets: list[bytes]) -> None:
        for packet in packets:
            self.send_rtcp(packet)

    @property
    def is_overrun(self) -> bool:
        """Packets are left out here: what is missing is not asked for, or it would come on top."""
        return self.pressure is not None and self.pressure.is_shedding

    @property
    def speaker(self) -> tuple[int, int]:
        """(our SSRC, the peer's) for feedback about the peer as a whole: of its picture, else of its sound."""
        for kind in PICTURE_FIRST:
            source = self.sources.get(kind)
            if source is not None and source.ssrc >= 0:
                return source.line.ssrc, source.ssrc
        return 1, 0


def gives_feedback(line: MediaLine) -> bool:
    """Whether transport-wide feedback was agreed on for this line."""
    return rtp.TRANSPORT_SEQUENCE in line.extensions and any("transport-cc" in c.feedback for c in line.codecs.values())
