"""`domain.ports.BlobStore` as files of one folder: `<first two digits>/<sha256><suffix>`.

A blob is written under another name, flushed, and only then renamed: under its own name it is whole or absent.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import re
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from math import inf
from pathlib import Path
from typing import BinaryIO, TypeVar

import structlog

from domain.errors import Invalid, NotFound, Unavailable

NAME = re.compile(r"[0-9a-f]{64}(?:\.[a-z0-9]{1,8}){0,2}")
SUFFIX = re.compile(r"(?:\.[a-z0-9]{1,8}){0,2}")
UNFINISHED = ".unfinished"
ABANDONED_S = 24 * 3600.0  # no upload takes a day: what is older was left by a process that died
NO_BLOB = "This file is not kept here."
FULL = "The disk is full or broken; nothing was kept. Make room on it and try again."
T = TypeVar("T")
log = structlog.get_logger(__name__)


class FileBlobs:
    """Equal content has one name and one file: `delete` only what nothing else names."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, data: bytes, suffix: str) -> str:
        """`suffix` is empty or like `.jpg`; else Invalid. Raises Unavailable when the disk cannot take it."""
        _checked(suffix)
        return await self._on_disk(lambda: self._write(data, suffix))

    async def put_file(self, path: Path, suffix: str) -> str:
        """Moves the file; from another disk it is copied and then removed. Raises NotFound when there is no such file;
        when the disk is full the file stays where it is."""
        _checked(suffix)
        return await self._on_disk(lambda: self._take(path, suffix))

    async def path(self, name: str) -> Path:
        path = self._path(name)
        if not await asyncio.to_thread(path.is_file):
            raise NotFound(NO_BLOB)
        return path

    async def put_between(self, after_s: float, before_s: float) -> list[str]:
        return await self._on_disk(lambda: _put_between(self._folder, after_s, before_s))

    async def delete(self, name: str, *, put_before_s: float = inf) -> None:
        """A blob that is not there is already deleted: no error."""
        path = self._path(name)
        if put_before_s == inf:
            await self._on_disk(lambda: path.unlink(missing_ok=True))
        else:
            await self._on_disk(lambda: self._remove(path, put_before_s))

    def _path(self, name: str) -> Path:
        if not NAME.fullmatch(name):  # also what keeps `..` and `/` out
            raise NotFound(NO_BLOB)
        return self._folder / name[:2] / name

    async def _on_disk(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        except OSError as fault:
            log.error("blob folder fault", cause=errno.errorcode.get(fault.errno or 0, type(fault).__name__))
            raise Unavailable(FULL) from fault

    def _write(self, data: bytes, suffix: str) -> str:
        name = hashlib.sha256(data).hexdigest() + suffix
        path = self._path(name)
        if _is_put_again(path):
            return name
        fresh = self._fresh()
        try:
            with _made(fresh) as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            _rename(fresh, path)
        finally:
            fresh.unlink(missing_ok=True)
        return name

    def _take(self, source: Path, suffix: str) -> str:
        try:
            with source.open("rb") as file:
                name = hashlib.file_digest(file, "sha256").hexdigest() + suffix
                os.fsync(file.fileno())
            os.utime(source)  # its time is that of being put
        except (FileNotFoundError, IsADirectoryError):
            raise NotFound("There is no such file to keep.") from None
        path = self._path(name)
        if not _is_put_again(path):
            try:
                _rename(source, path)
            except OSError as fault:
                if fault.errno != errno.EXDEV:
                    raise
                self._copy(source, path)
        source.unlink(missing_ok=True)
        return name

    def _copy(self, source: Path, path: Path) -> None:
        fresh = self._fresh()
        try:
            with source.open("rb") as old, _made(fresh) as new:
                shutil.copyfileobj(old, new, 1024 * 1024)
                new.flush()
                os.fsync(new.fileno())
            _rename(fresh, path)
        finally:
            fresh.unlink(missing_ok=True)

    def _remove(self, path: Path, put_before_s: float) -> None:
        """Out of the way first, then looked at: whoever puts it meanwhile either made its time new, or finds it gone."""
        away = self._fresh()
        try:
            path.replace(away)
        except FileNotFoundError:
            return
        if away.stat().st_mtime < put_before_s:
            away.unlink()
        else:
            away.replace(path)

    def _fresh(self) -> Path:
        return self._folder / UNFINISHED / secrets.token_hex(16)


@asynccontextmanager
async def open_blobs(folder: Path) -> AsyncIterator[FileBlobs]:
    """Makes the folder, readable by its owner only, and removes what processes that died left unfinished."""
    try:
        await asyncio.to_thread(_prepare, folder)
    except OSError as fault:
        raise Unavailable(f"{folder} cannot be used: {fault.strerror}. Check the data folder and its owner.") from fault
    yield FileBlobs(folder)


def _prepare(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = folder / UNFINISHED
    unfinished.mkdir(exist_ok=True, mode=0o700)
    for left in unfinished.iterdir():
        try:
            if time.time() - left.stat().st_mtime > ABANDONED_S:
                left.unlink()
        except FileNotFoundError:  # another server that starts on this folder was faster
            continue


def _is_put_again(path: Path) -> bool:
    """True when it is kept already. Its time is new then: it may be about to be named."""
    try:
        os.utime(path)
    except FileNotFoundError:
        return False
    return True


def _put_between(folder: Path, after_s: float, before_s: float) -> list[str]:
    found = list[str]()
    for path in folder.glob("[0-9a-f][0-9a-f]/*"):
        try:
            if NAME.fullmatch(path.name) and after_s <= path.stat().st_mtime < before_s:
                found.append(path.name)
        except FileNotFoundError:  # deleted since it was listed
            continue
    return sorted(found)


def _made(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _rename(fresh: Path, path: Path) -> None:
    """A rename is on the disk when its folder is flushed; a new folder when its own folder is."""
    if not path.parent.is_dir():
        path.parent.mkdir(exist_ok=True, mode=0o700)
        _flush(path.parent.parent)
    fresh.replace(path)
    _flush(path.parent)


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _checked(suffix: str) -> str:
    if not SUFFIX.fullmatch(suffix):
        raise Invalid("A file's suffix is a dot and up to eight lower-case letters or digits, e.g. .jpg.")
    return suffix
