"""From a call and who is connected to what the media node shall do: a pure function, sent again after every change."""

from __future__ import annotations

from collections.abc import Mapping

from domain.call import Call
from signaling.node import Plan, Route, Tape


def slots_seen_by(call: Call, viewer_id: str) -> dict[str, int]:
    """Which person each receiving slot of `viewer_id` shows, by person id: 0 is the main one (the customer for staff,
    the leading member of staff for the customer), 1 and 2 the others in the order in which they joined."""
    main = call.customer_id if viewer_id != call.customer_id else next(iter(call.staff_ids), None)
    others = [i for i in call.staff_ids if i not in (viewer_id, main)]
    seen = {} if main is None else {main: 0}
    return seen | {person: slot for slot, person in enumerate(others, start=1)}


def plan_of(call: Call, peers: Mapping[str, str]) -> Plan:
    """`peers` names the present peer of each person of the call, by person id; who has none is left out.

    Packets flow only in a live call that is not on hold, and are kept only while `call.is_recorded`.
    """
    if call.state != "live" or call.held:
        return Plan(call.id)
    inside = [i for i in (call.customer_id, *call.staff_ids) if i in peers]
    routes = tuple(
        Route(sink=peers[viewer], slot=slot, source=peers[person])
        for viewer in inside
        for person, slot in slots_seen_by(call, viewer).items()
        if person in peers
    )
    if not call.is_recorded:
        return Plan(call.id, routes)
    return Plan(call.id, routes, tuple(Tape(peers[i], track_of(call, i)) for i in inside))


def track_of(call: Call, person_id: str) -> str:
    """The name of this person's part of the recording."""
    if person_id == call.customer_id:
        return "customer"
    return "staff" if person_id == call.staff_ids[0] else f"staff-{person_id}"
