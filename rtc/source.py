"""What one peer sends of one kind: its order, its gaps, its keyframes, and the legs that it is forwarded to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rtc import nack, rtcp, rtp
from rtc.gop import AUDIO, VIDEO, PacketRing
from rtc.keyframes import KeyframeRequests
from rtc.nack import Missing
from rtc.quality import Meter
from rtc.rtp import HEAD, Layout
from rtc.shapes import PLAIN, Shapes
from rtc.state import ASK_NS, HEARD_NS, HIGHEST, OCTETS, RECEIVED, SKIPPED_TO, STAMP, Counted

if TYPE_CHECKING:
    from rtc.leg import Leg
    from rtc.native.tape import PumpedTape
    from rtc.party import Party
    from rtc.sdp import MediaLine

MS = 1_000_000
LARGEST_STEP = 3000  # RFC 3550 A.1, MAX_DROPOUT
TICKS_PER_REPLAYED_FRAME = 90  # told as 1 ms apart: they are shown as they come, not in their old rhythm

Tap = Callable[[bytes, int, bool], None]
TapReport = Tap
PumpedStream = tuple["PumpedTape", int]  # and the stream's number in it


class Source(Counted):
    """`media` and `rtx` take packets of their streams. Numbers are sequence numbers extended beyond 16 bits; a new SSRC
    or a jump starts them anew further up, and the legs go on without a seam."""

    __slots__ = (
        "_always_look", "_bad_sequence", "_resumed", "_start", "apt", "codecs", "duplicates", "is_video", "keys",
        "legs", "line", "malformed", "meter", "missing", "party", "pipe", "recovered", "report_heard_ns",
        "reported_lost", "ring", "sender_report", "sent_reports", "shapes", "ssrc", "ssrc_bytes", "tap",
        "tap_report", "tape", "uplink", "waiting",
    )  # fmt: skip

    def __init__(self, party: Party, line: MediaLine) -> None:
        self.party = party
        self.uplink = party.uplink
        self.is_video = line.kind == "video"
        self.ssrc = -1
        self.ssrc_bytes = b""
        super().__init__()
        self.ring = PacketRing(*(VIDEO if self.is_video else AUDIO))
        self.missing = Missing(self.state)
        self.legs: list[Leg] = []
        self.waiting: list[Leg] = []
        self.tap: Tap | None = None
        self.tape: PumpedStream | None = None
        self.pipe = party.pump.pipe(self) if party.pump is not None else None
        self.tap_report: TapReport | None = None
        self.duplicates = self.recovered = self.malformed = 0
        self.keys = KeyframeRequests(self.ring.key)
        self._always_look = False
        self._bad_sequence = -1
        self._start = self._resumed = 0
        self.meter = Meter(90 if self.is_video else 48, self.state)
        self.reported_lost = 0
        self.report_heard_ns = 0
        self.sender_report: tuple[int, int, int] | None = None  # NTP, RTP timestamp, arrival
        self.sent_reports: dict[
            int, int
        ] = {}  # middle 32 bits of NTP, as report blocks name them: for how long they were held
        self.renegotiate(line)

    def renegotiate(self, line: MediaLine) -> None:
        self.halt()
        self.line = line
        self.codecs = [""] * 128
        self.apt: dict[int, int] = {}
        for name, codec in line.codecs.items():
            self.codecs[codec.pt & 0x7F] = name
            if codec.rtx_pt is not None:
                self.apt[codec.rtx_pt] = codec.pt
        self.shapes = Shapes(line.extensions.get(rtp.TRANSPORT_SEQUENCE, 0))
        for leg in (*self.legs, *self.waiting):
            leg.bind(self)

    def carries(self, payload_type: int) -> bool:
        return bool(self.codecs[payload_type])

    @property
    def codec(self) -> str:
        """Name of the codec of the newest packet; empty before the first."""
        packet = self.ring.get(self.highest)
        return self.codecs[packet[1] & 0x7F] if packet else ""

    def halt(self) -> None:
        """Something changes that the pump's plan for this source depends on: its packets come up again."""
        if self.pipe is not None:
            self.pipe.stop()
        self.uplink.halt()

    def set_tap(self, tap: Tap | None, tap_report: TapReport | None, tape: PumpedStream | None) -> None:
        """`tape` is where the pump puts what `tap` would be given."""
        self.halt()
        self.tap, self.tap_report, self.tape = tap, tap_report, tape

    # --- packets ---

    def adopt(self, ssrc: bytes, sequence: int) -> None:
        """The stream goes on under this SSRC from this sequence number."""
        self.ssrc = int.from_bytes(ssrc, "big")
        self.ssrc_bytes = ssrc
        self.sender_report = None
        self._restart(sequence)

    def _restart(self, sequence: int) -> None:
        self.halt()
        for leg in self.legs:
            leg.close()
        self.waiting += self.legs
        self.legs = []
        self.state[HIGHEST] = (((self.highest >> 16) + 2) << 16 | sequence) - 1
        self._start = self.highest + 1
        self.state[STAMP] = -1  # so that the first packet, whatever its timestamp, begins a frame
        self.meter.restart(self.received, self.octets)
        self.missing.clear()
        self.ring.forget_keyframe()
        self._bad_sequence = -1
        self.keys.wanted = self.is_video and bool(self.waiting)

    def media(self, packet: bytes, now_ns: int) -> None:
        """The hot path: one packet in, one rewritten packet per leg out."""
        head, second, sequence, stamp = HEAD.unpack_from(packet)
        if head & 0x1F == 0x10:
            layout = self.shapes.latest.get(packet[12:16])
            if (layout is None or not layout.fits(packet)) and (layout := self.layout(packet)) is None:
                self.malformed += 1
                return
        elif head & 0x1F == 0:
            layout = PLAIN
        elif (layout := self.layout(packet)) is None:
            self.malformed += 1
            return
        payload = packet[layout.header_bytes :]
        at = layout.sequence_at
        wide = self.uplink.arrived(packet[at] << 8 | packet[at + 1], now_ns) if at else -1
        state = self.state
        step = (sequence - state[HIGHEST]) & 0xFFFF
        if step != 1 and not self._skipped(step, sequence, now_ns):
            self._late(packet, layout, payload, self.highest + step - 0x10000 if step else self.highest, wide, now_ns)
            return
        number = state[HIGHEST] = state[HIGHEST] + 1
        self._keep(number, packet, now_ns)
        if stamp != state[STAMP] or self._always_look:
            self._look(payload, second, number, stamp, now_ns)
        for leg in self.legs:
            leg.forward(packet, layout, payload, head, second, number, stamp, wide, now_ns)
        if now_ns >= state[ASK_NS]:
            self.ask_again(now_ns)
        if self.tap is not None and not (head & 0x20 and rtp.padding_only(packet, layout.header_bytes)):
            self.tap(packet, now_ns, self.is_video)
        if self.pipe is not None:
            self.pipe.handled()

    def _keep(self, number: int, packet: bytes, now_ns: int) -> None:
        self.ring.put(number, packet)
        state = self.state
        state[RECEIVED] += 1
        state[OCTETS] += len(packet)
        state[HEARD_NS] = now_ns

    def layout(self, packet: bytes) -> Layout | None:
        return self.shapes.read(packet)

    def _skipped(self, step: int, sequence: int, now_ns: int) -> bool:
        """A packet ahead of its turn: asks for those between at once. False: it is late, or here already."""
        if step == 0 or step >= 0x8000:
            number = self.highest + step - 0x10000 if step else self.highest
            if self.highest - number < LARGEST_STEP:
                return False
            if sequence != self._bad_sequence:  # RFC 3550 A.1: two in a row mean that the sender started again
                self._bad_sequence = (sequence + 1) & 0xFFFF
                return False
            self._restart(sequence)
            return True
        if step > LARGEST_STEP:
            self._restart(sequence)
            return True
        ahead = self.highest + step
        if self.party.is_overrun:
            self.state[HIGHEST], self.state[SKIPPED_TO] = ahead - 1, ahead
            return True
        fresh = self.missing.add(self.highest + 1, ahead, now_ns)
        if fresh is None:
            self.request_keyframe(now_ns)
        self.state[HIGHEST] = ahead - 1
        self._ask_for(fresh)
        return True

    def _late(self, packet: bytes, layout: Layout, payload: bytes, number: int, wide: int, now_ns: int) -> None:
        """Out of order or recovered: kept, tapped and forwarded in its place, once."""
        ring = self.ring
        if self.highest - number >= min(ring.size, LARGEST_STEP) or ring.has(number):
            self.duplicates += 1
            return
        if self.missing.arrived(number, now_ns):
            self.recovered += 1
        head, second, _, stamp = HEAD.unpack_from(packet)
        self._keep(number, packet, now_ns)
        for leg in self.legs:
            if number >= leg.first:
                leg.forward(packet, layout, payload, head, second, number, leg.past.get(stamp, stamp), wide, now_ns)
        if self.is_video and rtp.starts_keyframe(self.codecs[second & 0x7F], payload):
            if stamp == ring.key_stamp:
                ring.keyframe_began(min(ring.key_first, number))
            elif number > ring.key_first:
                if self.pipe is not None:
                    self.pipe.stop()  # the next packet says how the picture is played, in place of this late one
                self._keyframe(number, stamp, now_ns)
                self._admit_by_replay(now_ns)
        if self.tap is not None and not (head & 0x20 and rtp.padding_only(packet, layout.header_bytes)):
            self.tap(packet, now_ns, self.is_video)

    def rtx(self, packet: bytes, now_ns: int) -> None:
        """A packet of the retransmission stream: a lost one comes back, or the sender measures bandwidth with it."""
        layout = self.layout(packet)
        if layout is None:
            self.malformed += 1
            return
        at = layout.sequence_at
        wide = self.uplink.arrived(packet[at] << 8 | packet[at + 1], now_ns) if at else -1
        apt = self.apt.get(packet[1] & 0x7F, -1)
        if apt < 0 or self.ssrc < 0:
            return
        found = rtp.unwrap_rtx(packet, layout.header_bytes, apt, self.ssrc_bytes)
        if found is None:
            for leg in self.legs:
                if leg.downlink is self.uplink.owner:
                    leg.probe(packet, layout, apt, wide, now_ns)
            return
        sequence, original = found
        step = (sequence - self.highest) & 0xFFFF
        number = self.highest + step - (0x10000 if step >= 0x8000 else 0)
        if number > self.highest:
            if step <= LARGEST_STEP:  # the newest packet was lost, and its copy is here first
                self._ahead(original, layout, number, wide, now_ns)
            return
        if not self.ring.has(number):
            self._late(original, layout, original[layout.header_bytes :], number, wide, now_ns)
            return
        for leg in self.legs:
            if leg.downlink is self.uplink.owner:
                leg.retransmit(original, layout, number, wide, now_ns)

    def _ahead(self, original: bytes, layout: Layout, number: int, wide: int, now_ns: int) -> None:
        self._ask_for(self.missing.add(self.highest + 1, number, now_ns))
        self.state[HIGHEST] = number
        self.recovered += 1
        self.state[STAMP] = HEAD.unpack_from(original)[3]
        self._late(original, layout, original[layout.header_bytes :], number, wide, now_ns)

    def _look(self, payload: bytes, second: int, number: int, stamp: int, now_ns: int) -> None:
        """Once per frame, in order: jitter, sinks that wait for sound, keyframes."""
        if stamp != self.stamp:
            self.meter.arrived(stamp, now_ns)
            self.state[STAMP] = stamp
        if not self.is_video:
            if self.waiting:
                for leg in self.waiting:
                    leg.open(number, stamp, 0, now_ns)
                self._admit(now_ns)
            return
        codec = self.codecs[second & 0x7F]
        self._always_look = codec == "H264"  # its parameter sets need not be the first packet of the frame
        if stamp != self.ring.key_stamp and rtp.starts_keyframe(codec, payload):
            self._keyframe(number, stamp, now_ns)
            if self.waiting:
                for leg in self.waiting:
                    leg.open(number, stamp, 0, now_ns)
                self._admit(now_ns)

    def _keyframe(self, number: int, stamp: int, now_ns: int) -> None:
        self.ring.keyframe(number, stamp, now_ns)
        for leg in self.legs:
            leg.keyframe()

    # --- legs ---

    def attach(self, leg: Leg, now_ns: int) -> None:
        """From now on this leg shows us: video at once from the last keyframe, with a fresh one a little later."""
        self.halt()
        leg.bind(self)
        self.waiting.append(leg)
        if self.is_video:
            if self._admit_by_replay(now_ns):
                self.keys.want_fresh(now_ns)
            else:
                self.request_keyframe(now_ns)

    def detach(self, leg: Leg) -> None:
        self.halt()
        if leg in self.legs:
            leg.close()
            self.legs = [other for other in self.legs if other is not leg]
        self.waiting = [other for other in self.waiting if other is not leg]
        leg.unbind()

    def _admit(self, now_ns: int) -> None:
        self.halt()
        opened, self.waiting = self.waiting, []
        self.legs = self.legs + opened
        for leg in opened:
            self.party.opened(self, leg, now_ns)

    def _admit_by_replay(self, now_ns: int) -> bool:
        found = self.ring.replay(self.highest) if self.waiting else None
        if not found or found[0][0] != self.ring.key_first:
            return False
        stamps = list(dict.fromkeys(HEAD.unpack_from(packet)[3] for _, packet in found))
        past = {
            stamp: (self.stamp - (len(stamps) - 1 - place) * TICKS_PER_REPLAYED_FRAME) & rtp.MASK32
            for place, stamp in enumerate(stamps)
        }
        past[self.stamp] = self.stamp
        for leg in self.waiting:
            leg.open(self.ring.key_first, self.stamp, len(stamps) * TICKS_PER_REPLAYED_FRAME, now_ns)
            leg.past = past
            for number, packet in found:
                layout = self.layout(packet)
                if layout is not None:
                    head, second, _, stamp = HEAD.unpack_from(packet)
                    leg.forward(
                        packet, layout, packet[layout.header_bytes :], head, second, number, past[stamp], -1, now_ns
                    )
        self._admit(now_ns)
        return True

    # --- what we ask of the sender ---

    def want(self, numbers: list[int], now_ns: int) -> None:
        """A sink lacks packets that are not here: ask again, even if they were given up, while they can still matter."""
        oldest = max(self._start, self.state[SKIPPED_TO], self.highest - self.ring.size // 2 + 1)
        lacking = [number for number in numbers if number not in self.missing and oldest <= number < self.highest]
        asked: list[int] = []
        for number in lacking:
            asked += self.missing.add(number, number + 1, now_ns) or ()
        self._ask_for(asked)

    def ask_again(self, now_ns: int) -> None:
        self._ask_for(self.missing.due(now_ns))

    def _ask_for(self, numbers: list[int] | None) -> None:
        if numbers and not self.party.is_overrun:
            self.party.send_rtcp(nack.build_nack(self.line.ssrc, self.ssrc, [number & 0xFFFF for number in numbers]))

    def request_keyframe(self, now_ns: int) -> None:
        """Asks now, or as soon as the last request is old enough; again until a keyframe comes. Under pressure not before
        it is over, and then for who waits: `tick` asks for what was left out."""
        if not self.is_video or self.ssrc < 0:
            return
        if self.party.is_overrun:
            self.keys.wanted |= bool(self.waiting)
        elif self.keys.want(now_ns):
            self._ask_keyframe()

    def _ask_keyframe(self) -> None:
        codec = self.line.codecs.get(self.codec)
        if codec is not None and "nack pli" not in codec.feedback and "ccm fir" in codec.feedback:
            self.party.send_rtcp(rtcp.build_fir(self.line.ssrc, self.ssrc, self.keys.asked))
        else:
            self.party.send_rtcp(rtcp.build_pli(self.line.ssrc, self.ssrc))

    def tick(self, now_ns: int) -> None:
        if now_ns >= self.state[ASK_NS]:
            self.ask_again(now_ns)
        if not self.is_video or self.ssrc < 0 or self.party.is_overrun:
            return
        if self.state[SKIPPED_TO] > self._resumed:
            self._resumed = self.state[SKIPPED_TO]
            self.missing.clear()
            self.request_keyframe(now_ns)
        flows = now_ns - self.heard_ns < 1_000 * MS
        idle = flows and not self.legs and not self.waiting
        if self.keys.due(now_ns) or (idle and self.keys.stale(now_ns)):
            self._ask_keyframe()

    def measure(self, span_ns: int) -> tuple[int, int]:
        """Once a second: (lost, expected) of the span."""
        expected = max(self.highest - self._start + 1, 0) if self.ssrc >= 0 else 0
        return self.meter.measure(expected, self.received, self.octets, span_ns)

    @property
    def base(self) -> int:
        """What to subtract from our numbers to get those of report blocks (RFC 3550 A.1)."""
        return self._start & ~0xFFFF
