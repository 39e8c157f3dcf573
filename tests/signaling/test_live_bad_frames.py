"""Bad input of every kind: a clear refusal, counted; never the end of a call or of the server."""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import Refusal
from signaling.attending import TYPES, understand
from signaling.protocol import MAX_FRAME_BYTES
from tests.support.houses import ANN, MEI
from tests.support.tabs import PROPOSAL, cmid, opened

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)
KINDS = sorted(TYPES["customer"] | TYPES["staff"])
FIELDS = (
    "cmid",
    "text",
    "sdp",
    "peer",
    "delivered",
    "read",
    "after",
    "name",
    "matter",
    "consent",
    "recording",
    "call_id",
    "staff_id",
    "held",
)
almost = st.fixed_dictionaries(
    {"type": st.sampled_from(KINDS), "ref": st.just("r") | st.text(max_size=3)},
    optional=dict.fromkeys(FIELDS, anything) | {"stroke": anything, "zoom": anything, "starts_at": anything},
)


@given(text=st.text() | anything.map(json.dumps) | almost.map(json.dumps))
@settings(max_examples=300, deadline=None)
def test_arbitrary_text_is_understood_or_refused(text: str) -> None:
    for side in ("customer", "staff"):
        with contextlib.suppress(Refusal):
            understand(side, text)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(frames=st.lists((anything | almost).map(json.dumps), min_size=1, max_size=25))
def test_arbitrary_json_on_both_carriers_is_answered_and_the_call_goes_on(tmp_path: Path, frames: list[str]) -> None:
    async def scene() -> None:
        async with opened(tmp_path) as stand:
            ann, mei, call_id = await stand.talking()
            ann.open_channel()
            mei.open_channel()
            for tab in (ann, mei):
                before = len(tab.frames) + len(tab.heard_on_channel())
                for text in frames:
                    if '"call.end"' not in text and '"call.leave"' not in text:
                        await tab.socket.send_str(text)
                        stand.house.node.say(tab.node_peer, text)
                stand.give_breath(tab)
                await tab.ask("ping")
                assert len(tab.frames) + len(tab.heard_on_channel()) > before
            assert stand.live.floor.counts["faults"] == 0
            assert stand.live.floor.visits[call_id].call.state == "live"

    asyncio.run(scene())


async def test_the_first_frame_must_be_hello(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        tab = await stand.bare(ANN)
        assert (await tab.refused("ping"))["code"] == "hello_first"
        assert await tab.closed() == 4002


async def test_a_frame_of_staff_from_a_customer_is_forbidden(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann = await stand.waiting()
        call_id = stand.live.floor.open_visits()[0].id
        assert (await ann.refused("call.answer", call_id=call_id))["code"] == "forbidden"
        assert (await ann.refused("note.save", call_id=call_id, text="mine"))["code"] == "forbidden"


async def test_an_oversized_frame_is_refused_with_its_limit_and_a_ten_megabyte_one_ends_its_socket_only(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, call_id = await stand.talking()
        big = json.dumps({"type": "call.join", "ref": "big", "name": "Ann", "matter": "x" * MAX_FRAME_BYTES})
        await ann.socket.send_str(big)
        refusal = await ann.news("error")
        assert (refusal["code"], str(MAX_FRAME_BYTES) in refusal["message"]) == ("too_large", True)
        with contextlib.suppress(ConnectionError):  # the server stops reading long before the end
            await ann.socket.send_str("x" * 10_000_000)
        assert await ann.closed() in (1009, 1006)
        assert stand.live.floor.counts["refused_too_large"] == 2
        assert (await mei.ask("ping"))["type"] == "ok"
        assert stand.live.floor.visits[call_id].call.state == "live"


async def test_too_many_bad_frames_send_a_page_away(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann = await stand.tab(ANN)
        for _ in range(60):
            await ann.socket.send_str("{")
        assert await ann.closed() == 4501
        assert stand.live.floor.counts["refused_bad_request"] > 50


async def test_more_than_a_hundred_frames_at_once_are_refused_with_when_to_come_back(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann = await stand.tab(ANN)
        refs = [await ann.send(type="ping") for _ in range(150)]
        answers: list[dict[str, Any]] = [await ann.answer_to(ref) for ref in refs]
        refused = [a for a in answers if a["type"] == "error"]
        assert refused
        assert all(a["code"] == "rate_limited" and a["retry_after_s"] > 0 for a in refused)


async def test_naive_times_and_past_bookings_are_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        _, mei, _ = await stand.talking()
        booking = {"service": "New heels", "minutes": 30, "price": 1}
        naive = await mei.refused("booking.propose", cmid=cmid(), starts_at="2026-12-01T10:00:00", **booking)
        assert "time zone" in naive["message"]
        past = await mei.refused("booking.propose", cmid=cmid(), starts_at="2020-12-01T10:00:00Z", **booking)
        assert "past" in past["message"]
        for time in ("2029-01-01T00:00:00Z", "9999-12-31T23:59:59-23:00"):
            far = await mei.refused("booking.propose", cmid=cmid(), starts_at=time, **booking)
            assert "two years" in far["message"]


async def test_an_id_used_for_another_thing_before_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, _ = await stand.talking()
        used = cmid()
        await mei.propose()
        booking = (await ann.event("booking"))["body"]["booking"]
        await ann.ask("consent.set", cmid=used, recording=True)
        answer = {"cmid": used, "booking_id": booking["id"], "answer": "confirm"}
        assert (await ann.refused("booking.answer", **answer))["code"] == "conflict"


async def test_who_is_in_no_call_is_told_so(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        mei = await stand.staff(MEI)
        for ask in (
            {"type": "booking.propose", "cmid": cmid(), **PROPOSAL},
            {"type": "call.hold", "held": True},
            {"type": "picture.take", "cmid": cmid()},
            {"type": "freeze", "frozen": True},
            {"type": "draw.undo"},
            {"type": "call.end"},
            {"type": "sync", "after": 0},
            {"type": "seen", "delivered": 1},
        ):
            assert (await mei.refused(**ask))["code"] == "conflict"
