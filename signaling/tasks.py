"""Tasks with an owner: the fault of one is logged and ends nothing else."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

import structlog

from domain.errors import Refusal

log = structlog.get_logger()


class Tasks:
    """`async with tasks` around the life of what they work for; those that still run at its end are cancelled."""

    def __init__(self, counts: Counter[str]) -> None:
        self._counts = counts
        self._group: asyncio.TaskGroup | None = None
        self._running: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._group = await asyncio.TaskGroup().__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        group, self._group = self._group, None
        for task in list(self._running):
            task.cancel()
        if group is not None:  # every task guards itself, so the group has no fault to add to what ended the block
            await group.__aexit__(None, None, None)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
        """None when these tasks are over."""
        if self._group is None:
            work.close()
            return None
        task = self._group.create_task(self._guard(work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except asyncio.CancelledError:
            raise
        except Refusal as refusal:  # the state moved on while the work waited for its turn: no fault
            self._counts["work_refused"] += 1
            log.info("background work was refused", work=getattr(work, "__qualname__", ""), code=refusal.code)
        except Exception:
            self._counts["faults"] += 1
            log.exception("a background task failed", work=getattr(work, "__qualname__", ""))
