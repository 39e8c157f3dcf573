"""What an endpoint tells, each named by what became true. Events of one peer come in order, on the event loop."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PeerConnected:
    """ICE and DTLS are up; packets may follow."""

    peer: str


@dataclass(frozen=True, slots=True)
class PeerLost:
    """Nothing authentic was heard from this peer for `silent_s`."""

    peer: str
    silent_s: float


@dataclass(frozen=True, slots=True)
class PeerBack:
    peer: str


@dataclass(frozen=True, slots=True)
class PeerClosed:
    """The peer said goodbye, or never connected in time: it is gone from the endpoint when this is told."""

    peer: str


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


TransportEvent = PeerConnected | PeerLost | PeerBack | PeerClosed | ChannelOpen | ChannelText | ChannelClosed
