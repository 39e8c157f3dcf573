"""What customers and staff may both ask."""

from __future__ import annotations

import asyncio

from domain.call import end
from domain.errors import Conflict, RateLimited, Unavailable
from domain.record import EventKind, Watermark
from signaling.news import Ok, SeenNews, StatusView, WatermarkView
from signaling.protocol import CallEnd, MediaOffer, Ping, Seen, StatusSet, Sync
from signaling.session import Peer, Session
from signaling.stage import Stage
from signaling.visit import Visit

OFFER_DEADLINE_S = 5.0


def visit_of(stage: Stage, session: Session) -> Visit:
    """The open call that this person is in. Raises Conflict."""
    visit = stage.floor.visit_including(session)
    if visit is None:
        raise Conflict("You are not in a call now.")
    return visit


def check_room(stage: Stage, session: Session) -> None:
    """Before anything is done for somebody new. Raises Unavailable while media has more to do than it can."""
    if stage.house.node.is_busy(session.shop_id):
        raise Unavailable("All lines are busy: this server has as many calls as it can carry. Try again in a minute.")


async def kept_before_the_end(stage: Stage, session: Session, kind: EventKind, cmid: str) -> int:
    """A request whose answer was lost comes again, and the call ended meanwhile: the position that it was kept at.

    Raises Conflict when it was not kept: nothing is added to a call that is over."""
    visit = session.visit
    event = await stage.house.calls.kept(visit.id, session.person_id, cmid) if visit is not None else None
    if event is None or event.kind != kind:
        raise Conflict("You are not in a call now.")
    return event.position


async def ping(stage: Stage, session: Session, ask: Ping) -> Ok:
    return Ok(ref=ask.ref)


async def media_offer(stage: Stage, session: Session, ask: MediaOffer) -> Ok:
    if session.side == "customer" and stage.floor.visit_including(session) is None and not session.peers():
        check_room(stage, session)
    wait = session.offers.take(asyncio.get_running_loop().time())
    if wait:
        raise RateLimited("Too many offers. Wait a moment and offer again.", retry_after_s=wait)
    # a dot cannot be in a browser's id: no person can name the peer of another
    name = f"{session.person_id}.{ask.peer}"
    now = stage.house.now()
    peer = next((p for p in session.peers() if p.id == name), None)
    if peer is None:
        if session.next_peer is not None:
            await stage.close_peer(session, session.next_peer.id)
        peer = session.next_peer = Peer(name, now, session.came_by)
        stage.floor.owners[name] = session
        is_new = True
    else:
        is_new = False
        peer.offered_at = now
    try:
        async with asyncio.timeout(OFFER_DEADLINE_S):
            sdp = await stage.house.node.open_peer(name, ask.sdp, group=session.shop_id)
    except Exception as fault:
        if is_new:
            # waited for: the same name may be offered again at once, and must not be closed by what cleans up here
            await stage.close_peer(session, name)
        if isinstance(fault, TimeoutError):
            raise Unavailable("The media server did not answer in time. Offer again in a moment.") from None
        raise
    if session.next_peer is peer and (session.peer is None or not session.peer.is_alive):
        former, session.peer, session.next_peer = session.peer, peer, None
        if former is not None:
            stage.floor.spawn(stage.close_peer(session, former.id))
    visit = stage.floor.visit_including(session)
    if visit is not None:
        stage.floor.spawn(stage.settle_quietly(visit))
    return Ok(ref=ask.ref, sdp=sdp)


async def seen(stage: Stage, session: Session, ask: Seen) -> Ok:
    visit = session.visit
    if visit is None:
        raise Conflict("You are not in a call now.")
    delivered = max(ask.delivered, ask.read)
    if delivered > session.delivered or ask.read > session.read:
        mark = Watermark(call_id=visit.id, person_id=session.person_id, delivered=delivered, read=ask.read)
        merged = await stage.house.calls.seen(mark)
        session.delivered, session.read = merged.delivered, merged.read
        view = WatermarkView(person_id=merged.person_id, delivered=merged.delivered, read=merged.read)
        stage.floor.tell(visit, SeenNews(call_id=visit.id, watermark=view), but=session)
    session.feed.confirmed(session.delivered)
    return Ok(ref=ask.ref)


async def sync(stage: Stage, session: Session, ask: Sync) -> Ok:
    if session.visit is None:
        raise Conflict("You are not in a call now.")
    return Ok(ref=ask.ref, events=await stage.house.calls.events(session.visit.id, after=ask.after))


async def status_set(stage: Stage, session: Session, ask: StatusSet) -> Ok:
    session.status = StatusView(**ask.model_dump(exclude={"type", "ref"}))
    visit = stage.floor.visit_including(session)
    if visit is not None:
        stage.floor.tell_call(visit)
    return Ok(ref=ask.ref)


async def call_end(stage: Stage, session: Session, ask: CallEnd) -> Ok:
    if session.visit is not None and session.visit.call.is_over:
        return Ok(ref=ask.ref)
    visit, now = visit_of(stage, session), stage.house.now()
    if session.side == "staff":
        await stage.change(visit, lambda call: end(call, "staff_hung_up", now))
    else:
        await stage.change(
            visit, lambda call: end(call, "left_line" if call.state == "waiting" else "customer_hung_up", now)
        )
    stage.follow(visit)
    return Ok(ref=ask.ref)
