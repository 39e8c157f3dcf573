"""From a call's journal to its files: one Matroska or WebM with every track, and one file per person, on one timeline.

Nothing is decoded: every whole frame that was received goes into the file as it came.
"""

from __future__ import annotations

import asyncio
import heapq
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from media import h264, opus
from media.child import child_environment, end_child
from media.errors import MediaFault
from media.journal import SUFFIX, read_runs
from media.matroska import Entry, MatroskaWriter
from media.mp4 import copy_to_mp4
from media.persons import Sample, people, samples, without_gaps
from media.segments import read_segments
from media.tracks import Track, make_tracks, predominant_turn

# An hour of two people is about a gigabyte and takes a minute; a stuck child must not hold its place for ever.
_BASE_DEADLINE, _BYTES_A_SECOND = 60.0, 2_000_000


@dataclass(frozen=True, slots=True)
class FinishedFiles:
    """`files` are absolute paths by name: `call` (every track), `customer`, `staff`, and `staff-...` each for itself when
    several served. Second 0 of every file is `started_at` (Unix). A track says `label, kind, codec, frames,
    frames_dropped, frames_unstarted, frames_missing, frames_superseded, first_s, last_s` (see `media.tracks.Track`) and, for
    pictures, `width, height, sizes, rotation` (clockwise
    degrees, already told by the file) and `rotations` (each `at_s, degrees, mirrored`; more than one when the phone was
    turned: the player turns by the difference to `rotation`)."""

    call_id: str
    started_at: float
    duration_s: float
    files: dict[str, Path]
    tracks: tuple[dict[str, Any], ...]


async def finish(folder: Path, out: Path) -> FinishedFiles | None:
    """Makes the files of the journal in `folder` (named after the call) inside `out`, in a process of its own; what was
    there under the same names is replaced at once, whole. The journal stays. None: nothing was recorded. Raises
    MediaFault when the files cannot be made; cancelling ends the process."""
    size = _journal_bytes(folder)
    if size == 0:
        return None
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "media.remux", str(folder), str(out),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=child_environment(), start_new_session=True,
    )  # fmt: skip
    try:
        async with asyncio.timeout(_BASE_DEADLINE + size / _BYTES_A_SECOND):
            said, complaint = await process.communicate()
    except TimeoutError as fault:
        raise MediaFault("The recording took too long to finish; it can be tried again.") from fault
    finally:
        await end_child(process)
        _clean(out, process.pid)
    if process.returncode != 0:
        reason = complaint.decode(errors="replace").strip().rpartition("\n")[2]
        raise MediaFault(f"The recording could not be finished: {reason or process.returncode}.")
    answer = json.loads(said)
    if answer is None:
        return None
    answer["files"] = {name: Path(path) for name, path in answer["files"].items()}
    answer["tracks"] = tuple(answer["tracks"])
    return FinishedFiles(**answer)


def _journal_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob(f"*{SUFFIX}"))


def _clean(out: Path, pid: int) -> None:
    for left in out.glob(f".*-{pid}.*"):
        left.unlink(missing_ok=True)


def remux(folder: Path, out: Path) -> FinishedFiles | None:
    """What `finish` does, in this process; blocks for as long as it takes."""
    found = read_segments(read_runs(folder))
    tracks = make_tracks(found.segments) if found is not None else []
    if found is None or not tracks:
        return None
    zero = min(track.frames[0].at_s for track in tracks)
    end_ms = max(round((track.frames[-1].at_s - zero) * 1000) + _lasts_ms(track) for track in tracks)
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    files: dict[str, Path] = {}
    files["call"] = _write(out, "call", tracks, zero, end_ms, whole_call=True)
    for label, own in people(tracks).items():
        files[_file_name(label)] = _write(out, _file_name(label), own, zero, end_ms, whole_call=False)
    for name, path in files.items():
        for suffix in (".webm", ".mkv", ".mp4"):
            if (stale := out / f"{name}{suffix}") != path:
                stale.unlink(missing_ok=True)
    return FinishedFiles(
        folder.name,
        found.origin_ns / 1e9 + zero,
        end_ms / 1000,
        {name: path.resolve() for name, path in files.items()},
        tuple(_describe(track, zero, end_ms / 1000) for track in tracks),
    )


def _file_name(label: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in label)[:80] or "_"


def _lasts_ms(track: Track) -> int:
    if track.kind == "audio":
        return round(opus.duration_ms(track.frames[-1].payloads[0]))
    return 40  # the last picture stays for about one frame


