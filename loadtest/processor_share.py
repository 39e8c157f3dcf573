"""A share of one processor core for a server under load, so that a tester on the same machine is not its limit: the server is
bound to a core of which `loadtest.thief` takes the rest, and the tester keeps to the others."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from loadtest.measures import with_children
from loadtest.target import CannotLoad


class ProcessorShare:
    """`with ProcessorShare(pid) as share: share.set(0.4)`: this process and its children get 0.4 of one core together, and
    none of this process's cores else. Raises CannotLoad where that is not permitted. At the end all are as free as before."""

    def __init__(self, root: int, cores: Iterable[int] | None = None) -> None:
        self._root = root
        self._cores = sorted(os.sched_getaffinity(0) if cores is None else cores)
        self._thief: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        if len(self._cores) < 2:
            raise CannotLoad(
                "A server's share of the processor takes two cores: one for the server and one for the tester."
            )
        *others, core = self._cores
        self._thief = subprocess.Popen(
            [sys.executable, "-m", "loadtest.thief", str(core)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._thief.stdout is not None
        if (said := self._thief.stdout.readline().strip()) != "ready":
            self._end()
            raise CannotLoad(
                f"The server's share of the processor cannot be limited here ({said or 'no answer'}): "
                "this takes the right to run before others (SCHED_FIFO), usually root's."
            )
        _bind([os.getpid()], others)
        _bind(with_children(self._root), [core])
        return self

    def set(self, share: float) -> None:
        """Of the core, 0 to 1."""
        assert self._thief is not None
        assert self._thief.stdin is not None
        self._thief.stdin.write(f"{share}\n")
        self._thief.stdin.flush()

    def _end(self) -> None:
        assert self._thief is not None
        self._thief.communicate()
        self._thief = None

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
        _bind([os.getpid(), *with_children(self._root)], self._cores)


def _bind(pids: Iterable[int], cores: Iterable[int]) -> None:
    """All their threads, and what these will start."""
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").glob("*"):
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(int(thread.name), cores)
