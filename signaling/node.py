"""The media node: the one seam between signaling and media. Nothing above it knows where the packets are.

A node may be this process, a worker process, or another machine; one contract suite (`tests/contracts/`) runs against
each. A `Plan` is declarative: the whole wish for one call, sent again after every change; the node works out the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

SLOTS = 3  # receiving places of every peer: 0 the main person, 1 and 2 invited colleagues


@dataclass(frozen=True, slots=True)
class Route:
    """`sink`'s slot shows and plays what `source` sends."""

    sink: str
    slot: int
    source: str


@dataclass(frozen=True, slots=True)
class Tape:
    """This peer's packets go into the call's recording under `track` (`customer`, `staff`, `staff-<id>`)."""

    peer: str
    track: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a call wants now. No routes: held or idle. No tapes: nothing is kept. Peers not (yet) open are skipped and
    taken up when they open."""

    call_id: str
    routes: tuple[Route, ...] = ()
    tapes: tuple[Tape, ...] = ()


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture decoded from the stream: JPEG bytes at full stream resolution."""

    jpeg: bytes
    width: int
    height: int
    sharpness: float


@dataclass(frozen=True, slots=True)
class FinishedRecording:
    """Absolute paths of finished files, on one timeline that starts at `started_at` (Unix seconds)."""

    call_id: str
    started_at: float
    duration_s: float
    files: dict[str, str] = field(default_factory=dict)
    tracks: tuple[dict[str, object], ...] = ()


# --- events, each named by what became true ---


@dataclass(frozen=True, slots=True)
class PeerConnected:
    """ICE and DTLS are up; `media_seen` False until the first packet."""

    peer: str


@dataclass(frozen=True, slots=True)
class PeerLost:
    """Nothing authentic was heard from this peer for `silent_s` (at most 3)."""

    peer: str
    silent_s: float


@dataclass(frozen=True, slots=True)
class PeerBack:
    peer: str


@dataclass(frozen=True, slots=True)
class PeerClosed:
    """The peer said goodbye (DTLS close_notify), or its worker died (`worker_died`): it will not come back under this id."""

    peer: str
    worker_died: bool = False


@dataclass(frozen=True, slots=True)
class ChannelOpen:
    peer: str


@dataclass(frozen=True, slots=True)
class ChannelText:
    peer: str
    text: str


@dataclass(frozen=True, slots=True)
class ChannelClosed:
    peer: str


@dataclass(frozen=True, slots=True)
class RecordingTrouble:
    """`is_failing`: what this call's tapes take in cannot be written (the disk is full); the call goes on. Not: it is
    written again. Said at each change."""

    call_id: str
    is_failing: bool


PeerEvent = PeerConnected | PeerLost | PeerBack | PeerClosed | ChannelOpen | ChannelText | ChannelClosed
NodeEvent = PeerEvent | RecordingTrouble


class MediaNode(Protocol):
    """All methods may raise `domain.errors.Unavailable` (the node is gone or full: try again, a fresh one is being made).

    `listen` is called once, before anything else; events of one peer arrive in order, on the event loop, never from a thread.
    """

    def listen(self, hear: Callable[[NodeEvent], None]) -> None: ...

    async def open_peer(self, peer: str, offer_sdp: str, *, group: str) -> str:
        """Answers an SDP offer. A known `peer` is an ICE restart in place (same DTLS, same legs). Peers of one `group`
        (a shop) are placed where they can be connected to each other. Raises Invalid for SDP it cannot serve, with a
        sentence that says what is missing."""

    def is_busy(self, group: str) -> bool:
        """Packets came faster than the machine could forward them, within the last seconds: calls in progress keep
        their sound, and no new ones should begin in this group. Never raises."""

    async def close_peer(self, peer: str) -> None:
        """Unknown peers are already closed: no error."""

    async def apply(self, plan: Plan) -> None: ...

    async def end(self, call_id: str) -> None:
        """Forgets the call's plan and flushes its journal."""

    async def send_text(self, peer: str, text: str) -> bool:
        """Queues text on the peer's data channel. False when it is not open or its buffer is over 256 kB: use the other carrier."""

    async def take_picture(self, peer: str) -> Shot:
        """The sharpest frame of the last second of what this peer sends. Raises Conflict when it sends no picture."""

    async def finish_recording(self, call_id: str) -> FinishedRecording | None:
        """Makes the files from the call's journal; may be called again (the journal stays until `forget_journal`). None: no journal."""

    async def forget_journal(self, call_id: str) -> None: ...

    async def unfinished_recordings(self) -> list[str]:
        """Ids of calls that have a journal, for the start after a crash."""

    async def stats(self) -> dict[str, float]:
        """Flat counters and gauges: packets, bytes, refusals by cause, CPU seconds."""
