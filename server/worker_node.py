"""The server's side of one media worker: starts it, asks it, notices its death and starts a fresh one with the same plans."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from types import TracebackType
from typing import Any, Self

import structlog

from domain import errors
from server.node_pipe import NodeOptions, Pipe, event_of, finished, options
from signaling.node import FinishedRecording, NodeEvent, PeerClosed, Plan, Shot

log = structlog.get_logger()
ASK_DEADLINE_S = 10.0
PULSE_S = 0.5
# One that does not answer `stats` for so many of our own half seconds is stuck: it is ended and replaced. Counted and not timed, because a
# machine that stood still, or has too much to do, held us up as well. With the native pump its calls go on meanwhile.
SILENT_PULSES = 10
FINISH_DEADLINE_S = 600.0
END_DEADLINE_S = 5.0
START_DEADLINE_S = 20.0


class WorkerNode:
    """A `MediaNode` in a process of its own."""

    def __init__(self, node_options: NodeOptions) -> None:
        self._options = node_options
        self._hear: Callable[[NodeEvent], None] = lambda _: None
        self._pipe: Pipe | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._answers: dict[int, asyncio.Future[tuple[Any, bytes]]] = {}
        self._number = 0
        self._peers: set[str] = set()
        self._plans: dict[str, Plan] = {}
        self._ready = asyncio.Event()
        self._cannot = ""  # why the last one could not start, in its own sentence
        self._has_ended = asyncio.Event()  # one of them has, since we began
        self._supervisor: asyncio.Task[None] | None = None
        self._is_closing = False
        self._is_busy = False

    async def __aenter__(self) -> Self:
        """Raises Unavailable when the first worker does not come up: who starts a server wants to know, not to wait."""
        self._supervisor = asyncio.create_task(self._supervise())
        first = [asyncio.create_task(event.wait()) for event in (self._ready, self._has_ended)]
        try:
            await asyncio.wait(first, timeout=START_DEADLINE_S, return_when=asyncio.FIRST_COMPLETED)
            if not self._ready.is_set():
                raise errors.Unavailable(self._cannot or "A media worker did not start; the log says why.")
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        finally:
            for task in first:
                task.cancel()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_closing = True
        if self._pipe:
            self._pipe.close()
        if self._supervisor:
            try:
                async with asyncio.timeout(END_DEADLINE_S + 2):
                    await self._supervisor
            except TimeoutError:
                self._kill()
                self._supervisor.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await self._supervisor

    @property
    def port(self) -> int:
        return self._options.port

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    # --- the process ---

    async def _supervise(self) -> None:
        pause_s = 0.0
        while not self._is_closing:
            started = time.monotonic()
            try:
                await self._run_once()
            except Exception:
                # a process that cannot be made now, or said what no worker says: the next one may do better
                log.exception("a media worker was given up")
            self._bury()
            self._has_ended.set()
            if self._is_closing:
                return
            # one death is replaced at once; a worker that cannot live is not started in a tight loop
            pause_s = 0.0 if time.monotonic() - started > 5 else min(2.0, pause_s + 0.25)
            log.warning("media worker ended, starting a fresh one", pause_s=pause_s, cannot=self._cannot or None)
            await asyncio.sleep(pause_s)

    async def _run_once(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "server.worker", str(theirs.fileno()), options.dump_json(self._options).decode(),
                pass_fds=[theirs.fileno()], stdin=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
        ours.setblocking(False)
        self._pipe = Pipe(*await asyncio.open_connection(sock=ours))
        pulse = asyncio.create_task(self._feel_pulse())
        try:
            while message := await self._pipe.read():
                self._take(*message)
        finally:
            pulse.cancel()
            self._ready.clear()
            self._pipe.close()
            await self._gone()

    async def _gone(self) -> None:
        """The process closes its journals and ends; one that does not is ended."""
        assert self._process is not None
        try:
            async with asyncio.timeout(END_DEADLINE_S):
                await self._process.wait()
        except TimeoutError:
            log.error("media worker does not end, ending it")
            self._kill()
            await self._process.wait()

    def _kill(self) -> None:
        if self._process and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _feel_pulse(self) -> None:
        try:
            async with asyncio.timeout(START_DEADLINE_S):
                await self._ready.wait()
            while True:
                await asyncio.sleep(PULSE_S)
                stats, _ = await self._answered(self._write("stats", {}))
                self._is_busy = stats["busy"] > 0
        except (errors.Unavailable, TimeoutError):
            log.error("media worker does not answer, ending it")
            self._kill()

    async def _answered(self, asked: asyncio.Future[tuple[Any, bytes]]) -> tuple[Any, bytes]:
        """Raises TimeoutError when all was silent."""
        for _ in range(SILENT_PULSES):
            if (await asyncio.wait([asked], timeout=PULSE_S))[0]:
                return asked.result()
        raise TimeoutError

    def _take(self, body: dict[str, Any], blob: bytes) -> None:
        if "ready" in body:
            self._cannot = ""
            self._options = replace(self._options, port=body["ready"])
            for plan in self._plans.values():
                self._write("apply", {"plan": asdict(plan)})
            self._ready.set()
        elif "cannot" in body:
            self._cannot = str(body["cannot"])
        elif "event" in body:
            event = event_of(body)
            if isinstance(event, PeerClosed):
                self._peers.discard(event.peer)
            self._tell(event)
        elif future := self._answers.pop(body["id"], None):
            if future.done():
                return
            if "refusal" in body:
                future.set_exception(getattr(errors, body["refusal"], errors.Unavailable)(body["message"]))
            else:
                future.set_result((body["result"], blob))

    def _bury(self) -> None:
        for future in self._answers.values():
            if not future.done():
                future.set_exception(errors.Unavailable("The media worker ended; a fresh one is starting. Try again."))
        self._answers.clear()
        lost, self._peers = self._peers, set()
        for peer in lost:
            self._tell(PeerClosed(peer, worker_died=True))

    def _tell(self, event: NodeEvent) -> None:
        try:
            self._hear(event)
        except Exception:
            log.exception("an event's receiver failed", event_type=type(event).__name__)

    def _write(self, name: str, args: dict[str, Any]) -> asyncio.Future[tuple[Any, bytes]]:
        assert self._pipe is not None
        self._number += 1
        future: asyncio.Future[tuple[Any, bytes]] = asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._answers[self._number] = future
        self._pipe.write({"id": self._number, "ask": name, "args": args})
        return future

    async def _ask(self, name: str, args: dict[str, Any], deadline_s: float = ASK_DEADLINE_S) -> tuple[Any, bytes]:
        try:
            async with asyncio.timeout(deadline_s):
                await self._ready.wait()
                return await self._write(name, args)
        except TimeoutError:
            raise errors.Unavailable("The media worker does not answer. Try again in a moment.") from None

    # --- the MediaNode ---

    def listen(self, hear: Callable[[NodeEvent], None]) -> None:
        self._hear = hear

    async def open_peer(self, peer: str, offer_sdp: str, *, group: str) -> str:
        # known before it is asked for: a worker that dies right after its answer must not be outlived by its peer
        is_new = peer not in self._peers
        self._peers.add(peer)
        try:
            answer, _ = await self._ask("open_peer", {"peer": peer, "offer_sdp": offer_sdp, "group": group})
        except BaseException:
            if is_new:
                self._peers.discard(peer)
            raise
        return str(answer)

    def is_busy(self, group: str) -> bool:
        return self._is_busy

    async def close_peer(self, peer: str) -> None:
        self._peers.discard(peer)
        await self._ask("close_peer", {"peer": peer})

    async def apply(self, plan: Plan) -> None:
        self._plans[plan.call_id] = plan
        await self._ask("apply", {"plan": asdict(plan)})

    async def end(self, call_id: str) -> None:
        self._plans.pop(call_id, None)
        await self._ask("end", {"call_id": call_id})

    async def send_text(self, peer: str, text: str) -> bool:
        return bool((await self._ask("send_text", {"peer": peer, "text": text}))[0])

    async def take_picture(self, peer: str) -> Shot:
        facts, jpeg = await self._ask("take_picture", {"peer": peer})
        return Shot(jpeg, facts["width"], facts["height"], facts["sharpness"])

    async def finish_recording(self, call_id: str) -> FinishedRecording | None:
        done, _ = await self._ask("finish_recording", {"call_id": call_id}, FINISH_DEADLINE_S)
        return finished.validate_python(done) if done else None

    async def forget_journal(self, call_id: str) -> None:
        await self._ask("forget_journal", {"call_id": call_id})

    async def unfinished_recordings(self) -> list[str]:
        return list((await self._ask("unfinished_recordings", {}))[0])

    async def stats(self) -> dict[str, float]:
        return dict((await self._ask("stats", {}))[0])
