"""Is everything in the recording? The file's frames beside what each client sent, recognised by their sizes and order."""

from __future__ import annotations

import asyncio
import io
import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import av

from loadtest.call_pair import Pair
from loadtest.clients import Client
from loadtest.front_door import Visitor
from loadtest.measures import percentile, shift_between

READY_DEADLINE_S = 60.0
LOOK_EVERY_S = 0.25
_CHUNK = 25
_SAME_NS = 20_000_000  # half a frame; an audio packet. A file's seconds are rounded to milliseconds
_ASIDE = 50  # frames; a timeline may have been cut and joined
_ANCHOR = 6  # frames whose sizes in a row say where in the clip a file begins
_SLACK_NS = 60_000_000  # what is on its way when the call begins or ends

Log = Sequence[tuple[int, int]]  # (nanosecond, bytes), in the order of sending
Filed = Sequence[tuple[float, int]]  # (second in the file, bytes)


@dataclass(slots=True)
class Completeness:
    """Sums over both people of all calls; frames sent between the answer and the hang-up only. `lacking` were seen by the
    other person and are not in the file. `lags_ms` has, for each person, by how much pictures lie behind the sound in the
    file, beside how they were sent."""

    sent: int = 0
    received: int = 0
    recorded: int = 0
    lacking: int = 0
    calls: int = 0
    unfinished: int = 0
    lags_ms: list[float] | None = None

    def facts(self) -> dict[str, object]:
        lags = [abs(lag) for lag in self.lags_ms or []]
        return {
            "frames_sent": self.sent,
            "frames_received": self.received,
            "frames_recorded": self.recorded,
            "lost_share": round(self.lacking / self.received, 6) if self.received else None,
            "av_sync_ms": round(percentile(lags, 0.95), 1) if lags else None,
            "calls": self.calls,
            "unfinished": self.unfinished,
        }


def matched(log: Log, filed: Filed) -> list[tuple[int, float]]:
    """(nanosecond of sending, second in the file) of each frame that is in the file, in its place."""
    sizes = [size for _, size in log]
    wanted = [size for _, size in filed]
    best: list[tuple[int, float]] = []
    anchor = wanted[:_ANCHOR]
    for start in range(len(sizes) - len(anchor) + 1):
        if anchor and sizes[start : start + len(anchor)] == anchor:
            found = _walk(log[start:], filed)
            if len(found) > len(best):
                best = found
    return best


def _walk(log: Log, filed: Filed) -> list[tuple[int, float]]:
    """Skips what the file lacks, be it minutes: after the first one frames are looked for at their time. What the file has
    and nobody sent is skipped there."""
    found: list[tuple[int, float]] = []
    sent_ns = [ns for ns, _ in log]
    at = 0
    for second, size in filed:
        near = at
        if found:
            due_ns = found[-1][0] + (second - found[-1][1]) * 1e9
            near = max(at, bisect_left(sent_ns, due_ns - _SAME_NS))
        place = next((n for n in range(near, min(near + _ASIDE, len(log))) if log[n][1] == size), None)
        if place is not None:
            found.append((log[place][0], second))
            at = place + 1
    return found


def read_file(data: bytes) -> dict[str, list[tuple[float, int]]]:
    """Second and size of each packet, by kind; nothing is decoded."""
    found: dict[str, list[tuple[float, int]]] = {"video": [], "audio": []}
    with av.open(io.BytesIO(data), "r") as container:
        for packet in container.demux():
            if packet.pts is not None and packet.size and packet.stream.type in found:
                found[packet.stream.type].append((float(packet.pts * packet.time_base), packet.size))
    return found


def lag_ms(pictures: list[tuple[int, float]], sounds: list[tuple[int, float]]) -> float | None:
    """How much later than the sound the pictures are in the file than they were when sent."""
    if not pictures or not sounds:
        return None
    picture_s = percentile([second - ns / 1e9 for ns, second in pictures], 0.5)
    sound_s = percentile([second - ns / 1e9 for ns, second in sounds], 0.5)
    return (picture_s - sound_s) * 1000


async def examine(pairs: list[Pair], reader: Visitor) -> Completeness:
    """Waits until the server has finished the recordings. `reader` is signed in as staff."""
    found = Completeness(lags_ms=[])
    deadline = time.monotonic() + READY_DEADLINE_S + 2 * len(pairs)
    for pair in pairs:
        recording = await _finished(reader, pair.call_id, deadline)
        found.calls += 1
        if recording is None:
            found.unfinished += 1
        for visitor, other, name in ((pair.customer, pair.staff, "customer"), (pair.staff, pair.customer, "staff")):
            begin, end = pair.live_ns + _SLACK_NS, pair.over_ns - _SLACK_NS
            client = visitor.client
            sent = {ns for ns, _ in client.frame_log if begin <= ns <= end}
            seen = seen_by(client, other.client) & sent
            found.sent += len(sent)
            found.received += len(seen)
            if recording is None or name not in recording["files"]:
                found.lacking += len(seen)
                continue
            data = await reader.download(f"/api/calls/{pair.call_id}/files/{name}")
            filed = await asyncio.to_thread(read_file, data)
            pictures = matched(client.frame_log, filed["video"])
            kept = {ns for ns, _ in pictures} & sent
            found.recorded += len(kept)
            found.lacking += len(seen - kept)
            lag = lag_ms(pictures, matched(client.sound_log, filed["audio"]))
            if lag is not None and found.lags_ms is not None:
                found.lags_ms.append(lag)
    return found


def seen_by(source: Client, sink: Client) -> set[int]:
    """Of the frames in `source.frame_log`, the nanoseconds of those that `sink` could show. What a server adds to the
    timestamps may change once, when it goes over from what it kept to what comes."""
    stamps = list(source.sent_frames)
    shown = [stamp for stamp, _ in sink.arrived_frames]
    shifts = {shift_between(stamps, shown[at : at + _CHUNK]) for at in range(0, len(shown), _CHUNK)} - {None}
    place = {stamp + by: at for at, stamp in enumerate(stamps) for by in (-2, -1, 1, 2, 0)}  # as exact as the shift is
    found = (place.get((stamp - shift) % (1 << 32)) for shift in shifts if shift is not None for stamp in shown)
    return {source.frame_log[at][0] for at in found if at is not None}


async def _finished(reader: Visitor, call_id: str, deadline: float) -> dict[str, Any] | None:
    while time.monotonic() < deadline:
        recording: dict[str, Any] = (await reader.get(f"/api/calls/{call_id}"))["recording"]
        if recording["state"] == "ready":
            return recording
        if recording["state"] in ("failed", "none"):
            return None
        await asyncio.sleep(LOOK_EVERY_S)
    return None
