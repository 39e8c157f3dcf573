"""Whether what was promised holds: what the pages wrote and were told, beside the record that the server keeps."""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from loadtest.messages_page import Page, Writing


@dataclass(slots=True)
class Findings:
    """Messages, and in `pages` those that do not hold what the server holds. All 0: every promise was kept."""

    kept: int = 0
    lost: int = 0  # acknowledged and not in the record at the position that was said
    duplicated: int = 0
    reordered: int = 0  # not in the order in which their device wrote them
    gaps: int = 0
    pages_behind: int = 0
    pages_wrong: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Held:
    """What the pages were told up to one moment: `acknowledged` (id, position), `cursors` (stream, position, digest)."""

    acknowledged: list[tuple[str, int]]
    cursors: list[tuple[str, int, int]]


def held(writings: Iterable[Writing], pages: Iterable[Page]) -> Held:
    """To be taken before the record is looked at: so it is in the record, even while people go on writing."""
    return Held(
        [(written.id, written.position) for writing in writings for written in writing.book if written.position],
        [(stream, cursor.position, cursor.digest) for page in pages for stream, cursor in page.cursors.items()],
    )


def audit(database: Path, told: Held) -> Findings:
    """A page that applied only what followed directly on what it had, and whose digest is the record's, holds each entry
    once and in order."""
    found = Findings()
    places: dict[str, tuple[str, int]] = {}
    digests: dict[str, list[int]] = {}
    newest: dict[str, int] = {}
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as record:
        for stream, position, id, device in record.execute(
            "SELECT stream, position, id, device FROM entries ORDER BY stream, position"
        ):
            known = digests.setdefault(stream, [0])
            found.gaps += position != len(known)
            known.append(zlib.crc32(id.encode(), known[-1]))
            if device is None:
                continue
            found.kept += 1
            found.duplicated += id in places
            places[id] = stream, position
            number = int(id.rpartition("-")[2])
            found.reordered += number <= newest.get(device, 0)
            newest[device] = number
    for id, position in told.acknowledged:
        if places.get(id, ("", 0))[1] != position:
            found.lost += 1
            found.examples.append(f"{id} was acknowledged at {position}")
    for stream, position, digest in told.cursors:
        known = digests.get(stream, [0])
        if position < len(known) - 1:
            found.pages_behind += 1
        elif position >= len(known) or known[position] != digest:
            found.pages_wrong += 1
    return found
