"""From segments to the tracks of a file: each person's frames in order, at their time, with what a player must know."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import ModuleType
from typing import NamedTuple

from media import h264, opus, vp8
from media.frames import Payload, whole_frames
from media.rtp import Orientation
from media.segments import Segment
from media.timeline import Seconds, place

VIDEO: dict[str, ModuleType] = {"vp8": vp8, "h264": h264}
# Two sources of one track may overlap this long (a camera switch in flight) and both be kept whole.
_OVERLAP_S = 0.5


class Frame(NamedTuple):
    """`at_s` on the journal's clock; the payloads in the order of their packets."""

    at_s: float
    keyframe: bool
    payloads: list[Payload]


@dataclass(slots=True)
class Turn:
    """From `at_s` on the picture must be turned clockwise by `degrees` (after mirroring, if so) to stand upright."""

    at_s: float
    degrees: int
    mirrored: bool


@dataclass(slots=True)
class Track:
    """`dropped` counts frames that came incompletely, `unstarted` those before the first keyframe of their source; `missing`
    those of which nothing came (counted by what is missing around them); `superseded` those of
    a source that a newer one of the same person had already replaced."""

    label: str
    kind: str
    codec: str
    frames: list[Frame] = field(default_factory=list)
    dropped: int = 0
    unstarted: int = 0
    missing: int = 0
    superseded: int = 0
    turns: list[Turn] = field(default_factory=list)
    sizes: list[tuple[float, int, int]] = field(default_factory=list)
    parameter_sets: tuple[bytes, bytes] | None = None

    def sample(self, frame: Frame) -> bytes:
        """The frame as the file holds it."""
        if self.kind == "audio":
            return bytes(frame.payloads[0])
        return bytes(VIDEO[self.codec].assemble(frame.payloads))

    @property
    def size(self) -> tuple[int, int]:
        """The largest picture of the track."""
        return max(((w, h) for _, w, h in self.sizes), default=(0, 0), key=lambda size: size[0] * size[1])


def make_tracks(segments: list[Segment]) -> list[Track]:
    """One track per label, kind and codec, in the order customer before staff, picture before sound."""
    by_name: dict[tuple[str, str, str], list[tuple[Segment, Seconds]]] = {}
    for segment, at_s in zip(segments, place(segments), strict=True):
        by_name.setdefault((segment.track, segment.kind, segment.codec), []).append((segment, at_s))
    tracks = [_make_track(*name, parts) for name, parts in sorted(by_name.items(), key=lambda item: _order(item[0]))]
    return [track for track in tracks if track.frames]


def _order(name: tuple[str, str, str]) -> tuple[bool, str, bool, str]:
    label, kind, codec = name
    return (label != "customer", label, kind != "video", codec)


def _make_track(label: str, kind: str, codec: str, parts: list[tuple[Segment, Seconds]]) -> Track:
    track = Track(label, kind, codec)
    parts.sort(key=lambda part: (part[0].run, float(part[1][0])))
    before: Segment | None = None
    for segment, at_s in parts:
        if kind == "audio":
            track.missing += segment.pieces[-1].seq - segment.pieces[0].seq + 1 - len(segment.pieces)
        frames = _sound(segment, at_s) if kind == "audio" else _picture(track, segment, at_s, before)
        if frames:
            _follow(track, frames, same=before is not None and _same_source(before, segment))
            before = segment
    return track


def _same_source(before: Segment, segment: Segment) -> bool:
    return before.run == segment.run and before.ssrc == segment.ssrc


def _follow(track: Track, frames: list[Frame], *, same: bool) -> None:
    """Appends a source's frames; a source that still ran when this one began ends here."""
    if not same and track.frames and track.frames[-1].at_s > frames[0].at_s + _OVERLAP_S:
        keep = len(track.frames)
        while keep and track.frames[keep - 1].at_s >= frames[0].at_s:
            keep -= 1
        track.superseded += len(track.frames) - keep
        del track.frames[keep:]
    track.frames.extend(frames)


def _sound(segment: Segment, at_s: Seconds) -> list[Frame]:
    return [
        Frame(float(at), True, [piece.payload])
        for piece, at in zip(segment.pieces, at_s, strict=True)
        if opus.duration_ms(piece.payload) > 0
    ]


def _picture(track: Track, segment: Segment, at_s: Seconds, before: Segment | None) -> list[Frame]:
    codec = VIDEO[track.codec]
    found = whole_frames(segment.pieces, codec.begins_frame)
    track.dropped += found.incomplete
    track.missing += found.missing
    frames: list[Frame] = []
    waiting = before is None or not _same_source(before, segment)
    for low, high in found.whole:
        payloads = [piece.payload for piece in segment.pieces[low:high] if len(piece.payload)]
        at = float(at_s[low])
        keyframe = codec.is_keyframe(payloads)
        if keyframe and not _note_keyframe(track, payloads, at):
            keyframe = False
        if waiting and not keyframe:
            track.unstarted += 1
            continue
        waiting = False
        frames.append(Frame(at, keyframe, payloads))
        said = next((o for o in reversed(segment.orientations[low:high]) if o is not None), None)
        if said is not None:
            _note_turn(track, at, said)
    return frames


def _note_keyframe(track: Track, payloads: list[Payload], at_s: float) -> bool:
    """False when this keyframe cannot start the track."""
    if track.codec == "h264":
        sets = h264.parameter_sets(payloads)
        if sets is None:
            return track.parameter_sets is not None
        size = h264.picture_size(sets[0])
        if size is None:
            return False
        track.parameter_sets = track.parameter_sets or sets
    else:
        size = vp8.keyframe_size(payloads)
    if size is not None and (not track.sizes or track.sizes[-1][1:] != size):
        track.sizes.append((at_s, *size))
    return True


def _note_turn(track: Track, at_s: float, said: Orientation) -> None:
    degrees, mirrored = said
    last = track.turns[-1] if track.turns else Turn(0, 0, False)
    if (last.degrees, last.mirrored) != said:
        track.turns.append(Turn(at_s, degrees, mirrored))


def predominant_turn(track: Track, end_s: float) -> int:
    """The degrees that hold for the longest part of the track: a file can say only one."""
    lasting: dict[int, float] = {}
    start = track.frames[0].at_s
    marks = [(start, 0)] + [(turn.at_s, turn.degrees) for turn in track.turns]
    for (at, degrees), (until, _) in zip(marks, [*marks[1:], (end_s, 0)], strict=True):
        lasting[degrees] = lasting.get(degrees, 0.0) + max(0.0, until - at)
    return max(lasting, key=lambda degrees: lasting[degrees])
