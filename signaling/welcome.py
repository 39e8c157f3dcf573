"""The answer to `hello`: everything that a page needs to draw itself, in one frame."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

from signaling.asks_staff import invitation
from signaling.carriers import SocketCarrier
from signaling.floor import Floor
from signaling.ice_servers import ice_servers
from signaling.news import WatermarkView, Welcome
from signaling.protocol import Hello
from signaling.session import Session
from signaling.views import call_view, me_view
from signaling.visit import Visit


async def greet(
    floor: Floor,
    session: Session,
    hello: Hello,
    carrier: SocketCarrier,
    take_over: Callable[[Session, SocketCarrier], None],
) -> None:
    """Welcomes a new socket and makes it the session's, between two events of its call: none is missed or early."""
    visit = shown_visit(floor, session, hello)

    def attach() -> None:
        take_over(session, carrier)
        if visit is not None:
            session.enter(visit)

    async with visit.turn if visit is not None else nullcontext():
        frame = await welcome(floor, session, hello, attach)
        carrier.send(frame.model_dump_json())
        session.told_view = frame.call
    if session.side == "staff":
        for open_visit in floor.open_visits(session.shop_id):
            if session.person_id in open_visit.call.invited_ids:
                asker = open_visit.handovers.get(session.person_id)
                name = open_visit.name_of(asker or open_visit.call.staff_ids[0])
                open_visit.asked.add(session.person_id)
                session.news(invitation(open_visit, name, is_handover=asker is not None))


async def welcome(floor: Floor, session: Session, hello: Hello, attach: Callable[[], None] = lambda: None) -> Welcome:
    """Call it within the visit's `turn`, so that no event falls between what it holds and the news after it. `attach`
    runs when everything was read: what the frame says of this person is true with their new carrier.

    A call that is over is shown only to a page that knew it (`position` above 0): others start anew."""
    house = floor.house
    shop = await house.people.shop(session.shop_id)
    session.language = hello.language
    visit = shown_visit(floor, session, hello)
    events = await house.calls.events(visit.id, after=hello.position) if visit is not None else []
    marks = await house.calls.watermarks(visit.id) if visit is not None else []
    attach()
    now = house.now()
    return Welcome(
        ref=hello.ref,
        me=me_view(floor, session),
        shop_name=shop.name,
        shop_name_zh=shop.name_zh,
        currency=shop.currency,
        time_zone=shop.time_zone,
        services=list(shop.services),
        ice_servers=ice_servers(house.settings, session.person_id, now),
        call=call_view(floor, visit, session) if visit is not None else None,
        events=events,
        watermarks=[WatermarkView(person_id=m.person_id, delivered=m.delivered, read=m.read) for m in marks],
        now=now,
    )


def shown_visit(floor: Floor, session: Session, hello: Hello) -> Visit | None:
    visit = floor.visit_including(session)
    if visit is None and session.visit is not None and session.visit.call.is_over and hello.position > 0:
        return session.visit
    return visit
