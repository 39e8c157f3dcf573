"""The live half of the door: WebSocket and data-channel sessions, the waiting line, calls.

`signaling.app` routes `/ws/staff` and `/ws/customer` here once it knows who is there.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

import structlog
from aiohttp import WebSocketError, WSCloseCode, WSMsgType, web

from domain.errors import Invalid, Refusal
from domain.people import Customer, Staff
from domain.record import Picture
from signaling.attending import Attendant, understand
from signaling.carriers import ENDED, NO_HELLO, REPLACED, RESTARTING, SocketCarrier
from signaling.chat import Chat
from signaling.floor import Floor
from signaling.hearing import Hearing
from signaling.house import House
from signaling.line import WaitingLine
from signaling.news import PictureReplaced, Replaced
from signaling.presence import Presence
from signaling.protocol import MAX_FRAME_BYTES, Hello
from signaling.recordings import Recordings
from signaling.refusals import frame_of
from signaling.returning import let_go, take_up_open_calls
from signaling.session import Session
from signaling.stage import Stage
from signaling.understanding import ref_in
from signaling.welcome import greet

log = structlog.get_logger()
HELLO_DEADLINE_S = 10.0
HEARTBEAT_S = 10.0
CLOSE_WAIT_S = 2.0
LOOK_EVERY_S = 1.0
LARGEST_READ = 4 * MAX_FRAME_BYTES  # up to here a frame gets a sentence; beyond it aiohttp closes with 1009


class Live:
    """Satisfies `signaling.app.LiveDoor`. Use `async with Live(house)`: it listens to the node, takes up open calls and
    owns every task. `close` closes all sockets (code 4000, come back); leaving the block does it too. `chat` hears what
    data channels bring of conversations. `is_shared`: calls are taken up shop by shop, by `take_up`."""

    def __init__(self, house: House, chat: Chat | None = None, *, is_shared: bool = False) -> None:
        self.house = house
        self._is_shared = is_shared
        self._kept: set[str] = set()
        self.floor = Floor(house)
        self.line = WaitingLine(self.floor)
        self.recordings = Recordings(self.floor)
        self._stage = Stage(self.floor, self.line, self.recordings)
        self.presence = Presence(self._stage)
        if chat is not None:
            self._stage.renamed = chat.renamed
        self._attendant = Attendant(self._stage, chat)
        self._hearing = Hearing(self._stage, self.presence, self._attendant.attend)
        self._stack = AsyncExitStack()
        self._writers: dict[SocketCarrier, asyncio.Task[None]] = {}
        self._is_closing = False

    async def __aenter__(self) -> Self:
        self.house.node.listen(self._hearing.hear)
        if not self._is_shared:
            await take_up_open_calls(self.floor)
        self.floor.tasks = await self._stack.enter_async_context(asyncio.TaskGroup())
        self._spawn_background()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
        self.floor.tasks = None
        self.floor.cancel_all()
        for session in list(self.floor.sessions.values()):
            session.close()
        # every task guards itself, so the group has no fault to add to what ended the block
        await self._stack.__aexit__(None, None, None)

    def _spawn_background(self) -> None:
        self.floor.spawn(self._look_at_the_clock())
        if not self._is_shared:
            self.floor.spawn(self.recordings.take_up_unfinished())

    async def _look_at_the_clock(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.presence.look()
            except Exception:
                self.floor.counts["faults"] += 1
                log.exception("the clock's turn failed")

    async def close(self) -> None:
        """Closes every WebSocket with 4000 and waits for that, at most 3 s. Call it when the web server begins to shut
        down, before it waits for its requests."""
        self._is_closing = True
        writers = dict(self._writers)
        for carrier in writers:
            carrier.close(RESTARTING, "restarting")
        if writers:
            await asyncio.wait(writers.values(), timeout=CLOSE_WAIT_S + 1)

    # --- one of several servers ---

    async def take_up(self, shop_id: str) -> None:
        """This server keeps the shop's floor from now on."""
        await take_up_open_calls(self.floor, shop_id)
        self._kept.add(shop_id)
        self.floor.spawn(self.recordings.take_up_unfinished(shop_id))

    async def let_go(self, shop_id: str) -> None:
        """Another one does. Sockets that have not said hello yet are sent there when they do."""
        self._kept.discard(shop_id)
        await let_go(self._stage, shop_id)

    def is_idle(self, shop_id: str) -> bool:
        """Nobody is on the floor, and nothing is left to do that its next keeper would do a second time."""
        is_empty = all(session.shop_id != shop_id for session in self.floor.sessions.values())
        return is_empty and not self.floor.open_visits(shop_id) and not self.recordings.are_finishing

    # --- what the door asks ---

    async def staff_socket(self, request: web.Request, staff: Staff, session: str = "") -> web.WebSocketResponse:
        return await self._serve(request, staff, session)

    async def customer_socket(
        self, request: web.Request, customer: Customer, session: str = ""
    ) -> web.WebSocketResponse:
        return await self._serve(request, customer, session)

    def end_session(self, session: str) -> None:
        """A browser session was signed out: its sockets and connections close. A call goes on without it, as when a
        browser has vanished."""
        for carrier in self._writers:
            if carrier.session == session:
                carrier.close(ENDED, "signed out")
        for each in list(self.floor.sessions.values()):
            for peer in each.peers():
                if peer.came_by == session:
                    self.floor.spawn(self._close_peer(each, peer.id))

    async def _close_peer(self, session: Session, peer_id: str) -> None:
        await self._stage.close_peer(session, peer_id)
        session.feed.carrier_lost("channel")
        self.presence.changed(session)

    def staff_available(self, shop_id: str) -> int:
        """How many of the shop could answer a customer now."""
        return self.line.staff_available(shop_id)

    async def renamed(self, customer: Customer) -> None:
        """An open call of this customer has the new name."""
        named = {"customer_name": customer.name}
        for visit in list(self.floor.visits.values()):
            if visit.call.customer_id == customer.id and not visit.call.is_over:
                await self._stage.change(visit, lambda call: call.model_copy(update=named))
                self.floor.tell_call(visit)
                self.line.changed(customer.shop_id)

    def pending_picture(self, picture_id: str) -> tuple[str, bytes] | None:
        """(call id, JPEG) of a picture that is shown but not kept."""
        pending = self.floor.pending.get(picture_id)
        return (pending.call_id, pending.shot.jpeg) if pending is not None else None

    async def picture_replaced(self, picture: Picture) -> None:
        """A kept picture changed in the store (its still arrived, its drawing was redone): its people are told."""
        visit = self.floor.visits.get(picture.call_id)
        if visit is not None:
            self.floor.tell(visit, PictureReplaced(picture=picture))

    async def left_message_arrived(self, shop_id: str) -> None:
        """A message was left, or one was done: staff see the new count."""
        await self.line.count_unread(shop_id)

    def counts(self) -> dict[str, float]:
        """Flat counters and gauges for operators."""
        sessions = self.floor.sessions.values()
        gauges = {
            "sessions": len(sessions),
            "sockets": len(self._writers),
            "open_calls": len(self.floor.open_visits()),
            "resent_events": sum(s.feed.resent for s in sessions),
        }
        return {k: float(v) for k, v in {**self.floor.counts, **gauges}.items()}

    # --- one WebSocket ---

    async def _serve(self, request: web.Request, person: Staff | Customer, signed_in_by: str) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(
            heartbeat=HEARTBEAT_S, timeout=CLOSE_WAIT_S, max_msg_size=LARGEST_READ, compress=False
        )
        await socket.prepare(request)

        def abort() -> None:
            if request.transport is not None:
                request.transport.abort()

        carrier = SocketCarrier(socket, abort, signed_in_by)
        writer = self.floor.spawn(carrier.run())
        if writer is None or self._is_closing:
            await socket.close(code=RESTARTING, message=b"restarting")
            carrier.drop()
            return socket
        self._writers[carrier] = writer
        session: Session | None = None
        try:
            if signed_in_by and await self.house.conversations.has_signed_out(signed_in_by):
                carrier.close(ENDED, "signed out")  # while the socket was being opened
                return socket
            session = await self._begin(socket, carrier, person)
            if session is not None:
                async for message in socket:
                    self._take(session, carrier, message.type, message.data)
        finally:
            self._gone(session, carrier)
            carrier.close(1000, "")
            await asyncio.wait([writer], timeout=CLOSE_WAIT_S + 1)
            self._writers.pop(carrier, None)
        return socket

    def _take(self, session: Session, carrier: SocketCarrier, kind: WSMsgType, data: object) -> None:
        if not carrier.is_open:  # it is being closed: what comes now is not of anybody who is here
            return
        if kind is WSMsgType.TEXT and isinstance(data, str):
            self._attendant.attend(session, carrier, data)
        elif kind is WSMsgType.BINARY:
            self._attendant.attend(session, carrier, "")  # frames are text: this one is refused and counted
        elif kind is WSMsgType.ERROR:
            self._broke(data)

    def _broke(self, fault: object) -> None:
        """aiohttp has closed this socket: a message over its limit (1009), or no WebSocket frame at all (1002, 1007)."""
        is_too_large = isinstance(fault, WebSocketError) and fault.code == WSCloseCode.MESSAGE_TOO_BIG
        self.floor.counts["refused_too_large" if is_too_large else "refused_bad_request"] += 1

    async def _begin(
        self, socket: web.WebSocketResponse, carrier: SocketCarrier, person: Staff | Customer
    ) -> Session | None:
        """Waits for `hello` and answers it; None when it did not come in time or was something else."""
        side = "staff" if isinstance(person, Staff) else "customer"
        try:
            async with asyncio.timeout(HELLO_DEADLINE_S):
                message = await socket.receive()
        except TimeoutError:
            carrier.close(NO_HELLO, "no hello in time")
            return None
        if message.type is WSMsgType.ERROR:
            self._broke(message.data)
        if message.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR):
            return None
        text = message.data if message.type is WSMsgType.TEXT else ""
        try:
            hello = understand("staff" if side == "staff" else "customer", text)
            if not isinstance(hello, Hello):
                raise Invalid("Say hello first.", code="hello_first")
        except Refusal as refusal:
            self.floor.counts[f"refused_{refusal.code}"] += 1
            carrier.send(frame_of(refusal, ref_in(text)).model_dump_json())
            carrier.close(NO_HELLO, "say hello first")
            return None
        if self._is_shared and person.shop_id not in self._kept:
            carrier.close(RESTARTING, "another server keeps this shop")
            return None
        session = self.floor.session_of(person)
        try:
            await greet(self.floor, session, hello, carrier, self._take_over)
            if self.floor.sessions.get((session.side, session.person_id)) is not session:  # let go of meanwhile
                carrier.close(RESTARTING, "another server keeps this shop")
                return None
            self.presence.changed(session)
            if session.side == "staff":
                await self.line.greet(session)
        except Exception:
            self.floor.counts["faults"] += 1
            log.exception("a session could not begin")
            carrier.close(RESTARTING, "something went wrong, come back")
            return None if session.socket is not carrier else session
        return session

    def _take_over(self, session: Session, carrier: SocketCarrier) -> None:
        """The newest socket of a person is theirs; the one before is told and closed for good."""
        former, session.socket = session.socket, carrier
        session.came_by = carrier.session
        session.bad_frames = session.over_rate = 0
        session.forget_told()
        if former is not None:
            former.send(Replaced().model_dump_json())
            former.close(REPLACED, "another tab took over")

    def _gone(self, session: Session | None, carrier: SocketCarrier) -> None:
        if session is not None and session.socket is carrier:
            session.socket = None
            session.feed.carrier_lost("socket")
            self.presence.changed(session)
