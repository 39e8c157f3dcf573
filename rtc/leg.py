"""What one sink receives of one kind in one slot: one SSRC, one sequence and one clock, whoever is the source.

A leg rewrites headers and nothing else. Sequence numbers and timestamps are the source's plus an offset that is set
when a source starts (`open`) such that the leg's own go on from where they stopped.
"""

from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING

from rtc import rtp
from rtc.congestion import MASK as RING_MASK
from rtc.gop import PacketRing
from rtc.rtp import FIXED, HEAD, MASK32, Layout
from rtc.state import COUNTER, PACKETS, PAYLOAD_OCTETS, numbers

if TYPE_CHECKING:
    from rtc.party import Party
    from rtc.sdp import MediaLine
    from rtc.source import Source

LIVE, FRESH, CLOSED = 2, 1, 0
LONGEST_GAP = 4096  # numbers; the sink must tell a roll-over from a step back although it loses packets on both sides
PLAYOUT = (0 << 12 | 40).to_bytes(3, "big")  # min 0, max 400 ms in steps of 10: Chromium then renders without a buffer
SENT = (512, 512 * 1228)  # packets and bytes that are kept for a sink without RTX
RESENDS_PER_TICK = 400  # what one sink may ask again within one tick
_NUMBER = struct.Struct("!H")
Plan = tuple[tuple[tuple[slice, bytes], ...], int, int]


