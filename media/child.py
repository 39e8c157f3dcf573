"""The processes that this room starts: what they inherit, and how they end.

Each is the leader of its own session, so that Ctrl-C in a terminal reaches only the server, which then ends them.
"""

from __future__ import annotations

import asyncio
import os
from asyncio.subprocess import Process
from pathlib import Path


def child_environment() -> dict[str, str]:
    """This process's environment, in which `python -m media...` is found from any working directory."""
    home = str(Path(__file__).resolve().parent.parent)
    path = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": f"{home}{os.pathsep}{path}" if path else home}


async def end_child(process: Process) -> None:
    """Kills this one process if it still runs, and waits until it is gone."""
    if process.returncode is None:
        try:
            process.kill()
        except ProcessLookupError:
            pass
        await asyncio.shield(process.wait())
