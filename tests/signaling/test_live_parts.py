"""The parts of the live half that need no socket: plans, the board, credentials, the outbox, lanes."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.call import Call
from domain.errors import Conflict
from signaling.attending import ATTENDED
from signaling.board import MAX_STROKES, Board
from signaling.house import DoorSettings
from signaling.ice_servers import ice_servers
from signaling.lanes import MAX_JOBS, Bucket, Lane
from signaling.media_plan import plan_of, slots_seen_by
from signaling.node import SLOTS, Plan
from signaling.outbox import MAX_FRAMES, Outbox
from signaling.pictures import MAX_PER_CALL, PendingPicture, PendingPictures
from signaling.protocol import CustomerAsk, StaffAsk, Stroke
from tests.support.fake_node import FakeNode
from tests.support.houses import START

calls = st.builds(
    lambda state, staff, held, consent, paused: Call(
        id="call", shop_id="shop", customer_id="c", customer_name="C", created_at=START, state=state, staff_ids=staff,
        held=held, consent=consent, recording_paused=paused,
    ),
    st.sampled_from(["waiting", "ringing", "live", "ended", "abandoned", "missed"]),
    st.sampled_from([(), ("s1",), ("s1", "s2"), ("s2", "s1", "s3")]),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)  # fmt: skip


@given(call=calls, present=st.sets(st.sampled_from(["c", "s1", "s2", "s3"])))
def test_a_plan_routes_nobody_to_themselves_fills_each_slot_once_and_tapes_only_what_is_agreed(
    call: Call, present: set[str]
) -> None:
    plan = plan_of(call, {i: f"{i}.p" for i in present})
    assert all(r.sink != r.source and 0 <= r.slot < SLOTS for r in plan.routes)
    assert len({(r.sink, r.slot) for r in plan.routes}) == len(plan.routes)
    assert len({t.track for t in plan.tapes}) == len(plan.tapes)
    if call.state != "live" or call.held:
        assert plan == Plan(call.id)
    if not call.is_recorded:
        assert plan.tapes == ()


def test_slot_zero_shows_the_customer_to_staff_and_the_leading_colleague_to_the_customer() -> None:
    call = Call(
        id="call", shop_id="s", customer_id="c", customer_name="C", created_at=START, state="live",
        staff_ids=("lead", "second", "third"),
    )  # fmt: skip
    assert slots_seen_by(call, "c") == {"lead": 0, "second": 1, "third": 2}
    assert slots_seen_by(call, "second") == {"c": 0, "lead": 1, "third": 2}


def test_turn_credentials_are_those_that_coturn_computes(tmp_path: Path) -> None:
    settings = DoorSettings(
        public_urls=("http://127.0.0.1",), secret=b"x" * 32, web_dist=tmp_path, scratch=tmp_path,
        turn_urls=("turn:127.0.0.1:3478",), turn_secret="north", turn_ttl_s=60,
    )  # fmt: skip
    (server,) = ice_servers(settings, "ann", START)
    assert server.username == f"{int(START.timestamp()) + 60}:ann"
    expected = base64.b64encode(hmac.new(b"north", server.username.encode(), hashlib.sha1).digest()).decode()
    assert server.credential == expected


def test_a_full_board_refuses_the_next_stroke_and_takes_it_after_an_undo() -> None:
    board = Board()
    for number in range(MAX_STROKES):
        board.draw(Stroke(id=f"s{number}", tool="pen", points=[(0.0, 0.0)]))
    with pytest.raises(Conflict):
        board.draw(Stroke(id="more", tool="pen", points=[(0.0, 0.0)]))
    board.undo()
    board.draw(Stroke(id="more", tool="pen", points=[(0.0, 0.0)]))
    assert len(board.strokes()) == MAX_STROKES


async def test_pending_pictures_of_a_call_give_way_to_newer_ones() -> None:
    pending = PendingPictures()
    shot = FakeNode().shot
    for number in range(MAX_PER_CALL + 1):
        pending.add(PendingPicture(id=f"p{number}", call_id="c", shot=shot, taken_by="s", taken_at=START))
    assert (pending.get("p0"), len(pending)) == (None, MAX_PER_CALL)
    pending.drop_call("c")
    assert len(pending) == 0


async def test_an_outbox_keeps_its_order_and_ends_when_it_is_too_full() -> None:
    out: list[str] = []
    gate = asyncio.Event()

    async def deliver(text: str) -> bool:
        await gate.wait()
        out.append(text)
        return True

    box = Outbox(deliver)
    running = asyncio.create_task(box.run())
    texts = [f"{n}" for n in range(10)]
    assert all(box.put(text) for text in texts)
    box.finish()
    gate.set()
    await running
    assert out == texts
    full = Outbox(deliver)
    assert [full.put("x") for _ in range(MAX_FRAMES + 1)][-1] is False
    assert full.overflowed


async def test_a_lane_attends_in_order_and_holds_no_task_when_idle() -> None:
    tasks: list[asyncio.Task[None]] = []

    def spawn(work: object) -> asyncio.Task[None]:
        tasks.append(asyncio.ensure_future(work))  # type: ignore[call-overload]
        return tasks[-1]

    lane, done = Lane(spawn), list[int]()

    def job(number: int) -> object:
        async def work() -> None:
            await asyncio.sleep(0)
            done.append(number)

        return work

    for number in range(5):
        lane.put(job(number))  # type: ignore[arg-type]
    await tasks[0]
    assert (done, len(tasks)) == ([0, 1, 2, 3, 4], 1)


def test_a_full_lane_takes_nothing_until_it_is_half_empty() -> None:
    """What is refused is not overtaken by what comes right behind it."""

    async def nothing() -> None:
        pass

    async def work() -> None:
        running: list[Coroutine[Any, Any, None]] = []
        lane = Lane(lambda job: running.append(job))
        assert all(lane.put(nothing) for _ in range(MAX_JOBS))
        assert not lane.put(nothing)
        lane._jobs.popleft()
        assert not lane.put(nothing)
        for _ in range(MAX_JOBS // 2 - 1):
            lane._jobs.popleft()
        assert lane.put(nothing)
        await running[0]

    asyncio.run(work())


def test_an_empty_bucket_stays_shut_for_the_rest_of_a_burst() -> None:
    bucket = Bucket(rate=50, burst=100, again_at=10)
    assert [bucket.take(1.0) for _ in range(100)] == [0.0] * 100
    assert bucket.take(1.0) == pytest.approx(0.2)
    assert bucket.take(1.1) == pytest.approx(0.1)
    assert [bucket.take(1.21) for _ in range(10)] == [0.0] * 10
    assert bucket.take(1.21) > 0


def test_a_bucket_lets_a_burst_through_and_then_its_rate() -> None:
    bucket = Bucket(rate=50, burst=100)
    assert [bucket.take(1.0) for _ in range(100)] == [0.0] * 100
    assert bucket.take(1.0) == pytest.approx(0.02)
    assert bucket.take(1.03) == 0.0


def test_every_request_of_the_protocol_is_attended() -> None:
    assert set(ATTENDED) == set(CustomerAsk.__args__) | set(StaffAsk.__args__)
