"""What the media node says, and what follows for the people."""

from __future__ import annotations

from collections.abc import Callable

from signaling.carriers import Carrier, ChannelCarrier
from signaling.news import MediaRenew
from signaling.node import (
    ChannelClosed,
    ChannelOpen,
    ChannelText,
    NodeEvent,
    PeerBack,
    PeerClosed,
    PeerConnected,
    PeerLost,
    RecordingTrouble,
)
from signaling.presence import Presence
from signaling.session import Peer, Session
from signaling.stage import Stage

Attend = Callable[[Session, Carrier, str], None]


class Hearing:
    """`hear` is called by the node on the event loop; `attend` takes a data channel's text like one from a socket."""

    def __init__(self, stage: Stage, presence: Presence, attend: Attend) -> None:
        self._stage = stage
        self._floor = stage.floor
        self._presence = presence
        self._attend = attend

    def hear(self, event: NodeEvent) -> None:
        if isinstance(event, RecordingTrouble):
            self._recording_trouble(event)
            return
        session = self._floor.owners.get(event.peer)
        peer = next((p for p in session.peers() if p.id == event.peer), None) if session is not None else None
        if session is None or peer is None:
            return
        match event:
            case PeerConnected():
                self._connected(session, peer)
            case PeerLost():
                peer.lost_at = self._floor.house.now()
                self._presence.changed(session)
            case PeerBack():
                peer.lost_at = None
                peer.is_renewal_asked = False
                self._presence.changed(session)
            case PeerClosed():
                self._closed(session, peer, worker_died=event.worker_died)
            case ChannelOpen():
                self._channel_open(session, peer)
            case ChannelText():
                if peer.channel is not None:
                    self._attend(session, peer.channel, event.text)
            case ChannelClosed():
                self._channel_closed(session, peer)

    def _connected(self, session: Session, peer: Peer) -> None:
        peer.is_connected = True
        peer.lost_at = None
        if peer is session.next_peer:
            former, session.peer, session.next_peer = session.peer, peer, None
            if former is not None:
                self._floor.spawn(self._replace(session, former))
        self._presence.changed(session)
        self._floor.spawn(self._take_up(session))

    def _recording_trouble(self, event: RecordingTrouble) -> None:
        visit = self._floor.visits.get(event.call_id)
        if visit is not None and not visit.call.is_over:
            visit.is_recording_failing = event.is_failing
            self._floor.counts["recording_troubles"] += event.is_failing
            self._floor.tell_call(visit)

    async def _replace(self, session: Session, former: Peer) -> None:
        """The new connection stands: the plan names it first, then the former one closes."""
        if former.channel is not None:
            former.channel.drop()
            session.feed.carrier_lost("channel")
        await self._take_up(session)
        await self._stage.close_peer(session, former.id)

    async def _take_up(self, session: Session) -> None:
        visit = self._floor.visit_including(session)
        if visit is not None:
            await self._stage.settle_quietly(visit, again=True)
            await self._stage.start_when_connected(visit)

    def _closed(self, session: Session, peer: Peer, *, worker_died: bool) -> None:
        self._floor.owners.pop(peer.id, None)
        self._channel_closed(session, peer)
        if peer is session.next_peer:
            session.next_peer = None
        else:
            session.peer = None
        visit = self._floor.visit_including(session)
        if visit is not None:
            if worker_died:
                visit.applied = None  # the fresh worker knows no plan, and says itself when it cannot write
                visit.is_recording_failing = False
            self._floor.spawn(self._stage.settle_quietly(visit))
        self._presence.changed(session)
        if worker_died:
            session.news(MediaRenew(reason="worker_lost"))

    def _channel_open(self, session: Session, peer: Peer) -> None:
        def refused(text: str) -> None:
            # events are told again by the session's feed, what is of a conversation is fetched or sent again; everything
            # else is told on the socket
            if not text.startswith(('{"type":"event"', '{"type":"chat.')) and session.socket is not None:
                session.socket.send(text)

        if peer.channel is not None:
            peer.channel.drop()
        peer.channel = ChannelCarrier(self._floor.house.node, peer.id, refused, peer.came_by)
        self._floor.spawn(peer.channel.run())
        session.feed.carrier_opened("channel")

    def _channel_closed(self, session: Session, peer: Peer) -> None:
        if peer.channel is not None:
            peer.channel.drop()
            peer.channel = None
            if peer is session.peer:
                session.feed.carrier_lost("channel")
