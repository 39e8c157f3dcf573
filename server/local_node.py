"""The media node in this process: one UDP port, the forwarder, the tapes and the picture maker put together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from domain.errors import Conflict, Invalid, NotFound, Unavailable
from media.errors import MediaFault
from media.picture import PictureMaker
from media.remux import finish
from rtc import events as heard
from rtc.endpoint import Endpoint
from rtc.forwarder import Forwarder
from rtc.sdp import Negotiated
from server.node_pipe import NodeOptions
from server.tapes import ORIENTATION, Tapes
from signaling import node as said
from signaling.node import FinishedRecording, NodeEvent, Plan, RecordingTrouble, Shot

log = structlog.get_logger()
TICK_S = 0.05
PRESSED_TICK_S = 0.25  # while pictures are left out
KEYFRAME_WAIT_S = 1.5


class LocalNode:
    """A `MediaNode`. Files of finished recordings are made beside the journals and are the caller's to take over."""

    def __init__(self, options: NodeOptions) -> None:
        journals = Path(options.journals)
        self._hear: Callable[[NodeEvent], None] = lambda _: None
        self._endpoint = Endpoint(
            options.host,
            options.port,
            hear=self._heard,
            advertise=[(h, p) for h, p in options.advertise] or None,
            is_native=options.is_native,
        )
        self._forwarder = Forwarder(self._endpoint.pressure)
        self._tapes = Tapes(
            journals,
            self._forwarder,
            self._connected,
            lambda call, failing: self._hear(RecordingTrouble(call, failing)),
        )
        self._pictures = PictureMaker()
        self._finished = journals.parent / "scratch" / "finished"
        self._stack = AsyncExitStack()
        self._warming: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        self._stack.push_async_callback(self._tapes.close)
        await self._stack.enter_async_context(self._endpoint)
        if self._endpoint.pump is not None:
            self._forwarder.pump_through(self._endpoint.pump)
            self._tapes.hold_in(self._endpoint.pump.tape)
        # The decoder's process takes a second to start; calls need not wait for it, only pictures do.
        self._warming = asyncio.create_task(self._warm_up())
        ticking = asyncio.create_task(self._tick())
        self._stack.callback(ticking.cancel)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.wait([self._warming])
        await self._stack.aclose()

    @property
    def port(self) -> int:
        return self._endpoint.port

    async def _warm_up(self) -> None:
        await self._stack.enter_async_context(self._pictures)

    async def _tick(self) -> None:
        pressure = self._endpoint.pressure
        while True:
            await asyncio.sleep(PRESSED_TICK_S if pressure.is_shedding else TICK_S)
            try:
                now_ns = time.monotonic_ns()
                if self._endpoint.pump is not None:
                    self._endpoint.pump.look()
                self._forwarder.tick(now_ns)
                self._tapes.tick(now_ns)
            except Exception:
                log.exception("a tick of the forwarder failed")

    def _connected(self, peer_id: str) -> Negotiated | None:
        peer = self._endpoint.peers.get(peer_id)
        return peer.negotiated if peer and peer.is_connected else None

    # --- what the endpoint tells ---

    def _heard(self, event: heard.TransportEvent) -> None:
        match event:
            case heard.PeerConnected(peer):
                self._take_up(peer)
                self._hear(said.PeerConnected(peer))
            case heard.PeerLost(peer, silent_s):
                self._hear(said.PeerLost(peer, silent_s))
            case heard.PeerBack(peer):
                self._hear(said.PeerBack(peer))
            case heard.PeerClosed(peer):
                self._drop(peer)
                self._hear(said.PeerClosed(peer))
            case heard.ChannelOpen(peer):
                self._hear(said.ChannelOpen(peer))
            case heard.ChannelText(peer, text):
                self._hear(said.ChannelText(peer, text))
            case heard.ChannelClosed(peer):
                self._hear(said.ChannelClosed(peer))

    def _take_up(self, peer_id: str) -> None:
        peer = self._endpoint.peers[peer_id]
        self._forwarder.add_peer(peer)
        party = self._forwarder.source_of(peer_id)
        peer.on_rtp, peer.on_rtcp = party.rtp, party.rtcp
        self._tapes.taken_up(peer_id)

    def _drop(self, peer_id: str) -> None:
        self._tapes.dropped(peer_id)
        self._forwarder.remove_peer(peer_id)

    # --- the MediaNode ---

    def listen(self, hear: Callable[[NodeEvent], None]) -> None:
        self._hear = hear

    async def open_peer(self, peer: str, offer_sdp: str, *, group: str) -> str:
        for kind in ("audio", "video"):
            if f"m={kind} " not in offer_sdp:
                raise Invalid(f"This SDP offer has no {kind} line. Offer both, receive-only where there is no device.")
        answer = await self._endpoint.open_peer(peer, offer_sdp)
        known = self._endpoint.peers[peer]
        if known.is_connected:
            self._take_up(peer)
        return answer

    def is_busy(self, group: str) -> bool:
        return self._endpoint.is_busy

    async def close_peer(self, peer: str) -> None:
        self._drop(peer)
        await self._endpoint.close_peer(peer)

    async def apply(self, plan: Plan) -> None:
        # First the pictures, then the files: people must be able to talk although the disk is slow or full.
        routes = [(route.sink, route.slot, route.source) for route in plan.routes]
        self._forwarder.set_routes(plan.call_id, routes, time.monotonic_ns())
        try:
            self._tapes.want(plan.call_id, plan.tapes)
        except MediaFault as fault:
            log.error("recording cannot start", call=plan.call_id, fault=str(fault))
            raise Unavailable(f"This call cannot be recorded: {fault}") from fault

    async def end(self, call_id: str) -> None:
        self._forwarder.set_routes(call_id, [], time.monotonic_ns())
        await self._tapes.end(call_id)

    async def send_text(self, peer: str, text: str) -> bool:
        known = self._endpoint.peers.get(peer)
        return known is not None and known.send_text(text)

    async def take_picture(self, peer: str) -> Shot:
        known = self._endpoint.peers.get(peer)
        if known is None:
            raise NotFound("This camera is not connected.")
        line = next((entry for entry in known.negotiated.lines if entry.kind == "video" and entry.slot == 0), None)
        found = self._forwarder.gop(peer) or await self._next_gop(peer)
        if line is None or found is None:
            raise Conflict("There is no picture from this camera now. Is it switched off or covered?")
        codec, packets = found
        try:
            await asyncio.shield(self._warming)
            shot = await self._pictures.take(codec.lower(), packets, orientation_id=line.extensions.get(ORIENTATION))
        except MediaFault as fault:
            raise Conflict(f"This picture could not be taken: {fault} Try again.") from fault
        return Shot(shot.jpeg, shot.width, shot.height, shot.sharpness)

    async def _next_gop(self, peer: str) -> tuple[str, list[bytes]] | None:
        """Asks for a keyframe and waits for it: when the last one is too long ago to be kept."""
        self._forwarder.request_keyframe(peer, time.monotonic_ns())
        deadline = time.monotonic() + KEYFRAME_WAIT_S
        while time.monotonic() < deadline:
            await asyncio.sleep(0.02)
            found = self._forwarder.gop(peer)
            if found:
                await asyncio.sleep(0.03)  # the rest of the keyframe's packets
                return self._forwarder.gop(peer)
        return None

    async def finish_recording(self, call_id: str) -> FinishedRecording | None:
        await self._tapes.flush(call_id)
        out = self._finished / call_id
        out.mkdir(parents=True, exist_ok=True)
        try:
            done = await finish(self._tapes.folder_of(call_id), out)
        except MediaFault as fault:
            raise Unavailable(f"This recording could not be finished: {fault}") from fault
        if done is None:
            return None
        files = {name: str(path) for name, path in done.files.items()}
        return FinishedRecording(call_id, done.started_at, done.duration_s, files, done.tracks)

    async def forget_journal(self, call_id: str) -> None:
        try:
            await self._tapes.forget(call_id)
        except MediaFault as fault:
            raise Conflict(str(fault)) from fault

    async def unfinished_recordings(self) -> list[str]:
        return self._tapes.unfinished()

    async def stats(self) -> dict[str, float]:
        flat = {f"forward_{name}": float(value) for name, value in self._forwarder.stats().items()}
        return {**self._endpoint.stats(), **flat, **self._tapes.stats(), "cpu_s": time.process_time()}
