"""What staff may ask about a call: answer, hold, invite, hand over, leave; the booking; the private note."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial

from domain.call import Call, answer, decline, go_live, hold, invite, pause_recording
from domain.errors import AlreadyTaken, Conflict, Invalid, NotFound
from domain.record import Booking
from signaling.asks_both import kept_before_the_end, visit_of
from signaling.news import Invitation, Ok
from signaling.protocol import (
    AvailableSet,
    BookingPropose,
    CallAnswer,
    CallHold,
    CallInvite,
    CallLeave,
    InviteAnswer,
    NoteSave,
    RecordingPause,
)
from signaling.session import Session
from signaling.stage import FIRST_PICTURE_S, Stage
from signaling.views import call_view
from signaling.visit import Visit

FURTHEST_BOOKING = timedelta(days=731)


async def available_set(stage: Stage, session: Session, ask: AvailableSet) -> Ok:
    session.is_available = ask.available
    stage.line.changed(session.shop_id)
    return Ok(ref=ask.ref)


async def call_answer(stage: Stage, session: Session, ask: CallAnswer) -> Ok:
    visit = _visit_in_shop(stage, session, ask.call_id)
    _require_free(stage, session, visit)
    me, now = session.person_id, stage.house.now()

    def decide(call: Call) -> Call:
        answered = answer(call, me, now)
        if answered.state == "ringing" and stage.both_connected(visit, me):
            return go_live(answered, now)
        return answered

    try:
        was_changed = await stage.change(visit, decide, foresee=True)
    except AlreadyTaken as taken:
        raise AlreadyTaken(taken.message, taken_by=visit.name_of(taken.taken_by) or "a colleague") from None
    visit.names[me] = session.name
    session.enter(visit)
    stage.follow(visit)
    if visit.call.state == "ringing":  # whoever connected while the answer was being kept has said so too early
        stage.floor.spawn(stage.start_when_connected(visit))
    if was_changed:
        stage.floor.spawn(_say_joined(stage, visit, session))
    return await _entered(stage, visit, session, ask.ref)


async def _say_joined(stage: Stage, visit: Visit, session: Session) -> None:
    await asyncio.sleep(FIRST_PICTURE_S)
    await stage.append(visit, session, "joined", f"joined-{stage.house.new_id()}", {})


async def _entered(stage: Stage, visit: Visit, session: Session, ref: str) -> Ok:
    """`ok` for somebody who came into a call: its snapshot, and what was said in it before."""
    events = await stage.house.calls.events(visit.id) if visit.head else []
    return Ok(ref=ref, call=call_view(stage.floor, visit, session), events=events)


async def call_hold(stage: Stage, session: Session, ask: CallHold) -> Ok:
    visit = visit_of(stage, session)
    await stage.change(visit, lambda call: hold(call, ask.held))
    stage.follow(visit)
    if ask.held:
        await stage.settle(visit)
    return Ok(ref=ask.ref)


async def recording_pause(stage: Stage, session: Session, ask: RecordingPause) -> Ok:
    visit = visit_of(stage, session)
    was_changed = await stage.change(visit, lambda call: pause_recording(call, ask.paused))
    stage.follow(visit)
    if ask.paused:
        await stage.settle(visit)
    if was_changed:
        cmid = f"recording-{stage.house.new_id()}"
        await stage.append(visit, session, "recording", cmid, {"paused": ask.paused})
    return Ok(ref=ask.ref)


async def call_invite(stage: Stage, session: Session, ask: CallInvite) -> Ok:
    visit = visit_of(stage, session)
    colleague = stage.floor.sessions.get(("staff", ask.staff_id))
    if ask.staff_id == session.person_id:
        raise Invalid("You are in this call already. Choose a colleague.")
    if colleague is None or colleague.shop_id != session.shop_id or not colleague.is_present:
        raise Conflict("This colleague is not here now. Choose another one.")
    if ask.staff_id not in visit.call.staff_ids:
        if not colleague.is_available:
            raise Conflict("This colleague is not available now. Choose another one.")
        if stage.floor.visit_including(colleague) is not None:
            raise Conflict("This colleague is in a call. Choose another one, or wait.")
    visit.names[colleague.person_id] = colleague.name
    await stage.change(visit, lambda call: invite(call, ask.staff_id))
    if ask.handover:
        visit.handovers[ask.staff_id] = session.person_id
    else:
        visit.handovers.pop(ask.staff_id, None)
    visit.asked.add(ask.staff_id)
    colleague.news(invitation(visit, session.name, is_handover=ask.handover))
    stage.follow(visit)
    return Ok(ref=ask.ref)


def invitation(visit: Visit, from_name: str, *, is_handover: bool) -> Invitation:
    return Invitation(
        call_id=visit.id,
        from_name=from_name,
        customer_name=visit.call.customer_name,
        matter=visit.call.matter,
        handover=is_handover,
    )


async def invite_answer(stage: Stage, session: Session, ask: InviteAnswer) -> Ok:
    visit = _visit_in_shop(stage, session, ask.call_id)
    me = session.person_id
    if ask.accept:
        _require_free(stage, session, visit)
        await stage.come_in(visit, session)
        return await _entered(stage, visit, session, ask.ref)
    if me in visit.call.invited_ids:
        visit.handovers.pop(me, None)
        await stage.change(visit, partial(decline, staff_id=me))
        stage.follow(visit)
    return Ok(ref=ask.ref)


async def call_leave(stage: Stage, session: Session, ask: CallLeave) -> Ok:
    await stage.go_out(visit_of(stage, session), session.person_id)
    return Ok(ref=ask.ref)


async def booking_propose(stage: Stage, session: Session, ask: BookingPropose) -> Ok:
    visit = stage.floor.visit_including(session)
    if visit is None:
        return Ok(ref=ask.ref, position=await kept_before_the_end(stage, session, "booking", ask.cmid))
    now = stage.house.now()
    if ask.starts_at.tzinfo is None:
        raise Invalid("starts_at needs a time zone, e.g. 2026-11-22T10:00:00+08:00.")
    if ask.starts_at <= now:
        raise Invalid("This time is in the past. Choose a later one.")
    if ask.starts_at > now + FURTHEST_BOOKING:
        raise Invalid("This time is more than two years away. Choose an earlier one.")
    shop = await stage.house.people.shop(visit.shop_id)
    booking = Booking(
        id=stage.house.new_id(),
        shop_id=shop.id,
        call_id=visit.id,
        customer_id=visit.call.customer_id,
        service=ask.service,
        starts_at=ask.starts_at,
        minutes=ask.minutes,
        price=ask.price,
        currency=shop.currency,
        note=ask.note,
        proposed_by=session.person_id,
        proposed_at=now,
    )
    body = {"booking": booking.model_dump(mode="json")}
    event, _ = await stage.append(visit, session, "booking", ask.cmid, body, booking=booking)
    return Ok(ref=ask.ref, position=event.position)


async def note_save(stage: Stage, session: Session, ask: NoteSave) -> Ok:
    def write(call: Call) -> Call:
        if call.shop_id != session.shop_id:
            raise NotFound("There is no such call.")
        return call.model_copy(update={"note": ask.text})

    visit = stage.floor.visits.get(ask.call_id)
    if visit is None:
        await stage.house.calls.change(ask.call_id, write)
    else:
        await stage.change(visit, write)
        stage.floor.tell_call(visit)
    return Ok(ref=ask.ref)


def _visit_in_shop(stage: Stage, session: Session, call_id: str) -> Visit:
    visit = stage.floor.visits.get(call_id)
    if visit is None or visit.shop_id != session.shop_id:
        raise NotFound("There is no such call now. It may be over.")
    return visit


def _require_free(stage: Stage, session: Session, wanted: Visit) -> None:
    busy = stage.floor.visit_including(session)
    if busy is not None and busy is not wanted:
        raise Conflict("You are in a call. Hang up or hand it over first.")
