"""Who may do what, as one table; and the same table through the real routes."""

from __future__ import annotations

import pytest

from domain.call import Call
from domain.errors import Forbidden, NotFound
from domain.people import Customer, Staff
from domain.record import Picture, Recording
from signaling.rights import Deed, first_who_may, may
from tests.support.doors import Door, refusal
from tests.support.houses import ANN, COBBLER, LI, MEI, START, TOM, ZHOU

CALL = Call(id="c", shop_id=COBBLER.id, customer_id=ANN.id, customer_name="Ann", created_at=START, staff_ids=(MEI.id,))

#          deed           in the call  colleague  other shop  own customer  other customer
TABLE: list[tuple[Deed, bool, bool, bool, bool, bool]] = [
    ("read", True, True, False, True, False),
    ("read_note", True, True, False, False, False),
    ("play", True, True, False, True, False),
    ("compose", True, True, False, False, False),
    ("see_picture", True, True, False, True, False),
    ("send_still", False, False, False, True, False),
    ("draw", True, True, False, False, False),
]
PEOPLE: tuple[Staff | Customer, ...] = (MEI, LI, ZHOU, ANN, TOM)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0])
def test_each_person_may_do_what_the_table_says_and_no_more(row: tuple[Deed, bool, bool, bool, bool, bool]) -> None:
    assert tuple(may(person, row[0], CALL) for person in PEOPLE) == row[1:]


def test_somebody_elses_call_is_not_there_and_an_own_one_is_forbidden() -> None:
    with pytest.raises(NotFound):
        first_who_may([ZHOU, TOM], "read", CALL)
    with pytest.raises(Forbidden):
        first_who_may([ZHOU, ANN], "draw", CALL)
    assert first_who_may([ZHOU, ANN], "play", CALL) is ANN
    assert first_who_may([MEI, ANN], "send_still", CALL) is ANN


async def test_the_routes_keep_the_table(door: Door) -> None:
    call = await door.house.waiting_call(ANN, state="ended", ended_at=START, staff_ids=(MEI.id,))
    blob = await door.house.blobs.put(b"film", ".webm")
    door.house.calls.recordings[call.id] = Recording(call_id=call.id, state="ready", files={"call": blob})
    picture = Picture(
        id="p-1", call_id=call.id, taken_by=MEI.id, taken_at=START, width=1, height=1,
        blob=await door.house.blobs.put(b"jpeg", ".jpg"),
    )  # fmt: skip
    door.house.calls.kept_pictures[picture.id] = picture
    routes: list[tuple[Deed, str, str]] = [
        ("read", "GET", f"/api/calls/{call.id}"),
        ("play", "GET", f"/api/calls/{call.id}/files/call"),
        ("compose", "GET", f"/api/calls/{call.id}/composition"),
        ("compose", "POST", f"/api/calls/{call.id}/composition"),
        ("compose", "GET", f"/api/calls/{call.id}/composition/file"),
        ("see_picture", "GET", "/api/pictures/p-1.jpg"),
        ("send_still", "PUT", "/api/pictures/p-1/still"),
        ("draw", "PUT", "/api/pictures/p-1/strokes"),
    ]
    for deed, method, path in routes:
        await refusal(await door.browser().request(method, path), 401, "not_signed_in")
        for person in PEOPLE:
            browser = door.staff(person) if isinstance(person, Staff) else door.customer(person)
            response = await browser.request(method, path)
            if may(person, deed, call):
                assert response.status in (200, 400, 404), (deed, person, response.status)  # 400: nothing was sent
                assert response.status != 404 or path.endswith("/composition/file")
            elif may(person, "read", call):
                await refusal(response, 403, "forbidden")
            else:
                await refusal(response, 404, "not_found")


async def test_ids_that_do_not_exist_look_like_ids_of_others(door: Door) -> None:
    call = await door.house.waiting_call(ANN)
    browser = door.customer(TOM)
    others = await refusal(await browser.get(f"/api/calls/{call.id}"), 404, "not_found")
    nobodys = await refusal(await browser.get("/api/calls/nothing"), 404, "not_found")
    assert others == nobodys
