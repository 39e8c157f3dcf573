"""The one UDP port of a process: whoever speaks is found by address or by name, and heard in the reader's callback."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import structlog

from domain.errors import Invalid, Unavailable
from rtc import stun
from rtc.answer import Ours, write_answer
from rtc.counters import Counters
from rtc.dtls import SharedCertificate
from rtc.events import PeerClosed, TransportEvent
from rtc.ice import Address, Credentials
from rtc.native.library import library
from rtc.native.pump import Pump
from rtc.offer import Offer, read_offer
from rtc.peer import Peer
from rtc.pressure import LARGEST_VOICE, Pressure
from rtc.sdp import negotiate
from rtc.udp import bound_socket, reachable_addresses

_DRAIN = 64  # datagrams per wake-up: more would keep the loop's timers and WebSockets waiting for over a millisecond
_DATAGRAM_BYTES = 2048
_WATCH_S = 0.25
_MAX_PEERS = 4000

_log = structlog.get_logger(__name__)


class Endpoint:
    """Owns the socket, the peers and one timer; use it with `async with`.

    `advertise` replaces the addresses in the candidates (port forwarding). `hear` is called on the event loop with each
    event. `silent_after_s` is the silence after which a peer is reported lost; `clock_ns` is the monotonic clock. With
    `is_native` (and the system's clock) ordinary packets go through `pump` where it is built.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        hear: Callable[[TransportEvent], None],
        advertise: list[tuple[str, int]] | None = None,
        certificate: SharedCertificate | None = None,
        silent_after_s: float = 2.5,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        is_native: bool = True,
    ) -> None:
        self.host = host
        self.port = port
        self.peers: dict[str, Peer] = {}
        self.counters = Counters()
        self.pressure = Pressure()
        self.certificate = certificate or SharedCertificate.generateCertificate()
        self.clock_ns = clock_ns
        self._advertise = advertise
        self._candidates: list[tuple[str, int]] = []
        self._hear = hear
        self._silent_after_ns = int(silent_after_s * 1e9)
        self._by_address: dict[Address, Peer] = {}
        self._by_ufrag: dict[str, Peer] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._socket: socket.socket | None = None
        self._is_native = is_native and clock_ns is time.monotonic_ns
        self.pump: Pump | None = None
        self._watcher: asyncio.Task[None] | None = None
        fingerprint = self.certificate.getFingerprints()[0]
        self._fingerprint = f"{fingerprint.algorithm} {fingerprint.value}"

    # --- life ---

    async def __aenter__(self) -> Self:
        """Binds the port. Raises Unavailable when it is taken."""
        loop = asyncio.get_running_loop()
        try:
            self._socket = bound_socket(self.host, self.port)
            self.port = self._socket.getsockname()[1]
            if self._advertise:
                self._candidates = [(await _resolved(host), port) for host, port in self._advertise]
            else:
                self._candidates = [(address, self.port) for address in reachable_addresses(self.host)]
        except OSError as fault:
            if self._socket is not None:
                self._socket.close()
            raise Unavailable(
                f"The media port {self.host}:{self.port} cannot be used: {fault.strerror or fault}."
            ) from fault
        found = library() if self._is_native else None
        if found is not None:
            self.pump = Pump(found, self._socket, self.pressure.state, self._handed_up)
        else:
            loop.add_reader(self._socket, self._drain)
        self._watcher = loop.create_task(self._watch(), name="peers' silence")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._watcher is not None:
                self._watcher.cancel()
                await asyncio.gather(self._watcher, return_exceptions=True)
            await asyncio.gather(*(self.close_peer(peer_id) for peer_id in list(self.peers)))
            if self._closing:
                await asyncio.gather(*self._closing)
        finally:  # also when a shutdown is cut short: the pump's thread writes into what is freed with us
            if self.pump is not None and not self.pump.stop():
                self.counters.faults += 1
            if self._socket is not None:
                asyncio.get_running_loop().remove_reader(self._socket)
                self._socket.close()
                self._socket = None

    async def open_peer(self, peer_id: str, offer_sdp: str) -> str:
        """Answers an offer. A known `peer_id` is an ICE restart (or a new direction) of the same connection: DTLS,
        keys, SSRCs and channel stay. Raises Invalid for what cannot be served, Unavailable when the port is full.
        """
        if self._socket is None:
            raise Unavailable("The media port is not open.")
        offer = read_offer(offer_sdp)
        agreed = negotiate(offer)
        peer = self.peers.get(peer_id)
        if peer is None:
            if len(self.peers) >= _MAX_PEERS:
                raise Unavailable("This server carries all the connections it can. Try again in a minute.")
            peer = Peer(peer_id, offer, agreed, self)
            self.peers[peer_id] = peer
            self._by_ufrag[peer.ice.local.ufrag] = peer
            self.counters.peers_opened += 1
            peer.start(offer)
        else:
            if sorted(offer.fingerprints) != peer.fingerprints:
                raise Invalid("This offer is of a new connection (another fingerprint): open it under a new peer id.")
            self._restart(peer, offer)
            peer.negotiated.take_up(agreed)
        peer.sdp_version += 1
        ours = Ours(peer.sdp_session, peer.sdp_version, peer.ice.local, self._fingerprint, self._candidates)
        return write_answer(offer, peer.negotiated, ours)

    def _restart(self, peer: Peer, offer: Offer) -> None:
        before = peer.ice.ufrags
        if peer.ice.restart(Credentials(offer.ufrag, offer.pwd)):
            self._by_ufrag[peer.ice.local.ufrag] = peer
            for ufrag in before - peer.ice.ufrags:
                self._by_ufrag.pop(ufrag, None)

    async def close_peer(self, peer_id: str) -> None:
        """Says goodbye and frees everything of this peer. An unknown one is already closed."""
        peer = self.peers.pop(peer_id, None)
        if peer is not None:
            self._forget(peer)
            self.counters.peers_closed += 1
            await peer.close()

    def stats(self) -> dict[str, float]:
        stats = self.counters.as_dict()
        for name, count in (self.pump.stats() if self.pump is not None else {}).items():
            stats[name] = stats.get(name, 0.0) + count
        native = float(self.pump is not None)
        return {**stats, "peers": float(len(self.peers)), "busy": float(self.is_busy), "native": native}

    @property
    def is_busy(self) -> bool:
        """More came than could be handled, just now: no new calls."""
        return self.pressure.is_high(self.clock_ns())

    # --- what peers ask for ---

    def send_to(self, datagram: bytes, address: Address) -> None:
        """Sends now or drops: a full socket buffer is congestion, and media must not wait."""
        if self._socket is None:
            return
        try:
            self._socket.sendto(datagram, socket.MSG_DONTWAIT, address)
        except BlockingIOError:
            self.counters.sendto_dropped += 1
        except OSError:
            self.counters.sendto_failed += 1
        else:
            self.counters.datagrams_sent += 1
            self.counters.bytes_sent += len(datagram)

    def tell(self, event: TransportEvent) -> None:
        try:
            self._hear(event)
        except Exception:
            self.counters.faults += 1
            _log.exception("an event's receiver failed", event_type=type(event).__name__)

    def moved(self, peer: Peer, address: Address) -> None:
        """An authentic packet showed that this peer now speaks from `address`."""
        self._learn(peer, address)
        if peer.ice.move(address):
            self._has_moved(peer)

    def _has_moved(self, peer: Peer) -> None:
        self.counters.address_moved += 1
        if self.pump is not None:
            self.pump.moved(peer)

    def lose(self, peer: Peer) -> None:
        """The peer said goodbye or never came: forgets it, tells, and cleans up in a task that the endpoint owns."""
        if self.peers.get(peer.id) is not peer:
            return
        del self.peers[peer.id]
        self._forget(peer)
        self.counters.peers_closed += 1
        self.tell(PeerClosed(peer.id))
        task = asyncio.get_running_loop().create_task(peer.close(), name=f"closing peer {peer.id}")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    # --- the reader ---

    def _drain(self) -> None:
        sock, counters, pressure = self._socket, self.counters, self.pressure
        if sock is None:
            return
        clock_ns, receive = self.clock_ns, sock.recvfrom
        is_shedding = pressure.is_shedding
        for _ in range(_DRAIN):
            try:
                data, address = receive(_DATAGRAM_BYTES)
            except BlockingIOError:
                if is_shedding or pressure.is_lagging:
                    pressure.caught_up(clock_ns())
                return
            except OSError:
                counters.faults += 1
                continue
            counters.datagrams += 1
            counters.bytes += len(data)
            if is_shedding and len(data) > LARGEST_VOICE and 128 <= data[0] <= 191 and not 192 <= data[1] <= 223:
                counters.shed += 1
            else:
                self._sort(data, address, clock_ns())
        pressure.lagged(clock_ns())

    def _handed_up(self, data: bytes, address: Address, now_ns: int, is_opened: bool) -> None:
        """What the pump leaves to Python; `is_opened`: in the clear already."""
        if not is_opened:
            self._sort(data, address, now_ns)
            return
        peer = self._by_address.get(address)
        if peer is not None and self.pump is not None:
            with self.pump:
                peer.receive_opened(data, now_ns)

    def _sort(self, data: bytes, address: Address, now_ns: int) -> None:
        """The first byte decides (RFC 7983)."""
        first = data[0] if data else 255
        if 128 <= first <= 191:
            peer = self._by_address.get(address)
            if self.pump is None:
                self._hear_media(peer, data, address, now_ns)
            else:
                with self.pump:
                    self._hear_media(peer, data, address, now_ns)
        elif first <= 3:
            self._check(data, address)
        elif 20 <= first <= 63:
            peer = self._by_address.get(address)
            if peer is not None:
                peer.receive_dtls(data, address)
            else:
                self.counters.unknown_address += 1
        else:
            self.counters.garbage += 1

    def _hear_media(self, peer: Peer | None, data: bytes, address: Address, now_ns: int) -> None:
        if peer is not None:
            peer.receive_media(data, address, now_ns)
        else:
            self._media_from_nowhere(data, address, now_ns)

    def _check(self, data: bytes, address: Address) -> None:
        counters = self.counters
        message = stun.parse(data)
        if message is None:
            counters.stun_malformed += 1
            return
        if message.type != stun.REQUEST:
            counters.stun_ignored += 1
            return
        ours, _, theirs = (message.username or b"").partition(b":")
        ufrag = ours.decode("ascii", "replace")
        peer = self._by_ufrag.get(ufrag)
        password = peer.ice.password(ufrag) if peer is not None else None
        if peer is None or password is None:
            counters.stun_unknown += 1
            return
        if not theirs or not stun.is_authentic(data, message, password):
            counters.stun_forged += 1
            return
        owner = self._by_address.get(address)
        if owner is not None and owner is not peer and owner.speaks_from(address):
            # Source addresses can be forged: a peer of its own must not be enough to cut another one's packets off.
            counters.address_kept += 1
            return
        counters.stun_ok += 1
        self._learn(peer, address)
        if peer.ice.checked(address, message.use_candidate):
            self._has_moved(peer)
        self.send_to(stun.success(message, (address[0], address[1]), password), address)
        peer.heard()

    def _media_from_nowhere(self, data: bytes, address: Address, now_ns: int) -> None:
        """A NAT may rebind in the middle of a call: the source's SSRC says whom to ask, the packet's tag decides."""
        self.counters.unknown_address += 1
        if len(data) < 28:
            return
        ssrc = int.from_bytes(data[8:12], "big")
        for peer in self.peers.values():
            if peer.knows(ssrc) and peer.receive_media(data, address, now_ns):
                return

    def _learn(self, peer: Peer, address: Address) -> None:
        owner = self._by_address.get(address)
        if owner is peer:
            return
        if owner is not None:
            owner.ice.addresses.pop(address, None)
        self._by_address[address] = peer
        oldest = peer.ice.learn(address)
        if oldest is not None:
            self._by_address.pop(oldest, None)

    def _forget(self, peer: Peer) -> None:
        for address in peer.ice.addresses:
            self._by_address.pop(address, None)
        for ufrag in peer.ice.ufrags:
            self._by_ufrag.pop(ufrag, None)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_WATCH_S)
            now_ns = self.clock_ns()
            for peer in list(self.peers.values()):
                try:
                    await peer.watch(now_ns, self._silent_after_ns)
                except Exception:
                    # A probe that OpenSSL refuses must not stop the watch over the others.
                    self.counters.faults += 1


async def _resolved(host: str) -> str:
    """Candidates carry addresses, not names: browsers treat names as mDNS."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    return str(found[0][4][0])
