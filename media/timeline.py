"""One clock for all that was heard: seconds since the journal's origin, by the server's clock.

A sender's reports tie its sound and its picture to that sender's own wall clock (RFC 3550, 6.4.1), which gives lip sync.
That clock is tied to ours by the quickest of its reports around each moment. A source without reports goes by its RTP
clock, tied to ours by its quickest packets.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from media.segments import Segment

Seconds = NDArray[np.float64]

# Reports of one device tell the same offset but for the network's jitter; another device's clock is further off.
_SAME_CLOCK_S = 0.5
# Long enough to hold a quick packet, short enough to follow clocks that drift 50 ppm (3 ms a minute).
_REPORT_WINDOW_S = 60.0
_PACKET_WINDOW_S = 10.0
# Reports that put a source this far from where its packets arrived, or stretch it this much, are wrong.
_BELIEVABLE_S = 3.0
_STRETCH_S = 1.0


def place(segments: Sequence[Segment]) -> list[Seconds]:
    """For each segment the time of each of its packets' RTP timestamps."""
    by_arrival = [_by_arrival(segment) for segment in segments]
    placed = list(by_arrival)
    groups: dict[tuple[int, str], list[int]] = defaultdict(list)
    for index, segment in enumerate(segments):
        if segment.reports:
            groups[segment.run, segment.track].append(index)
    for members in groups.values():
        for device in _devices(segments, members):
            knots, offsets = _offsets_to_ours(segments, device)
            for index in device:
                sender = _by_reports(segments[index])
                ours = sender + np.interp(sender, knots, offsets)
                apart = ours - by_arrival[index]
                if np.max(np.abs(apart)) <= _BELIEVABLE_S and np.ptp(apart) <= _STRETCH_S:
                    placed[index] = ours
    return placed


def _by_arrival(segment: Segment) -> Seconds:
    clock = segment.timestamps / segment.clock_hz
    late = segment.arrival_s - clock
    # The quickest packet of each second, then of the seconds around it.
    seconds = np.floor(segment.arrival_s).astype(np.int64)
    names, which = np.unique(seconds, return_inverse=True)
    quickest = np.full(len(names), np.inf)
    np.minimum.at(quickest, which, late)
    around = _lower_envelope(names.astype(np.float64), quickest, _PACKET_WINDOW_S)
    return np.asarray(clock + np.interp(segment.arrival_s, names + 0.5, around), dtype=np.float64)


def _by_reports(segment: Segment) -> Seconds:
    """The sender's own wall clock for each packet; the median of neighbouring reports evens out their jitter."""
    reports = sorted(segment.reports, key=lambda report: report.timestamp)
    at = np.array([report.timestamp / segment.clock_hz for report in reports])
    offset = np.array([report.ntp_s for report in reports]) - at
    even = np.array([np.median(offset[max(0, i - 2) : i + 3]) for i in range(len(offset))])
    clock = segment.timestamps / segment.clock_hz
    return np.asarray(clock + np.interp(clock, at, even), dtype=np.float64)


def _devices(segments: Sequence[Segment], members: list[int]) -> list[list[int]]:
    """Groups segments whose reports speak of the same wall clock."""
    offset = {i: min(r.arrival_s - r.ntp_s for r in segments[i].reports) for i in members}
    devices: list[list[int]] = []
    for index in sorted(members, key=lambda i: offset[i]):
        if devices and offset[index] - offset[devices[-1][-1]] <= _SAME_CLOCK_S:
            devices[-1].append(index)
        else:
            devices.append([index])
    return devices


def _offsets_to_ours(segments: Sequence[Segment], device: list[int]) -> tuple[Seconds, Seconds]:
    heard = sorted((r.ntp_s, r.arrival_s - r.ntp_s) for i in device for r in segments[i].reports)
    ntp = np.array([at for at, _ in heard])
    late = np.array([offset for _, offset in heard])
    return ntp, _lower_envelope(ntp, late, _REPORT_WINDOW_S)


def _lower_envelope(at: Seconds, values: Seconds, window_s: float) -> Seconds:
    """The least value within `window_s` before and after each (sorted) place."""
    low = np.searchsorted(at, at - window_s, side="left")
    high = np.searchsorted(at, at + window_s, side="right")
    return np.array([values[a:b].min() for a, b in zip(low, high, strict=True)], dtype=np.float64)
