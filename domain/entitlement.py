"""Who may do what in a conversation: the one place that says so."""

from __future__ import annotations

from typing import Literal

from domain.people import Customer, Staff

Deed = Literal[
    "read", "write", "recall",
    "note", "act", "search", "profile", "ring",
    "export", "erase",
]  # fmt: skip
OF_CUSTOMERS: frozenset[Deed] = frozenset({"read", "write", "recall"})
OF_STAFF: frozenset[Deed] = OF_CUSTOMERS | {"note", "act", "search", "profile", "ring"}
OF_MANAGERS: frozenset[Deed] = OF_STAFF | {"export", "erase"}
DEEDS: dict[str, frozenset[Deed]] = {"clerk": OF_STAFF, "manager": OF_MANAGERS, "hq": OF_MANAGERS}


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
