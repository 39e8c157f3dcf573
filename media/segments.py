"""From the journal's runs to segments: stretches of one source (SSRC) whose numbers and clock run on without a break."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from media.frames import Piece
from media.journal import HeardStream, Run
from media.rtp import Orientation, Rtp, read_rtp, read_sender_reports

# A source that was silent this long starts afresh: its 16-bit sequence numbers may have turned over meanwhile.
SILENCE_S = 2.0
# Numbers further apart than this are another numbering (RFC 3550, A.1, takes 3000 and 100).
MAX_AHEAD, MAX_BEHIND = 3000, 1000
# RTP time and arrival may drift apart this far (a stalled network) before it is another clock.
MAX_CLOCK_JUMP_S = 5.0
# Runs of one call further apart than this mean that the machine's clock was set, not that somebody waited.
MAX_RUN_GAP_NS = 6 * 3600 * 1_000_000_000
_KNOWN = {"audio": ("opus",), "video": ("vp8", "h264")}


@dataclass(slots=True)
class Report:
    """A sender report: when it came, what the sender's wall clock said, at which (unwrapped) RTP time."""

    arrival_s: float
    ntp_s: float
    timestamp: int


@dataclass(slots=True)
class Segment:
    """Sorted by sequence number, without duplicates. Times in seconds from the journal's origin."""

    run: int
    track: str
    kind: str
    codec: str
    clock_hz: int
    ssrc: int
    data: memoryview
    arrival_s: NDArray[np.float64]
    timestamps: NDArray[np.int64]
    pieces: list[Piece]
    orientations: list[Orientation | None]
    duplicates: int
    reports: list[Report] = field(default_factory=list)


# timestamp (unwrapped), arrival, marker, start and end of the payload in the file, orientation
_Row = tuple[int, int, bool, int, int, Orientation | None]


@dataclass(slots=True)
class _Open:
    """A segment while it grows, in order of arrival."""

    run: int
    stream: HeardStream
    codec: str
    clock_hz: int
    ssrc: int
    top_seq: int
    top_timestamp: int
    top_arrival_ns: int
    rows: dict[int, _Row] = field(default_factory=dict)  # by unwrapped sequence number
    last_arrival_ns: int = 0
    duplicates: int = 0
    reports: list[tuple[int, float, int]] = field(default_factory=list)


@dataclass(slots=True)
class Segments:
    """`origin_ns` is Unix time of second 0 of all segments. `foreign` counts packets of no known codec, `broken` those
    that are no RTP, `cut_blocks` the journal's damaged places."""

    origin_ns: int
    segments: list[Segment]
    foreign: int = 0
    broken: int = 0
    cut_blocks: int = 0


def read_segments(runs: list[Run]) -> Segments | None:
    """None when no packet of a known codec was heard."""
    if not runs:
        return None
    found = Segments(runs[0].wall_ns, [], cut_blocks=sum(run.bad_blocks for run in runs))
    for index, (run, shift_ns) in enumerate(_on_one_clock(runs)):
        for stream in run.streams:
            for segment in _open_segments(index, run, stream, found):
                found.segments.append(_finish(segment, shift_ns, run.data, found.origin_ns))
    return found if found.segments else None


def _on_one_clock(runs: list[Run]) -> Iterable[tuple[Run, int]]:
    """Each run with what must be added to its monotonic times to get Unix ns."""
    boots: dict[str, int] = {}
    end_ns: int | None = None
    for run in runs:
        shift = run.wall_ns - run.mono_ns
        if run.boot:
            shift = boots.setdefault(run.boot, shift)
        arrivals = [a for s in run.streams if len(s.arrival_ns) for a in (min(s.arrival_ns), max(s.arrival_ns))]
        if arrivals:
            start, end = min(arrivals) + shift, max(arrivals) + shift
            if end_ns is not None and start > end_ns + MAX_RUN_GAP_NS:
                moved = start - end_ns - 1_000_000_000
                shift, end = shift - moved, end - moved
                if run.boot:
                    boots[run.boot] = shift
            end_ns = end if end_ns is None else max(end, end_ns)
        yield run, shift


