"""Who may do what: the one place that says so, for conversations, for calls and for what a whole shop has."""

from __future__ import annotations

from typing import Literal

from domain.call import Call
from domain.people import Customer, Role, Staff

Deed = Literal[
    "read", "write", "recall",
    "note", "act", "search", "profile", "ring",
    "export", "erase",
]  # fmt: skip
OF_CUSTOMERS: frozenset[Deed] = frozenset({"read", "write", "recall"})
OF_STAFF: frozenset[Deed] = OF_CUSTOMERS | {"note", "act", "search", "profile", "ring"}
OF_MANAGERS: frozenset[Deed] = OF_STAFF | {"export", "erase"}
DEEDS: dict[Role, frozenset[Deed]] = {"clerk": OF_STAFF, "manager": OF_MANAGERS, "hq": OF_MANAGERS}


def may(person: Staff | Customer, deed: Deed, *, shop_id: str, customer_id: str) -> bool:
    """Of the conversation of `customer_id`, whose shop is `shop_id`. What a person may not even read is to be refused
    as NotFound: nobody learns which customers others have. Whose device or message it is, is asked elsewhere."""
    if isinstance(person, Customer):
        return person.id == customer_id and person.shop_id == shop_id and deed in OF_CUSTOMERS
    return (person.role == "hq" or person.shop_id == shop_id) and deed in DEEDS[person.role]


def may_open(person: Staff | Customer, stream: str, *, shop_id: str) -> bool:
    """True when the person may read this stream, which belongs to `shop_id`."""
    kind, owner = stream[0], stream[2:]
    if kind == "c":
        return may(person, "read", shop_id=shop_id, customer_id=owner)
    if isinstance(person, Customer):
        return False
    if kind == "n":
        return may(person, "note", shop_id=shop_id, customer_id=owner)
    return owner == (person.shop_id if kind == "i" else person.id)


CallDeed = Literal["read", "read_note", "play", "compose", "see_picture", "send_still", "draw"]
OF_STAFF_IN_CALLS: frozenset[CallDeed] = frozenset({"read", "read_note", "play", "compose", "see_picture", "draw"})
OF_CUSTOMERS_IN_CALLS: frozenset[CallDeed] = frozenset({"read", "play", "see_picture", "send_still"})


def may_with(person: Staff | Customer, deed: CallDeed, call: Call) -> bool:
    """Staff: every call of their shop. A customer: the own calls, without what is only between staff."""
    if isinstance(person, Staff):
        return person.shop_id == call.shop_id and deed in OF_STAFF_IN_CALLS
    return person.id == call.customer_id and deed in OF_CUSTOMERS_IN_CALLS


# `curate`: what the whole shop says and shows. `operate`: what concerns the server.
HouseDeed = Literal["curate", "operate"]
OF_THE_HOUSE: dict[Role, frozenset[HouseDeed]] = {
    "clerk": frozenset(),
    "manager": frozenset({"curate", "operate"}),
    "hq": frozenset({"curate", "operate"}),
}


def may_run(staff: Staff, deed: HouseDeed) -> bool:
    return deed in OF_THE_HOUSE[staff.role]
