"""A media node without packets: keeps the Protocol of `signaling/node.py`, remembers what it was told, and says what a
test makes it say."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from dataclasses import dataclass, field

from PIL import Image

from domain.errors import Conflict, Invalid, Unavailable
from signaling.node import (
    ChannelClosed,
    ChannelOpen,
    ChannelText,
    FinishedRecording,
    NodeEvent,
    PeerClosed,
    PeerConnected,
    Plan,
    Shot,
)


def jpeg(width: int = 64, height: int = 48, color: tuple[int, int, int] = (200, 120, 40)) -> bytes:
    """A real JPEG of one colour."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), color).save(out, "JPEG")
    return out.getvalue()


OFFER_SDP = (
    "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n"
)


@dataclass
class FakePeer:
    group: str
    offers: list[str] = field(default_factory=list)
    channel_open: bool = False
    heard: list[str] = field(default_factory=list)  # texts that the node sent to this peer
    gives_picture: bool = True


class FakeNode:
    """`emit` says an event; `peers`, `plans` (latest per call), `ended` show what happened. `broken`: Unavailable."""

    def __init__(self) -> None:
        self.peers: dict[str, FakePeer] = {}
        self.closed: list[str] = []
        self.plans: dict[str, Plan] = {}
        self.every_plan: list[Plan] = []
        self.ended: list[str] = []
        self.finished: dict[str, FinishedRecording] = {}
        self.forgotten: list[str] = []
        self.unfinished: list[str] = []
        self.shot = Shot(jpeg=jpeg(), width=64, height=48, sharpness=10.0)
        self.broken = False
        self.busy = False
        self.stalled = False  # True: every call waits for ever
        self._changed = asyncio.Event()
        self._hear: Callable[[NodeEvent], None] = lambda event: None

    async def until(self, is_true: Callable[[], bool], *, within_s: float = 3.0) -> None:
        """Waits until something that the node was told makes `is_true` true."""
        async with asyncio.timeout(within_s):
            while not is_true():
                self._changed.clear()
                await self._changed.wait()

    def listen(self, hear: Callable[[NodeEvent], None]) -> None:
        self._hear = hear

    def emit(self, event: NodeEvent) -> None:
        if isinstance(event, PeerClosed):
            self.peers.pop(event.peer, None)
        self._hear(event)

    def connect(self, peer: str) -> None:
        """ICE and DTLS come up."""
        self.emit(PeerConnected(peer))

    def open_channel(self, peer: str) -> None:
        self.peers[peer].channel_open = True
        self.emit(ChannelOpen(peer))

    def close_channel(self, peer: str) -> None:
        self.peers[peer].channel_open = False
        self.emit(ChannelClosed(peer))

    def say(self, peer: str, text: str) -> None:
        """The browser behind `peer` sends `text` on its data channel."""
        self.emit(ChannelText(peer, text))

    async def open_peer(self, peer: str, offer_sdp: str, *, group: str) -> str:
        await self._alive()
        if "m=video" not in offer_sdp:
            raise Invalid("The offer has no video line. Offer one audio and one video line.")
        self.peers.setdefault(peer, FakePeer(group=group)).offers.append(offer_sdp)
        return f"v=0\r\no=- 9 {len(self.peers[peer].offers)} IN IP4 127.0.0.1\r\ns={peer}\r\nt=0 0\r\na=ice-lite\r\n"

    def is_busy(self, group: str) -> bool:
        return self.busy

    async def close_peer(self, peer: str) -> None:
        await self._alive()
        if self.peers.pop(peer, None) is not None:
            self.closed.append(peer)

    async def apply(self, plan: Plan) -> None:
        await self._alive()
        self.plans[plan.call_id] = plan
        self.every_plan.append(plan)

    async def end(self, call_id: str) -> None:
        await self._alive()
        self.plans.pop(call_id, None)
        self.ended.append(call_id)

    async def send_text(self, peer: str, text: str) -> bool:
        await self._alive()
        known = self.peers.get(peer)
        if known is None or not known.channel_open:
            return False
        known.heard.append(text)
        return True

    async def take_picture(self, peer: str) -> Shot:
        await self._alive()
        known = self.peers.get(peer)
        if known is None or not known.gives_picture:
            raise Conflict("There is no picture from this camera yet. Try again in a moment.")
        return self.shot

    async def finish_recording(self, call_id: str) -> FinishedRecording | None:
        await self._alive()
        return self.finished.get(call_id)

    async def forget_journal(self, call_id: str) -> None:
        self.forgotten.append(call_id)
        self._changed.set()

    async def unfinished_recordings(self) -> list[str]:
        return list(self.unfinished)

    async def stats(self) -> dict[str, float]:
        return {"peers": float(len(self.peers))}

    async def _alive(self) -> None:
        await asyncio.sleep(0)
        if self.stalled:
            await asyncio.Event().wait()
        asyncio.get_running_loop().call_soon(self._changed.set)
        if self.broken:
            raise Unavailable("The media worker is gone. Try again; a fresh one is being made.")
