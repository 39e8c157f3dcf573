"""Files that people send: looked into and made safe in a process of their own, one process a file."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from asyncio.subprocess import DEVNULL, PIPE
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from media.child import child_environment, end_child
from media.errors import MediaFault

DEADLINE = 90.0
UNUSABLE = "This file cannot be used. Choose another one."


@dataclass(frozen=True, slots=True)
class Examined:
    """`file` is what may be kept and `thumb` a small JPEG; both lie in the folder that was given. `mime` is one that
    browsers may show for image, voice and video; a `file` is only to be downloaded. `wave`: peaks of a sound, 0-100."""

    kind: Literal["image", "voice", "video", "file"]
    mime: str
    suffix: str
    file: Path
    thumb: Path | None = None
    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    wave: list[int] | None = None


async def examine(source: Path, folder: Path, sha256: str) -> Examined:
    """Photos become upright JPEGs, sounds and films fresh files of the same packets: without place, phone or any other
    metadata. What is none of them is kept as it is. `folder` (made here) takes what is made. Raises MediaFault for what
    is damaged, does not have this hash, or is larger than it looks; `folder` is gone then. Cancelling ends the process."""
    try:
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
        said = await _ask(source, folder, sha256)
        if "refused" in said:
            raise MediaFault(str(said["refused"]))
        kept, thumb = folder / "kept", folder / "thumb"
        file = kept if kept.exists() else source
        return Examined(file=file, thumb=thumb if thumb.exists() else None, **said)
    except BaseException:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        raise


async def _ask(source: Path, folder: Path, sha256: str) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "media.customs", str(source), str(folder), sha256,
        stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, start_new_session=True,
        env={**child_environment(), "MALLOC_ARENA_MAX": "2"},  # each more reserves 64 MB of the little that it has
    )  # fmt: skip
    assert process.stdout is not None
    try:
        async with asyncio.timeout(DEADLINE):
            answer = await process.stdout.read()
            await process.wait()
        said = json.loads(answer)
    except (TimeoutError, ValueError) as fault:  # it took too long, or died of its limits
        raise MediaFault(UNUSABLE) from fault
    finally:
        await end_child(process)
    return dict(said)
