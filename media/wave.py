"""Sounds and films as they are kept: the same packets in a fresh file without metadata, and the shape of the sound.

A voice note in Opus or Vorbis, as most browsers record it, becomes AAC, which all of them play: iPhones before iOS 17.4 play no WebM
at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import av
import numpy as np

from media.errors import MediaFault
from media.thumbs import first_picture

PEAKS = 60
_RATE_HZ = 8000
_STEP = 400  # samples; 50 ms
_QUIET = 0.02  # of full scale: what is never louder is drawn flat
# container, by the codecs that browsers play in it
_MP4 = {"h264", "hevc", "av1", "aac", "mp3"}
_WEBM = {"vp8", "vp9", "av1", "opus", "vorbis"}
_AAC_HZ = 48_000
_AAC_BPS = 64_000  # a channel
LONGEST_TURNED_S = (
    900.0  # three times the longest note that our pages record; a longer one would take more than its time
)
_BARE = {"mp3": ("mp3", "audio/mpeg"), "flac": ("flac", "audio/flac"), "pcm_s16le": ("wav", "audio/wav")}


@dataclass(frozen=True, slots=True)
class Played:
    """`thumb` and `size` are those of a film."""

    is_film: bool
    mime: str
    suffix: str
    seconds: float
    wave: list[int] | None = None
    thumb: bytes | None = None
    size: tuple[int, int] | None = None


def play(source: Path, reader: str, out: Path, longest_turned_s: float = LONGEST_TURNED_S) -> Played:
    """Writes `out` with the first film and the first sound of `source`. Raises MediaFault when it holds none that
    browsers play. `reader` is libav's demuxer: it must not choose one itself, for some read other files."""
    try:
        with _opened(source, reader) as container:
            films = [stream for stream in container.streams.video if not _is_cover(stream)]
            streams = [*films[:1], *container.streams.audio[:1]]
            name, mime = _format(bool(films), {stream.codec_context.codec.canonical_name for stream in streams})
            seconds = _copy(container, streams, out, name)
        if not films and name == "webm" and seconds <= longest_turned_s:
            _turn_to_aac(out)
            name, mime = "mp4", "audio/mp4"
        with _opened(out, name) as container:
            if not films:
                wave, seconds = _shape(container)
                return Played(False, mime, f".{name}", seconds, wave)
            thumb, size = first_picture(container, container.streams.video[0])
            return Played(True, mime, f".{name}", seconds, None, thumb, size)
    except MediaFault:
        raise
    except Exception as fault:  # decoders raise nearly anything on broken bytes
        raise MediaFault("This sound or film is damaged.") from fault


def _opened(path: Path, reader: str) -> Any:
    return av.open(str(path), format={"webm": "matroska", "mp4": "mov"}.get(reader, reader), metadata_errors="replace")


def _is_cover(stream: Any) -> bool:
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _format(is_film: bool, codecs: set[str]) -> tuple[str, str]:
    """(container, MIME type)"""
    kind = "video" if is_film else "audio"
    if codecs and codecs <= _WEBM:
        return "webm", f"{kind}/webm"
    if codecs and codecs <= _MP4 | {"opus"} and codecs != {"mp3"}:
        return "mp4", f"{kind}/mp4"
    if len(codecs) == 1 and codecs <= _BARE.keys():
        return _BARE[next(iter(codecs))]
    raise MediaFault("Browsers cannot play this kind of sound or film.")


def _copy(container: Any, streams: list[Any], out: Path, name: str) -> float:
    """The packets as they are, from 0 on. Nothing is written that the streams do not need. Returns the length."""
    options = {"fflags": "+bitexact"}
    if name == "mp4":
        options["movflags"] = "+faststart"  # a player needs no second request for the index
    elif name == "mp3":
        options["id3v2_version"] = "0"
    end = 0.0
    with av.open(str(out), "w", format=name, options=options) as made:
        targets = {}
        for stream in streams:
            targets[stream.index] = made.add_stream_from_template(stream)
        start = min((float(s.start_time * s.time_base) for s in streams if s.start_time is not None), default=0.0)
        for packet in container.demux(streams):
            if not packet.size:
                continue  # the end
            if packet.dts is None or packet.pts is None:
                raise MediaFault("This film does not say when its pictures come.")
            shift = round(start / packet.time_base)
            packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
            end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
            packet.stream = targets[packet.stream.index]
            made.mux(packet)
    return round(end, 2)


def _turn_to_aac(path: Path) -> None:
    """A WebM with one sound becomes an MP4 in its place."""
    made_here = path.with_suffix(".aac")
    options = {"fflags": "+bitexact", "movflags": "+faststart"}
    with _opened(path, "webm") as container, av.open(str(made_here), "w", format="mp4", options=options) as made:
        sound = container.streams.audio[0]
        layout = "mono" if sound.codec_context.channels == 1 else "stereo"
        target: Any = made.add_stream("aac", rate=_AAC_HZ, layout=layout)
        target.codec_context.bit_rate = _AAC_BPS * (1 if layout == "mono" else 2)
        target.codec_context.flags |= av.codec.context.Flags.bitexact  # it would sign its work
        resampler = av.AudioResampler("fltp", layout, _AAC_HZ)
        for frame in chain(container.decode(sound), (None,)):
            for turned in resampler.resample(frame):
                turned.pts = None  # without the gaps that a recorder leaves
                made.mux(target.encode(turned))
        made.mux(target.encode(None))
    made_here.replace(path)


def _shape(container: Any) -> tuple[list[int], float]:
    """(PEAKS numbers of 0-100, seconds) of the first sound, decoded."""
    resampler = av.AudioResampler("s16", "mono", _RATE_HZ)
    loudest: list[int] = []
    rest = np.zeros(0, np.int16)
    samples = 0
    for frame in container.decode(container.streams.audio[0]):
        for turned in resampler.resample(frame):
            heard = turned.to_ndarray().reshape(-1)
            samples += heard.size
            rest = np.concatenate([rest, heard])
            whole = rest.size // _STEP * _STEP
            if whole:
                loudest += np.abs(rest[:whole].astype(np.int32)).reshape(-1, _STEP).max(axis=1).tolist()
                rest = rest[whole:]
    if rest.size:
        loudest.append(int(np.abs(rest.astype(np.int32)).max()))
    if not loudest:
        raise MediaFault("Nothing can be heard in this sound.")
    parts = np.array_split(np.array(loudest, float), min(PEAKS, len(loudest)))
    peaks = np.array([part.max() for part in parts]) / 32768
    scale = max(float(peaks.max()), _QUIET)
    return [round(float(peak) / scale * 100) for peak in peaks], round(samples / _RATE_HZ, 2)
