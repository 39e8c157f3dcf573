"""Who is in reach, and what the clock does: the rejoin window, stale invitations, connections nobody came back to."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

import structlog

from domain.call import Call, decline, end, expire, gone
from signaling.floor import Floor
from signaling.news import MediaRenew
from signaling.session import Session
from signaling.stage import Stage
from signaling.visit import Visit

log = structlog.get_logger()
LONGEST_WAIT = timedelta(hours=4)  # nobody came: the shop closed for the day
RENEW_AFTER = timedelta(seconds=10)  # the browser tries an ICE restart by itself first
GOODBYE = timedelta(seconds=5)  # after a call its customer stays connected for the last frames on the data channel
REMEMBER_OVER = timedelta(minutes=10)  # for late `seen`, recordings and pictures of a call that is over


class Presence:
    """`changed` after a carrier or peer came or went; `look` regularly, at most a second apart."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._floor: Floor = stage.floor
        self._window = timedelta(seconds=stage.house.settings.rejoin_window_s)

    def changed(self, session: Session) -> None:
        if session.is_present:
            session.absent_since = None
        elif session.absent_since is None:
            session.absent_since = self._floor.house.now()
        if session.socket is not None:
            session.socketless_since = None
        elif session.socketless_since is None:
            session.socketless_since = self._floor.house.now()
        visit = self._floor.visit_including(session)
        if visit is not None:
            self._floor.spawn(self._note(visit))
        self._stage.line.changed(session.shop_id)

    async def _note(self, visit: Visit) -> None:
        """Keeps since when a side is out of reach, and shows it to the other side."""
        now = self._floor.house.now()

        def decide(call: Call) -> Call:
            customer = None if self._floor.is_present(visit, call.customer_id) else call.customer_gone_at or now
            is_staffed = not call.staff_ids or any(self._floor.is_present(visit, i) for i in call.staff_ids)
            staff = None if is_staffed else call.staff_gone_at or now
            return call if call.is_over else gone(gone(call, "customer", customer), "staff", staff)

        if decide(visit.call) != visit.call:
            await self._stage.change(visit, decide)
        self._floor.tell_call(visit)
        self._stage.line.changed(visit.shop_id)

    async def look(self) -> None:
        """One turn of the clock."""
        now = self._floor.house.now()
        for visit in list(self._floor.visits.values()):
            if visit.call.is_over:
                await self._stage.end_plan(visit)
                await self._say_goodbye(visit, now)
                if visit.closed_at is not None and now - visit.closed_at >= REMEMBER_OVER:
                    self._forget(visit)
            else:
                await self._look_at(visit, now)
        for session in list(self._floor.sessions.values()):
            await self._look_after(session, now)

    async def _say_goodbye(self, visit: Visit, now: datetime) -> None:
        """Closes the connection that the customer had in a call that is over; not one offered since, for the next call."""
        customer = self._floor.person(visit, visit.call.customer_id)
        ended = visit.closed_at
        if customer is None or customer.visit is not visit or ended is None or now - ended < GOODBYE:
            return
        for peer in customer.peers():
            if peer.offered_at <= ended:
                await self._stage.close_peer(customer, peer.id)

    async def _look_at(self, visit: Visit, now: datetime) -> None:
        def decide(call: Call) -> Call:
            if call.state == "waiting" and now - call.created_at >= LONGEST_WAIT:
                return end(call, "nobody_answered", now)
            return expire(call, now, self._window)

        if decide(visit.call) != visit.call:
            await self._stage.change(visit, decide)
            log.info("a call ended by the clock", call=visit.id, state=visit.call.state, reason=visit.call.end_reason)
            self._stage.follow(visit)
            return
        for staff_id in visit.call.invited_ids:
            if self._is_long_gone(visit, staff_id, now):
                visit.handovers.pop(staff_id, None)
                await self._stage.change(visit, partial(decline, staff_id=staff_id))
                self._stage.follow(visit)
        for staff_id in visit.call.staff_ids:
            others_remain = visit.call.state == "live" and len(visit.call.staff_ids) > 1
            if others_remain and self._is_long_gone(visit, staff_id, now):
                await self._stage.go_out(visit, staff_id)
        if visit.applied is None and visit.is_planned:
            await self._stage.settle_quietly(visit)

    def _is_long_gone(self, visit: Visit, staff_id: str, now: datetime) -> bool:
        session = self._floor.person(visit, staff_id)
        if session is None:
            since = visit.call.staff_gone_at or visit.taken_up_at
            return since is None or now - since >= self._window
        return session.absent_since is not None and now - session.absent_since >= self._window

    async def _look_after(self, session: Session, now: datetime) -> None:
        if session.socketless_since is not None and now - session.socketless_since >= self._window:
            if self._floor.visit_including(session) is None:
                await self._let_go(session)  # an idle connection alone holds nobody's place
            return
        peer = session.peer
        if peer is None or peer.lost_at is None or now - peer.lost_at < RENEW_AFTER or peer.is_renewal_asked:
            return
        if session.socket is not None:
            peer.is_renewal_asked = session.news(MediaRenew(reason="peer_lost"))

    async def _let_go(self, session: Session) -> None:
        for peer in session.peers():
            await self._stage.close_peer(session, peer.id)
        self._floor.drop_session(session)
        self._stage.line.changed(session.shop_id)

    def _forget(self, visit: Visit) -> None:
        self._floor.visits.pop(visit.id, None)
        for session in self._floor.sessions.values():
            if session.visit is visit:
                session.enter(None)
