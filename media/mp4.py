"""Copies a Matroska file's streams into an MP4 with its index in front: H.264 plays in every browser from there."""

from __future__ import annotations

from pathlib import Path

import av


def copy_to_mp4(source: Path, target: Path, turn: int) -> None:
    """`turn`: clockwise degrees that the picture needs to stand upright."""
    with (
        av.open(str(source)) as heard,
        av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"}) as made,
    ):
        copies = {stream.index: made.add_stream_from_template(stream) for stream in heard.streams}
        if turn:
            for copy in copies.values():
                if isinstance(copy, av.VideoStream):
                    copy.set_display_rotation(-turn)
        for packet in heard.demux():
            if packet.dts is None:
                continue
            packet.stream = copies[packet.stream_index]
            made.mux(packet)
