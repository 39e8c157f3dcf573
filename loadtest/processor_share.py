"""A share of one processor core for a server under load, so that a tester on the same machine is not its limit: the kernel's
own quota (cgroup `cpu.max`, or `cpu.cfs_quota_us` of version 1). It takes the right to make a cgroup, usually root's."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from loadtest.measures import with_children
from loadtest.target import CannotLoad

_LEAST_US = 1000  # the kernel's least quota and least period
_MOST_PERIOD_US = 1_000_000


class ProcessorShare:
    """`with ProcessorShare(pid) as share: share.set(0.4)`: this process and its children get 0.4 of a core together.
    Raises CannotLoad where that is not permitted. At the end they are as free as before."""

    def __init__(self, root: int, mounts: str | None = None) -> None:
        self._root = root
        self._mounts = mounts
        self._folder = Path()
        self._is_unified = False

    def __enter__(self) -> Self:
        try:
            self._open()
        except OSError as fault:
            raise CannotLoad(
                f"The server's share of the processor cannot be limited here ({fault.strerror or fault}): "
                "this takes the kernel's cpu controller and the right to make a cgroup, usually root's."
            ) from None
        return self

    def _open(self) -> None:
        parent, self._is_unified = _controller(
            Path("/proc/mounts").read_text() if self._mounts is None else self._mounts
        )
        self._folder = parent / f"loupe-load-{os.getpid()}"
        self._folder.mkdir()
        try:
            self._move(self._folder)
            self.set(1.0)
        except OSError:
            self._close()
            raise

    def set(self, share: float) -> None:
        """Of one core; more than 1: of several. The quota is the least there is, so that who used it up stands still as
        shortly as can be: longer than the period says, for the kernel looks every few milliseconds and takes back what was
        overdrawn."""
        period_us = min(_MOST_PERIOD_US, max(_LEAST_US, round(_LEAST_US / share)))
        quota_us = max(_LEAST_US, round(period_us * share))
        if self._is_unified:
            (self._folder / "cpu.max").write_text(f"{quota_us} {period_us}")
        else:
            (self._folder / "cpu.cfs_quota_us").write_text("-1")  # period and quota never fit half changed
            (self._folder / "cpu.cfs_period_us").write_text(str(period_us))
            (self._folder / "cpu.cfs_quota_us").write_text(str(quota_us))

    def _move(self, folder: Path) -> None:
        for pid in with_children(self._root):
            with contextlib.suppress(ProcessLookupError):
                (folder / "cgroup.procs").write_text(str(pid))

    def _close(self) -> None:
        with contextlib.suppress(OSError):
            self._move(self._folder.parent)
        with contextlib.suppress(OSError):
            self._folder.rmdir()

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()


def _controller(mounts: str) -> tuple[Path, bool]:
    """Where the cpu controller's cgroups are, and whether they are version 2. Raises OSError."""
    for line in mounts.splitlines():
        _, place, kind, options, *_ = line.split()
        at = Path(place)
        if kind == "cgroup" and "cpu" in options.split(","):
            return at, False
        if kind == "cgroup2" and "cpu" in (at / "cgroup.controllers").read_text().split():
            if "cpu" not in (at / "cgroup.subtree_control").read_text().split():
                (at / "cgroup.subtree_control").write_text("+cpu")
            return at, True
    raise OSError("no cpu controller is mounted")
