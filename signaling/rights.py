"""Who may do what with a call and what it left behind. The only place where this is decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from domain.call import Call
from domain.errors import Forbidden, NotFound
from domain.people import Customer, Staff

Deed = Literal["read", "read_note", "play", "compose", "see_picture", "send_still", "draw"]

OF_STAFF: frozenset[Deed] = frozenset({"read", "read_note", "play", "compose", "see_picture", "draw"})
OF_THE_CUSTOMER: frozenset[Deed] = frozenset({"read", "play", "see_picture", "send_still"})


def may(person: Staff | Customer, deed: Deed, call: Call) -> bool:
    """Staff: every call of their shop. A customer: the own calls, without what is only between staff."""
    if isinstance(person, Staff):
        return person.shop_id == call.shop_id and deed in OF_STAFF
    return person.id == call.customer_id and deed in OF_THE_CUSTOMER


def first_who_may(people: Sequence[Staff | Customer], deed: Deed, call: Call) -> Staff | Customer:
    """One browser may be signed in as staff and be known as a customer: the first of these who may.

    Raises NotFound for somebody else's call (an id tells nothing about what exists), Forbidden for an own one.
    """
    for person in people:
        if may(person, deed, call):
            return person
    if any(may(person, "read", call) for person in people):
        raise Forbidden("You may see this call, but not do this with it.")
    raise NotFound("There is no such call.")


def require_own_shop(staff: Staff, shop_id: str) -> None:
    """For what belongs to a shop and to no call: messages left, invitations."""
    if staff.shop_id != shop_id:
        raise NotFound("There is no such message.")


def require_manager(staff: Staff) -> None:
    """For what a whole shop says and shows. Raises Forbidden."""
    if staff.role not in ("manager", "hq"):
        raise Forbidden("Only a manager may change this. Ask one to sign in.")


def require_operator(staff: Staff) -> None:
    """For what concerns the whole server. Raises Forbidden."""
    if staff.role not in ("manager", "hq"):
        raise Forbidden("Only a manager may see this. Ask one to sign in.")
