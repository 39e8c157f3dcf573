"""Which peers' packets go into which call's journal: a plan's tapes made true, one recorder per call."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from media.errors import MediaFault
from media.held import Held, HeldList
from media.recorder import Recorder, Stream
from rtc.forwarder import Forwarder
from rtc.native.tape import PumpedTape
from rtc.sdp import Kind, Negotiated
from signaling.node import Tape

ORIENTATION = "urn:3gpp:video-orientation"
# A browser sends a keyframe only when asked. One in four seconds keeps a recording seekable and a picture quick (a snapshot
# decodes from the last keyframe on), for about a twentieth more bits.
KEYFRAME_NS = 4_000_000_000
LOOK_NS = 500_000_000


class Tapes:
    """`negotiated(peer)` is None while that peer is not connected; such a tape waits until `taken_up` is called for it.

    `tell_trouble(call_id, True)` says that a call's packets cannot be written (the disk is full), False that they are
    again."""

    def __init__(
        self,
        folder: Path,
        forwarder: Forwarder,
        negotiated: Callable[[str], Negotiated | None],
        tell_trouble: Callable[[str, bool], None],
    ) -> None:
        self._folder = folder
        self._forwarder = forwarder
        self._negotiated = negotiated
        self._recorders: dict[str, Recorder] = {}
        self._wanted: dict[str, frozenset[Tape]] = {}
        self._running: dict[str, Tape] = {}
        self._asked_ns = 0
        self._tell_trouble = tell_trouble
        self._troubled: set[str] = set()  # calls whose packets cannot be written now
        self._seen: dict[str, tuple[int, int]] = {}  # write faults and bytes at the last look
        self._looked_ns = 0
        self._new_held: Callable[[], Held] = HeldList

    def hold_in(self, new_held: Callable[[], Held]) -> None:
        """Recorders from now on keep what waits for the disk in one of these."""
        self._new_held = new_held

    def folder_of(self, call_id: str) -> Path:
        return self._folder / call_id

    def want(self, call_id: str, tapes: tuple[Tape, ...]) -> None:
        """Stops at once what is no longer wanted, then starts what is new. Raises MediaFault when the disk refuses."""
        before, after = self._wanted.get(call_id, frozenset()), frozenset(tapes)
        for tape in before - after:
            self._stop(tape)
        self._wanted[call_id] = after
        recorder = self._recorders.get(call_id)
        if recorder and before and not after:
            recorder.pause(time.monotonic_ns())
            recorder.flush()
        if after and recorder is None:
            recorder = Recorder(self.folder_of(call_id), self._new_held())
            try:
                recorder.open()
            except MediaFault:
                self._wanted[call_id] = frozenset()  # the same wish again starts these tapes, not none
                self._has_trouble(call_id, True)
                raise
            self._recorders[call_id] = recorder
            self._has_trouble(call_id, False)
        elif recorder and after and not before:
            recorder.resume(time.monotonic_ns())
        for tape in after - before:
            self._start(call_id, tape)

    def taken_up(self, peer: str) -> None:
        """This peer has just connected: its waiting tapes start."""
        for call_id, tapes in self._wanted.items():
            for tape in tapes:
                if tape.peer == peer and peer not in self._running:
                    self._start(call_id, tape)

    def dropped(self, peer: str) -> None:
        """This peer is gone; its tape waits for it, or for the peer that replaces it."""
        self._running.pop(peer, None)
        self._forwarder.set_tap(peer, None)

    def tick(self, now_ns: int) -> None:
        """Call it often; asks each taped camera for a keyframe when the last one was asked for long enough ago, and
        looks whether the disk still takes what is recorded."""
        if now_ns - self._looked_ns >= LOOK_NS:
            self._looked_ns = now_ns
            self._look_at_the_disk()
        if now_ns - self._asked_ns >= KEYFRAME_NS:
            self._asked_ns = now_ns
            for peer in self._running:
                self._forwarder.request_keyframe(peer, now_ns)

    def _look_at_the_disk(self) -> None:
        for call_id, recorder in self._recorders.items():
            faults, written = self._seen.get(call_id, (0, 0))
            self._seen[call_id] = (recorder.write_faults, recorder.written_bytes)
            if recorder.write_faults > faults:
                self._has_trouble(call_id, True)
            elif recorder.written_bytes > written:
                self._has_trouble(call_id, False)

    def _has_trouble(self, call_id: str, has_trouble: bool) -> None:
        if has_trouble != (call_id in self._troubled):
            (self._troubled.add if has_trouble else self._troubled.discard)(call_id)
            self._tell_trouble(call_id, has_trouble)

    def _stop(self, tape: Tape) -> None:
        if self._running.get(tape.peer) == tape:
            self.dropped(tape.peer)

    def _start(self, call_id: str, tape: Tape) -> None:
        negotiated = self._negotiated(tape.peer)
        recorder = self._recorders.get(call_id)
        if negotiated is None or recorder is None:
            return
        streams: dict[Kind, Stream] = {}
        for line in negotiated.lines:
            if line.slot == 0 and line.accepts:
                payloads = {c.pt: (c.name.lower(), c.clock_hz, c.fmtp) for c in line.codecs.values()}
                streams[line.kind] = recorder.stream(tape.track, line.kind, payloads, line.extensions.get(ORIENTATION))
        sound, picture = streams.get("audio"), streams.get("video")

        def keep(packet: bytes, arrival_ns: int, is_video: bool) -> None:
            stream = picture if is_video else sound
            if stream:
                stream.rtp(packet, arrival_ns)

        def keep_report(packet: bytes, arrival_ns: int, is_video: bool) -> None:
            stream = picture if is_video else sound
            if stream:
                stream.sender_report(packet, arrival_ns)

        pumped = {
            kind: (stream.held, stream.number)
            for kind, stream in streams.items()
            if isinstance(stream.held, PumpedTape)
        }
        self._running[tape.peer] = tape
        self._forwarder.set_tap(tape.peer, keep, keep_report, pumped)
        self._forwarder.request_keyframe(tape.peer, time.monotonic_ns())

    async def end(self, call_id: str) -> None:
        """Closes the call's journal; it stays on the disk."""
        for tape in self._wanted.pop(call_id, ()):
            self._stop(tape)
        recorder = self._recorders.pop(call_id, None)
        self._troubled.discard(call_id)
        self._seen.pop(call_id, None)
        if recorder:
            await asyncio.to_thread(recorder.close)

    async def close(self) -> None:
        for call_id in list(self._recorders):
            await self.end(call_id)

    async def flush(self, call_id: str) -> None:
        recorder = self._recorders.get(call_id)
        if recorder:
            recorder.flush()

    async def forget(self, call_id: str) -> None:
        """Deletes the journal. A call that is still being recorded keeps it."""
        if call_id in self._recorders:
            raise MediaFault("This call is still being recorded.")
        await asyncio.to_thread(shutil.rmtree, self.folder_of(call_id), True)

    def unfinished(self) -> list[str]:
        if not self._folder.is_dir():
            return []
        return sorted(entry.name for entry in self._folder.iterdir() if entry.is_dir())

    def stats(self) -> dict[str, float]:
        return {
            "recorded_bytes": float(sum(recorder.written_bytes for recorder in self._recorders.values())),
            "recording_dropped_packets": float(sum(recorder.dropped_packets for recorder in self._recorders.values())),
            "recording_write_faults": float(sum(recorder.write_faults for recorder in self._recorders.values())),
        }
