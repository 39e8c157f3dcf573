"""Who reads which stream, and how each is told, in order and once.

A line is one stream that somebody here reads, with the last position that was told. Nothing waits between choosing what
to say to a reader and saying it, and only what follows directly on what a reader was told is said: so no reader ever sees
an older entry after a newer one, or one twice. Who has fallen behind is not queued for: it is read for again later.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from domain.errors import Unavailable
from domain.stream import Entry, Head
from signaling.chat_reader import NOT_YET, Reader
from signaling.lanes import Spawn

READS_AT_ONCE = 32
COMPARED_AT_ONCE = 500
TRY_AGAIN_S = 1.0
INBOX_EVERY_S = 0.1  # a busy shop's inbox is told that often; the first change at once


class Piece(NamedTuple):
    """A frame that takes a reader from position `after` to `last`; `digest` is the stream's at `last`."""

    after: int
    last: int
    digest: int
    text: str


class Source(Protocol):
    def of_entries(self, stream: str, entries: Sequence[Entry]) -> list[Piece]:
        """The pieces of some entries that follow each other."""

    async def read(self, stream: str, after: int) -> list[Piece]:
        """What comes next, not necessarily all of it; empty when there is nothing."""

    async def heads(self, streams: Sequence[str]) -> list[Head]: ...


class Line:
    """`told` is None until it is known where the stream stands."""

    __slots__ = ("digest", "is_dirty", "is_reading", "readers", "stream", "told")

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self.readers: dict[Reader, None] = {}  # told in the order in which they came
        self.told: int | None = None
        self.digest = 0
        self.is_dirty = False  # there is more than was told
        self.is_reading = False


