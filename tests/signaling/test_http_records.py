from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from domain.call import Call
from domain.record import Booking, EventKind, NewEvent, Recording
from domain.stream import NewEntry
from media.errors import MediaFault
from tests.support.doors import Door, refusal
from tests.support.houses import ANN, COBBLER, LI, MEI, START, TOM, ZHOU, MemoryCalls


async def past_call(door: Door, **changes: object) -> Call:
    over = {"state": "ended", "ended_at": START, "staff_ids": (MEI.id,), "note": "talks fast", **changes}
    return await door.house.waiting_call(ANN, **over)


async def happened(
    calls: MemoryCalls, call: Call, cmid: str, kind: EventKind = "recording", *, booking: Booking | None = None
) -> None:
    event = NewEvent(
        call_id=call.id, kind=kind, cmid=cmid, author=MEI.id, side="staff", author_name="Mei", at=START,
        body={"text": "kept by an older version"} if kind == "message" else {"paused": True},
    )  # fmt: skip
    await calls.append(event, booking=booking)


async def recorded(door: Door, call: Call) -> Recording:
    blob = await door.house.blobs.put(b"0123456789" * 100, ".webm")
    recording = Recording(call_id=call.id, state="ready", started_at=START, duration_s=3.0, files={"customer": blob})
    await door.house.calls.put_recording(recording)
    return recording


async def test_past_calls_are_listed_newest_first_and_page_by_time(door: Door) -> None:
    for _ in range(60):
        door.house.clock.advance(60)
        await past_call(door)
    await door.house.waiting_call(TOM)
    staff = door.staff(LI)
    first = (await (await staff.get("/api/calls")).json())["calls"]
    assert len(first) == 50
    assert [c["created_at"] for c in first] == sorted((c["created_at"] for c in first), reverse=True)
    rest = (await (await staff.get("/api/calls", params={"before": first[-1]["created_at"]})).json())["calls"]
    assert len(rest) == 10
    assert not {c["id"] for c in first} & {c["id"] for c in rest}
    assert (await (await door.staff(ZHOU).get("/api/calls")).json()) == {"calls": [], "bookings": []}


async def test_the_list_of_calls_is_for_staff_and_needs_a_readable_time(door: Door) -> None:
    await refusal(await door.browser().get("/api/calls"), 401, "not_signed_in")
    await refusal(await door.customer(ANN).get("/api/calls"), 401, "not_signed_in")
    for before in ("yesterday", "9999-99-99T00:00:00Z", "0001-01-01T00:00:00+23:59", "٣"):
        await refusal(await door.staff(LI).get("/api/calls", params={"before": before}), 400, "bad_request")
    later = (START + timedelta(days=1)).isoformat()
    assert (await door.staff(LI).get(f"/api/calls?before={later}")).status == 200


async def test_a_record_holds_everything_for_staff_and_no_note_for_the_customer(door: Door) -> None:
    call = await past_call(door)
    booking = Booking(
        id="b-1", shop_id=COBBLER.id, call_id=call.id, customer_id=ANN.id, service="New heels", starts_at=START,
        minutes=30, price=8000, currency="CNY", state="confirmed", proposed_by=MEI.id, proposed_at=START,
    )  # fmt: skip
    for n in range(510):
        await happened(door.house.calls, call, f"cmid-{n:04d}", booking=booking if n == 3 else None)
    recording = await recorded(door, call)
    composed = recording.model_copy(update={"files": {**recording.files, "composed.mp4": "x.mp4"}})
    await door.house.calls.put_recording(composed)
    for_staff = await (await door.staff(LI).get(f"/api/calls/{call.id}")).json()
    listed = await (await door.staff(LI).get("/api/calls")).json()
    assert [b["id"] for b in listed["bookings"]] == ["b-1"]
    assert set(for_staff) == {"call", "events", "said", "bookings", "pictures", "recording", "staff", "shop"}
    assert for_staff["call"]["note"] == "talks fast"
    assert [e["position"] for e in for_staff["events"]] == list(range(1, 511))
    assert for_staff["bookings"][0]["state"] == "confirmed"
    assert set(for_staff["recording"]["files"]) == {"customer"}
    assert for_staff["staff"] == [{"id": MEI.id, "name": "Mei"}]
    assert for_staff["shop"]["currency"] == "CNY"
    response = await door.customer(ANN).get(f"/api/calls/{call.id}")
    assert response.headers["Cache-Control"] == "no-store"
    for_customer = await response.json()
    assert "note" not in for_customer["call"]
    assert "talks fast" not in await response.text()
    assert for_customer["events"] == for_staff["events"]


async def test_a_record_holds_what_was_written_in_the_conversation_meanwhile(door: Door) -> None:
    call = await past_call(door, answered_at=START + timedelta(minutes=1), ended_at=START + timedelta(minutes=3))

    def entry(id: str, minute: int, text: str, **fields: object) -> NewEntry:
        at = START + timedelta(minutes=minute)
        of_ann = {"stream": f"c.{ANN.id}", "author": ANN.id, "author_name": "Ann", "side": "customer", "kind": "text"}
        return NewEntry.model_validate({**of_ann, "id": id, "at": at, "body": {"text": text}, **fields})

    kept = door.house.conversations
    await kept.append(entry("m-before", 0, "before the answer"))
    await kept.append(entry("m-during", 2, "The heel is loose"))
    await kept.append(entry(f"{call.id}.old", 0, "kept by an older version"))
    await kept.append(entry("note", 2, "pays late", stream=f"n.{ANN.id}", side="staff", author=MEI.id, kind="note"))
    await kept.append(entry("tom", 2, "of Tom", stream=f"c.{TOM.id}", author=TOM.id))
    await kept.append(entry("m-after", 4, "after the end"))
    await happened(door.house.calls, call, "cmid-old", "message")
    for browser in (door.staff(LI), door.customer(ANN)):
        record = await (await browser.get(f"/api/calls/{call.id}")).json()
        assert [said["body"]["text"] for said in record["said"]] == ["The heel is loose", "kept by an older version"]
        assert record["events"] == []
    await kept.append(entry("m-recall", 2, "", kind="recall", body={"target": f"{call.id}.old"}))
    record = await (await door.staff(LI).get(f"/api/calls/{call.id}")).text()
    assert "kept by an older version" not in record
    await refusal(await door.customer(TOM).get(f"/api/calls/{call.id}"), 404, "not_found")
    await refusal(await door.staff(ZHOU).get(f"/api/calls/{call.id}"), 404, "not_found")


