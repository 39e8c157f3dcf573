"""Writes WebM and Matroska (RFC 8794, RFC 9559): frames as they are, a duration, and cues in front so that one can seek."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from io import BufferedRandom, BufferedWriter

# A cluster's frames count from its start in 16 bits of milliseconds; players seek best among small ones.
_CLUSTER_MS = 5_000
_CLUSTER_BYTES = 2_000_000
_CUE_BYTES = 40  # an upper bound of one cue point


@dataclass(frozen=True, slots=True)
class Entry:
    """A track as its header says it: `codec_id` after the Matroska codec registry, `turn` clockwise degrees."""

    kind: str
    codec_id: str
    name: str
    private: bytes = b""
    width: int = 0
    height: int = 0
    turn: int = 0


def _element(number: int, body: bytes) -> bytes:
    return _id(number) + _size(len(body)) + body


def _id(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def _size(length: int) -> bytes:
    width = 1
    while length >= (1 << 7 * width) - 1:
        width += 1
    return ((1 << 7 * width) | length).to_bytes(width, "big")


def _uint(number: int, value: int) -> bytes:
    return _element(number, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def _double(number: int, value: float) -> bytes:
    return _element(number, struct.pack("!d", value))


def _text(number: int, value: str) -> bytes:
    return _element(number, value.encode())


class MatroskaWriter:
    """Frames must come in the order of their time, tracks counted from 1. `cues` is how many cue points are at most
    asked for; those beyond are left out."""

    def __init__(
        self, file: BufferedWriter | BufferedRandom, doc_type: str, entries: list[Entry], duration_ms: int, cues: int
    ) -> None:
        self._file = file
        self._has_video = any(entry.kind == "video" for entry in entries)
        self._cues: list[tuple[int, int, int]] = []
        self._cluster: list[bytes] = []
        self._cluster_ms = 0
        self._cluster_bytes = 0
        self._cluster_keys: list[int] = []
        file.write(
            _element(
                0x1A45DFA3,
                _uint(0x4286, 1) + _uint(0x42F7, 1) + _uint(0x42F2, 4) + _uint(0x42F3, 8)
                + _text(0x4282, doc_type) + _uint(0x4287, 4) + _uint(0x4285, 2),
            )
        )  # fmt: skip
        file.write(_id(0x18538067))
        self._segment_size_at = file.tell()
        file.write(b"\x01" + bytes(7))
        self._segment_at = file.tell()
        info = _element(
            0x1549A966,
            _uint(0x2AD7B1, 1_000_000) + _double(0x4489, float(duration_ms))
            + _text(0x4D80, "Loupe") + _text(0x5741, "Loupe"),
        )  # fmt: skip
        tracks = _element(0x1654AE6B, b"".join(_track(n, entry) for n, entry in enumerate(entries, 1)))
        places = 96  # three entries of 21 bytes, the head, and a void of at least 9
        self._info_at, self._tracks_at = places, places + len(info)
        self._cues_at = self._tracks_at + len(tracks)
        file.write(self._seek_head(places) + info + tracks)
        self._cues_room = cues * _CUE_BYTES + 16
        file.write(_void(self._cues_room))

    def _seek_head(self, room: int) -> bytes:
        seeks = b""
        for number, at in ((0x1549A966, self._info_at), (0x1654AE6B, self._tracks_at), (0x1C53BB6B, self._cues_at)):
            position = _element(0x53AC, struct.pack("!Q", at))
            seeks += _element(0x4DBB, _element(0x53AB, _id(number)) + position)
        head = _element(0x114D9B74, seeks)
        return head + _void(room - len(head))

    def write(self, track: int, at_ms: int, keyframe: bool, data: bytes, *, video: bool) -> None:
        due = at_ms - self._cluster_ms >= _CLUSTER_MS or self._cluster_bytes >= _CLUSTER_BYTES
        if self._cluster and (due or (video and keyframe and at_ms - self._cluster_ms >= 500)):
            self._end_cluster()
        if not self._cluster:
            self._cluster_ms, self._cluster_bytes = at_ms, 0
        if keyframe and (video or not self._has_video) and track not in self._cluster_keys:
            self._cluster_keys.append(track)
            self._cues.append((at_ms, track, self._file.tell() - self._segment_at))
        block = struct.pack("!Bhb", 0x80 | track, at_ms - self._cluster_ms, -128 if keyframe else 0) + data
        self._cluster.append(_id(0xA3) + _size(len(block)) + block)
        self._cluster_bytes += len(block)

    def _end_cluster(self) -> None:
        body = _uint(0xE7, self._cluster_ms) + b"".join(self._cluster)
        self._file.write(_id(0x1F43B675) + _size(len(body)) + body)
        self._cluster, self._cluster_keys = [], []

    def close(self) -> None:
        """Writes what is left and the index; the file itself stays open."""
        if self._cluster:
            self._end_cluster()
        end = self._file.tell()
        points, room = b"", self._cues_room - 16
        for at_ms, track, position in self._cues:
            places = _element(0xB7, _uint(0xF7, track) + _uint(0xF1, position))
            point = _element(0xBB, _uint(0xB3, at_ms) + places)
            if len(points) + len(point) > room:
                break
            points += point
        if points:
            cues = _element(0x1C53BB6B, points)
            self._file.seek(self._segment_at + self._cues_at)
            self._file.write(cues + _void(self._cues_room - len(cues)))
        self._file.seek(self._segment_size_at)
        self._file.write(((1 << 56) | (end - self._segment_at)).to_bytes(8, "big"))
        self._file.seek(end)


def _void(room: int) -> bytes:
    """An element that fills exactly `room` (at least 9) bytes."""
    return b"\xec" + ((1 << 56) | (room - 9)).to_bytes(8, "big") + bytes(room - 9)


def _track(number: int, entry: Entry) -> bytes:
    body = _uint(0xD7, number) + _uint(0x73C5, number) + _uint(0x83, 1 if entry.kind == "video" else 2)
    body += _uint(0x9C, 0) + _text(0x22B59C, "und") + _text(0x536E, entry.name) + _text(0x86, entry.codec_id)
    if entry.private:
        body += _element(0x63A2, entry.private)
    if entry.kind == "video":
        picture = _uint(0xB0, entry.width) + _uint(0xBA, entry.height)
        if entry.turn:
            # ProjectionPoseRoll turns counter-clockwise, in -180..180.
            roll = -entry.turn if entry.turn <= 180 else 360 - entry.turn
            picture += _element(0x7670, _uint(0x7671, 0) + _double(0x7675, float(roll)))
        body += _element(0xE0, picture)
    else:
        body += _uint(0x56BB, 80_000_000)
        body += _element(0xE1, _double(0xB5, 48_000.0) + _uint(0x9F, 2))
    return _element(0xAE, body)