class ChatHub:
    """Knows no socket and no person's rights: who calls `subscribe` has looked at those."""

    def __init__(self, source: Source, spawn: Spawn, counts: Counter[str]) -> None:
        self._source = source
        self._spawn = spawn
        self._counts = counts
        self._turns = asyncio.Semaphore(READS_AT_ONCE)
        self.lines: dict[str, Line] = {}
        self.readers_of: dict[str, set[Reader]] = {}  # by person

    # --- readers ---

    def add(self, reader: Reader) -> None:
        self.readers_of.setdefault(reader.person_id, set()).add(reader)

    def remove(self, reader: Reader) -> None:
        for stream in list(reader.sent):
            self.unsubscribe(reader, stream)
        readers = self.readers_of.get(reader.person_id, set())
        readers.discard(reader)
        if not readers:
            self.readers_of.pop(reader.person_id, None)

    def subscribe(self, reader: Reader, stream: str) -> None:
        """From now on nothing of the stream is missed; `begin` says from where it is told. Raises Unavailable for a
        reader that has left meanwhile: nobody would ever unsubscribe it."""
        if reader.is_ended:
            raise Unavailable("This page has left. Connect again.")
        line = self.lines.get(stream)
        if line is None:
            line = self.lines[stream] = Line(stream)
        line.readers[reader] = None
        reader.sent.setdefault(stream, NOT_YET)

    def unsubscribe(self, reader: Reader, stream: str) -> None:
        reader.sent.pop(stream, None)
        line = self.lines.get(stream)
        if line is not None:
            line.readers.pop(reader, None)
            if not line.readers:
                del self.lines[stream]

    async def heads(self, streams: Iterable[str]) -> dict[str, Head]:
        """Where streams with readers stand, as it was told; read from the store for those that are new here."""
        lines = {stream: self.lines[stream] for stream in streams}
        unknown = [stream for stream, line in lines.items() if line.told is None]
        if unknown:
            for head in await self._source.heads(unknown):
                line = lines[head.stream]
                if line.told is None:
                    line.told, line.digest = head.head, head.digest
                    if line.is_dirty:
                        self._read_on(line)
        return {s: Head(stream=s, head=line.told or 0, digest=line.digest) for s, line in lines.items()}

    def begin(self, reader: Reader, stream: str, position: int) -> None:
        """Tells what follows `position`, after `heads` has answered. May be called again: the page knows best."""
        line = self.lines.get(stream)
        if line is not None and reader in line.readers:
            reader.sent[stream] = position
            self._catch_up(reader, line)

    def resume(self, reader: Reader) -> None:
        """The reader has room again."""
        for stream in list(reader.sent):
            if stream in self.lines:
                self._catch_up(reader, self.lines[stream])

    def standing(self, reader: Reader) -> list[Head]:
        """The heads of those of its streams in which this reader was told everything."""
        lines = ((sent, self.lines[stream]) for stream, sent in reader.sent.items())
        return [Head(stream=li.stream, head=sent, digest=li.digest) for sent, li in lines if sent == li.told]

    # --- telling ---

    def told(self, entries: Sequence[Entry], inboxes: Sequence[Head]) -> None:
        """What a commit made: the store's listener."""
        fresh: dict[str, list[Entry]] = {}
        for entry in entries:
            if entry.stream in self.lines:
                fresh.setdefault(entry.stream, []).append(entry)
        for stream, made in fresh.items():
            line = self.lines[stream]
            if line.told is None:
                line.is_dirty = True
            elif new := [e for e in made if e.position > (line.told or 0)]:
                self._tell(line, self._source.of_entries(stream, new))
        self.hint(*(head.stream for head in inboxes))

    def hint(self, *streams: str) -> None:
        """Something was written in these elsewhere (another process): read on and tell."""
        for stream in streams:
            line = self.lines.get(stream)
            if line is not None:
                line.is_dirty = True
                self._read_on(line)

    async def compare(self) -> None:
        """Finds out what another process wrote, when no hint came: reads on where the store is further."""
        streams = list(self.lines)
        for start in range(0, len(streams), COMPARED_AT_ONCE):
            for head in await self._source.heads(streams[start : start + COMPARED_AT_ONCE]):
                line = self.lines.get(head.stream)
                if line is not None and line.told is not None and head.head > line.told:
                    self.hint(head.stream)

    def whisper(self, stream: str, text: str, *, but: str = "") -> None:
        """Says a frame that is not kept to all who have the stream open, but not to this person."""
        line = self.lines.get(stream)
        for reader in line.readers if line is not None else ():
            if reader.person_id != but:
                reader.say(text)

    def _tell(self, line: Line, pieces: Iterable[Piece]) -> None:
        for piece in pieces:
            if line.told is None or piece.last <= line.told:
                continue
            if piece.after != line.told:
                line.is_dirty = True
                self._read_on(line)
                return
            line.told, line.digest = piece.last, piece.digest
            for reader in line.readers:
                if reader.sent[line.stream] == piece.after and reader.tell(piece.text):
                    reader.sent[line.stream] = piece.last
                else:
                    self._catch_up(reader, line)

    def _read_on(self, line: Line) -> None:
        if not line.is_reading and line.told is not None:
            line.is_reading = True
            self._spawn(self._reading_on(line))

    async def _reading_on(self, line: Line) -> None:
        try:
            while line.is_dirty and line.readers and line.told is not None:
                line.is_dirty = False
                after = line.told
                pieces = await self._read(line.stream, after)
                self._tell(line, pieces)
                if line.stream.startswith("i."):
                    await asyncio.sleep(INBOX_EVERY_S)
                elif pieces:
                    line.is_dirty = True  # until a read finds nothing more
        finally:
            line.is_reading = False

    def _catch_up(self, reader: Reader, line: Line) -> None:
        if self._is_behind(reader, line) and line not in reader.catching_up:
            reader.catching_up.add(line)
            if self._spawn(self._catching_up(reader, line)) is None:
                reader.catching_up.discard(line)

    def _is_behind(self, reader: Reader, line: Line) -> bool:
        sent = reader.sent.get(line.stream, NOT_YET)
        has_room = not (reader.is_ended or reader.is_slow)
        return has_room and line.told is not None and NOT_YET < sent < line.told and reader in line.readers

    async def _catching_up(self, reader: Reader, line: Line) -> None:
        """One reader's turn to be read for. It ends when the reader has everything, or has no room."""
        self._counts["catch_ups"] += 1
        try:
            while self._is_behind(reader, line):
                after = reader.sent[line.stream]
                pieces = await self._read(line.stream, after)
                if not pieces:  # the store has lost what it told: its next reply to a page's cursor will say so
                    await asyncio.sleep(TRY_AGAIN_S)
                for piece in pieces:
                    if reader.sent.get(line.stream) != piece.after:
                        break
                    if not reader.tell(piece.text):
                        return  # no carrier takes it: `resume`, the next hello or the next entry begins again
                    reader.sent[line.stream] = piece.last
        finally:
            reader.catching_up.discard(line)

    async def _read(self, stream: str, after: int) -> list[Piece]:
        async with self._turns:
            while True:
                self._counts["reads"] += 1
                try:
                    return await self._source.read(stream, after)
                except Unavailable:
                    self._counts["reads_failed"] += 1
                    await asyncio.sleep(TRY_AGAIN_S)
