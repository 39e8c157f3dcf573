"""What a customer may ask: a place in line, and their word on recording, bookings and pictures."""

from __future__ import annotations

from domain.bodies import is_blank
from domain.call import Call, set_consent
from domain.errors import Conflict, Invalid, NotFound
from domain.record import Booking, BookingState
from signaling.asks_both import check_room, kept_before_the_end, visit_of
from signaling.inspection import keep_pending
from signaling.news import CameraView, Ok, PictureRefused
from signaling.protocol import BookingAnswer, CallJoin, CameraReport, ConsentSet, PictureAnswer
from signaling.session import Session
from signaling.stage import Stage
from signaling.views import call_view
from signaling.visit import Visit


async def call_join(stage: Stage, session: Session, ask: CallJoin) -> Ok:
    name = ask.name.strip()
    if is_blank(name):
        raise Invalid("Say a name, so that the shop knows whom to greet.")
    visit = stage.floor.visit_including(session) or await _new_visit(stage, session, name, ask)
    session.enter(visit)
    stage.line.changed(session.shop_id)
    view = call_view(stage.floor, visit, session)
    session.told_view = view
    return Ok(ref=ask.ref, call=view)


async def _new_visit(stage: Stage, session: Session, name: str, ask: CallJoin) -> Visit:
    house = stage.house
    check_room(stage, session)
    if name != session.name:
        customer = await house.people.customer(session.person_id)
        customer = customer.model_copy(update={"name": name})
        await house.people.put_customer(customer)
        stage.renamed(customer)
        session.name = name
    call = Call(
        id=house.new_id(),
        shop_id=session.shop_id,
        customer_id=session.person_id,
        customer_name=name,
        matter=ask.matter.strip(),
        consent=ask.consent,
        created_at=house.now(),
    )
    try:
        await house.calls.add(call)
    except Conflict:
        known = await house.calls.open_call_of(session.person_id)
        if known is None:
            raise
        return stage.floor.visits.setdefault(known.id, Visit(known))
    visit = stage.floor.visits.setdefault(call.id, Visit(call))
    session.enter(visit)
    if ask.consent:
        await stage.append(visit, session, "consent", "consent-on-joining", {"recording": True})
    return visit


async def consent_set(stage: Stage, session: Session, ask: ConsentSet) -> Ok:
    """Yes: written down, then recorded. No: the recording stops, then it is written down. A late repeat of an older
    word changes nothing."""
    visit = visit_of(stage, session)
    known = visit.consents.get(ask.cmid)
    is_last = known is not None and known == max(visit.consents.values())
    position = known
    if known is None and ask.recording:
        event, _ = await stage.append(visit, session, "consent", ask.cmid, {"recording": True})
        position = event.position
    if known is None or is_last:
        await stage.change(visit, lambda call: set_consent(call, ask.recording))
        stage.follow(visit)
        if not ask.recording:
            await stage.settle(visit)
    if known is None and not ask.recording:
        event, _ = await stage.append(visit, session, "consent", ask.cmid, {"recording": False})
        position = event.position
    return Ok(ref=ask.ref, position=position)


async def booking_answer(stage: Stage, session: Session, ask: BookingAnswer) -> Ok:
    visit = stage.floor.visit_including(session)
    if visit is None:
        return Ok(ref=ask.ref, position=await kept_before_the_end(stage, session, "booking", ask.cmid))
    booking = await stage.house.calls.booking(ask.booking_id)
    if booking.call_id != visit.id or booking.customer_id != session.person_id:
        raise NotFound("There is no such booking in this call.")
    wish: BookingState = "confirmed" if ask.answer == "confirm" else "declined"
    if booking.state != "proposed":
        if booking.state != wish:
            raise Conflict(f"This booking was {booking.state} already. Ask the shop to propose it again.")
        return Ok(ref=ask.ref, position=await _position_of(stage, booking))
    booking = booking.model_copy(update={"state": wish, "answered_at": stage.house.now()})
    body = {"booking": booking.model_dump(mode="json")}
    event, _ = await stage.append(visit, session, "booking", ask.cmid, body, booking=booking)
    return Ok(ref=ask.ref, position=event.position)


async def _position_of(stage: Stage, booking: Booking) -> int | None:
    for event in await stage.house.calls.events(booking.call_id):
        kept = event.body.get("booking", {}) if event.kind == "booking" else {}
        if kept.get("id") == booking.id and kept.get("state") == booking.state:
            return event.position
    return None


async def picture_answer(stage: Stage, session: Session, ask: PictureAnswer) -> Ok:
    visit = visit_of(stage, session)
    pending = stage.floor.pending.get(ask.picture_id)
    if pending is None or pending.call_id != visit.id or not pending.cmid:
        if not ask.keep:
            return Ok(ref=ask.ref)  # said twice, or forgotten already: nothing is kept
        kept = next((p for p in await stage.house.calls.pictures(visit.id) if p.id == ask.picture_id), None)
        if kept is None:
            raise NotFound("This picture is gone. Ask the shop to take another one.")
        return Ok(ref=ask.ref, picture=kept)
    if ask.keep:
        return Ok(ref=ask.ref, picture=await keep_pending(stage, visit, pending))
    stage.floor.pending.drop(pending.id)
    news = PictureRefused(picture_id=pending.id)
    for person in stage.floor.audience(visit):
        if person.side == "staff":
            person.news(news)
    return Ok(ref=ask.ref)


async def camera_report(stage: Stage, session: Session, ask: CameraReport) -> Ok:
    session.camera = CameraView(**ask.model_dump(exclude={"type", "ref"}))
    visit = stage.floor.visit_including(session)
    if visit is not None:
        stage.floor.tell_call(visit)
    return Ok(ref=ask.ref)