async def test_a_recording_is_served_whole_and_in_ranges_and_is_never_run(door: Door) -> None:
    call = await past_call(door)
    await recorded(door, call)
    browser = door.customer(ANN)
    path = f"/api/calls/{call.id}/files/customer"
    whole = await browser.get(path)
    assert whole.status == 200
    assert whole.content_type == "video/webm"
    assert whole.headers["Content-Security-Policy"].startswith("sandbox;")
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    assert whole.headers["Cache-Control"] == "private, no-cache"
    assert await whole.read() == b"0123456789" * 100
    part = await browser.get(path, headers={"Range": "bytes=5-14"})
    assert (part.status, await part.read()) == (206, b"5678901234")
    assert part.headers["Content-Range"] == "bytes 5-14/1000"
    tail = await browser.get(path, headers={"Range": "bytes=-3"})
    assert await tail.read() == b"789"
    assert (await browser.get(path, headers={"Range": "bytes=5000-"})).status == 416
    await refusal(await browser.get(f"/api/calls/{call.id}/files/staff"), 404, "not_found")


async def test_a_file_to_share_is_made_once_with_its_progress_and_stays(door: Door) -> None:
    call = await past_call(door)
    await recorded(door, call)
    staff, path = door.staff(LI), f"/api/calls/{call.id}/composition"
    assert (await (await staff.get(path)).json())["state"] == "none"
    await refusal(await staff.get(path + "/file"), 404, "not_found")
    started = await (await staff.post(path, json={"format": "mp4"})).json()
    assert started["state"] == "working"
    await asyncio.wait_for(door.composer.started.wait(), 5)
    again = await (await staff.post(path, json={"format": "webm"})).json()
    assert (again["state"], again["format"], again["progress"]) == ("working", "mp4", 0.5)
    door.composer.go.set()
    ready = await until_state(door, path, "ready")
    assert ready["progress"] == 1.0
    file = await staff.get(path + "/file")
    assert (file.status, file.content_type) == (200, "video/mp4")
    assert file.headers["Content-Disposition"].startswith("attachment;")
    assert await file.read() == b"composed mp4"
    assert (await (await staff.post(path, json={"format": "mp4"})).json())["state"] == "ready"
    assert len(door.composer.runs) == 1
    assert set(door.composer.runs[0]) == {"customer"}
    await refusal(await door.customer(ANN).get(f"/api/calls/{call.id}/files/composed.mp4"), 404, "not_found")


async def until_state(door: Door, path: str, state: str) -> dict[str, object]:
    """Asks as the page does; the job yields between, so this ends within its tries."""
    for _ in range(500):
        view: dict[str, object] = await (await door.staff(LI).get(path)).json()
        if view["state"] == state:
            return view
    raise AssertionError(f"never became {state}: {view}")


async def test_two_calls_are_composed_one_after_the_other(door: Door) -> None:
    calls = [await past_call(door), await past_call(door)]
    staff = door.staff(LI)
    for call in calls:
        await recorded(door, call)
        await staff.post(f"/api/calls/{call.id}/composition", json={"format": "webm"})
    door.composer.go.set()
    for call in calls:
        await until_state(door, f"/api/calls/{call.id}/composition", "ready")
    assert door.composer.most_at_once == 1


async def test_a_composition_that_fails_says_so_and_can_be_tried_again(door: Door) -> None:
    call = await past_call(door)
    await recorded(door, call)
    path = f"/api/calls/{call.id}/composition"
    door.composer.fault = MediaFault("The recording holds no picture.")
    door.composer.go.set()
    await door.staff(LI).post(path, json={"format": "mp4"})
    failed = await until_state(door, path, "failed")
    assert failed["message"] == "The recording holds no picture."
    door.composer.fault = None
    await door.staff(LI).post(path, json={"format": "mp4"})
    await until_state(door, path, "ready")


async def test_an_unexpected_fault_while_composing_tells_nothing_of_the_machine(door: Door) -> None:
    call = await past_call(door)
    await recorded(door, call)
    door.composer.fault = OSError("/srv/private/path")
    door.composer.go.set()
    path = f"/api/calls/{call.id}/composition"
    await door.staff(LI).post(path, json={"format": "mp4"})
    assert "/srv" not in str(await until_state(door, path, "failed"))


async def test_without_a_finished_recording_there_is_nothing_to_compose(door: Door) -> None:
    call = await past_call(door)
    answer = await door.staff(LI).post(f"/api/calls/{call.id}/composition", json={"format": "mp4"})
    await refusal(answer, 409, "conflict")


@pytest.mark.parametrize("body", [{}, {"format": "avi"}, {"format": "mp4", "out": "/etc"}])
async def test_a_composition_of_an_unknown_kind_is_refused(door: Door, body: dict[str, str]) -> None:
    call = await past_call(door)
    await refusal(await door.staff(LI).post(f"/api/calls/{call.id}/composition", json=body), 400, "bad_request")
