"""The process behind `media.picture`: reads requests on standard input, develops pictures, answers on standard output.

It ends when its input ends, so it never outlives the one that started it.
"""

from __future__ import annotations

import os
import struct
import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Any, BinaryIO

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from media import h264, vp8
from media.errors import MediaFault
from media.frames import Piece, whole_frames
from media.rtp import Orientation, read_rtp

JPEG_QUALITY = 92
CHOICE_S = 1.0
# After a lost frame the pictures that follow show its traces; up to this age a clean one is better than the newest.
STALE_S = 3.0
_CLOCK_HZ = 90_000
_CODECS: tuple[tuple[str, ModuleType], ...] = (("vp8", vp8), ("h264", h264))
_LENGTH = struct.Struct("!I")
_ANSWER = struct.Struct("!?IId")


@dataclass(frozen=True, slots=True)
class _Coded:
    timestamp: int
    data: bytes
    clean: bool
    orientation: Orientation


def develop(codec: int, packets: list[bytes], orientation_id: int | None) -> tuple[bytes, int, int, float]:
    """(JPEG, width, height, sharpness) of the best frame; raises MediaFault."""
    name, shape = _CODECS[codec]
    coded = _coded_frames(shape, packets, orientation_id)
    newest = coded[-1].timestamp
    clean = [frame.timestamp for frame in coded if frame.clean]
    last = clean[-1] if clean and newest - clean[-1] <= STALE_S * _CLOCK_HZ else newest
    only_clean = last != newest or coded[-1].clean
    best: tuple[float, Any, Orientation] | None = None
    decoder: Any = av.CodecContext.create(name, "r")
    decoder.thread_type = "SLICE"  # frame threads would hold the newest frames back
    decoder.thread_count = 2
    by_timestamp = {frame.timestamp: frame for frame in coded}
    for frame in coded:
        if frame.timestamp > last:
            break
        packet = av.Packet(frame.data)
        packet.pts = packet.dts = frame.timestamp
        try:
            shown = decoder.decode(packet)
        except av.FFmpegError:
            continue
        for picture in shown:
            came = by_timestamp.get(picture.pts, frame)
            if last - came.timestamp > CHOICE_S * _CLOCK_HZ or (only_clean and not came.clean):
                continue
            sharpness = _sharpness(picture)
            if best is None or sharpness >= best[0]:
                best = (sharpness, picture, came.orientation)
    if best is None:
        raise MediaFault("The video could not be decoded; try again in a second.")
    sharpness, picture, orientation = best
    upright = _upright(picture.to_ndarray(format="bgr24"), orientation)
    made, jpeg = cv2.imencode(".jpg", upright, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not made:
        raise MediaFault("The picture could not be encoded.")
    return jpeg.tobytes(), upright.shape[1], upright.shape[0], sharpness


def _coded_frames(shape: ModuleType, packets: list[bytes], orientation_id: int | None) -> list[_Coded]:
    pieces: dict[int, Piece] = {}
    said: dict[int, Orientation] = {}
    top_seq = top_timestamp = 0
    ssrc: int | None = None
    for packet in packets:
        rtp = read_rtp(packet, orientation_id)
        if rtp is None:
            continue
        if ssrc is None:
            ssrc, top_seq, top_timestamp = rtp.ssrc, rtp.seq, rtp.timestamp
        elif rtp.ssrc != ssrc:
            continue
        seq = top_seq + (rtp.seq - top_seq + 0x8000) % 0x10000 - 0x8000
        timestamp = top_timestamp + (rtp.timestamp - top_timestamp + 0x8000_0000) % 0x1_0000_0000 - 0x8000_0000
        pieces[seq] = Piece(seq, timestamp, rtp.marker, memoryview(packet)[rtp.start : rtp.end])
        if rtp.orientation is not None:
            said[seq] = rtp.orientation
        if seq > top_seq:
            top_seq, top_timestamp = seq, timestamp
    ordered = [pieces[seq] for seq in sorted(pieces)]
    coded: list[_Coded] = []
    orientation: Orientation = (0, False)
    clean, expected = False, 0
    for low, high in whole_frames(ordered, shape.begins_frame).whole:
        payloads = [piece.payload for piece in ordered[low:high] if len(piece.payload)]
        keyframe = shape.is_keyframe(payloads)
        if not coded and not keyframe:
            continue
        # What lies between two whole frames may only be padding without a gap.
        between = ordered[expected:low]
        unbroken = bool(expected) and ordered[low].seq - ordered[expected - 1].seq == len(between) + 1
        unbroken = unbroken and not any(len(piece.payload) for piece in between)
        clean = keyframe or (clean and unbroken)
        expected = high
        orientation = next((said[p.seq] for p in reversed(ordered[low:high]) if p.seq in said), orientation)
        data = h264.annex_b(payloads) if shape is h264 else shape.assemble(payloads)
        coded.append(_Coded(ordered[low].timestamp, data, clean, orientation))
    if not coded:
        raise MediaFault("No whole picture has arrived yet; try again in a second.")
    return coded


def _sharpness(picture: Any) -> float:
    plane = picture.planes[0]
    luma = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: picture.height, : picture.width]
    _, spread = cv2.meanStdDev(cv2.Laplacian(luma, cv2.CV_16S))
    return float(spread[0, 0]) ** 2


def _upright(image: NDArray[np.uint8], orientation: Orientation) -> NDArray[np.uint8]:
    degrees, mirrored = orientation
    if mirrored:
        image = np.ascontiguousarray(image[:, ::-1])
    return np.ascontiguousarray(np.rot90(image, -degrees // 90)) if degrees else image


def _serve(requests: BinaryIO, answers: BinaryIO) -> None:
    answers.write(b"\x01")
    answers.flush()
    while len(head := requests.read(_LENGTH.size)) == _LENGTH.size:
        body = requests.read(_LENGTH.unpack(head)[0])
        codec, orientation_id, count = struct.unpack_from("!BBI", body)
        at, packets = 6, []
        for _ in range(count):
            (length,) = _LENGTH.unpack_from(body, at)
            packets.append(body[at + 4 : at + 4 + length])
            at += 4 + length
        try:
            jpeg, width, height, sharpness = develop(codec, packets, orientation_id or None)
            answer = _ANSWER.pack(True, width, height, sharpness) + jpeg
        except MediaFault as fault:
            answer = _ANSWER.pack(False, 0, 0, 0.0) + fault.message.encode()
        except (ValueError, cv2.error, av.FFmpegError, MemoryError):
            answer = _ANSWER.pack(False, 0, 0, 0.0) + b"The video could not be decoded."
        answers.write(_LENGTH.pack(len(answer)) + answer)
        answers.flush()


if __name__ == "__main__":
    cv2.setNumThreads(1)
    av.logging.set_level(av.logging.PANIC)
    # A copy of the real output: what a library prints must not be taken for an answer.
    channel = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _serve(sys.stdin.buffer, channel)
