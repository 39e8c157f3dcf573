"""The shop floor: who is here, which visits are under way, and how each is told. The live half stands on it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine, Iterator
from typing import Any

import structlog
from pydantic import BaseModel

from domain.errors import Refusal
from domain.people import Customer, Staff
from domain.record import CallEvent, Side
from signaling.house import House
from signaling.news import CallChanged, EventNews
from signaling.pictures import PendingPictures
from signaling.session import Peer, Session
from signaling.views import call_view
from signaling.visit import Visit

log = structlog.get_logger()


class Floor:
    """`counts` are what an operator wants counted: frames, refusals by code, resent events."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.sessions: dict[tuple[Side, str], Session] = {}
        self.owners: dict[str, Session] = {}  # node's peer id -> session
        self.visits: dict[str, Visit] = {}
        self.pending = PendingPictures()
        self.counts: Counter[str] = Counter()
        self.tasks: asyncio.TaskGroup | None = None
        self._running: set[asyncio.Task[None]] = set()

    # --- tasks ---

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None] | None:
        """Runs `work` as a task of the floor; its fault is logged and ends nothing else. None when the floor closes."""
        if self.tasks is None:
            work.close()
            return None
        task = self.tasks.create_task(self._guard(work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def cancel_all(self) -> None:
        for task in list(self._running):
            task.cancel()

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except asyncio.CancelledError:
            raise
        except Refusal as refusal:
            # the state moved on while the work waited for its turn (a call ended during its hand-over): no fault
            self.counts["work_refused"] += 1
            log.info("background work was refused", work=getattr(work, "__qualname__", ""), code=refusal.code)
        except Exception:
            self.counts["faults"] += 1
            log.exception("a background task failed", work=getattr(work, "__qualname__", ""))

    # --- who is here ---

    def session_of(self, person: Staff | Customer) -> Session:
        """The session of this person, a new one if there is none."""
        side: Side = "staff" if isinstance(person, Staff) else "customer"
        session = self.sessions.get((side, person.id))
        if session is None:
            session = Session(side, person.id, person.shop_id, person.name, self.spawn)
            session.absent_since = session.socketless_since = self.house.now()
            self.sessions[side, person.id] = session
        return session

    def drop_session(self, session: Session) -> None:
        session.close()
        for peer in session.peers():
            self.owners.pop(peer.id, None)
        if self.sessions.get((session.side, session.person_id)) is session:
            del self.sessions[session.side, session.person_id]

    def person(self, visit: Visit, person_id: str) -> Session | None:
        side: Side = "customer" if person_id == visit.call.customer_id else "staff"
        return self.sessions.get((side, person_id))

    def peer_of(self, visit: Visit, person_id: str) -> Peer | None:
        session = self.person(visit, person_id)
        return session.peer if session is not None else None

    def is_present(self, visit: Visit, person_id: str) -> bool:
        session = self.person(visit, person_id)
        return session is not None and session.is_present

    def staff_sessions(self, shop_id: str) -> Iterator[Session]:
        return (s for (side, _), s in list(self.sessions.items()) if side == "staff" and s.shop_id == shop_id)

    # --- visits ---

    def open_visits(self, shop_id: str | None = None) -> list[Visit]:
        """Oldest first."""
        found = [v for v in self.visits.values() if not v.call.is_over and shop_id in (None, v.shop_id)]
        return sorted(found, key=lambda v: (v.call.created_at, v.id))

    def visit_including(self, session: Session) -> Visit | None:
        """The open visit that this person is in (for staff: has answered or joined)."""
        if session.visit is not None and not session.visit.call.is_over and session.visit.includes(session.person_id):
            return session.visit
        return next((v for v in self.open_visits(session.shop_id) if v.includes(session.person_id)), None)

    def audience(self, visit: Visit) -> list[Session]:
        found = (self.person(visit, i) for i in (visit.call.customer_id, *visit.call.staff_ids))
        return [s for s in found if s is not None and s.visit is visit]

    # --- telling ---

    def tell(self, visit: Visit, frame: BaseModel, *, but: Session | None = None) -> None:
        text = frame.model_dump_json()
        for session in self.audience(visit):
            if session is not but:
                session.say(text)

    def tell_event(self, visit: Visit, event: CallEvent) -> None:
        text = EventNews(event=event).model_dump_json()
        for session in self.audience(visit):
            session.event(event, text)

    def tell_call(self, visit: Visit, *, also: Session | None = None) -> None:
        """A snapshot to everybody in the call for whom something changed; `also` is one who has just left it."""
        for session in [*self.audience(visit), *([also] if also is not None else [])]:
            view = call_view(self, visit, session)
            if view != session.told_view and session.news(CallChanged(call=view)):
                session.told_view = view
