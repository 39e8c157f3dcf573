"""The key that signs cookies and links: made once, kept in the data folder, readable by the owner only."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from server.starting import CannotStart, reason


def kept_secret(path: Path) -> bytes:
    """32 random bytes, the same at each start. Two servers that start at once on an empty folder agree on one key."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        pass
    except OSError as fault:
        raise CannotStart(f"{path} cannot be written ({reason(fault)}). Mend the data folder.") from fault
    try:
        key = path.read_bytes()
    except OSError as fault:
        raise CannotStart(f"{path} cannot be read ({reason(fault)}). Mend its owner and rights.") from fault
    if len(key) < 32:
        raise CannotStart(f"{path} is damaged (only {len(key)} bytes). Delete it: people must then sign in again.")
    return key