def _write(out: Path, name: str, tracks: list[Track], zero: float, end_ms: int, *, whole_call: bool) -> Path:
    codecs = {track.codec for track in tracks if track.kind == "video"}
    webm = "h264" not in codecs
    suffix = ".webm" if webm else ".mkv" if whole_call or len(codecs) > 1 else ".mp4"
    temporary = out / f".{name}-{os.getpid()}{'.webm' if webm else '.mkv'}"
    converted = out / f".{name}-{os.getpid()}.mp4"
    try:
        with temporary.open("wb") as file:
            _write_matroska(file, "webm" if webm else "matroska", tracks, zero, end_ms, fill=not whole_call)
            file.flush()
            os.fsync(file.fileno())
        ready = temporary
        if suffix == ".mp4":
            video = next(track for track in tracks if track.kind == "video")
            copy_to_mp4(temporary, converted, predominant_turn(video, zero + end_ms / 1000))
            ready = converted
        final = out / f"{name}{suffix}"
        os.replace(ready, final)
        return final
    finally:
        temporary.unlink(missing_ok=True)
        converted.unlink(missing_ok=True)


def _write_matroska(file: Any, doc_type: str, tracks: list[Track], zero: float, end_ms: int, *, fill: bool) -> None:
    tracks = sorted(tracks, key=lambda track: (track.label, track.kind != "video", -len(track.frames)))
    # One person's file has a sound track even if none was heard: it keeps the players' clock from 0 to the end.
    if fill and all(track.kind == "video" for track in tracks):
        tracks.append(Track(tracks[0].label, "audio", "opus"))
    entries = [_entry(track, zero + end_ms / 1000) for track in tracks]
    cues = sum(frame.keyframe for track in tracks if track.kind == "video" for frame in track.frames)
    cues += end_ms // 2000 if all(track.kind == "audio" for track in tracks) else 0
    writer = MatroskaWriter(file, doc_type, entries, end_ms, cues)
    streams = [_numbered(n, track, zero, end_ms, fill=fill) for n, track in enumerate(tracks)]
    for at_ms, number, sample in heapq.merge(*streams, key=lambda item: item[:2]):
        track = tracks[number]
        data = opus.SILENCE if sample.frame is None else track.sample(sample.frame)
        keyframe = sample.frame is None or sample.frame.keyframe
        writer.write(number + 1, at_ms, keyframe, data, video=track.kind == "video")
    writer.close()


def _numbered(number: int, track: Track, zero: float, end_ms: int, *, fill: bool) -> Iterator[tuple[int, int, Sample]]:
    placed = samples(track, zero)
    if fill and track.kind == "audio":
        placed = without_gaps(placed, end_ms)
    for sample in placed:
        yield sample.at_ms, number, sample


def _entry(track: Track, end_s: float) -> Entry:
    if track.kind == "audio":
        return Entry("audio", "A_OPUS", track.label, opus.HEAD)
    width, height = track.size
    turn = predominant_turn(track, end_s)
    if track.codec == "h264":
        private = h264.configuration(*track.parameter_sets) if track.parameter_sets else b""
        return Entry("video", "V_MPEG4/ISO/AVC", track.label, private, width, height, turn)
    return Entry("video", "V_VP8", track.label, b"", width, height, turn)


def _describe(track: Track, zero: float, end_s: float) -> dict[str, Any]:
    said: dict[str, Any] = {
        "label": track.label,
        "kind": track.kind,
        "codec": track.codec,
        "frames": len(track.frames),
        "frames_dropped": track.dropped,
        "frames_unstarted": track.unstarted,
        "frames_missing": track.missing,
        "frames_superseded": track.superseded,
        "first_s": round(track.frames[0].at_s - zero, 3),
        "last_s": round(track.frames[-1].at_s - zero, 3),
        "rotation": 0,
        "width": 0,
        "height": 0,
    }
    if track.kind == "video":
        said["width"], said["height"] = track.size
        said["rotation"] = predominant_turn(track, zero + end_s)
        said["rotations"] = [{**asdict(turn), "at_s": round(turn.at_s - zero, 3)} for turn in track.turns]
        said["sizes"] = [{"at_s": round(at - zero, 3), "width": w, "height": h} for at, w, h in track.sizes]
    return said


def main(folder: Path, out: Path) -> None:
    os.nice(10)  # live calls on this machine come first
    done = remux(folder, out)
    answer = None
    if done is not None:
        answer = {**asdict(done), "files": {name: str(path) for name, path in done.files.items()}}
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
