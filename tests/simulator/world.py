"""The world of a run: people and their devices, the network, and the server, which may crash and be started again."""

from __future__ import annotations

import asyncio
import itertools
import random
import zlib
from collections.abc import Callable
from pathlib import Path

from domain.errors import Unavailable
from domain.fold import StreamState
from signaling.carriers import ChannelCarrier, SocketCarrier
from signaling.chat import Chat
from signaling.chat_reader import Reader
from signaling.house import DoorSettings, House
from tests.simulator.around import Person
from tests.simulator.audit import Audit
from tests.simulator.clock import WallClock
from tests.simulator.database import Database, Wire
from tests.simulator.disk import Disk, DiskStore
from tests.simulator.network import CarrierName, Connection, Weather
from tests.simulator.tab import Tab
from tests.support.fake_node import FakeNode
from tests.support.houses import ANN, BO, COBBLER, LI, MEI, SETTINGS_SECRET, TOM, FolderBlobs, MemoryCalls, MemoryPeople
from tests.support.memory_profiles import MemoryProfiles, MemoryQuickReplies

SHOP_READS = (f"i.{COBBLER.id}", f"c.{ANN.id}", f"n.{ANN.id}", f"c.{TOM.id}")
PEOPLE = {
    "ann": Person(ANN.id, "customer", (f"c.{ANN.id}",)),
    "tom": Person(TOM.id, "customer", (f"c.{TOM.id}",)),
    "mei": Person(MEI.id, "staff", (*SHOP_READS, f"s.{MEI.id}")),
    "li": Person(LI.id, "staff", (*SHOP_READS, f"s.{LI.id}")),
}
STAFF = {staff.id: staff for staff in (MEI, LI, BO)}
CUSTOMERS = {customer.id: customer for customer in (ANN, TOM)}


def _by_name(reader: Reader) -> int:
    return zlib.crc32("/".join(reader.key).encode())


# A set of readers has the order of their hashes: by name a seed is one run, by address it would be another each time.
Reader.__hash__ = _by_name  # type: ignore[method-assign, assignment]
MakeStore = Callable[[Disk, random.Random], DiskStore]
MakeChat = Callable[[House], Chat]


class Socket:
    """What `SocketCarrier` needs of aiohttp's WebSocket."""

    def __init__(self, connection: Connection, said: Callable[[str], None]) -> None:
        self._connection = connection
        self._said = said
        self.is_closed = False
        self.close_code: int | None = None  # the pages of the simulator answer a close

    async def send_str(self, text: str) -> None:
        await self._connection.to_device.room()
        if self.is_closed:
            raise ConnectionError("closed")
        self._said(text)
        self._connection.to_device.write(text)

    async def close(self, *, code: int, message: bytes) -> None:
        self._connection.close(code)


class Node:
    """What `ChannelCarrier` needs of the media node."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket

    async def send_text(self, peer: str, text: str) -> bool:
        await self._socket.send_str(text)
        return True


class Server:
    """One life of the server's process."""

    def __init__(self, store: DiskStore, chat: Chat) -> None:
        self.store = store
        self.chat = chat
        self.connections: list[Connection] = []
        self._main: asyncio.Task[None] | None = None

    async def start(self) -> None:
        begun = asyncio.Event()
        self._main = asyncio.create_task(self._run(begun))
        await begun.wait()

    async def _run(self, begun: asyncio.Event) -> None:
        appending = asyncio.create_task(self.store.appender.run())
        try:
            async with self.chat:
                begun.set()
                await asyncio.Event().wait()
        finally:
            appending.cancel()

    async def stop(self) -> None:
        """As for a new version: what waits is kept, pages are told to come back."""
        await self.chat.close()
        self.store.appender.close()
        await self.crash()

    async def crash(self) -> None:
        """Nothing that was not committed is left."""
        self.store.is_dead = True
        for connection in self.connections:
            connection.cut()
        assert self._main is not None
        self._main.cancel()
        await asyncio.wait([self._main])


