"""Files to share (both faces, mixed sound), made on demand: one at a time on this machine, one per call.

Progress is kept in memory; the result is a blob that the call's recording remembers under `composed.<format>`.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import structlog
from aiohttp import web
from pydantic import BaseModel

from domain.errors import Conflict, NotFound, Refusal, Unavailable
from domain.record import Recording
from media.errors import MediaFault
from signaling.house import House

Format = Literal["mp4", "webm"]
Compose = Callable[[dict[str, Path], Path, Format, Callable[[float], None]], Awaitable[None]]  # media.compose.compose
FORMATS: tuple[Format, ...] = ("mp4", "webm")
PREFIX = "composed."
MAX_IN_LINE = 20
MAX_REMEMBERED = 500  # states of jobs that are over
LONGEST_FACTOR = 20.0  # a call may take this many times its own length, on the slowest machine that we serve
SHORTEST_DEADLINE_S = 600.0

log = structlog.get_logger(__name__)


class CompositionView(BaseModel):
    state: Literal["none", "working", "ready", "failed"] = "none"
    format: Format | None = None
    progress: float = 0.0
    message: str = ""


@dataclass
class _Job:
    view: CompositionView
    task: asyncio.Task[None] | None = None


class Compositions:
    def __init__(self, house: House, compose: Compose) -> None:
        self._house = house
        self._compose = compose
        self._jobs: OrderedDict[str, _Job] = OrderedDict()
        self._one = asyncio.Semaphore(1)

    async def lifetime(self, app: web.Application) -> AsyncIterator[None]:
        """For `app.cleanup_ctx`: when the app ends, the jobs end, and their processes with them."""
        yield
        tasks = [job.task for job in self._jobs.values() if job.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def state(self, call_id: str) -> CompositionView:
        if job := self._jobs.get(call_id):
            return job.view
        kept = composed_files(await self._house.calls.recording(call_id))
        for fmt in kept:
            return CompositionView(state="ready", format=fmt, progress=1.0)
        return CompositionView()

    async def start(self, call_id: str, fmt: Format) -> CompositionView:
        """Starts a job, or tells of the one at work or of the file that is there. Conflict without a recording."""
        recording = await self._house.calls.recording(call_id)
        job = self._jobs.get(call_id)
        if job is not None and job.view.state == "working":
            return job.view
        if fmt in composed_files(recording):
            view = CompositionView(state="ready", format=fmt, progress=1.0)
            self._remember(call_id, _Job(view))
            return view
        if recording.state != "ready":
            raise Conflict("There is no finished recording of this call to make a file from.")
        if sum(job.view.state == "working" for job in self._jobs.values()) >= MAX_IN_LINE:
            raise Unavailable("Many files are being made. Try again in some minutes.")
        job = _Job(CompositionView(state="working", format=fmt))
        self._remember(call_id, job)
        job.task = asyncio.create_task(self._work(job, recording, fmt), name=f"compose {call_id}")
        return job.view

    async def file(self, call_id: str) -> tuple[Path, Format]:
        """The composed file asked for last. Raises NotFound while there is none."""
        view = await self.state(call_id)
        if view.state == "ready" and view.format is not None:
            blob = composed_files(await self._house.calls.recording(call_id)).get(view.format)
            if blob is not None:
                return await self._house.blobs.path(blob), view.format
        raise NotFound("This file has not been made yet.")

    async def forget(self, call_id: str) -> None:
        """Nothing of this call is made any more, and nothing half made is left, also by a server that died."""
        job = self._jobs.pop(call_id, None)
        if job is not None and job.task is not None:
            job.task.cancel()
            await asyncio.gather(job.task, return_exceptions=True)
        for fmt in FORMATS:
            self._out(call_id, fmt).unlink(missing_ok=True)

    async def _work(self, job: _Job, recording: Recording, fmt: Format) -> None:
        out = self._out(recording.call_id, fmt)

        def on_progress(share: float) -> None:
            job.view = job.view.model_copy(update={"progress": min(1.0, max(job.view.progress, share))})

        try:
            async with self._one:
                files = {
                    name: await self._house.blobs.path(blob)
                    for name, blob in recording.files.items()
                    if not name.startswith(PREFIX)
                }
                async with asyncio.timeout(max(SHORTEST_DEADLINE_S, recording.duration_s * LONGEST_FACTOR)):
                    await self._compose(files, out, fmt, on_progress)
                keeping = asyncio.create_task(self._keep(recording.call_id, out, fmt), name=f"keep {out.name}")
                try:
                    await asyncio.shield(keeping)
                finally:  # also when it is cancelled: a file without a name would stay when its customer is erased
                    await asyncio.gather(keeping, return_exceptions=True)
            job.view = CompositionView(state="ready", format=fmt, progress=1.0)
        except MediaFault as fault:
            job.view = CompositionView(state="failed", format=fmt, message=fault.message)
        except TimeoutError:
            job.view = CompositionView(state="failed", format=fmt, message="It took too long. Try again later.")
        except Exception as fault:
            log.error("composition failed", call_id=recording.call_id, fault=type(fault).__name__)
            job.view = CompositionView(state="failed", format=fmt, message="The file could not be made. Try again.")
        finally:
            out.unlink(missing_ok=True)

    async def _keep(self, call_id: str, out: Path, fmt: Format) -> None:
        blob = await self._house.blobs.put_file(out, f".{fmt}")
        try:
            latest = await self._house.calls.recording(call_id)
            kept = latest.model_copy(update={"files": {**latest.files, PREFIX + fmt: blob}})
            await self._house.calls.put_recording(kept)
        except Refusal:  # erased meanwhile, or the store is away: nothing names it
            await self._house.blobs.delete(blob)
            raise

    def _out(self, call_id: str, fmt: Format) -> Path:
        return self._house.settings.scratch / f"composed-{call_id}.{fmt}"

    def _remember(self, call_id: str, job: _Job) -> None:
        self._jobs.pop(call_id, None)
        self._jobs[call_id] = job
        for old in [key for key, kept in self._jobs.items() if kept.view.state != "working"][:-MAX_REMEMBERED]:
            del self._jobs[old]


def composed_files(recording: Recording) -> dict[Format, str]:
    return {fmt: recording.files[PREFIX + fmt] for fmt in FORMATS if PREFIX + fmt in recording.files}
