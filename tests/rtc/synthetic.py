"""Peers without a network: packets as browsers send them, and a port that writes down what it is given."""

from __future__ import annotations

import itertools
import struct
from dataclasses import dataclass, field

from rtc import rtcp, rtp
from rtc.forwarder import Forwarder
from rtc.sdp import Codec, MediaLine, Negotiated

MS = 1_000_000
IDS = {rtp.MID: 4, rtp.TRANSPORT_SEQUENCE: 3, rtp.ABS_CAPTURE_TIME: 9, rtp.VIDEO_ORIENTATION: 13, rtp.PLAYOUT_DELAY: 5}
OTHER_IDS = {rtp.TRANSPORT_SEQUENCE: 7, rtp.MID: 1, rtp.PLAYOUT_DELAY: 2}
VIDEO_FEEDBACK = frozenset({"nack", "nack pli", "ccm fir", "transport-cc", "goog-remb"})


def negotiated(
    number: int,
    *,
    ids: dict[str, int] | None = None,
    video_pt: int = 96,
    rtx_pt: int | None = 97,
    slots: int = 3,
    audio_feedback: frozenset[str] = frozenset({"transport-cc"}),
) -> Negotiated:
    """Lines of peer `number`: its SSRCs are number * 1000 + 1 (picture), + 2 (its RTX), + 3 (sound); ours end in 5xx."""
    lines = []
    extensions = dict(IDS if ids is None else ids)
    sound = {uri: i for uri, i in extensions.items() if uri not in (rtp.PLAYOUT_DELAY, rtp.VIDEO_ORIENTATION)}
    for slot in range(slots):
        ours = number * 1000 + 500 + slot * 10
        opus = {"opus": Codec("opus", 111, None, 48000, "useinbandfec=1", audio_feedback)}
        vp8 = {"VP8": Codec("VP8", video_pt, rtx_pt, 90000, "", VIDEO_FEEDBACK)}
        vp8["H264"] = Codec("H264", video_pt + 6, None if rtx_pt is None else rtx_pt + 6, 90000, "", VIDEO_FEEDBACK)
        first = slot == 0
        own_sound = [number * 1000 + 3] if first else []
        own_video = [number * 1000 + 1] if first else []
        own_rtx = [number * 1000 + 2] if first else []
        lines.append(
            MediaLine(f"{2 * slot}", "audio", slot, first, True, opus, sound, own_sound, [], ours, 0, f"c{slot}")
        )
        lines.append(
            MediaLine(
                f"{2 * slot + 1}", "video", slot, first, True, vp8, extensions, own_video, own_rtx,
                ours + 1, ours + 2 if rtx_pt is not None else 0, f"c{slot}",
            )
        )  # fmt: skip
    return Negotiated(lines)


@dataclass(frozen=True)
class Sent:
    """One packet as the sink gets it."""

    data: bytes

    @property
    def pt(self) -> int:
        return self.data[1] & 0x7F

    @property
    def marker(self) -> bool:
        return bool(self.data[1] & 0x80)

    @property
    def sequence(self) -> int:
        return int.from_bytes(self.data[2:4], "big")

    @property
    def stamp(self) -> int:
        return int.from_bytes(self.data[4:8], "big")

    @property
    def ssrc(self) -> int:
        return int.from_bytes(self.data[8:12], "big")

    @property
    def layout(self) -> rtp.Layout:
        layout = rtp.read_layout(self.data)
        assert layout is not None
        return layout

    @property
    def payload(self) -> bytes:
        return self.data[self.layout.header_bytes :]

    def element(self, number: int) -> bytes | None:
        at, length = self.layout.elements.get(number, (0, 0))
        return self.data[at : at + length] if length else None


@dataclass
class FakePort:
    id: str
    negotiated: Negotiated
    rtp: list[Sent] = field(default_factory=list)
    rtcp: list[bytes] = field(default_factory=list)

    def send_rtp(self, header: bytes | bytearray, payload: bytes | memoryview) -> bytes:
        self.send_again(bytes(header) + bytes(payload))
        return self.rtp[-1].data

    def send_again(self, datagram: bytes) -> None:
        self.rtp.append(Sent(datagram))

    def send_rtcp(self, packet: bytes) -> None:
        self.rtcp.append(packet)

    def of(self, ssrc: int) -> list[Sent]:
        return [sent for sent in self.rtp if sent.ssrc == ssrc]

    def kinds(self) -> list[tuple[int, int]]:
        return [(packet[1], packet[0] & 0x1F) for packet in self.rtcp]


