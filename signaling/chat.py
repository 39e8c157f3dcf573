"""The conversation's door: pages that follow conversations, by WebSocket or by a call's data channel.

`signaling.app` routes `/ws/staff/chat` and `/ws/customer/chat` here once it knows who is there.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from functools import partial
from types import TracebackType
from typing import Any, Self

import structlog
from aiohttp import WSMsgType, web

from domain.bus import Bus
from domain.people import Customer, Staff
from domain.record import Side
from domain.stream import Entry, EntryKind, Head, Kept, Mark, NewEntry
from signaling.carriers import ENDED, NO_HELLO, RESTARTING, Carrier, SocketCarrier
from signaling.chat_asks import Desk, fall_silent
from signaling.chat_attending import ChatAttendant, counted_refusal
from signaling.chat_comparing import Comparing
from signaling.chat_facts import ChatFacts
from signaling.chat_hub import ChatHub
from signaling.chat_marks import ChatMarkers, marks_texts
from signaling.chat_neighbours import Neighbours
from signaling.chat_poll import PollBody, Polls
from signaling.chat_presence import ChatPresence
from signaling.chat_reader import Reader
from signaling.chat_readers import Readers
from signaling.chat_rights import ChatRights
from signaling.chat_source import StoreSource
from signaling.chat_waking import keep_waking
from signaling.house import House
from signaling.news import ErrorFrame
from signaling.protocol import MAX_FRAME_BYTES
from signaling.tasks import Tasks

log = structlog.get_logger()
HELLO_DEADLINE_S = 10.0
PING_EVERY_S = 30.0  # a page that is only open costs little
HEADS_EVERY_S = 20.0
CLOSE_WAIT_S = 2.0
WENT_AWAY = (1000, 1001)  # close codes of a page that was left; a lost connection has none
LARGEST_READ = 4 * MAX_FRAME_BYTES  # up to here a frame gets a sentence; beyond it aiohttp closes with 1009
SIGNED_OUT = ErrorFrame(code="ended", message="This device was signed out. Open the shop's link again.")

ERASED = ErrorFrame(code="erased", message="The shop has erased this conversation. Nothing of it is kept any more.")


class Chat:
    """Use `async with Chat(house)`: it listens to the store and owns every task. `close` closes all sockets (code 4000,
    come back); leaving the block does it too. `compare_every_s` where several processes share one store: what another
    one wrote is told at most so much later, and at once where a `bus` joins them."""

    def __init__(
        self,
        house: House,
        *,
        bus: Bus | None = None,
        heads_every_s: float = HEADS_EVERY_S,
        compare_every_s: float | None = None,
    ) -> None:
        self._compare_every_s = compare_every_s
        self.counts: Counter[str] = Counter()
        self._tasks = Tasks(self.counts)
        self._house = house
        source = StoreSource(house.conversations)
        self.hub = ChatHub(source, self._tasks.spawn, self.counts)
        self.neighbours = Neighbours(bus, self.hub, self.counts)
        self.neighbours.dropped = self._drop
        self.neighbours.renamed = lambda customer_id: self._spawn(self._read_name(customer_id))
        self._comparing = Comparing(self.hub, house.conversations, self.neighbours, self.counts)
        self._presence = presence = ChatPresence(self.hub, self.neighbours, self._tasks.spawn)
        self.readers = Readers(self.hub, self._tasks.spawn, heads_every_s, presence.left)
        self.desk = Desk(
            house=house,
            store=house.conversations,
            source=source,
            hub=self.hub,
            rights=ChatRights(house.people),
            markers=ChatMarkers(house.conversations, self._tell_marks, self._tasks.spawn),
            presence=presence,
            neighbours=self.neighbours,
            facts=ChatFacts(house),
            refuse=partial(counted_refusal, self.counts),
        )
        self._attendant = ChatAttendant(self.desk, self.readers, self.counts)
        self._stack = AsyncExitStack()
        self._writers: dict[SocketCarrier, asyncio.Task[None]] = {}
        self.polls = Polls(self)
        self._is_closing = False

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._tasks)
        self._house.conversations.listen(self._told)
        self.neighbours.returned = self._may_have_missed
        self.neighbours.listen()
        self._tasks.spawn(self.readers.beat())
        self._tasks.spawn(keep_waking(self._house, self.counts))
        if self._compare_every_s is not None:
            self._tasks.spawn(self._comparing.keep(self._compare_every_s))
            self._tasks.spawn(self._presence.keep_asking())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
        await self._stack.__aexit__(None, None, None)

    async def close(self) -> None:
        """Closes every socket with 4000 and waits for that, at most 3 s. Call it when the web server begins to shut
        down, before it waits for its requests."""
        self._is_closing = True
        self.polls.close()
        writers = dict(self._writers)
        for carrier in writers:
            carrier.close(RESTARTING, "restarting")
        if writers:
            await asyncio.wait(writers.values(), timeout=CLOSE_WAIT_S + 1)

    # --- what others ask ---

    def hear(self, side: Side, person_id: str, carrier: Carrier, text: str) -> None:
        """A text of a call's data channel, from a person whom the call knows."""
        reader = self.readers.on.get(carrier)
        if reader is not None:
            self.take(reader.person, carrier, text)
        else:
            self._tasks.spawn(self._introduce(side, person_id, carrier, text))

    async def _introduce(self, side: Side, person_id: str, carrier: Carrier, text: str) -> None:
        people = self._house.people
        person = await people.staff(person_id) if side == "staff" else await people.customer(person_id)
        self.take(person, carrier, text)

    def take(self, person: Staff | Customer, carrier: Carrier, text: str) -> None:
        """Takes one text in. What a page asks in a row is attended in that order."""
        self._attendant.take(person, carrier, text)

    async def append_by_machine(self, stream: str, id: str, kind: EntryKind, body: dict[str, Any]) -> Kept:
        """Writes what nobody said. `id` is made of what it tells and which occurrence, so that it is written once."""
        return await self._house.conversations.append(
            NewEntry(
                stream=stream,
                id=id,
                kind=kind,
                author="loupe",
                side="machine",
                author_name="Loupe",
                at=self._house.now(),
                body=body,
            )
        )

    def drop(self, person_id: str, device: str | None = None) -> None:
        """The right of this person, or of one device, has ended: nothing more is said there from now on."""
        self._drop(person_id, device)
        self.neighbours.drop(person_id, device)

    def _drop(self, person_id: str, device: str | None) -> None:
        for reader in list(self.hub.readers_of.get(person_id, ())):
            if device in (None, reader.device):
                self._end(reader)

    def erased(self, customer_id: str) -> None:
        """All that was kept of this customer is gone: every page of theirs is told, and closed."""
        self.neighbours.say("customer", customer_id, ERASED.model_dump_json())
        self.drop(customer_id)

    def end_session(self, session: str) -> None:
        """This session was signed out: nothing more is said on its carriers."""
        for carrier, reader in list(self.readers.on.items()):
            if carrier.session == session:
                self._end(reader)
        for socket in self._writers:
            if socket.session == session:
                socket.close(ENDED, "signed out")

    def _end(self, reader: Reader) -> None:
        reader.say_on_all(SIGNED_OUT.model_dump_json())
        reader.end(ENDED, "signed out")
        self.readers.forget(reader)

    def renamed(self, customer: Customer) -> None:
        """What open pages of this customer write from now on has the new name."""
        self._rename(customer)
        self.neighbours.rename(customer.id)

    async def _read_name(self, customer_id: str) -> None:
        if customer_id in self.hub.readers_of:
            self._rename(await self._house.people.customer(customer_id))

    def _rename(self, customer: Customer) -> None:
        for reader in self.hub.readers_of.get(customer.id, ()):
            reader.person = customer

    async def poll(self, person: Staff | Customer, ask: PollBody, session: str = "") -> list[str]:
        """The long poll of one page: takes its frames in, answers with what waits for it."""
        return await self.polls.poll(person, ask, session)

    def figures(self) -> dict[str, float]:
        """Flat counters and gauges for operators."""
        gauges = {
            "readers": len(self.readers),
            "sockets": len(self._writers),
            "streams": len(self.hub.lines),
            "polls": len(self.polls),
        }
        return {name: float(value) for name, value in {**self.counts, **gauges, **self.neighbours.figures()}.items()}

    def _may_have_missed(self) -> None:
        self._spawn(self._comparing.compare(with_marks=True))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.spawn(work)

    def _told(self, entries: Sequence[Entry], inboxes: Sequence[Head]) -> None:
        """Of a commit. Whatever goes wrong here, the store goes on committing, and pages learn at the next heads."""
        try:
            self.hub.told(entries, inboxes)
            self.neighbours.told(entries, inboxes)
        except Exception:
            self.counts["faults"] += 1
            log.exception("a commit could not be told")

    def _tell_marks(self, marks: Sequence[Mark]) -> None:
        """To those who have the stream open, and to the other pages of the person who has read."""
        for stream, text in marks_texts(marks).items():
            self.neighbours.whisper(stream, text)
        for mark in marks:
            self.neighbours.say(mark.side, mark.person_id, marks_texts([mark])[mark.stream], but=mark.stream)

    # --- one WebSocket ---

    async def serve(self, request: web.Request, person: Staff | Customer, session: str = "") -> web.WebSocketResponse:
        """One page's socket, until it closes. Origin and sign-in were checked; `session` is the cookie's."""
        socket = web.WebSocketResponse(
            heartbeat=PING_EVERY_S, timeout=CLOSE_WAIT_S, max_msg_size=LARGEST_READ, compress=False
        )
        await socket.prepare(request)

        def abort() -> None:
            if request.transport is not None:
                request.transport.abort()

        carrier = SocketCarrier(socket, abort, session, request.transport)
        writer = None if self._is_closing else self._tasks.spawn(carrier.run())
        if writer is None:
            await socket.close(code=RESTARTING, message=b"restarting")
            carrier.drop()
            return socket
        self._writers[carrier] = writer
        deadline = asyncio.get_running_loop().call_later(HELLO_DEADLINE_S, self._expect_hello, carrier)
        try:
            if session and await self._house.conversations.has_signed_out(session):
                carrier.close(ENDED, "signed out")  # while the socket was being opened
                return socket
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self.take(person, carrier, message.data)
                elif message.type is WSMsgType.BINARY:
                    self.take(person, carrier, "")  # frames are text: this one is refused and counted
                elif message.type is WSMsgType.ERROR:
                    self.counts["refused_bad_request"] += 1
        finally:
            deadline.cancel()
            reader = self.readers.on.get(carrier)
            self.readers.leave(carrier)
            if reader is not None and reader.is_ended and socket.close_code in WENT_AWAY:
                fall_silent(self.desk, reader)
            carrier.close(1000, "")
            await asyncio.wait([writer], timeout=CLOSE_WAIT_S + 1)
            self._writers.pop(carrier, None)
        return socket

    def _expect_hello(self, carrier: SocketCarrier) -> None:
        if carrier not in self.readers.on:
            carrier.close(NO_HELLO, "no hello in time")
