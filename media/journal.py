"""The journal of a call: RTP as it came, in files that may end anywhere.

One folder per call, one file per run of a recorder. A file is `MAGIC`, then blocks:

    block   = "LPJB" | u32 body length | u32 CRC-32 of the body | body          (little endian)
    body    = records
    record  = u8 kind | u16 stream | u32 length | u64 arrival (monotonic ns) | bytes

A block that is cut or altered is left out, and reading goes on at the next block that is whole.
"""

from __future__ import annotations

import json
import mmap
import struct
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MAGIC = b"LOUPEJ1\n"
SUFFIX = ".journal"
BLOCK_MARK = b"LPJB"
BLOCK = struct.Struct("<4sII")
RECORD = struct.Struct("<BHIQ")
MAX_BLOCK_BYTES = 64 * 1024 * 1024

RUN, STREAM, RTP, REPORT, PAUSE, RESUME = 1, 2, 3, 4, 5, 6

_DAY_NS = 24 * 3600 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class StreamHeader:
    """What a stream said of itself: `payloads` maps a payload type to (codec name in lower case, clock in Hz, fmtp)."""

    track: str
    kind: str
    payloads: dict[int, tuple[str, int, str]]
    orientation_id: int | None

    def to_bytes(self) -> bytes:
        return json.dumps(
            {
                "track": self.track,
                "kind": self.kind,
                "payloads": {str(pt): list(codec) for pt, codec in self.payloads.items()},
                "orientation_id": self.orientation_id,
            }
        ).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> StreamHeader:
        """Raises ValueError for anything that no recorder wrote."""
        said = _json_object(data)
        try:
            payloads = {
                int(pt): (str(name).lower(), int(clock_hz), str(fmtp))
                for pt, (name, clock_hz, fmtp) in said["payloads"].items()
            }
            orientation = said["orientation_id"]
            header = cls(
                str(said["track"]), str(said["kind"]), payloads, None if orientation is None else int(orientation)
            )
        except (KeyError, TypeError, AttributeError, OverflowError) as fault:
            raise ValueError("not a stream header") from fault
        if header.kind not in ("audio", "video") or any(not 1000 <= c[1] <= 1_000_000 for c in payloads.values()):
            raise ValueError("not a stream header")
        return header


@dataclass(slots=True)
class HeardStream:
    """The packets of one opened stream, as columns: arrival in monotonic ns, and where in the file the bytes are."""

    header: StreamHeader
    arrival_ns: array[int] = field(default_factory=lambda: array("q"))
    start: array[int] = field(default_factory=lambda: array("q"))
    length: array[int] = field(default_factory=lambda: array("q"))
    reports: list[tuple[int, bytes]] = field(default_factory=list)


@dataclass(slots=True)
class Run:
    """One file of the journal. `wall_ns` (Unix) was the time when the monotonic clock stood at `mono_ns`; runs with the
    same `boot` share one monotonic clock."""

    path: Path
    data: memoryview
    wall_ns: int
    mono_ns: int
    boot: str
    streams: list[HeardStream]
    bad_blocks: int


def block(body: bytes) -> bytes:
    return BLOCK.pack(BLOCK_MARK, len(body), zlib.crc32(body)) + body


def record(kind: int, stream: int, arrival_ns: int, data: bytes) -> bytes:
    return RECORD.pack(kind, stream, len(data), arrival_ns) + data


def read_runs(folder: Path) -> list[Run]:
    """Every readable file of a call's folder, oldest first. Files without one whole block are left out."""
    runs = [run for path in sorted(folder.glob(f"*{SUFFIX}")) if (run := read_run(path)) is not None]
    return sorted(runs, key=lambda run: (run.wall_ns, run.path.name))


def read_run(path: Path) -> Run | None:
    with path.open("rb") as file:
        try:
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        except ValueError:  # an empty file cannot be mapped
            return None
    run = Run(path, data, 0, 0, "", [], 0)
    by_id: dict[int, HeardStream] = {}
    known = False
    for start, end in _blocks(data, run):
        for kind, stream, arrival_ns, at, length in _records(data, start, end):
            if kind == RUN:
                known = _take_anchor(run, bytes(data[at : at + length])) or known
            elif not known or abs(arrival_ns - run.mono_ns) > 30 * _DAY_NS:
                continue
            elif kind == RTP:
                if (heard := by_id.get(stream)) is not None:
                    heard.arrival_ns.append(arrival_ns)
                    heard.start.append(at)
                    heard.length.append(length)
            elif kind == REPORT:
                if (heard := by_id.get(stream)) is not None:
                    heard.reports.append((arrival_ns, bytes(data[at : at + length])))
            elif kind == STREAM:
                try:
                    heard = HeardStream(StreamHeader.from_bytes(bytes(data[at : at + length])))
                except ValueError:
                    by_id.pop(stream, None)
                    continue
                by_id[stream] = heard
                run.streams.append(heard)
    return run if known else None


def _take_anchor(run: Run, data: bytes) -> bool:
    try:
        said = _json_object(data)
        wall_ns, mono_ns = int(said["wall_ns"]), int(said["mono_ns"])
        boot = str(said.get("boot", ""))
    except (ValueError, KeyError, TypeError, OverflowError):
        return False
    if not (0 <= wall_ns < 1 << 62 and 0 <= mono_ns < 1 << 62):
        return False
    run.wall_ns, run.mono_ns, run.boot = wall_ns, mono_ns, boot
    return True


def _json_object(data: bytes) -> dict[str, Any]:
    try:
        said = json.loads(data)
    except (ValueError, RecursionError) as fault:
        raise ValueError("not JSON") from fault
    if not isinstance(said, dict):
        raise ValueError("not a JSON object")
    return said


def _blocks(data: memoryview, run: Run) -> Iterator[tuple[int, int]]:
    if bytes(data[: len(MAGIC)]) != MAGIC:
        return
    raw = data.obj
    assert isinstance(raw, mmap.mmap)
    at = len(MAGIC)
    while at + BLOCK.size <= len(data):
        mark, length, checksum = BLOCK.unpack_from(data, at)
        start = at + BLOCK.size
        whole = mark == BLOCK_MARK and length <= MAX_BLOCK_BYTES and start + length <= len(data)
        if whole and zlib.crc32(data[start : start + length]) == checksum:
            yield start, start + length
            at = start + length
            continue
        run.bad_blocks += 1
        at = raw.find(BLOCK_MARK, at + 1)
        if at < 0:
            return


def _records(data: memoryview, start: int, end: int) -> Iterator[tuple[int, int, int, int, int]]:
    at = start
    unpack, size = RECORD.unpack_from, RECORD.size
    while at + size <= end:
        kind, stream, length, arrival_ns = unpack(data, at)
        at += size
        if at + length > end:
            return
        yield kind, stream, arrival_ns, at, length
        at += length
