"""One process per SQLite file: a lock file beside the database."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from domain.errors import Unavailable

PATIENCE = 5.0  # a server that was told to stop may still be finishing its last writes
PAUSE = 0.05
_opened_here: set[Path] = set()  # a process may lock its own file twice, so the lock file alone does not stop it


@asynccontextmanager
async def alone(path: Path, *, patience: float = PATIENCE) -> AsyncIterator[None]:
    """Makes the file and its folder when missing, readable by the owner only, and keeps every other process out.

    A POSIX lock: the kernel drops it when the process dies, however it dies, and a child process does not inherit it.
    Raises Unavailable when somebody else has the file for longer than `patience` seconds, or when it cannot be made.
    """
    if path in _opened_here:
        raise Unavailable(f"{path.name} is already open in this process. Close it there first.")
    lock = _opened(path.with_name(f"{path.name}.lock"))
    _opened_here.add(path)
    try:
        deadline = asyncio.get_running_loop().time() + patience
        while not _locked(lock):
            if asyncio.get_running_loop().time() > deadline:
                raise Unavailable(
                    f"Another Loupe is using {path.name}. Stop it first, or give this one a data folder of its own."
                )
            await asyncio.sleep(PAUSE)
        # made before SQLite opens it: closing any descriptor of the file later would drop the locks that SQLite holds
        os.close(_opened(path))
        yield
    finally:
        _opened_here.discard(path)
        os.close(lock)


def _opened(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as fault:
        raise Unavailable(f"{path} cannot be opened: {fault.strerror}. Check the data folder and its owner.") from fault


def _locked(lock: int) -> bool:
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True
