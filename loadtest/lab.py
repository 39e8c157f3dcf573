"""The network lab: a UDP shim in front of the one media port, through which browsers and light clients reach the server.

The server is told to advertise the lab's port, so real packets go through it. No kernel module and no rights are needed.
"""

from __future__ import annotations

import asyncio
import heapq
import socket
from typing import Self

from loadtest.impairment import Impairment
from loadtest.link import Counts, Link

Address = tuple[str, int]
TICK_S = 0.1  # how exactly handovers come
IDLE_S = 60.0  # a person who says nothing for so long has left: checks come every few seconds
MOST_AT_ONCE = 128  # datagrams read in a row from one socket: the others' turn comes, too
MOST_HELD = 65_536  # datagrams on their way at once: 1 s of 1,000 calls
_BUFFER_BYTES = 1 << 21  # the kernel must not add losses of its own


class _Path:
    """One person's way to the server: their address, and the socket whose port the server sees."""

    __slots__ = ("address", "dark_until", "down", "heard_at", "rebound_at", "socket", "up")

    def __init__(self, address: Address, up: Link, down: Link, now: float) -> None:
        self.address = address
        self.up, self.down = up, down
        self.heard_at = self.rebound_at = now
        self.dark_until = 0.0
        self.socket: socket.socket | None = None


class Lab:
    """`async with Lab(server_port, Impairment.parse("loss=5")) as lab:` and let people come to `127.0.0.1:lab.port`.

    Each person (source address) has an own network in each direction: own chances, own rate. `impairment` may be changed
    at any time. `is_dark` loses everything. `target_port` may be set late, when the server needs `port` for its start.
    """

    def __init__(
        self,
        target_port: int = 0,
        impairment: Impairment | None = None,
        *,
        seed: int = 1,
        target_host: str = "127.0.0.1",
        idle_s: float = IDLE_S,
    ) -> None:
        self.target_host, self.target_port = target_host, target_port
        self.impairment = impairment or Impairment()
        self.is_dark = False
        self.counts = Counts()
        self._seed = seed
        self._idle_s = idle_s
        self._arrivals = 0
        self._paths: dict[Address, _Path] = {}
        self._near: socket.socket | None = None
        self._held: list[tuple[float, int, _Path, bool, bytes]] = []
        self._order = 0
        self._timer: asyncio.TimerHandle | None = None
        self._clock: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        self._near = _udp_socket()
        self._near.bind(("127.0.0.1", 0))
        loop = asyncio.get_running_loop()
        loop.add_reader(self._near, self._read_near)
        self._clock = loop.call_later(TICK_S, self._tick)
        return self

    async def __aexit__(self, *fault: object) -> None:
        for timer in (self._timer, self._clock):
            if timer is not None:
                timer.cancel()
        self._held.clear()
        for path in list(self._paths.values()):
            self._forget(path)
        if self._near is not None:
            _close(self._near)
            self._near = None

    @property
    def port(self) -> int:
        """Where people send to; known once the lab is entered."""
        assert self._near is not None, "the lab has a port only inside `async with`"
        return int(self._near.getsockname()[1])

    @property
    def people(self) -> int:
        """How many addresses spoke within the last `idle_s`."""
        return len(self._paths)

    @property
    def held(self) -> int:
        """Datagrams on their way."""
        return len(self._held)

    def rebind(self) -> None:
        """From now on the server sees everybody come from another port, as after a change of network."""
        for path in self._paths.values():
            self._hand_over(path)

    # --- the two sides ---

    def _read_near(self) -> None:
        assert self._near is not None
        now = asyncio.get_running_loop().time()
        for _ in range(MOST_AT_ONCE):
            try:
                data, address = self._near.recvfrom(65_535)
            except BlockingIOError:
                return
            except ConnectionRefusedError:  # somebody closed their page
                continue
            path = self._paths.get(address) or self._meet(address, now)
            path.heard_at = now
            self._take(path, True, data, now)

    def _read_far(self, path: _Path) -> None:
        now = asyncio.get_running_loop().time()
        for _ in range(MOST_AT_ONCE):
            assert path.socket is not None
            try:
                data = path.socket.recv(65_535)
            except BlockingIOError:
                return
            except ConnectionRefusedError:  # the server is not there (yet)
                continue
            self._take(path, False, data, now)

    def _meet(self, address: Address, now: float) -> _Path:
        name = f"{self._seed}/{self._arrivals}"
        self._arrivals += 1
        path = _Path(address, Link(f"{name}/up", self.counts), Link(f"{name}/down", self.counts), now)
        self._paths[address] = path
        self._open(path)
        return path

    def _take(self, path: _Path, is_up: bool, data: bytes, now: float) -> None:
        self.counts.came += 1
        if self.is_dark or now < path.dark_until:
            self.counts.lost += 1
            return
        link = path.up if is_up else path.down
        for due in link.times(self.impairment, now, len(data)):
            if due <= now and not self._held:
                self._put(path, is_up, data)
            elif len(self._held) >= MOST_HELD:
                self.counts.dropped += 1
            else:
                self._order += 1  # equal times come out in the order in which they came in
                heapq.heappush(self._held, (due, self._order, path, is_up, data))
                if self._held[0][1] == self._order:
                    self._wake_at(due)

    def _put(self, path: _Path, is_up: bool, data: bytes) -> None:
        try:
            if not is_up and self._near is not None:
                self._near.sendto(data, path.address)
            elif is_up and path.socket is not None:
                path.socket.send(data)
            else:
                return
        except OSError:  # a full buffer, or nobody listens there: networks lose that, too
            self.counts.lost += 1
            return
        self.counts.out += 1

    # --- time ---

    def _wake_at(self, due: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(due, self._release)

    def _release(self) -> None:
        held = self._held
        now = asyncio.get_running_loop().time()
        while held and held[0][0] <= now:
            _, _, path, is_up, data = heapq.heappop(held)
            self._put(path, is_up, data)
        self._timer = None
        if held:
            self._wake_at(held[0][0])

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        now, every_s = loop.time(), self.impairment.handover_s
        for path in list(self._paths.values()):
            if now - path.heard_at > self._idle_s:
                self._forget(path)
            elif every_s and now - path.rebound_at >= every_s:
                self._hand_over(path)
                path.dark_until = now + self.impairment.dark_ms / 1000
        self._clock = loop.call_later(TICK_S, self._tick)

    # --- sockets towards the server ---

    def _hand_over(self, path: _Path) -> None:
        old = path.socket
        self._open(path)  # while the old port is still taken, so that it cannot be the same
        if old is not None:
            _close(old)
        path.rebound_at = asyncio.get_running_loop().time()
        self.counts.handovers += 1

    def _open(self, path: _Path) -> None:
        path.socket = _udp_socket()
        path.socket.connect((self.target_host, self.target_port))
        asyncio.get_running_loop().add_reader(path.socket, self._read_far, path)

    def _forget(self, path: _Path) -> None:
        self._paths.pop(path.address, None)
        if path.socket is not None:
            _close(path.socket)
            path.socket = None


def _udp_socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
    return made


def _close(old: socket.socket) -> None:
    asyncio.get_running_loop().remove_reader(old)
    old.close()
