"""What is left of a call: its recording finished in the background, and a start after a crash."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

from domain.call import Call
from domain.record import NewEvent, Recording
from signaling.node import FinishedRecording
from tests.support.houses import ANN, COBBLER, MEI, START, TestHouse
from tests.support.tabs import cmid, opened


def finished(folder: Path, call_id: str) -> FinishedRecording:
    files = {}
    for name in ("call", "customer", "staff"):
        path = folder / f"{call_id}-{name}.webm"
        path.write_bytes(name.encode())
        files[name] = str(path)
    return FinishedRecording(call_id=call_id, started_at=START.timestamp(), duration_s=12.5, files=files)


def live_call(house: TestHouse, call_id: str = "call-1", **changes: object) -> Call:
    call = Call(
        id=call_id, shop_id=COBBLER.id, customer_id=ANN.id, customer_name=ANN.name, state="live", consent=True,
        staff_ids=(MEI.id,), created_at=START, answered_at=START, live_at=START,
    ).model_copy(update=changes)  # fmt: skip
    house.calls.calls[call_id] = call
    return call


async def test_after_hanging_up_the_files_become_blobs_and_only_then_the_journal_goes(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        _, mei, call_id = await stand.talking()
        await mei.news("recording", lambda f: f["recording"]["state"] == "recording")
        stand.house.node.finished[call_id] = finished(tmp_path, call_id)
        await mei.ask("call.end")
        await mei.news("recording", lambda f: f["recording"]["state"] == "finishing")
        ready = (await mei.news("recording", lambda f: f["recording"]["state"] == "ready"))["recording"]
        assert (ready["duration_s"], sorted(ready["files"])) == (12.5, ["call", "customer", "staff"])
        assert (await stand.house.blobs.path(ready["files"]["call"])).read_bytes() == b"call"
        await stand.house.node.until(lambda: call_id in stand.house.node.forgotten)
        assert stand.house.calls.recordings[call_id].state == "ready"


async def test_a_journal_that_cannot_be_finished_stays(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        _, mei, call_id = await stand.talking()
        await mei.news("recording", lambda f: f["recording"]["state"] == "recording")
        stand.house.node.finished[call_id] = FinishedRecording(
            call_id=call_id, started_at=0, duration_s=1, files={"call": str(tmp_path / "missing.webm")}
        )
        await mei.ask("call.end")
        await mei.news("recording", lambda f: f["recording"]["state"] == "failed")
        assert call_id not in stand.house.node.forgotten


async def test_a_start_finishes_the_journals_of_calls_that_are_over(tmp_path: Path) -> None:
    house = TestHouse(tmp_path)
    live_call(house, "over", state="ended", ended_at=START)
    house.node.unfinished = ["over", "unknown"]
    house.node.finished["over"] = finished(tmp_path, "over")
    async with opened(tmp_path, house):
        await house.node.until(lambda: "over" in house.node.forgotten)
        assert house.calls.recordings["over"].state == "ready"


async def test_a_floor_is_not_given_up_while_a_recording_is_being_finished(tmp_path: Path) -> None:
    house = TestHouse(tmp_path)
    live_call(house, "over", state="ended", ended_at=START)
    house.node.unfinished = ["over"]
    house.node.stalled = True
    async with opened(tmp_path, house) as stand, asyncio.timeout(3):
        while stand.live.is_idle(COBBLER.id):  # noqa: ASYNC110 - no event tells it
            await asyncio.sleep(0)


async def test_a_start_takes_up_open_calls_and_their_people_go_on_where_they_were(tmp_path: Path) -> None:
    house = TestHouse(tmp_path)
    call = live_call(house)
    house.calls.recordings[call.id] = Recording(call_id=call.id, state="recording", started_at=START)
    house.node.unfinished = [call.id]
    house.node.finished[call.id] = finished(tmp_path, call.id)
    new = NewEvent(
        call_id=call.id, kind="message", cmid=cmid(), author=ANN.id, side="customer", author_name="Ann", at=START,
        body={"text": "Hello"},
    )  # fmt: skip
    await house.calls.append(new)
    async with opened(tmp_path, house) as stand:
        assert house.calls.calls[call.id].customer_gone_at == START
        assert house.calls.calls[call.id].staff_gone_at == START
        ann, mei = await stand.tab(ANN), await stand.tab(MEI)
        assert ann.welcome["call"]["state"] == "live"
        assert [e["body"] for e in mei.welcome["events"]] == [{"text": "Hello"}]
        assert mei.welcome["call"]["people"][1]["name"] == "Mei"
        await ann.connect()
        await mei.connect()
        await house.node.until(lambda: len(stand.tapes(call.id)) == 2)
        house.clock.advance(61)
        await stand.live.presence.look()
        assert house.calls.calls[call.id].state == "live"
        assert (await mei.propose())["position"] == 2
        async with asyncio.timeout(3):  # what there was before the crash
            while house.calls.recordings[call.id].state != "ready":  # noqa: ASYNC110 - no event tells it
                await asyncio.sleep(0)
        assert house.node.forgotten == []
        house.node.finished[call.id] = finished(tmp_path, call.id)
        await mei.ask("call.end")
        await house.node.until(lambda: house.node.forgotten == [call.id])


async def test_a_start_ends_open_calls_nobody_comes_back_to(tmp_path: Path) -> None:
    house = TestHouse(tmp_path)
    call = live_call(house)
    waiting = live_call(house, "call-2", customer_id="somebody", state="waiting", staff_ids=(), live_at=None)
    async with opened(tmp_path, house) as stand:
        house.clock.advance(61)
        await stand.live.presence.look()
        assert house.calls.calls[call.id].state == "ended"
        assert house.calls.calls[waiting.id].state == "abandoned"
        assert house.calls.calls[call.id].ended_at == START + timedelta(seconds=61)


async def test_fifty_calls_leave_no_task_session_or_picture_behind(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        for _ in range(50):
            ann, mei, _ = await stand.talking(consent=False, is_told=False)
            await mei.ask("picture.take", cmid=cmid())
            await ann.ask("call.end")
            await ann.close()
            await mei.close()
            stand.tabs.clear()
        stand.house.clock.advance(3600)
        await stand.live.presence.look()
        floor = stand.live.floor
        assert (len(floor.sessions), len(floor.visits), len(floor.owners), len(floor.pending)) == (0, 0, 0, 0)
        assert stand.live.counts().get("faults", 0) == 0
