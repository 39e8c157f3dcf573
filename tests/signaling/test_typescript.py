from __future__ import annotations

from pathlib import Path

from signaling.typescript import chat_frames_ts, frames_ts

PAGES = Path(__file__).parents[2] / "web" / "src"


def test_the_browsers_frame_types_are_those_of_the_protocol() -> None:
    assert (PAGES / "wire" / "frames.ts").read_text(encoding="utf-8") == frames_ts(), "run `make docs`"
    assert (PAGES / "conversation" / "frames.ts").read_text(encoding="utf-8") == chat_frames_ts(), "run `make docs`"


def test_a_request_may_leave_out_what_has_a_default_and_the_server_sends_every_field() -> None:
    text = frames_ts()
    assert "delivered: number;\n  read?: number;" in text
    assert "export interface StatusView {\n  muted: boolean;" in text


def test_points_of_a_stroke_are_pairs() -> None:
    assert "points: [number, number][];" in frames_ts()
