from __future__ import annotations

from pathlib import Path

import pytest

from server.demo import make_demo, staff_of_demo
from store.database import open_database


def test_the_first_three_keep_their_names_however_many_there_are() -> None:
    assert staff_of_demo(40)[:3] == staff_of_demo(3)
    assert len({staff_id for staff_id, _, _ in staff_of_demo(40)}) == 40


@pytest.mark.parametrize("later", [3, 6, 9])
async def test_a_demonstration_grows_and_keeps_its_password(tmp_path: Path, later: int) -> None:
    async with open_database(f"sqlite:///{tmp_path / 'shop.sqlite'}") as database:
        first = await make_demo(database.people, tmp_path, staff=6)
        again = await make_demo(database.people, tmp_path, staff=later)
        assert again.password == first.password
        assert len(again.usernames) == later
        people = await database.people.staff_of("shop-demo")
        assert len(people) == max(6, later)
        assert set(again.usernames) <= {person.username for person in people}
