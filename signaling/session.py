"""One person at the counter: their carriers, their peer connection, and the visit they are in.

A session outlives its WebSocket: while the data channel or the media lives, and for the rejoin window after that.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import BaseModel

from domain.people import Language
from domain.record import CallEvent, Side
from signaling.carriers import Carrier, CarrierName, ChannelCarrier, SocketCarrier
from signaling.feed import Feed
from signaling.lanes import Bucket, Lane, LaneName, Spawn
from signaling.news import CallView, CameraView, EventNews, Line, Place, StatusView
from signaling.protocol import Request

if TYPE_CHECKING:
    from signaling.visit import Visit

FRAMES_PER_SECOND = 50.0
FRAMES_AT_ONCE = 100.0
FRAMES_AGAIN_AT = 10.0  # 0.2 s: longer than a burst takes to be read
OFFERS_PER_SECOND = 1.0  # each costs the media node a DTLS handshake
OFFERS_AT_ONCE = 10.0


@dataclass(slots=True, eq=False)
class UnderWay:
    """A durable request in its lane, and whom its answer goes to: each copy by its own `ref`."""

    ask: Request
    copies: list[tuple[Carrier, str]]


@dataclass(slots=True, eq=False)
class Peer:
    """A peer connection of this session; `id` is the node's name for it, which nobody else can claim. `came_by` is the
    browser session (a cookie's) that offered it, `offered_at` when it last did."""

    id: str
    offered_at: datetime
    came_by: str = ""
    is_connected: bool = False
    lost_at: datetime | None = None
    is_renewal_asked: bool = False
    channel: ChannelCarrier | None = None

    @property
    def is_alive(self) -> bool:
        return self.is_connected and self.lost_at is None


class Session:
    """`peer` is the one in use; `next_peer` is being connected and takes over when it is. `visit` stays set after its
    call is over until the person enters another one. `told_*` hold what was last said, so that it is not said twice."""

    def __init__(self, side: Side, person_id: str, shop_id: str, name: str, spawn: Spawn) -> None:
        self.side: Side = side
        self.person_id = person_id
        self.shop_id = shop_id
        self.name = name
        self.language: Language = "en"
        self.socket: SocketCarrier | None = None
        self.came_by = ""  # the browser session of the newest socket
        self.peer: Peer | None = None
        self.next_peer: Peer | None = None
        self.visit: Visit | None = None
        self.is_available = False
        self.status: StatusView | None = None  # what this person's page last said of itself
        self.camera: CameraView | None = None
        self.absent_since: datetime | None = None  # out of reach: neither socket nor media
        self.socketless_since: datetime | None = None
        self.told_view: CallView | None = None
        self.told_place: Place | None = None
        self.told_line: Line | None = None
        self.delivered = 0
        self.read = 0
        self.bad_frames = 0
        self.over_rate = 0
        self.feed = Feed(self.carrier)
        self.frames = Bucket(FRAMES_PER_SECOND, FRAMES_AT_ONCE, FRAMES_AGAIN_AT)
        self.offers = Bucket(OFFERS_PER_SECOND, OFFERS_AT_ONCE)
        self.under_way: dict[str, UnderWay] = {}  # by cmid: what is in a lane and may come again meanwhile
        self.lanes: dict[LaneName, Lane] = {"talk": Lane(spawn), "call": Lane(spawn), "media": Lane(spawn)}

    @property
    def is_present(self) -> bool:
        peer = self.peer  # read once: a store asks from another thread
        return self.socket is not None or (peer is not None and peer.is_alive)

    def carrier(self, name: CarrierName) -> Carrier | None:
        if name == "socket":
            return self.socket if self.socket is not None and self.socket.is_open else None
        channel = self.peer.channel if self.peer is not None else None
        return channel if channel is not None and channel.is_open else None

    def say(self, text: str) -> bool:
        """A whole frame on the socket when it is there, else on the data channel; False when there is neither."""
        for name in ("socket", "channel"):
            carrier = self.carrier(name)
            if carrier is not None and carrier.send(text):
                return True
        return False

    def news(self, frame: BaseModel) -> bool:
        return self.say(frame.model_dump_json())

    def event(self, event: CallEvent, text: str | None = None) -> None:
        """Durable news; `text` is the frame when the caller has it already."""
        self.feed.tell(event.position, text or EventNews(event=event).model_dump_json())

    def enter(self, visit: Visit | None) -> None:
        """Another call, or none: what was told of the one before counts no more."""
        if self.visit is visit:
            return
        self.visit = visit
        self.told_view = None
        self.told_place = None
        self.delivered = self.read = 0
        self.feed.close()

    def forget_told(self) -> None:
        """A new socket: its page may know nothing."""
        self.told_view = None
        self.told_place = None
        self.told_line = None

    def peers(self) -> list[Peer]:
        return [p for p in (self.peer, self.next_peer) if p is not None]

    def close(self) -> None:
        self.feed.close()
        for peer in self.peers():
            if peer.channel is not None:
                peer.channel.drop()
        if self.socket is not None:
            self.socket.drop()
