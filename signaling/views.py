"""What each participant is shown of a call. The note is in the view of staff only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from signaling.media_plan import slots_seen_by
from signaling.news import CallView, Person, StatusView

if TYPE_CHECKING:
    from signaling.floor import Floor
    from signaling.session import Session
    from signaling.visit import Visit

UNKNOWN = StatusView(muted=False, camera_on=True, visible=True, dark=False, shaking=False, quality=None)


def recording_view(visit: Visit) -> Literal["off", "on", "paused", "failed"]:
    call = visit.call
    if call.state != "live" or not call.consent:
        return "off"
    if not call.is_recorded:
        return "paused"
    return "failed" if visit.is_recording_failing else "on"


def person_view(floor: Floor, visit: Visit, person_id: str, slot: int | None) -> Person:
    session = floor.person(visit, person_id)
    is_present = session is not None and session.is_present
    status = (session.status or UNKNOWN) if session is not None and is_present else None
    if status is not None and session is not None and session.peer is not None and session.peer.lost_at is not None:
        status = status.model_copy(update={"quality": "lost"})
    return Person(
        id=person_id,
        name=visit.name_of(person_id),
        side="customer" if person_id == visit.call.customer_id else "staff",
        slot=slot,
        connected=is_present,
        status=status,
    )


def me_view(floor: Floor, session: Session) -> Person:
    visit = session.visit
    if visit is not None and visit.includes(session.person_id):
        return person_view(floor, visit, session.person_id, None)
    return Person(id=session.person_id, name=session.name, side=session.side, connected=True)


def call_view(floor: Floor, visit: Visit, viewer: Session) -> CallView:
    call = visit.call
    slots = slots_seen_by(call, viewer.person_id)
    customer = floor.person(visit, call.customer_id)
    return CallView(
        id=call.id,
        state=call.state,
        customer_name=call.customer_name,
        matter=call.matter,
        held=call.held,
        consent=call.consent,
        recording=recording_view(visit),
        created_at=call.created_at,
        answered_at=call.answered_at,
        live_at=call.live_at,
        ended_at=call.ended_at,
        end_reason=call.end_reason,
        people=[person_view(floor, visit, i, slots.get(i)) for i in (call.customer_id, *call.staff_ids)],
        invited=[
            Person(id=i, name=visit.name_of(i), side="staff", connected=floor.is_present(visit, i))
            for i in call.invited_ids
        ],
        camera=customer.camera if customer is not None else None,
        board=visit.board.view(),
        note=call.note if viewer.side == "staff" else None,
        head=visit.head,
    )
