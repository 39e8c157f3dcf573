"""Decide, keep, tell: how every change of a call goes, and how the media node is made to follow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import structlog

from domain.call import Call, go_live, join, leave
from domain.errors import Conflict, Refusal, Unavailable
from domain.people import Customer
from domain.record import Booking, CallEvent, EventKind, NewEvent, Picture, Recording, Side
from signaling.floor import Floor
from signaling.house import House
from signaling.line import WaitingLine
from signaling.media_plan import plan_of
from signaling.news import InvitationGone
from signaling.node import Plan
from signaling.recordings import Recordings
from signaling.session import Session
from signaling.visit import Visit

log = structlog.get_logger()
NODE_DEADLINE_S = 2.0
FIRST_PICTURE_S = 0.3  # until then pages, disk and processors have better to do than lines of a chat and of a list


class Stage:
    """What the requests act through. `change` and `append` keep; `follow` tells people and the media node."""

    def __init__(self, floor: Floor, line: WaitingLine, recordings: Recordings) -> None:
        self.floor = floor
        self.line = line
        self.recordings = recordings
        self.renamed: Callable[[Customer], None] = lambda _customer: None  # who said another name on joining

    @property
    def house(self) -> House:
        return self.floor.house

    # --- keep ---

    async def change(self, visit: Visit, decide: Callable[[Call], Call], *, foresee: bool = False) -> bool:
        """Keeps what `decide` makes of the call; what it raises passes through. True when something changed.

        `foresee`: packets flow by it at once, while it is being kept; what cannot be kept is taken back."""
        async with visit.turn:
            before = visit.call
            if foresee:
                with suppress(Refusal):  # the store's answer counts, and is the same
                    visit.foreseen = decide(before)
                self.floor.spawn(self.settle_quietly(visit))
            try:
                visit.call = await self.house.calls.change(visit.id, decide)
            except BaseException:
                if foresee:
                    self.floor.spawn(self.settle_quietly(visit))
                raise
            finally:
                visit.foreseen = None
            return visit.call != before

    async def append(
        self,
        visit: Visit,
        author: Session,
        kind: EventKind,
        cmid: str,
        body: dict[str, Any],
        *,
        booking: Booking | None = None,
        picture: Picture | None = None,
    ) -> tuple[CallEvent, bool]:
        """Keeps an event once and tells it to all in the call. The same (author, cmid) again: the kept one, False.

        Raises Conflict when the cmid was used for a thing of another kind."""
        return await self.append_as(
            visit, author.person_id, author.side, author.name, kind, cmid, body, booking=booking, picture=picture
        )

    async def append_as(
        self,
        visit: Visit,
        author_id: str,
        side: Side,
        name: str,
        kind: EventKind,
        cmid: str,
        body: dict[str, Any],
        *,
        booking: Booking | None = None,
        picture: Picture | None = None,
    ) -> tuple[CallEvent, bool]:
        new = NewEvent(
            call_id=visit.id,
            kind=kind,
            cmid=cmid,
            author=author_id,
            side=side,
            author_name=name,
            at=self.house.now(),
            body=body,
        )
        async with visit.turn:
            event, is_fresh = await self.house.calls.append(new, booking=booking, picture=picture)
            if is_fresh:
                visit.head = max(visit.head, event.position)
                if kind == "consent":
                    visit.consents[cmid] = event.position
                self.floor.tell_event(visit, event)
        if event.kind != kind:
            raise Conflict("This id was used for something else before. Take a new one.")
        return event, is_fresh

    # --- tell, and make the media follow ---

    def follow(self, visit: Visit, *, also: Session | None = None) -> None:
        """After a change: the node gets its plan in the background, then all are told."""
        if visit.call.is_over:
            self._close(visit)
        else:
            self.floor.spawn(self.settle_quietly(visit))
        self._withdraw(visit)
        self.floor.tell_call(visit, also=also)
        self.line.changed(visit.shop_id)

    def _withdraw(self, visit: Visit) -> None:
        """Pages that still show an invitation which no longer stands are told."""
        stands = set() if visit.call.is_over else set(visit.call.invited_ids)
        for staff_id in visit.asked - stands:
            visit.asked.discard(staff_id)
            colleague = self.floor.person(visit, staff_id)
            if colleague is not None and staff_id not in visit.call.staff_ids:
                colleague.news(InvitationGone(call_id=visit.id))

    async def settle(self, visit: Visit, *, again: bool = False) -> None:
        """Returns when the node has a plan at least as new as the call is now; `again` sends it even if it is the same.

        Raises Unavailable when the node does not take it in time; `Live` tries again."""
        async with visit.plan_turn:
            if visit.call.is_over:
                return
            plan = self._plan(visit)
            if plan == visit.applied and not again:
                return
            if visit.applied is None and plan == Plan(visit.id) and not visit.is_planned:
                return  # the node never heard of this call
            visit.applied = None
            visit.is_planned = True
            await self._told(plan)
            visit.applied = plan
        if plan.tapes and not visit.is_taped:
            visit.is_taped = True
            self.floor.spawn(self._note_recording(visit))

    def _plan(self, visit: Visit) -> Plan:
        call = visit.foreseen or visit.call
        people = (call.customer_id, *call.staff_ids)
        peers = {i: peer.id for i in people if (peer := self.floor.peer_of(visit, i)) is not None}
        plan = plan_of(call, peers)
        return plan if visit.foreseen is None else Plan(plan.call_id, plan.routes)  # only a kept call is recorded

    async def settle_quietly(self, visit: Visit, *, again: bool = False) -> None:
        """As `settle`; a node that does not take the plan now gets it at the next turn of the clock."""
        try:
            await self.settle(visit, again=again)
        except Refusal as refusal:
            self.floor.counts["plans_delayed"] += 1
            log.warning("the media node did not take a plan", call=visit.id, code=refusal.code)

    async def _told(self, plan: Plan) -> None:
        try:
            async with asyncio.timeout(NODE_DEADLINE_S):
                await self.house.node.apply(plan)
        except TimeoutError:
            raise Unavailable("The media server did not answer in time. It is being tried again.") from None

    async def _note_recording(self, visit: Visit) -> None:
        await asyncio.sleep(FIRST_PICTURE_S)
        if visit.call.is_over:
            return  # what was recorded is being finished, and says so itself
        known = await self.house.calls.recording(visit.id)
        if known.state == "none":
            recording = Recording(call_id=visit.id, state="recording", started_at=self.house.now())
            await self.house.calls.put_recording(recording)
            self.recordings.tell(visit.shop_id, recording)

    # --- the turns of a call that more than one room needs ---

    async def start_when_connected(self, visit: Visit) -> None:
        """Ringing becomes live once the customer and the leading member of staff are connected; hand-overs complete."""
        now = self.house.now()
        was_changed = False
        if visit.call.state == "ringing" and self.both_connected(visit, visit.call.staff_ids[0]):
            was_changed = await self.change(
                visit, lambda call: go_live(call, now) if call.state == "ringing" else call, foresee=True
            )
        if was_changed:
            self.follow(visit)
        for invited, asker in list(visit.handovers.items()):
            if invited in visit.call.staff_ids and self._is_connected(visit, invited):
                await self.complete_handover(visit, invited, asker)

    def both_connected(self, visit: Visit, staff_id: str) -> bool:
        return self._is_connected(visit, visit.call.customer_id) and self._is_connected(visit, staff_id)

    def _is_connected(self, visit: Visit, person_id: str) -> bool:
        peer = self.floor.peer_of(visit, person_id)
        return peer is not None and peer.is_connected

    async def come_in(self, visit: Visit, session: Session) -> None:
        """An invited colleague joins; with a hand-over, the one who asked leaves once the colleague is connected."""
        visit.names[session.person_id] = session.name
        was_inside = session.person_id in visit.call.staff_ids
        await self.change(visit, lambda call: join(call, session.person_id))
        session.enter(visit)
        if not was_inside:
            await self.append(visit, session, "joined", f"joined-{self.house.new_id()}", {})
        self.follow(visit)
        asker = visit.handovers.get(session.person_id)
        if asker is not None and self._is_connected(visit, session.person_id):
            await self.complete_handover(visit, session.person_id, asker)

    async def complete_handover(self, visit: Visit, invited: str, asker: str) -> None:
        if visit.handovers.pop(invited, None) is None:
            return  # the answer and the connection of the colleague may complete it at the same moment
        if asker in visit.call.staff_ids and len(visit.call.staff_ids) > 1:
            await self.go_out(visit, asker)

    async def go_out(self, visit: Visit, staff_id: str) -> None:
        """A member of staff leaves a call that goes on; their last snapshot of it no longer shows them."""
        if not await self.change(visit, lambda call: leave(call, staff_id)):
            return  # already gone: left by themselves, or by the clock
        session = self.floor.person(visit, staff_id)
        name = visit.name_of(staff_id)
        await self.append_as(visit, staff_id, "staff", name, "left", f"left-{self.house.new_id()}", {})
        self.follow(visit, also=session if session is not None and session.visit is visit else None)
        if session is not None and session.visit is visit:
            session.enter(None)

    # --- the end ---

    def _close(self, visit: Visit) -> None:
        if visit.is_closed:
            return
        visit.is_closed = True
        visit.closed_at = self.house.now()
        visit.handovers.clear()
        self.floor.pending.drop_call(visit.id)
        self.floor.spawn(self._end_media(visit))

    async def end_plan(self, visit: Visit) -> None:
        """The node forgets a call that is over; one that does not hear it now is told again at the next turn of the clock."""
        async with visit.plan_turn:
            if not visit.is_planned:
                return
            try:
                async with asyncio.timeout(NODE_DEADLINE_S):
                    await self.house.node.end(visit.id)
            except (Refusal, TimeoutError):
                log.warning("the media node did not hear of a call's end", call=visit.id)
            else:
                visit.is_planned = False

    async def _end_media(self, visit: Visit) -> None:
        await self.end_plan(visit)
        if visit.call.live_at is not None:
            self.floor.spawn(self.recordings.finish(visit.id, visit.shop_id))

    async def close_peer(self, session: Session, peer_id: str) -> None:
        """Takes a peer from its session and closes it at the node; a node that cannot now has lost it anyway."""
        self.floor.owners.pop(peer_id, None)
        for peer in session.peers():
            if peer.id == peer_id and peer.channel is not None:
                peer.channel.drop()
        if session.peer is not None and session.peer.id == peer_id:
            session.peer = None
        if session.next_peer is not None and session.next_peer.id == peer_id:
            session.next_peer = None
        try:
            async with asyncio.timeout(NODE_DEADLINE_S):
                await self.house.node.close_peer(peer_id)
        except (Refusal, TimeoutError):
            log.warning("the media node did not close a peer")