def _open_segments(index: int, run: Run, stream: HeardStream, found: Segments) -> list[_Open]:
    header, data = stream.header, run.data
    current: dict[tuple[int, int], _Open] = {}
    segments: list[_Open] = []
    known = {pt: c for pt, c in header.payloads.items() if c[0] in _KNOWN[header.kind]}
    reports = iter(sorted(stream.reports, key=lambda report: report[0]))
    report = next(reports, None)
    for arrival_ns, start, length in zip(stream.arrival_ns, stream.start, stream.length, strict=True):
        while report is not None and report[0] <= arrival_ns:
            _note_reports(report, current)
            report = next(reports, None)
        rtp = read_rtp(data[start : start + length], header.orientation_id)
        if rtp is None:
            found.broken += 1
            continue
        codec = known.get(rtp.payload_type)
        if codec is None:
            found.foreign += 1
            continue
        key = (rtp.ssrc, rtp.payload_type)
        segment = current.get(key)
        if segment is None or not _follows(segment, rtp, arrival_ns):
            segment = _Open(index, stream, codec[0], codec[1], rtp.ssrc, rtp.seq, rtp.timestamp, arrival_ns)
            current[key] = segment
            segments.append(segment)
        _add(segment, rtp, arrival_ns, start)
    while report is not None:
        _note_reports(report, current)
        report = next(reports, None)
    return segments


def _turn(value: int, bits: int) -> int:
    half = 1 << (bits - 1)
    return (value + half) % (1 << bits) - half


def _follows(segment: _Open, rtp: Rtp, arrival_ns: int) -> bool:
    ahead = _turn(rtp.seq - segment.top_seq, 16)
    if arrival_ns - segment.last_arrival_ns > SILENCE_S * 1e9 or not -MAX_BEHIND <= ahead <= MAX_AHEAD:
        return False
    clock = _turn(rtp.timestamp - segment.top_timestamp, 32) / segment.clock_hz
    return abs(clock - (arrival_ns - segment.top_arrival_ns) / 1e9) <= MAX_CLOCK_JUMP_S


def _add(segment: _Open, rtp: Rtp, arrival_ns: int, start: int) -> None:
    seq = segment.top_seq + _turn(rtp.seq - segment.top_seq, 16)
    timestamp = segment.top_timestamp + _turn(rtp.timestamp - segment.top_timestamp, 32)
    segment.last_arrival_ns = arrival_ns
    if seq in segment.rows:
        segment.duplicates += 1
        return
    segment.rows[seq] = (timestamp, arrival_ns, rtp.marker, start + rtp.start, start + rtp.end, rtp.orientation)
    if seq > segment.top_seq:
        segment.top_seq, segment.top_timestamp, segment.top_arrival_ns = seq, timestamp, arrival_ns


def _note_reports(report: tuple[int, bytes], current: dict[tuple[int, int], _Open]) -> None:
    arrival_ns, packet = report
    for said in read_sender_reports(packet):
        for (ssrc, _), segment in current.items():
            if ssrc != said.ssrc:
                continue
            timestamp = segment.top_timestamp + _turn(said.timestamp - segment.top_timestamp, 32)
            clock = (timestamp - segment.top_timestamp) / segment.clock_hz
            # A report that does not fit this segment's clock belongs to the one before or after, or is no honest one.
            if abs(clock - (arrival_ns - segment.top_arrival_ns) / 1e9) <= MAX_CLOCK_JUMP_S:
                segment.reports.append((arrival_ns, said.ntp, timestamp))


def _finish(segment: _Open, shift_ns: int, data: memoryview, origin_ns: int) -> Segment:
    rows = sorted(segment.rows.items())
    segment.rows = {}
    header = segment.stream.header
    pieces = [Piece(seq, timestamp, marker, data[start:end]) for seq, (timestamp, _, marker, start, end, _) in rows]
    return Segment(
        segment.run,
        header.track,
        header.kind,
        segment.codec,
        segment.clock_hz,
        segment.ssrc,
        data,
        np.array([(arrival_ns + shift_ns - origin_ns) / 1e9 for _, (_, arrival_ns, *_) in rows], dtype=np.float64),
        np.array([row[0] for _, row in rows], dtype=np.int64),
        pieces,
        [row[5] for _, row in rows],
        segment.duplicates,
        [Report((a + shift_ns - origin_ns) / 1e9, ntp, timestamp) for a, ntp, timestamp in segment.reports],
    )
