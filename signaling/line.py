"""The waiting line of each shop: who waits, in order, told to staff whole and to each customer as their place."""

from __future__ import annotations

import asyncio

from signaling.floor import Floor
from signaling.news import ColleagueView, Line, Place, WaitingView
from signaling.session import Session
from signaling.visit import Visit


class WaitingLine:
    """`changed` may be called as often as one likes: people are told once for each turn of the event loop."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._due: set[str] = set()
        self._unread: dict[str, int] = {}

    def waiting(self, shop_id: str) -> list[Visit]:
        return [v for v in self._floor.open_visits(shop_id) if v.call.state == "waiting"]

    def staff_available(self, shop_id: str) -> int:
        return sum(self._is_free(s) for s in self._floor.staff_sessions(shop_id))

    def changed(self, shop_id: str) -> None:
        if shop_id not in self._due:
            self._due.add(shop_id)
            asyncio.get_running_loop().call_soon(self._tell, shop_id)

    async def count_unread(self, shop_id: str) -> None:
        """Left messages that nobody has done yet; read from the store once, and after each change."""
        messages = await self._floor.house.people.left_messages(shop_id)
        self._unread[shop_id] = sum(m.done_at is None for m in messages)
        self.changed(shop_id)

    async def greet(self, session: Session) -> None:
        """The first look of a member of staff at the line."""
        if session.shop_id not in self._unread:
            await self.count_unread(session.shop_id)
        self.changed(session.shop_id)

    def _is_free(self, session: Session) -> bool:
        return session.is_available and session.is_present and self._floor.visit_including(session) is None

    def _tell(self, shop_id: str) -> None:
        self._due.discard(shop_id)
        visits = self.waiting(shop_id)
        self._tell_staff(shop_id, visits)
        available = self.staff_available(shop_id)
        for number, visit in enumerate(visits, start=1):
            place = Place(number=number, staff_available=available)
            for session in self._floor.audience(visit):
                if session.told_place != place and session.news(place):
                    session.told_place = place

    def _tell_staff(self, shop_id: str, visits: list[Visit]) -> None:
        waiting = [
            WaitingView(
                call_id=v.id,
                customer_id=v.call.customer_id,
                name=v.call.customer_name,
                matter=v.call.matter,
                since=v.call.created_at,
                connected=self._floor.is_present(v, v.call.customer_id),
                number=number,
            )
            for number, v in enumerate(visits, start=1)
        ]
        here = [s for s in self._floor.staff_sessions(shop_id) if s.is_present]
        colleagues = {
            s.person_id: ColleagueView(
                id=s.person_id,
                name=s.name,
                available=s.is_available,
                in_call=self._floor.visit_including(s) is not None,
            )
            for s in here
        }
        for session in here:
            line = Line(
                waiting=waiting,
                colleagues=[c for i, c in colleagues.items() if i != session.person_id],
                available=session.is_available,
                unread_left_messages=self._unread.get(shop_id, 0),
            )
            if session.told_line != line and session.news(line):
                session.told_line = line
