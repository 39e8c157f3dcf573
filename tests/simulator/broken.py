"""Servers that break one promise each: what the simulator must find."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from domain.accepting import Committed, accept_all
from domain.stream import Entry, Kept, NewEntry, next_digest
from signaling.chat import Chat
from tests.simulator.disk import DiskStore


class AcknowledgesBeforeCommit(DiskStore):
    """Answers at once, and hopes that the disk will follow."""

    def append(self, entry: NewEntry) -> asyncio.Future[Kept]:
        super().append(entry).add_done_callback(lambda done: done.cancelled() or done.exception())
        position = self.disk.head(entry.stream).head + 1
        hoped: asyncio.Future[Kept] = asyncio.get_running_loop().create_future()
        values = entry.model_dump(exclude={"seen", "force"})
        hoped.set_result(Kept(entry=Entry(position=position, digest=0, **values), is_fresh=True))
        return hoped


class IgnoresCounters(DiskStore):
    """Takes what comes next, whatever its number is."""

    def decide(self, batch: Sequence[NewEntry]) -> Committed:
        return _joined([super(IgnoresCounters, self).decide([self._in_turn(new)]) for new in batch])

    def _in_turn(self, new: NewEntry) -> NewEntry:
        device = self.disk.devices.get(new.device or "")
        return new if device is None else new.model_copy(update={"counter": device.counter + 1})


class ForgetsIds(IgnoresCounters):
    """Keeps a copy as if it were new."""

    def decide(self, batch: Sequence[NewEntry]) -> Committed:
        self.disk.known = {key: entry for key, entry in self.disk.known.items() if entry.kind != "text"}
        return super().decide(batch)


class TellsBeforeCommit(DiskStore):
    """Readers see what may never be kept."""

    async def commit(self, batch: Sequence[NewEntry]) -> Committed:
        self._tell(accept_all(self.disk.backup().ledger(batch), batch))
        return await super().commit(batch)


class TakesPositionsFromASequence(DiskStore):
    """What is refused has used a position all the same."""

    def decide(self, batch: Sequence[NewEntry]) -> Committed:
        committed = super().decide(batch)
        streams = {new.stream for new, answer in zip(batch, committed.answers, strict=True) if not _is_kept(answer)}
        for stream in streams & self.disk.streams.keys():
            last = self.disk.streams[stream][-1]
            self.disk.streams[stream][-1] = last.model_copy(update={"position": last.position + 1})
        return committed


class ForgetsTheDigest(DiskStore):
    """Positions are right, what proves them is not."""

    def decide(self, batch: Sequence[NewEntry]) -> Committed:
        committed = super().decide(batch)
        for entry in committed.fresh:
            wrong = entry.model_copy(update={"digest": next_digest(0, entry.id)})
            self.disk.streams[entry.stream][entry.position - 1] = wrong
        return committed


class DropsNobody(Chat):
    """Signs a device out in the books only."""

    def drop(self, person_id: str, device: str | None = None) -> None:
        return


def _is_kept(answer: object) -> bool:
    return isinstance(answer, Kept)


def _joined(parts: Sequence[Committed]) -> Committed:
    return Committed(
        [answer for part in parts for answer in part.answers],
        [entry for part in parts for entry in part.fresh],
        [head for part in parts for head in part.inboxes],
    )
