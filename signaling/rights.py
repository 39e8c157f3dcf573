"""What is refused to whom, and how: `domain.entitlement` decides, here it becomes a refusal."""

from __future__ import annotations

from collections.abc import Sequence

from domain.call import Call
from domain.entitlement import CallDeed as Deed
from domain.entitlement import may_run
from domain.entitlement import may_with as may
from domain.errors import Forbidden, NotFound
from domain.people import Customer, Staff

__all__ = ["Deed", "first_who_may", "may", "require_manager", "require_operator", "require_own_shop"]


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
    if not may_run(staff, "curate"):
        raise Forbidden("Only a manager may change this. Ask one to sign in.")


def require_operator(staff: Staff) -> None:
    """For what concerns the whole server. Raises Forbidden."""
    if not may_run(staff, "operate"):
        raise Forbidden("Only a manager may see this. Ask one to sign in.")
