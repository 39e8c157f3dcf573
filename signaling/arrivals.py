"""Files on their way into a conversation: they arrive in parts, are looked into in another process, and are kept or gone.

A part is a file in the scratch folder, and its size is how much has arrived: a server that dies forgets nothing of it.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from weakref import WeakValueDictionary

import structlog
from aiohttp import web

from domain.attachment import UNUSED_FOR, Attachment, AttachmentStore, Removed, Upload, clean_name
from domain.errors import Conflict, Expect, Invalid, NotFound, NotReady, TooLarge, Unavailable
from media.errors import MediaFault
from media.incoming import Examined, examine
from signaling.house import House

SWEEP_EVERY_S = 3600.0
AT_ONCE = 2  # processes that look into files; a call goes before them
BLOBS_AT_ONCE = 50
OTHERS_S = 30.0  # another server keeps a file, or deletes some
LOOK_AGAIN_S = 0.02
BUSY = "The files are busy; nothing was kept. Try again."
NO_SPACE = "The disk is full; nothing was kept. Try again later."

log = structlog.get_logger(__name__)


class Arrivals:
    def __init__(self, house: House, store: AttachmentStore) -> None:
        self._house = house
        self._store = store
        self._folder = house.settings.scratch / "uploads"
        self._places = asyncio.Semaphore(AT_ONCE)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # by person
        self._blobs = asyncio.Lock()
        self._lock = house.settings.scratch / "blobs.lock"
        self._swept = house.settings.scratch / "blobs.swept"  # its time: what was put before has been looked at
        self._finishing: dict[str, asyncio.Task[Attachment]] = {}

    async def lifetime(self, app: web.Application) -> AsyncIterator[None]:
        """For `app.cleanup_ctx`: sweeps now and then; when the app ends, so do the processes at work."""
        await asyncio.to_thread(self._folder.mkdir, parents=True, exist_ok=True, mode=0o700)
        sweeping = asyncio.create_task(self._sweep_on(), name="sweep of files")
        yield
        tasks = [sweeping, *self._finishing.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def arrived(self, upload: Upload) -> int:
        """How many bytes of it are here."""
        return await asyncio.to_thread(_size, self._part(upload.id))

    async def add(self, upload: Upload, offset: int, data: bytes) -> int:
        """Appends, and returns how many bytes are here then. Raises Expect with the offset that comes next, TooLarge for
        more than was said, Unavailable for a full disk, NotFound when the upload ended meanwhile."""
        if offset + len(data) > upload.bytes:
            raise TooLarge("That is more than was said of this file. Begin it again.")
        part = self._part(upload.id)
        size = await asyncio.to_thread(_append, part, offset, data)
        try:
            await self._store.upload(upload.id)
        except NotFound:  # dropped or erased while this came in, and its part was removed before
            await asyncio.to_thread(part.unlink, missing_ok=True)
            raise
        return size

    async def finish(self, upload: Upload) -> Attachment:
        """The kept file, once all of it is here and it is safe. Asked again meanwhile, the answer is the same. Raises
        NotReady while something is missing; Invalid (code `unusable_file`) or Conflict (code `quota`: what is made of it
        can be larger than it was) when it is not kept: it is gone then."""
        task = self._finishing.get(upload.id)
        if task is None:
            task = asyncio.create_task(self._finish(upload), name=f"file {upload.id}")
            self._finishing[upload.id] = task
            task.add_done_callback(lambda done: self._finished(upload.id, done))
        return await asyncio.shield(task)

    async def drop(self, upload: Upload) -> None:
        """Nothing of it stays."""
        await self._store.drop_upload(upload.id)
        await asyncio.to_thread(self._part(upload.id).unlink, missing_ok=True)

    async def forget(self, removed: Removed) -> None:
        """Deletes what a transaction has let go of: parts, and the blobs that still nothing names. One that the disk does
        not let go of holds up no other; Unavailable then."""
        for upload_id in removed.uploads:
            await asyncio.to_thread(self._part(upload_id).unlink, missing_ok=True)
        if not removed.blobs:
            return
        refused: Unavailable | None = None
        async with self._naming():
            for blob in await self._store.unnamed(removed.blobs):
                try:
                    await self._house.blobs.delete(blob)
                except Unavailable as fault:
                    refused = fault
        if refused is not None:
            raise refused

    async def sweep(self) -> Removed:
        """Forgets what was begun, or kept and never sent, too long ago."""
        uploads, blobs = list[str](), list[str]()
        while (removed := await self._store.sweep(self._house.now() - UNUSED_FOR)) != Removed():
            await self.forget(removed)
            uploads += removed.uploads
            blobs += removed.blobs
        blobs += await self._sweep_unnamed()
        await asyncio.to_thread(_clear, self._folder, 2 * UNUSED_FOR.total_seconds())
        return Removed(uploads=tuple(uploads), blobs=tuple(blobs))

    async def _sweep_unnamed(self) -> list[str]:
        """Blobs that a server put and did not live to name. They are looked for once, when they are a day old: what a
        database from a backup names no more stays on the disk."""
        before_s, gone = time.time() - UNUSED_FOR.total_seconds(), list[str]()
        after_s = await asyncio.to_thread(_time_of, self._swept)
        old = await self._house.blobs.put_between(after_s, before_s)
        for start in range(0, len(old), BLOBS_AT_ONCE):
            async with self._naming():
                for blob in await self._store.unnamed(old[start : start + BLOBS_AT_ONCE]):
                    await self._house.blobs.delete(blob, put_before_s=before_s)
                    gone.append(blob)
        await asyncio.to_thread(_touch, self._swept, before_s)
        return gone

    @asynccontextmanager
    async def _naming(self) -> AsyncIterator[None]:
        """One at a time of all servers on this disk: a blob is not deleted between being put and being named."""
        async with self._blobs:
            descriptor = await asyncio.to_thread(os.open, self._lock, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                try:
                    async with asyncio.timeout(OTHERS_S):
                        # a thread that waited for it would lock when nobody wants to any more
                        while not _is_locked(descriptor):  # noqa: ASYNC110 (other processes set no event)
                            await asyncio.sleep(LOOK_AGAIN_S)
                except TimeoutError:
                    raise Unavailable(BUSY) from None
                yield
            finally:
                os.close(descriptor)

    def _finished(self, upload_id: str, task: asyncio.Task[Attachment]) -> None:
        self._finishing.pop(upload_id, None)
        if not task.cancelled():
            task.exception()  # whoever asked may be gone; asked again, it is tried again

    async def _finish(self, upload: Upload) -> Attachment:
        part, folder = self._part(upload.id), self._folder / f"{upload.id}-{self._house.new_id()}"
        if await self.arrived(upload) < upload.bytes:
            try:
                return await self._store.attachment(upload.id)  # kept since this was asked
            except NotFound:
                raise NotReady("This file is not whole yet. Send the rest first.") from None
        try:
            async with self._turn(upload.person_id), self._places:
                found = await examine(part, folder, upload.sha256)
            kept = await self._keep(upload, found)
            await asyncio.to_thread(part.unlink, missing_ok=True)
            return kept
        except MediaFault as fault:
            await self.drop(upload)
            raise Invalid(fault.message, code="unusable_file") from fault
        except Conflict:
            await self.drop(upload)
            raise
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _keep(self, upload: Upload, found: Examined) -> Attachment:
        blobs, made = self._house.blobs, list[str]()
        try:
            async with self._naming():  # until a row names them
                size = await asyncio.to_thread(_size, found.file)
                made.append(await blobs.put_file(found.file, found.suffix))
                if found.thumb is not None:
                    made.append(await blobs.put_file(found.thumb, ".jpg"))
                return await self._store.finish(
                    Attachment(
                        id=upload.id,
                        conversation_id=upload.conversation_id,
                        owner=upload.person_id,
                        blob=made[0],
                        kind=found.kind,
                        mime=found.mime,
                        name=clean_name(upload.name, "" if found.kind == "file" else found.suffix),
                        bytes=size,
                        width=found.width,
                        height=found.height,
                        seconds=found.seconds,
                        thumb=made[1] if found.thumb is not None else None,
                        wave=found.wave,
                        made_at=self._house.now(),
                    ),
                    quota_bytes=self._house.settings.conversation_quota_bytes,
                )
        except BaseException:  # dropped or erased meanwhile, or no room
            await self.forget(Removed(blobs=tuple(made)))
            raise

    def _turn(self, person_id: str) -> asyncio.Lock:
        """One of a person's files is looked into at a time, so whoever sends many leaves a place to the others, and who waits
        for a place waits for as many files as there are people before."""
        return self._turns.setdefault(person_id, asyncio.Lock())

    def _part(self, upload_id: str) -> Path:
        return self._folder / upload_id

    async def _sweep_on(self) -> None:
        while True:
            try:
                await self.sweep()
            except Exception as fault:
                log.error("sweep failed", fault=type(fault).__name__)
            await asyncio.sleep(SWEEP_EVERY_S)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _time_of(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _touch(path: Path, at_s: float) -> None:
    path.touch(0o600)
    os.utime(path, (at_s, at_s))


def _is_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _append(path: Path, offset: int, data: bytes) -> int:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | (os.O_CREAT if offset == 0 else 0), 0o600)
    except FileNotFoundError:
        raise Expect("Go on at 0.", expected=0) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # another tab, or another server on the same disk
        size = os.fstat(descriptor).st_size
        if size != offset:
            raise Expect(f"Go on at {size}.", expected=size)
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(descriptor, left) :]
        except OSError as fault:
            os.ftruncate(descriptor, offset)
            log.error("upload not kept", cause=errno.errorcode.get(fault.errno or 0, "unknown"))
            raise Unavailable(NO_SPACE) from fault
        return offset + len(data)
    finally:
        os.close(descriptor)


def _clear(folder: Path, older_than_s: float) -> None:
    """Parts and folders that no row tells of any more: a process died between the two."""
    for left in folder.iterdir():
        try:
            if time.time() - left.stat().st_mtime > older_than_s:
                shutil.rmtree(left) if left.is_dir() else left.unlink()
        except FileNotFoundError:  # it ended, or another server on this disk cleared it, since it was listed
            continue
