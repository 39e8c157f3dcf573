"""The file to share: both faces in one picture, both voices in one sound, encoded in a process of its own."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from media.child import child_environment, end_child
from media.errors import MediaFault

# Something must have been encoded in this time, however busy the machine is.
STALLED_AFTER = 60.0


async def compose(
    files: dict[str, Path], out: Path, fmt: Literal["mp4", "webm"], on_progress: Callable[[float], None]
) -> None:
    """Writes `out` from the people's own files (`customer`, `staff`; one may be missing), all of which start together.
    `fmt`: `mp4` (H.264 and AAC) or `webm` (VP8 and Opus). The customer fills the picture of 1280x720, staff are inset at
    the lower right. `on_progress` hears shares from 0 to 1, on the event loop. `out` appears whole or not at all.
    Raises MediaFault; cancelling ends the process."""
    if fmt not in ("mp4", "webm"):
        raise MediaFault("A recording can be shared as mp4 or webm.")
    people = [(name, files[name]) for name in ("customer", "staff") if name in files]
    if not people:
        raise MediaFault("This recording holds nobody's picture or sound.")
    arguments = [f"{name}={path}" for name, path in people]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "media.compositor", fmt, str(out), *arguments,
        stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env=child_environment(), start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    # Read all along: a full pipe would stop the child. It says one sentence at most.
    complaint = asyncio.create_task(process.stderr.read())
    try:
        while True:
            async with asyncio.timeout(STALLED_AFTER):
                line = await process.stdout.readline()
            if not line:
                break
            try:
                on_progress(min(1.0, max(0.0, float(line))))
            except ValueError:
                continue
        async with asyncio.timeout(STALLED_AFTER):
            await process.wait()
            reason = (await complaint).decode(errors="replace").strip().rpartition("\n")[2]
    except TimeoutError as fault:
        raise MediaFault("Making the file to share came to a halt; try again.") from fault
    finally:
        await end_child(process)
        complaint.cancel()
        _remove(out.with_name(f".{out.name}-{process.pid}"))
    if process.returncode != 0:
        raise MediaFault(f"The file to share could not be made: {reason or process.returncode}.")


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
