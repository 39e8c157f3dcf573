"""Pictures from the stream: the packets since the last keyframe go to a warm process, a JPEG comes back."""

from __future__ import annotations

import asyncio
import struct
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass
from types import TracebackType

from media.child import child_environment, end_child
from media.errors import MediaFault

DEADLINE = 2.0
# A process must import its decoders first; the machine may be busy with calls.
START_DEADLINE = 20.0
# One picture takes about 50 ms: who waits behind more than this would miss the deadline anyway.
MAX_WAITING = 16
MAX_REQUEST_BYTES = 32 * 1024 * 1024
_LENGTH = struct.Struct("!I")
_ANSWER = struct.Struct("!?IId")
_CODECS = {"vp8": 0, "h264": 1}


@dataclass(frozen=True, slots=True)
class Shot:
    """JPEG bytes at the stream's full resolution, upright. `sharpness`: variance of the Laplacian of its luma."""

    jpeg: bytes
    width: int
    height: int
    sharpness: float


class PictureMaker:
    """Owns one decoder process: `async with PictureMaker() as maker`. A process that died or hung is replaced by the next
    request (one that dies under a request: once within it)."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def __aenter__(self) -> PictureMaker:
        await self._start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    @property
    def pid(self) -> int | None:
        """Of the process at work, if any."""
        return self._process.pid if self._process is not None else None

    async def take(self, codec: str, packets: list[bytes], *, orientation_id: int | None) -> Shot:
        """The sharpest whole frame of the last second (by RTP time). `codec` is `vp8` or `h264`; `packets` are the RTP
        packets of one source from its last keyframe on; `orientation_id` the id of the video-orientation extension.
        Raises MediaFault when there is no whole keyframe, or no answer within 2 s (a dead process is started again first)."""
        request = _request(codec, packets, orientation_id)
        if self._waiting >= MAX_WAITING:
            raise MediaFault("Too many pictures are being taken at once; try again in a second.")
        self._waiting += 1
        try:
            try:
                async with asyncio.timeout(DEADLINE):
                    await self._turn.acquire()
            except TimeoutError as fault:
                raise MediaFault("The picture took too long; try again.") from fault
            try:
                return await self._ask(request)
            finally:
                self._turn.release()
        finally:
            self._waiting -= 1

    async def _ask(self, request: bytes) -> Shot:
        for attempt in (1, 2):
            if self._process is None or self._process.returncode is not None:
                await self._start()
            try:
                async with asyncio.timeout(DEADLINE):
                    return await self._exchange(request)
            except TimeoutError as fault:
                # Its late answer must not become the next one's.
                await self._stop()
                raise MediaFault("The picture took too long; try again.") from fault
            except (ConnectionError, asyncio.IncompleteReadError):
                await self._stop()
                if attempt == 2:
                    raise MediaFault("The picture could not be decoded.") from None
            except MediaFault:
                raise
            except BaseException:
                await self._stop()  # cancelled in the middle: as above
                raise
        raise AssertionError("unreachable")

    async def _exchange(self, request: bytes) -> Shot:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(request)
        await process.stdin.drain()
        (length,) = _LENGTH.unpack(await process.stdout.readexactly(_LENGTH.size))
        answer = await process.stdout.readexactly(length)
        good, width, height, sharpness = _ANSWER.unpack_from(answer)
        body = answer[_ANSWER.size :]
        if not good:
            raise MediaFault(body.decode())
        return Shot(body, width, height, sharpness)

    async def _start(self) -> None:
        await self._stop()
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "media.darkroom",
            stdin=PIPE,
            stdout=PIPE,
            env=child_environment(),
            start_new_session=True,
        )
        assert process.stdout is not None
        try:
            async with asyncio.timeout(START_DEADLINE):
                await process.stdout.readexactly(1)
        except (TimeoutError, asyncio.IncompleteReadError) as fault:
            await end_child(process)
            raise MediaFault("The picture process does not start.") from fault
        except BaseException:
            await end_child(process)
            raise
        self._process = process

    async def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await end_child(process)
            if process.stdin is not None:
                process.stdin.close()


def _request(codec: str, packets: list[bytes], orientation_id: int | None) -> bytes:
    if codec not in _CODECS:
        raise MediaFault(f"No picture can be taken of {codec} video.")
    if not packets:
        raise MediaFault("No video has arrived yet.")
    parts = [struct.pack("!BBI", _CODECS[codec], orientation_id or 0, len(packets))]
    for packet in packets:
        parts.append(_LENGTH.pack(len(packet)))
        parts.append(packet)
    body = b"".join(parts)
    if len(body) > MAX_REQUEST_BYTES:
        raise MediaFault("The last keyframe is too long ago; try again in a second.")
    return _LENGTH.pack(len(body)) + body
