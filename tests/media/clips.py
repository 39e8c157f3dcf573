"""People made of real encoders: a camera that shows a flash each second, a microphone that beeps with it, sent as RTP."""

from __future__ import annotations

import json
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from media import journal
from media.recorder import Recorder, Stream

FPS = 25
PAYLOADS_AUDIO = {111: ("opus", 48_000, "useinbandfec=1")}
PAYLOADS_VIDEO = {96: ("vp8", 90_000, ""), 102: ("h264", 90_000, "packetization-mode=1;profile-level-id=42e01f")}
PAYLOAD_TYPES = {"vp8": 96, "h264": 102, "opus": 111}
ORIENTATION_ID = 4


def picture(index: int, width: int, height: int) -> np.ndarray:
    """White in the first frame of each second, else dark with a moving bar and some texture."""
    if index % FPS == 0:
        return np.full((height, width, 3), 250, np.uint8)
    image = np.full((height, width, 3), 30, np.uint8)
    left = (index * 7) % (width - 40)
    image[height // 4 : height // 2, left : left + 40] = (200, 90, 40)
    image[::8, ::8] = 90
    return image


def left_edge_bright(index: int, width: int, height: int) -> np.ndarray:
    image = np.full((height, width, 3), 30, np.uint8)
    image[:, : width // 5] = 230
    return image


def encode_video(
    codec: str,
    seconds: float,
    *,
    width: int = 320,
    height: int = 240,
    keyframe_every: int = FPS,
    bit_rate: int = 600_000,
    draw: Callable[[int, int, int], np.ndarray] = picture,
) -> list[tuple[float, bytes]]:
    """(capture second, encoded frame) pairs; H.264 in Annex B, constrained baseline."""
    name = {"vp8": "libvpx", "h264": "libx264"}[codec]
    encoder = av.CodecContext.create(name, "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, FPS), Fraction(FPS)
    encoder.bit_rate, encoder.gop_size = bit_rate, keyframe_every
    if codec == "vp8":
        encoder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "error-resilient": "1"}
    else:
        encoder.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "profile": "baseline",
            "slice-max-size": "1500",
        }
    frames = []
    for index in range(round(seconds * FPS)):
        frame = av.VideoFrame.from_ndarray(draw(index, width, height), format="rgb24")
        frame.pts = index
        frames += encoder.encode(frame)
    frames += encoder.encode(None)
    return [(seconds_of(packet), bytes(packet)) for packet in frames]


def encode_audio(seconds: float) -> list[tuple[float, bytes]]:
    """20 ms Opus packets; a 1 kHz beep in the first 40 ms of each second, else silence."""
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, "mono", "s16"
    encoder.bit_rate = 32_000
    encoder.options = {"application": "audio"}
    packets = []
    for index in range(round(seconds * 50)):
        at = (np.arange(960) + index * 960) % 48_000
        wave = np.where(at < 1920, 20_000 * np.sin(2 * np.pi * 1000 * at / 48_000), 0)
        frame = av.AudioFrame.from_ndarray(wave.astype(np.int16).reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, index * 960, Fraction(1, 48_000)
        packets += encoder.encode(frame)
    return [(index * 0.02, bytes(packet)) for index, packet in enumerate(packets)]


def vp8_payloads(frame: bytes, size: int = 1000) -> list[bytes]:
    pieces = [frame[at : at + size] for at in range(0, len(frame), size)]
    return [(b"\x10" if index == 0 else b"\x00") + piece for index, piece in enumerate(pieces)]


def h264_payloads(frame: bytes, size: int = 1000) -> list[bytes]:
    units = [unit.rstrip(b"\0") for unit in frame.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if unit]
    payloads = []
    small = [u for u in units if u[0] & 31 in (7, 8)]
    if small:
        payloads.append(b"\x78" + b"".join(struct.pack("!H", len(u)) + u for u in small))
    for unit in units:
        if unit[0] & 31 in (7, 8):
            continue
        if len(unit) <= size:
            payloads.append(unit)
            continue
        pieces = [unit[at : at + size] for at in range(1, len(unit), size)]
        for index, piece in enumerate(pieces):
            flags = (0x80 if index == 0 else 0) | (0x40 if index == len(pieces) - 1 else 0)
            payloads.append(bytes((unit[0] & 0xE0 | 28, flags | unit[0] & 31)) + piece)
    return payloads


@dataclass
class Sent:
    """A packet on its way: when it left by true time, and its bytes (RTP, or an RTCP sender report)."""

    at_s: float
    data: bytes
    report: bool = False
    frame: int = -1


@dataclass
class Source:
    """One SSRC. `ntp_offset_s` is how wrong the sender's wall clock is."""

    codec: str
    ssrc: int
    ntp_offset_s: float = 0.0
    seq: int = 65_500
    base: int = 0xFFFF_F000
    frames: int = 0
    sent: list[Sent] = field(default_factory=list)

    @property
    def clock_hz(self) -> int:
        return 48_000 if self.codec == "opus" else 90_000

    def timestamp(self, capture_s: float) -> int:
        return (self.base + round(capture_s * self.clock_hz)) & 0xFFFF_FFFF

    def send(
        self, encoded: list[tuple[float, bytes]], *, start_s: float = 0.0, delay_s: float = 0.0,
        rotation: int | None = None, report_every: float | None = 1.0,
    ) -> Source:  # fmt: skip
        """Packets for frames captured at `start_s` + their second, leaving `delay_s` later, with sender reports."""
        reported = -1e9
        for capture, data in encoded:
            capture += start_s
            payloads = {"vp8": vp8_payloads, "h264": h264_payloads, "opus": lambda d: [d]}[self.codec](data)
            for index, payload in enumerate(payloads):
                last = index == len(payloads) - 1
                header = self.header(capture, marker=last, rotation=rotation if last else None)
                self.sent.append(Sent(capture + delay_s + index * 1e-4, header + payload, frame=self.frames))
            self.frames += 1
            if report_every is not None and capture - reported >= report_every:
                reported = capture
                self.sent.append(Sent(capture + delay_s + 5e-3, self.report(capture + delay_s + 5e-3), report=True))
        return self

    def header(self, capture_s: float, *, marker: bool, rotation: int | None) -> bytes:
        extension = b""
        if rotation is not None:
            extension = struct.pack("!HHBBH", 0xBEDE, 1, ORIENTATION_ID << 4, rotation // 90, 0)
        payload_type = PAYLOAD_TYPES[self.codec] | (0x80 if marker else 0)
        first = 0x90 if extension else 0x80
        packed = struct.pack("!BBHII", first, payload_type, self.seq, self.timestamp(capture_s), self.ssrc)
        self.seq = (self.seq + 1) & 0xFFFF
        return packed + extension

    def report(self, at_s: float) -> bytes:
        ntp = 2_208_988_800 + 1_790_000_000 + at_s + self.ntp_offset_s
        words = struct.pack("!IIIII", int(ntp), int((ntp % 1) * 2**32), self.timestamp(at_s), 0, 0)
        return struct.pack("!BBHI", 0x80, 200, 6, self.ssrc) + words


def received_whole(sent: list[Sent], kept: list[Sent]) -> int:
    """How many frames of `sent` have all of their packets among `kept`."""
    wanted: dict[int, int] = {}
    for packet in sent:
        if not packet.report:
            wanted[packet.frame] = wanted.get(packet.frame, 0) + 1
    for packet in {p.data: p for p in kept if not p.report}.values():
        wanted[packet.frame] -= 1
    return sum(left == 0 for left in wanted.values())


def disturbed(
    sent: list[Sent], seed: int, *, loss: float = 0.0, duplicates: float = 0.0, jitter_s: float = 0.0
) -> list[Sent]:
    chance = random.Random(seed)
    kept = [p for p in sent if p.report or chance.random() >= loss]
    kept += [p for p in kept if not p.report and chance.random() < duplicates]
    return sorted(
        (Sent(p.at_s + chance.random() * jitter_s, p.data, p.report, p.frame) for p in kept), key=lambda p: p.at_s
    )


def tape(stream: Stream, sent: list[Sent], origin_ns: int) -> None:
    for packet in sorted(sent, key=lambda packet: packet.at_s):
        at_ns = origin_ns + round(packet.at_s * 1e9)
        if packet.report:
            stream.sender_report(packet.data, at_ns)
        else:
            stream.rtp(packet.data, at_ns)


def open_stream(recorder: Recorder, track: str, codec: str) -> Stream:
    if codec == "opus":
        return recorder.stream(track, "audio", PAYLOADS_AUDIO, None)
    return recorder.stream(track, "video", PAYLOADS_VIDEO, ORIENTATION_ID)


def write_run(path: Path, sources: list[tuple[str, list[Sent], str]], *, wall_ns: int, boot: str = "") -> None:
    """One journal file as a recorder writes it, with a clock of the test's choosing: (track, packets, codec) each."""
    mono_ns = 7_000_000_000_000
    anchor = json.dumps({"wall_ns": wall_ns, "mono_ns": mono_ns, "boot": boot}).encode()
    blocks = [journal.block(journal.record(journal.RUN, 0, mono_ns, anchor))]
    rows: list[tuple[float, bytes]] = []
    for number, (track, sent, codec) in enumerate(sources, 1):
        audio = codec == "opus"
        header = journal.StreamHeader(
            track, "audio" if audio else "video", PAYLOADS_AUDIO if audio else PAYLOADS_VIDEO,
            None if audio else ORIENTATION_ID,
        )  # fmt: skip
        blocks.append(journal.block(journal.record(journal.STREAM, number, mono_ns, header.to_bytes())))
        for packet in sent:
            kind = journal.REPORT if packet.report else journal.RTP
            at_ns = mono_ns + round(packet.at_s * 1e9)
            rows.append((packet.at_s, journal.record(kind, number, at_ns, packet.data)))
    rows.sort(key=lambda row: row[0])
    for at in range(0, len(rows), 100):
        blocks.append(journal.block(b"".join(data for _, data in rows[at : at + 100])))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(journal.MAGIC + b"".join(blocks))


WALL_NS = 1_790_000_000 * 1_000_000_000


def person(
    label: str, *, seconds: float = 3.0, codec: str = "vp8", start_s: float = 0.0, ssrc: int = 1000, ntp_offset_s: float = 0.0,
    video_delay_s: float = 0.0, audio_delay_s: float = 0.0, rotation: int | None = None, width: int = 320, height: int = 240,
    report_every: float | None = 1.0,
) -> list[tuple[str, list[Sent], str]]:  # fmt: skip
    video = Source(codec, ssrc, ntp_offset_s, base=0xFFFF_0000 + ssrc).send(
        encode_video(codec, seconds, width=width, height=height),
        start_s=start_s, delay_s=video_delay_s, rotation=rotation, report_every=report_every,
    )  # fmt: skip
    sound = Source("opus", ssrc + 1, ntp_offset_s, base=77 * ssrc).send(
        encode_audio(seconds), start_s=start_s, delay_s=audio_delay_s, report_every=report_every
    )
    return [(label, video.sent, codec), (label, sound.sent, "opus")]


@dataclass
class Watched:
    """What a file holds: packets per stream index, decoded pictures' times of a flash, sound's times of a beep."""

    packets: dict[int, int]
    kinds: dict[int, str]
    flashes: dict[int, list[float]]
    beeps: dict[int, list[float]]
    decoded: dict[int, int]
    times: dict[int, list[float]]
    rotation: int = 0
    duration_s: float = 0.0


def seconds_of(packet: av.Packet[Any]) -> float:
    assert packet.pts is not None
    return float(packet.pts * packet.time_base)


def watch(path: Path) -> Watched:
    """Demuxes and decodes a whole file; raises when anything in it does not decode."""
    seen = Watched({}, {}, {}, {}, {}, {})
    with av.open(str(path)) as file:
        assert file.duration is not None
        seen.duration_s = file.duration / 1e6
        for stream in file.streams:
            seen.kinds[stream.index] = stream.type
            for table in (seen.packets, seen.decoded):
                table[stream.index] = 0
            for lists in (seen.flashes, seen.beeps, seen.times):
                lists[stream.index] = []
        for packet in file.demux():
            index = packet.stream_index
            if packet.size:
                seen.packets[index] += 1
                seen.times[index].append(seconds_of(packet))
            for frame in packet.decode():
                seen.decoded[index] += 1
                if isinstance(frame, av.VideoFrame):
                    seen.rotation = frame.rotation
                    if frame.to_ndarray(format="gray").mean() > 150:
                        seen.flashes[index].append(frame.time)
                elif isinstance(frame, av.AudioFrame):
                    loud = np.flatnonzero(np.abs(frame.to_ndarray()[0].astype(float)).reshape(-1) > 0.15)
                    if len(loud):
                        at = frame.time + loud[0] / frame.layout.nb_channels / frame.sample_rate
                        if not seen.beeps[index] or at - seen.beeps[index][-1] > 0.3:
                            seen.beeps[index].append(at)
    return seen
