"""Writes the generated parts: the settings table of `docs/operations.md` and the frames' TypeScript types.

python -m server.docs
"""

from __future__ import annotations

from pathlib import Path

from server.settings import Settings
from signaling.typescript import chat_frames_ts, frames_ts

ROOT = Path(__file__).resolve().parent.parent
OPERATIONS = ROOT / "docs" / "operations.md"
FRAMES = {
    ROOT / "web" / "src" / "wire" / "frames.ts": frames_ts,
    ROOT / "web" / "src" / "conversation" / "frames.ts": chat_frames_ts,
}
START, END = "<!-- settings -->", "<!-- /settings -->"


def settings_table() -> str:
    rows = ["| environment | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = "the built pages" if name == "web_dist" else ("unset" if default in ("", None, ()) else f"`{default}`")
        rows.append(f"| `LOUPE_{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(rows)


def with_settings(page: str) -> str:
    """`page` with the table between its two markers replaced."""
    before, rest = page.split(START)
    return f"{before}{START}\n{settings_table()}\n{END}{rest.split(END)[1]}"


def main() -> None:
    OPERATIONS.write_text(with_settings(OPERATIONS.read_text()))
    for path, text in FRAMES.items():
        path.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
