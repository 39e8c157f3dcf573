"""The plan of the house, held against the code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from server.docs import OPERATIONS, with_settings

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("rtc", "signaling", "media", "domain", "store", "server", "loadtest")
FORBIDDEN_NAMES = {"utils", "helpers", "common", "manager", "handler", "service", "core"}


def python_files() -> list[Path]:
    return [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]


def test_imports_go_down() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_no_file_is_longer_than_four_hundred_lines() -> None:
    files = [*python_files(), *(ROOT / "web" / "src").rglob("*.ts"), *(ROOT / "web" / "src").rglob("*.tsx")]
    long = {
        str(path.relative_to(ROOT))
        for path in files
        if path.name != "frames.ts" and len(path.read_text().splitlines()) > 400
    }
    assert not long


def test_no_room_is_a_drawer() -> None:
    drawers = {path for path in python_files() if FORBIDDEN_NAMES & set(path.stem.split("_"))}
    assert not drawers


def test_every_setting_is_documented() -> None:
    page = OPERATIONS.read_text()
    assert with_settings(page) == page, "run `make docs`"
