"""What keeps a server from starting, told in one sentence."""

from __future__ import annotations

import os
from pathlib import Path


class CannotStart(Exception):
    """The sentence says what is wrong and what to do; there is nothing to trace."""


def make_data_folder(folder: Path) -> None:
    """Makes the folder and sees that it can be written to. Raises CannotStart."""
    probe = folder / f".writable-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as fault:
        raise CannotStart(
            f"The data folder {folder} cannot be written to ({reason(fault)}). "
            "Mend its owner and rights, make room on its disk, or name another one with --data."
        ) from fault


def reason(fault: OSError) -> str:
    """`Address already in use`, whatever asyncio says around it."""
    return os.strerror(fault.errno) if fault.errno else str(fault) or type(fault).__name__