class World:
    """`traces` tell what happened, for people. `server` is None while it is down."""

    def __init__(self, rng: random.Random, make_store: MakeStore, make_chat: MakeChat) -> None:
        self.rng = rng
        self.clock = WallClock(asyncio.get_running_loop())
        self.weather = Weather()
        self.disk = Disk(CUSTOMERS, STAFF)
        self.audit = Audit(self.disk)
        self.traces: list[str] = []
        self.tabs: list[Tab] = []
        self.server: Server | None = None
        self._make_store = make_store
        self._make_chat = make_chat
        self.fault: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.truths: dict[Connection, Disk] = {}  # what was on the disk's place when the connection was made
        self.jobs: list[asyncio.Future[None]] = []
        self._names = 0

    def trace(self, who: str, what: str) -> None:
        self.traces.append(f"{asyncio.get_running_loop().time():9.3f}  {who:8} {what}")

    # --- server ---

    async def boot(self) -> None:
        self.trace("server", "starts")
        store = self._make_store(self.disk, self.rng)
        server = Server(store, self._make_chat(_house(store, self.clock)))
        await server.start()
        self.server = server

    async def crash(self) -> None:
        self.trace("server", "crashes")
        server, self.server = self.server, None
        if server is not None:
            await server.crash()

    async def restart(self) -> None:
        self.trace("server", "stops")
        server, self.server = self.server, None
        if server is not None:
            await server.stop()

    def put_back(self, backup: Disk, *, says_so: bool) -> None:
        """The server is down; its disk is that of before."""
        self.trace("disk", f"is put back, {'with' if says_so else 'without'} a word")
        epoch = f"epoch-{int(self.disk.epoch[6:]) + 1}" if says_so else backup.epoch
        self.disk = backup.backup()
        self.disk.epoch = epoch
        self.audit.disk = self.disk
        self.audit.was_restored = True

    # --- devices ---

    def device(self, name: str) -> Database:
        return Database(name, self.rng)

    def open(self, person: str, database: Database, *, has_locks: bool = True) -> Tab:
        self._names += 1
        tab = Tab(self, f"{database.device}-{self._names}", PEOPLE[person], database, self.rng)
        tab.has_locks = has_locks
        self.trace(tab.name, "opens")
        tab.start()
        self.tabs.append(tab)
        return tab

    def crash_tab(self, tab: Tab) -> None:
        self.trace(tab.name, "crashes")
        self.tabs.remove(tab)
        tab.crash()

    async def end_device(self, database: Database, person: str) -> None:
        """Signed out by its owner: kept, then dropped, as the route does it."""
        server = self.server
        if server is None or database.device not in self.disk.devices:
            return
        try:
            await server.store.end_device(database.device, self.clock())
        except Unavailable:
            return
        self.trace(database.device, "is signed out")
        server.chat.drop(PEOPLE[person].id, database.device)
        self.audit.ended.add(database.device)

    # --- what a tab asks of the world ---

    def connect(self, tab: Tab, name: CarrierName) -> Connection | None:
        server = self.server
        if server is None:
            return None
        connection = Connection(self.rng, self.weather, name)
        server.connections.append(connection)
        self.truths[connection] = self.disk
        person = STAFF.get(tab.person.id) or CUSTOMERS[tab.person.id]

        def said(text: str) -> None:
            waiting = len(carrier.outbox._waiting)
            if server is self.server:
                self.audit.said(tab.person.id, tab.person.side, tab.database.device, waiting, text)

        socket = Socket(connection, said)
        carrier = _carrier(socket, connection)
        writer = asyncio.create_task(carrier.run())
        writer.add_done_callback(self.ended)

        def lost(_: int | None) -> None:
            socket.is_closed = True
            carrier.drop()
            server.chat.readers.leave(carrier)
            writer.cancel()

        connection.to_server.deliver = lambda text: server.chat.take(person, carrier, text)
        connection.server_lost = lost
        return connection

    def ended(self, task: asyncio.Task[None]) -> None:
        fault = None if task.cancelled() else task.exception()
        if fault is not None and not self.fault.done():
            self.fault.set_exception(fault)

    def shows_sent(self, tab: Tab, connection: Connection, id: str) -> None:
        database = tab.database
        self.audit.shown_sent(tab.person.id, database, database.own[id].stream, id, self.truths[connection])

    def applied(self, tab: Tab, connection: Connection, state: StreamState) -> None:
        self.audit.applied_to(tab.person.id, tab.database, state, self.truths[connection])

    def marked(self, tab: Tab, stream: str, mark: Wire) -> None:
        self.audit.marked(stream, mark)


def _carrier(socket: Socket, connection: Connection) -> SocketCarrier | ChannelCarrier:
    if connection.name == "socket":
        return SocketCarrier(socket, connection.cut)  # type: ignore[arg-type]
    return ChannelCarrier(Node(socket), "peer", lambda text: None)  # type: ignore[arg-type]


def _house(store: DiskStore, clock: WallClock) -> House:
    people, calls = MemoryPeople(), MemoryCalls()
    people.shops[COBBLER.id] = COBBLER
    people.staff_by_id |= STAFF
    people.customers |= CUSTOMERS
    numbers = itertools.count(1)
    nowhere = Path("nowhere")  # the conversation reads and writes no file
    return House(
        people=people, calls=calls, blobs=FolderBlobs(nowhere), node=FakeNode(), conversations=store, now=clock,
        profiles=MemoryProfiles(people, calls), quick_replies=MemoryQuickReplies(),
        settings=DoorSettings(("http://127.0.0.1:8080",), SETTINGS_SECRET, nowhere, nowhere),
        new_id=lambda: f"id-{next(numbers):06d}",
    )  # fmt: skip
