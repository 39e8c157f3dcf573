"""Who may do what, as one table: each role, in the own store and in another one."""

from __future__ import annotations

import pytest

from domain.entitlement import DEEDS, Deed, HouseDeed, may, may_open, may_run
from domain.people import Role, Staff
from tests.support.houses import ANN, COBBLER, MEI, NAILS, TOM

ROLES: tuple[Role, ...] = ("clerk", "manager", "hq")

#                      clerk         manager       hq            customer
#                      own   other   own   other   own   other   own   other
TABLE: list[tuple[Deed, bool, bool, bool, bool, bool, bool, bool, bool]] = [
    ("read",           True, False,  True, False,  True, True,   True, False),
    ("write",          True, False,  True, False,  True, True,   True, False),
    ("recall",         True, False,  True, False,  True, True,   True, False),
    ("note",           True, False,  True, False,  True, True,   False, False),
    ("act",            True, False,  True, False,  True, True,   False, False),
    ("search",         True, False,  True, False,  True, True,   False, False),
    ("profile",        True, False,  True, False,  True, True,   False, False),
    ("ring",           True, False,  True, False,  True, True,   False, False),
    ("export",         False, False, True, False,  True, True,   False, False),
    ("erase",          False, False, True, False,  True, True,   False, False),
]  # fmt: skip
#                               clerk  manager hq
OF_THE_HOUSE: list[tuple[HouseDeed, bool, bool, bool]] = [("curate", False, True, True), ("operate", False, True, True)]


def staff(role: Role, shop_id: str = COBBLER.id) -> Staff:
    return MEI.model_copy(update={"role": role, "shop_id": shop_id})


def test_the_table_has_every_deed() -> None:
    assert [row[0] for row in TABLE] == list(Deed.__args__)  # type: ignore[attr-defined]
    assert set(DEEDS) == set(ROLES)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_each_role_may_do_what_the_table_says_and_no_more(row: tuple[Deed, bool]) -> None:
    deed = row[0]
    found = [
        may(staff(role, shop), deed, shop_id=COBBLER.id, customer_id=ANN.id)
        for role in ROLES
        for shop in (COBBLER.id, NAILS.id)
    ]
    found += [may(customer, deed, shop_id=COBBLER.id, customer_id=ANN.id) for customer in (ANN, TOM)]
    assert tuple(found) == row[1:]


@pytest.mark.parametrize("row", OF_THE_HOUSE, ids=lambda row: row[0])
def test_each_role_does_for_the_house_what_the_table_says(row: tuple[HouseDeed, bool]) -> None:
    assert tuple(may_run(staff(role), row[0]) for role in ROLES) == row[1:]


def test_streams_are_open_to_those_whose_they_are() -> None:
    for role in ROLES:
        own, other = staff(role), staff(role, NAILS.id)
        for stream in (f"c.{ANN.id}", f"n.{ANN.id}"):
            assert may_open(own, stream, shop_id=COBBLER.id)
            assert may_open(other, stream, shop_id=COBBLER.id) is (role == "hq")
        assert may_open(own, f"i.{COBBLER.id}", shop_id=COBBLER.id)
        assert not may_open(other, f"i.{COBBLER.id}", shop_id=COBBLER.id)
        assert may_open(own, f"s.{MEI.id}", shop_id=COBBLER.id)
        assert not may_open(own, "s.staff-li", shop_id=COBBLER.id)
    assert may_open(ANN, f"c.{ANN.id}", shop_id=COBBLER.id)
    for stream in (f"c.{TOM.id}", f"n.{ANN.id}", f"i.{COBBLER.id}", f"s.{MEI.id}", f"s.{ANN.id}"):
        assert not may_open(ANN, stream, shop_id=COBBLER.id)
