"""What goes into each person's own file: one picture track and one sound track that never stops, from 0 to the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from media import opus
from media.tracks import Frame, Track


@dataclass(frozen=True, slots=True)
class Sample:
    """A frame at its place in the file; `frame` None is filled-in silence."""

    at_ms: int
    frame: Frame | None


def samples(track: Track, zero_s: float) -> Iterator[Sample]:
    """The track's frames in whole milliseconds from `zero_s`, each later than the one before."""
    last = -1
    for frame in track.frames:
        last = max(round((frame.at_s - zero_s) * 1000), last + 1)
        yield Sample(last, frame)


def without_gaps(heard: Iterable[Sample], end_ms: int) -> Iterator[Sample]:
    """Sound without a gap of a packet or longer: players run their clock by the sound, and skip what is missing."""
    at = 0
    for sample in heard:
        while sample.at_ms - at >= opus.SILENCE_MS:
            yield Sample(at, None)
            at += opus.SILENCE_MS
        yield sample
        assert sample.frame is not None
        at = sample.at_ms + round(opus.duration_ms(sample.frame.payloads[0]))
    while end_ms - at >= opus.SILENCE_MS:
        yield Sample(at, None)
        at += opus.SILENCE_MS


def people(tracks: list[Track]) -> dict[str, list[Track]]:
    """The tracks of each label; several of staff also as one `staff`, who follow each other (a hand-over)."""
    by_label: dict[str, list[Track]] = {}
    for track in tracks:
        by_label.setdefault(track.label, []).append(track)
    staff = [label for label in by_label if label.startswith("staff")]
    if staff and staff != ["staff"]:
        staff.sort(key=lambda label: min(track.frames[0].at_s for track in by_label[label]))
        merged: dict[tuple[str, str], Track] = {}
        for label in staff:
            for track in by_label[label]:
                key = (track.kind, track.codec)
                merged[key] = _after(merged[key], track) if key in merged else replace(track, label="staff")
        if "staff" in by_label:
            by_label["staff-1"] = by_label["staff"]
        by_label["staff"] = list(merged.values())
    return by_label


def _after(first: Track, second: Track) -> Track:
    """`first` until it ends, then `second` from a keyframe: the last one before that end, else the next."""
    end = first.frames[-1].at_s
    begin: int | None = None
    for index, frame in enumerate(second.frames):
        if frame.keyframe and (frame.at_s <= end or begin is None):
            begin = index
        if frame.at_s > end and begin is not None:
            break
    if first.kind == "audio":
        begin = next((i for i, frame in enumerate(second.frames) if frame.at_s >= end), None)
    if begin is None or second.frames[-1].at_s <= end:
        return first
    cut = second.frames[begin].at_s
    kept = [frame for frame in first.frames if frame.at_s < cut]
    return replace(
        first,
        frames=kept + second.frames[begin:],
        turns=sorted(first.turns + second.turns, key=lambda turn: turn.at_s),
        sizes=sorted(first.sizes + second.sizes),
    )
