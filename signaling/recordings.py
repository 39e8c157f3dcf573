"""After a call: its journal becomes files, the files become blobs, and only then is the journal forgotten."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from weakref import WeakValueDictionary

import structlog

from domain.errors import NotFound, Refusal
from domain.record import Recording
from signaling.floor import Floor
from signaling.news import RecordingNews
from signaling.node import FinishedRecording

log = structlog.get_logger()
AT_ONCE = 2  # finishing reads and writes whole files; more at once only slow each other and the live calls
FINISH_DEADLINE_S = 600.0
RETRY_AFTER_S = (0.5, 1.0, 2.0, 4.0, 8.0)  # a dead worker is replaced within 3 s


class Recordings:
    """Finishes in the background; whatever fails here stays in the journal for the next start."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._places = asyncio.Semaphore(AT_ONCE)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # one finishing of a call at a time

    @property
    def are_finishing(self) -> bool:
        return bool(self._turns)

    def tell(self, shop_id: str, recording: Recording) -> None:
        """To all staff of the shop: the list of past calls shows it too."""
        text = RecordingNews(recording=recording).model_dump_json()
        for session in self._floor.staff_sessions(shop_id):
            session.say(text)

    async def finish(self, call_id: str, shop_id: str, *, is_over: bool = True) -> None:
        """Idempotent. While the call goes on (`is_over` False) the files so far are made and the journal stays."""
        calls, node = self._floor.house.calls, self._floor.house.node
        turn = self._turns.setdefault(call_id, asyncio.Lock())
        async with turn, self._places:
            known = await calls.recording(call_id)
            if is_over and known.state != "none":
                await self._keep(shop_id, known.model_copy(update={"state": "finishing"}))
            try:
                finished = await self._patiently(call_id)
                recording = None if finished is None else await self._as_blobs(finished)
            except Exception as fault:
                log.warning("a recording could not be finished", call=call_id, fault=type(fault).__name__)
                if known.state != "none":
                    await self._keep(shop_id, known.model_copy(update={"state": "failed"}))
                return
            if recording is None:
                if is_over and known.state != "none":
                    # without a journal there is nothing newer than the files that are known, if any
                    state = "ready" if known.files else "none"
                    await self._keep(shop_id, known.model_copy(update={"state": state}))
                return
            await self._keep(shop_id, recording)
            if is_over:
                await node.forget_journal(call_id)

    async def take_up_unfinished(self, shop_id: str | None = None) -> None:
        """After a crash: journals of calls that are over are finished for good, those of open calls for now. Of one shop,
        where others' calls are another server's."""
        for call_id in await self._unfinished():
            try:
                call = await self._floor.house.calls.get(call_id)
            except NotFound:
                log.warning("a journal belongs to no call", call=call_id)
                continue
            if shop_id in (None, call.shop_id):
                self._floor.spawn(self.finish(call_id, call.shop_id, is_over=call.is_over))

    async def _unfinished(self) -> list[str]:
        for pause in RETRY_AFTER_S:
            try:
                return await self._floor.house.node.unfinished_recordings()
            except Refusal:
                await asyncio.sleep(pause)
        return await self._floor.house.node.unfinished_recordings()

    async def _patiently(self, call_id: str) -> FinishedRecording | None:
        async with asyncio.timeout(FINISH_DEADLINE_S):
            for pause in RETRY_AFTER_S:
                try:
                    return await self._floor.house.node.finish_recording(call_id)
                except Refusal:
                    await asyncio.sleep(pause)
            return await self._floor.house.node.finish_recording(call_id)

    async def _as_blobs(self, finished: FinishedRecording) -> Recording:
        files = {}
        for name, path in finished.files.items():
            files[name] = await self._floor.house.blobs.put_file(Path(path), Path(path).suffix)
        return Recording(
            call_id=finished.call_id,
            state="ready",
            started_at=datetime.fromtimestamp(finished.started_at, UTC),
            duration_s=finished.duration_s,
            files=files,
            tracks=finished.tracks,
        )

    async def _keep(self, shop_id: str, recording: Recording) -> None:
        await self._floor.house.calls.put_recording(recording)
        self.tell(shop_id, recording)
