"""The start after a stop or a crash: open calls are taken up as they stand; their people have the window to return.
Where several servers share a database the same happens shop by shop, whenever this one begins to keep a floor."""

from __future__ import annotations

from domain.call import Call, gone
from domain.errors import NotFound
from signaling.carriers import RESTARTING
from signaling.floor import Floor
from signaling.stage import Stage
from signaling.visit import Visit


async def take_up_open_calls(floor: Floor, shop_id: str | None = None) -> None:
    now = floor.house.now()

    def nobody_is_here_yet(call: Call) -> Call:
        return gone(gone(call, "customer", now), "staff", now if call.staff_ids else None)

    for call in await floor.house.calls.open_calls(shop_id):
        visit = Visit(await floor.house.calls.change(call.id, nobody_is_here_yet), taken_up_at=now)
        visit.is_planned = True  # a node that outlived us may still follow the plan of before
        await _read_stream(floor, visit)
        for staff_id in (*call.staff_ids, *call.invited_ids):
            try:
                visit.names[staff_id] = (await floor.house.people.staff(staff_id)).name
            except NotFound:
                visit.names[staff_id] = ""
        floor.visits[call.id] = visit


async def let_go(stage: Stage, shop_id: str) -> None:
    """Another server keeps this shop's floor: its pages are sent there, and nothing of its calls is written here."""
    floor = stage.floor
    visits = [visit for visit in floor.visits.values() if visit.shop_id == shop_id]
    for visit in visits:  # first: what closes now is no person's leaving
        del floor.visits[visit.id]
        floor.pending.drop_call(visit.id)
    for session in [session for session in floor.sessions.values() if session.shop_id == shop_id]:
        if session.socket is not None:
            session.socket.close(RESTARTING, "another server keeps this shop")
        session.enter(None)
        for peer in session.peers():
            await stage.close_peer(session, peer.id)
        floor.drop_session(session)
    for visit in visits:
        await stage.end_plan(visit)


async def _read_stream(floor: Floor, visit: Visit) -> None:
    while True:
        events = await floor.house.calls.events(visit.id, after=visit.head)
        if not events:
            return
        visit.head = events[-1].position
        visit.consents |= {e.cmid: e.position for e in events if e.kind == "consent"}