def elements(**values: bytes) -> bytes:
    """A one-byte extension block; names are `e<id>`."""
    block = b"".join(bytes((int(name[1:]) << 4 | len(data) - 1,)) + data for name, data in values.items())
    block += bytes(-len(block) % 4)
    return struct.pack("!HH", 0xBEDE, len(block) // 4) + block


def packet(
    pt: int,
    sequence: int,
    stamp: int,
    ssrc: int,
    payload: bytes,
    *,
    block: bytes = b"",
    marker: bool = False,
    pad: int = 0,
) -> bytes:
    head = 0x80 | (0x10 if block else 0) | (0x20 if pad else 0)
    tail = bytes(pad - 1) + bytes((pad,)) if pad else b""
    second = pt | (0x80 if marker else 0)
    return struct.pack("!BBHII", head, second, sequence & 0xFFFF, stamp & 0xFFFFFFFF, ssrc) + block + payload + tail


KEY, DELTA = b"\x90\x80\x01\x00", b"\x90\x80\x01\x01"


class Browser:
    """Sends like one: frames of several packets, sound, a transport-wide counter over both."""

    def __init__(self, forwarder: Forwarder, number: int, **agreed: object) -> None:
        self.forwarder = forwarder
        self.number = number
        self.id = f"p{number}"
        self.port = FakePort(self.id, negotiated(number, **agreed))  # type: ignore[arg-type]
        self.video = number * 1000 + 1
        self.rtx = number * 1000 + 2
        self.audio = number * 1000 + 3
        self.video_sequence = 65000 + number
        self.rtx_sequence = 10
        self.audio_sequence = 300
        self.video_stamp = 0xFFFFF000
        self.audio_stamp = 5000
        self.wide = 65500
        self.sent: dict[int, bytes] = {}
        forwarder.add_peer(self.port)

    def leg(self, kind: str, slot: int = 0) -> int:
        return self.number * 1000 + 500 + slot * 10 + (1 if kind == "video" else 0)

    def _block(self, mid: bytes) -> bytes:
        self.wide = (self.wide + 1) & 0xFFFF
        return elements(e4=mid, e3=self.wide.to_bytes(2, "big"))

    def video_packet(self, payload: bytes, *, marker: bool = False) -> bytes:
        self.video_sequence = (self.video_sequence + 1) & 0xFFFF
        made = packet(
            96, self.video_sequence, self.video_stamp, self.video, payload, block=self._block(b"1"), marker=marker
        )
        self.sent[self.video_sequence] = made
        return made

    def frame(self, now_ns: int, *, key: bool = False, packets: int = 3, lose: tuple[int, ...] = ()) -> list[bytes]:
        """One frame; packets at the places `lose` never arrive. Answers all of them."""
        self.video_stamp = (self.video_stamp + 4500) & 0xFFFFFFFF
        made = []
        for place in range(packets):
            head = (KEY if key else DELTA) if place == 0 else b"\x80\x80\x01\x00"
            made.append(self.video_packet(head + bytes((place,)) * 40, marker=place == packets - 1))
            if place not in lose:
                self.give(made[-1], now_ns)
        return made

    def sound(self, now_ns: int) -> bytes:
        self.audio_sequence = (self.audio_sequence + 1) & 0xFFFF
        self.audio_stamp += 960
        made = packet(111, self.audio_sequence, self.audio_stamp, self.audio, b"opus", block=self._block(b"0"))
        self.give(made, now_ns)
        return made

    def resend(self, original: bytes, now_ns: int) -> None:
        """As RTX."""
        header = 12 + 4 + 4 * int.from_bytes(original[14:16], "big")
        self.rtx_sequence += 1
        body = original[2:4] + original[header:]
        stamp = int.from_bytes(original[4:8], "big")
        self.give(packet(97, self.rtx_sequence, stamp, self.rtx, body, block=self._block(b"1")), now_ns)

    def give(self, data: bytes, now_ns: int) -> None:
        self.forwarder.rtp_in(self.id, data, now_ns)

    def say(self, data: bytes, now_ns: int) -> None:
        self.forwarder.rtcp_in(self.id, data, now_ns)


PLI = (rtcp.PAYLOAD_FEEDBACK, rtcp.PLI)
NACK = (rtcp.TRANSPORT_FEEDBACK, rtcp.NACK)


def both(a: Browser, b: Browser) -> list[tuple[str, int, str]]:
    """Routes of two who see and hear each other."""
    return [(a.id, 0, b.id), (b.id, 0, a.id)]


def in_order(sent: list[Sent]) -> bool:
    return all((b.sequence - a.sequence) & 0xFFFF == 1 for a, b in itertools.pairwise(sent))


def is_key(sent: Sent) -> bool:
    return rtp.vp8_starts_keyframe(sent.payload)