class Leg:
    """`forward` is the hot path; `past` holds the timestamps of replayed frames, `first` the first number of this
    source that the sink was given."""

    __slots__ = (
        "_last_ns",
        "_last_sequence",
        "_last_stamp",
        "_left_out_from",
        "_plans",
        "_playout_id",
        "_resends_left",
        "_rtx_sequence",
        "_rtx_types",
        "_sent_before",
        "_uplink_id",
        "_uris",
        "clock_hz",
        "counts",
        "downlink",
        "first",
        "kind",
        "line",
        "lost_seen",
        "party",
        "past",
        "rtx_ssrc",
        "send_rtp",
        "sent",
        "sequence_offset",
        "slot",
        "source",
        "ssrc",
        "stamp_offset",
        "state",
        "types",
    )

    def __init__(self, party: Party, line: MediaLine) -> None:
        self.party = party
        self.kind = line.kind
        self.slot = line.slot
        self.source: Source | None = None
        self.state = CLOSED
        self.first = 0
        self.past: dict[int, int] = {}
        self.sequence_offset = self.stamp_offset = 0
        self.counts = numbers(2)  # of PACKETS and PAYLOAD_OCTETS that were sent
        self.lost_seen = 0
        self._last_sequence = random.randrange(1 << 15)  # RFC 3550 5.1; the lower half keeps roll-over guesses simple
        self._last_stamp = random.randrange(1 << 31)
        self._last_ns = 0
        self._sent_before, self._left_out_from = -1, 0  # packets; the source's number from which on no more were sent
        self._rtx_sequence = random.randrange(1 << 15)
        self._resends_left = RESENDS_PER_TICK
        self.sent: PacketRing | None = None  # whole datagrams, by their numbers at the sink
        self._plans: dict[Layout, Plan] = {}
        self.renegotiate(line)

    @property
    def packets(self) -> int:
        return self.counts[PACKETS]

    @property
    def octets(self) -> int:
        return self.counts[PAYLOAD_OCTETS]

    def renegotiate(self, line: MediaLine) -> None:
        """Takes the sink's numbers of this line over; what was sent so far goes on."""
        if self.source is not None:
            self.source.halt()
        self.line = line
        self.ssrc = line.ssrc
        self.rtx_ssrc = line.rtx_ssrc
        self.clock_hz = 90_000 if line.kind == "video" else 48_000
        self.downlink = self.party.downlink
        self.send_rtp = self.party.port.send_rtp
        self._playout_id = line.extensions.get(rtp.PLAYOUT_DELAY, 0) if line.kind == "video" else 0
        self._map()

    def _map(self) -> None:
        """Tables for the present source: payload types by codec name, extension ids by URI."""
        self._plans = {}
        self.types = [-1] * 256
        self._rtx_types = [-1] * 256
        self._uris: dict[int, str] = {}
        self._uplink_id = 0
        if self.source is None:
            return
        theirs = self.source.line
        self._uris = {number: uri for uri, number in theirs.extensions.items()}
        self._uplink_id = self.source.party.uplink.id
        resends = False
        for name, codec in theirs.codecs.items():
            ours = self.line.codecs.get(name)
            if ours is None:
                continue
            for marker in (0, 0x80):
                self.types[marker | codec.pt] = marker | ours.pt
                if ours.rtx_pt is not None and self.rtx_ssrc:
                    self._rtx_types[marker | codec.pt] = marker | ours.rtx_pt
            resends = resends or ("nack" in ours.feedback and ours.rtx_pt is None)
        if resends and self.sent is None:
            self.sent = PacketRing(*SENT)

    def bind(self, source: Source) -> None:
        self.source = source
        self._map()

    def open(self, first: int, stamp: int, steps: int, now_ns: int) -> None:
        """The source's packet `first` becomes the leg's next; `stamp` is the source's timestamp of now. At least
        `steps` ticks are left free for replayed frames before it."""
        elapsed = (now_ns - self._last_ns) * self.clock_hz // 1_000_000_000 if self._last_ns else 0
        self.sequence_offset = self._last_sequence + 1 - first
        self.stamp_offset = self._last_stamp + max(elapsed, steps + 1) - stamp
        self.first = first
        self.past = {}
        self._sent_before = -1
        self.state = FRESH

    def close(self) -> None:
        """Remembers where the sink is, for whoever comes next."""
        source = self.source
        self.state = CLOSED
        if source is not None:
            self._last_sequence = source.highest + self.sequence_offset
            self._last_stamp = source.stamp + self.stamp_offset
            self._last_ns = source.heard_ns

    def unbind(self) -> None:
        self.source = None
        self._map()

    def forward(
        self,
        packet: bytes,
        layout: Layout,
        payload: bytes,
        head: int,
        second: int,
        number: int,
        stamp: int,
        wide: int,
        now_ns: int,
    ) -> None:
        """One packet to the sink. `wide` is its transport-wide number at the source's uplink, -1: none."""
        kind = self.types[second]
        if kind < 0:
            self._leave_out()
            return
        patches, wide_at, time_at = self._plans.get(layout) or self.plan(layout)
        header = bytearray(packet[: layout.header_bytes])
        FIXED.pack_into(
            header,
            0,
            head,
            kind,
            (number + self.sequence_offset) & 0xFFFF,
            (stamp + self.stamp_offset) & MASK32,
            self.ssrc,
        )
        for where, data in patches:
            header[where] = data
        if wide_at:
            downlink = self.downlink
            count = downlink.state[COUNTER] = (downlink.state[COUNTER] + 1) & 0xFFFF
            header[wide_at] = count >> 8
            header[wide_at + 1] = count & 0xFF
            at = count & RING_MASK
            downlink.uplinks[at] = self._uplink_id
            downlink.numbers[at] = wide
        if time_at:
            header[time_at : time_at + 3] = ((now_ns << 18) // 1_000_000_000 & 0xFFFFFF).to_bytes(3, "big")
        if self.state != LIVE:
            header = self._freshen(header, layout)
        datagram = self.send_rtp(header, payload)
        if not datagram:
            return
        counts = self.counts
        counts[PACKETS] += 1
        counts[PAYLOAD_OCTETS] += len(payload)
        if self.sent is not None:
            self.sent.put((number + self.sequence_offset) & 0xFFFF, datagram)

    def _leave_out(self) -> None:
        """The sink has no such codec. When only such packets come for long its numbers stand still meanwhile: neither it nor
        the sealer could tell how often they rolled over."""
        source = self.source
        if source is None:
            return
        if self.counts[PACKETS] != self._sent_before:
            self._sent_before, self._left_out_from = self.counts[PACKETS], source.highest
        left_out = source.highest - self._left_out_from
        if left_out >= LONGEST_GAP:
            source.halt()
            self.sequence_offset -= left_out
            self.first = source.highest + 1
            self._left_out_from = source.highest

    def _freshen(self, header: bytearray, layout: Layout) -> bytearray:
        """First packet after a switch, or of a keyframe: a talk spurt begins, a picture says how to play it."""
        self.state = LIVE
        if self.kind == "audio":
            header[1] |= 0x80
        elif element := self.fresh_id(layout):
            return rtp.add_element(header, element, PLAYOUT)
        return header

    def fresh_id(self, layout: Layout) -> int:
        """The id of the extension element, `PLAYOUT`, that a keyframe's first packet of this shape gets at its sink; 0: none."""
        has_one = any(self._uris.get(element) == rtp.PLAYOUT_DELAY for element in layout.elements)
        return 0 if has_one else self._playout_id

    def keyframe(self) -> None:
        """The source's next packet starts a keyframe."""
        if self._playout_id:
            self.state = FRESH

    def plan(self, layout: Layout) -> Plan:
        """What to overwrite in headers of this shape. An element that the sink has no id for becomes padding."""
        patches: list[tuple[slice, bytes]] = []
        wide_at = time_at = 0
        lead = 1 if layout.one_byte else 2
        for element, (at, length) in layout.elements.items():
            uri = self._uris.get(element, "")
            target = self.line.extensions.get(uri)
            mid = self.line.mid.encode()
            unfit = uri in (rtp.STREAM_ID, rtp.REPAIRED_STREAM_ID) or (uri == rtp.MID and len(mid) > length)
            if unfit or target is None or (layout.one_byte and not 0 < target < 15):
                patches.append((slice(at - lead, at + length), bytes(lead + length)))
                continue
            if uri == rtp.MID:
                head = bytes((target << 4 | len(mid) - 1,)) if layout.one_byte else bytes((target, len(mid)))
                patches.append((slice(at - lead, at + length), head + mid + bytes(length - len(mid))))
                continue
            if target != element:
                head = bytes((target << 4 | length - 1,)) if layout.one_byte else bytes((target,))
                patches.append((slice(at - lead, at - lead + 1), head))
            if uri == rtp.TRANSPORT_SEQUENCE and length >= 2:
                wide_at = at
            elif uri == rtp.ABS_SEND_TIME and length == 3:
                time_at = at
            elif uri == rtp.PLAYOUT_DELAY and length == 3:
                patches.append((slice(at, at + 3), PLAYOUT))
        if len(self._plans) > 64:
            self._plans.clear()
        plan = self._plans[layout] = (tuple(patches), wide_at, time_at)
        return plan

    def retransmit(self, packet: bytes, layout: Layout, number: int, wide: int, now_ns: int) -> bool:
        """The source's packet `number` once more, as RTX (RFC 4588). False: this sink has no RTX."""
        head, second, _, stamp = HEAD.unpack_from(packet)
        kind = self._rtx_types[second]
        if kind < 0 or number < self.first:
            return False
        payload = _NUMBER.pack((number + self.sequence_offset) & 0xFFFF) + packet[layout.header_bytes :]
        self._send_rtx(packet, layout, payload, head, kind, self.past.get(stamp, stamp), wide, now_ns)
        return True

    def probe(self, packet: bytes, layout: Layout, apt: int, wide: int, now_ns: int) -> None:
        """A packet of nothing but padding from the source's RTX stream: bandwidth is measured up to the sink."""
        head, second, _, stamp = HEAD.unpack_from(packet)
        kind = self._rtx_types[second & 0x80 | apt]
        if kind >= 0:
            self._send_rtx(packet, layout, packet[layout.header_bytes :], head, kind, stamp, wide, now_ns)

    def _send_rtx(
        self, packet: bytes, layout: Layout, payload: bytes, head: int, kind: int, stamp: int, wide: int, now_ns: int
    ) -> None:
        patches, wide_at, time_at = self._plans.get(layout) or self.plan(layout)
        header = bytearray(packet[: layout.header_bytes])
        self._rtx_sequence += 1
        FIXED.pack_into(
            header, 0, head, kind, self._rtx_sequence & 0xFFFF, (stamp + self.stamp_offset) & MASK32, self.rtx_ssrc
        )
        for where, data in patches:
            header[where] = data
        if wide_at:
            downlink = self.downlink
            count = downlink.state[COUNTER] = (downlink.state[COUNTER] + 1) & 0xFFFF
            header[wide_at : wide_at + 2] = _NUMBER.pack(count)
            downlink.uplinks[count & RING_MASK] = self._uplink_id
            downlink.numbers[count & RING_MASK] = wide
        if time_at:
            header[time_at : time_at + 3] = ((now_ns << 18) // 1_000_000_000 & 0xFFFFFF).to_bytes(3, "big")
        self.send_rtp(header, payload)

    def nacked(self, sequences: list[int], now_ns: int) -> int:
        """Sends again what the sink lacks, from the source's ring; asks the source for what we lack too."""
        source = self.source
        sent = 0
        if source is None or self.state == CLOSED:
            return sent
        newest = source.highest + self.sequence_offset
        lacking: list[int] = []
        for sequence in sequences:
            if self._resends_left <= 0:
                break
            number = newest - ((newest - sequence) & 0xFFFF) - self.sequence_offset
            if number < self.first:
                continue
            packet = source.ring.get(number)
            if packet is None:
                lacking.append(number)
                continue
            if self._resends_left == RESENDS_PER_TICK:
                self.party.resending.append(self)
            self._resends_left -= 1
            layout = source.layout(packet)
            if layout is not None and self.retransmit(packet, layout, number, -1, now_ns):
                sent += 1
            elif self.sent is not None:
                kept = self.sent.get(sequence)
                if kept is not None:
                    self.party.port.send_again(kept)
                    sent += 1
        if lacking:
            source.want(lacking, now_ns)
        return sent

    def tick(self) -> None:
        self._resends_left = RESENDS_PER_TICK
