"""Pictures, the frozen board, drawing, steering the camera, bookings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from signaling.protocol import Stroke
from tests.support.houses import ANN, MEI
from tests.support.tabs import Tab, cmid, opened

CAMERA: dict[str, Any] = {
    "facing": "rear",
    "can_switch": True,
    "torch": False,
    "zoom": {"min": 1, "max": 4},
    "still": True,
}


def stroke(name: str = "s1", **fields: Any) -> dict[str, Any]:
    return {"id": name, "tool": "pen", "points": [[0.123456, 0.5], [0.2, 0.6]], **fields}


async def test_with_consent_a_picture_is_kept_once_told_to_both_and_its_still_is_wanted(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, _call_id = await stand.talking()
        await ann.ask("camera.report", **CAMERA)
        await mei.call_where(lambda c: c["camera"] is not None and c["camera"]["still"])
        mine = cmid()
        picture = (await mei.ask("picture.take", cmid=mine))["picture"]
        again = (await mei.ask("picture.take", cmid=mine))["picture"]
        assert again == picture
        assert (picture["width"], picture["height"], picture["source"]) == (64, 48, "stream")
        assert (await ann.event("picture"))["body"]["picture"] == picture
        wanted = await ann.news("still.wanted")
        assert wanted["url"] == f"/api/pictures/{picture['id']}/still"
        assert list(stand.house.calls.kept_pictures) == [picture["id"]]
        assert (await stand.house.blobs.path(picture["blob"])).read_bytes() == stand.house.node.shot.jpeg


async def test_without_consent_a_picture_waits_for_the_customers_word(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, call_id = await stand.talking(consent=False)
        asked = (await mei.ask("picture.take", cmid=cmid()))["asked"]
        ask = await ann.news("picture.ask")
        assert ask["picture_id"] == asked
        assert stand.live.pending_picture(asked) == (call_id, stand.house.node.shot.jpeg)
        assert stand.house.calls.kept_pictures == {}
        assert not stand.house.blobs.folder.exists()
        kept = await ann.ask("picture.answer", picture_id=asked, keep=True)
        assert kept["picture"]["id"] == asked
        event = await mei.event("picture")
        assert (event["author"], event["body"]["picture"]["id"]) == (MEI.id, asked)
        assert stand.live.pending_picture(asked) is None
        again = await ann.ask("picture.answer", picture_id=asked, keep=True)
        assert again["picture"] == kept["picture"]


async def test_a_refused_picture_is_kept_nowhere_and_staff_are_told(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, _ = await stand.talking(consent=False)
        asked = (await mei.ask("picture.take", cmid=cmid()))["asked"]
        await ann.ask("picture.answer", picture_id=asked, keep=False)
        assert (await mei.news("picture.refused"))["picture_id"] == asked
        assert stand.live.pending_picture(asked) is None
        assert stand.house.calls.kept_pictures == {}
        assert not stand.house.blobs.folder.exists()
        await ann.ask("picture.answer", picture_id=asked, keep=False)
        assert (await ann.refused("picture.answer", picture_id=asked, keep=True))["code"] == "not_found"


async def test_unanswered_pictures_are_gone_with_the_call(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, _ = await stand.talking(consent=False)
        asked = (await mei.ask("picture.take", cmid=cmid()))["asked"]
        await ann.ask("call.end")
        assert stand.live.pending_picture(asked) is None


async def _frozen(ann: Tab, mei: Tab) -> str:
    await mei.ask("freeze", frozen=True)
    board = (await ann.news("board"))["board"]
    assert board["frozen"] is True
    return str(board["picture_url"].removeprefix("/api/pictures/").removesuffix(".jpg"))


async def test_freezing_shows_one_picture_to_both_and_keeps_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, call_id = await stand.talking()
        picture_id = await _frozen(ann, mei)
        assert stand.live.pending_picture(picture_id) == (call_id, stand.house.node.shot.jpeg)
        assert stand.house.calls.kept_pictures == {}
        back = await stand.tab(ANN)
        assert back.welcome["call"]["board"]["picture_url"].endswith(f"{picture_id}.jpg")
        await mei.ask("freeze", frozen=False)
        assert (await back.news("board"))["board"] == {"frozen": False, "picture_url": None, "strokes": []}
        assert stand.live.pending_picture(picture_id) is None


async def test_a_snapshot_of_the_frozen_board_keeps_the_drawing_and_follows_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, _ = await stand.talking()
        await _frozen(ann, mei)
        await mei.ask("draw.stroke", stroke=stroke("s1"))
        drawn = (await ann.news("stroke"))["stroke"]
        assert drawn["points"] == [[0.1235, 0.5], [0.2, 0.6]]
        picture = (await mei.ask("picture.take", cmid=cmid()))["picture"]
        assert [s["id"] for s in picture["strokes"]] == ["s1"]
        await mei.ask("draw.stroke", stroke=stroke("s2", tool="number", number=1))
        replaced = await ann.news("picture.replaced")
        assert [s["id"] for s in replaced["picture"]["strokes"]] == ["s1", "s2"]
        second = (await mei.ask("picture.take", cmid=cmid()))["picture"]
        assert second["id"] == picture["id"]
        await mei.ask("draw.undo")
        await mei.news("picture.replaced", lambda f: len(f["picture"]["strokes"]) == 1)
        await mei.ask("draw.stroke", stroke=stroke("s3"))
        await mei.ask("freeze", frozen=False)  # at once: the last stroke is kept all the same
        assert [s["id"] for s in stand.house.calls.kept_pictures[picture["id"]].strokes] == ["s1", "s3"]


async def test_strokes_reach_the_others_at_once_and_undo_and_clear_show_the_whole_board(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, _ = await stand.talking()
        await mei.ask("draw.stroke", stroke=stroke("s1"))
        await mei.ask("draw.stroke", stroke=stroke("s1", points=[[0, 0], [0.5, 0.5], [1, 1]]))
        grown = await ann.news("stroke", lambda f: len(f["stroke"]["points"]) == 3)
        assert grown["stroke"]["id"] == "s1"
        await mei.ask("draw.stroke", stroke=stroke("s2", tool="text", text="scratch"))
        await mei.ask("draw.undo")
        assert [s["id"] for s in (await ann.news("board"))["board"]["strokes"]] == ["s1"]
        await mei.ask("draw.clear")
        assert (await ann.news("board"))["board"]["strokes"] == []
        assert not [f for f in mei.frames if f["type"] == "stroke"]
        Stroke.model_validate(stroke())


async def test_the_camera_is_steered_only_as_far_as_the_phone_can(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, _ = await stand.talking()
        await ann.ask("camera.report", **CAMERA)
        await mei.ask("camera.command", zoom=9.0, switch=True, torch=True)
        command = await ann.news("camera.command")
        assert (command["zoom"], command["switch"], command["torch"]) == (4.0, True, True)
        await ann.ask("camera.report", facing="front", can_switch=False, torch=None, zoom=None)
        await mei.call_where(lambda c: (c["camera"] or {}).get("facing") == "front")
        for ask in ({"torch": True}, {"switch": True}, {"zoom": 2.0}):
            assert (await mei.refused("camera.command", **ask))["code"] == "conflict"


async def test_a_picture_without_a_camera_or_with_a_broken_node_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, _ = await stand.talking()
        stand.house.node.peers[ann.node_peer].gives_picture = False
        assert (await mei.refused("picture.take", cmid=cmid()))["code"] == "conflict"
        stand.house.node.broken = True
        assert (await mei.refused("freeze", frozen=True))["code"] == "unavailable"
        stand.house.node.broken = False
        await mei.ask("call.hold", held=True)
        assert (await mei.refused("picture.take", cmid=cmid()))["code"] == "conflict"


async def test_what_the_door_replaced_is_told_to_the_people_of_the_call(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, _ = await stand.talking()
        picture = (await mei.ask("picture.take", cmid=cmid()))["picture"]
        kept = stand.house.calls.kept_pictures[picture["id"]].model_copy(update={"source": "still", "width": 4000})
        await stand.live.picture_replaced(kept)
        for tab in (ann, mei):
            assert (await tab.news("picture.replaced"))["picture"]["width"] == 4000


async def _proposed(ann: Tab, mei: Tab) -> str:
    await mei.ask(
        "booking.propose", cmid=cmid(), service="New heels", starts_at="2026-12-01T10:00:00+08:00", minutes=30, price=1
    )
    return str((await ann.event("booking"))["body"]["booking"]["id"])


async def test_a_booking_is_confirmed_once_and_both_hold_the_confirmation(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, call_id = await stand.talking()
        booking_id = await _proposed(ann, mei)
        first = await ann.ask("booking.answer", cmid=cmid(), booking_id=booking_id, answer="confirm")
        same = await ann.ask("booking.answer", cmid=cmid(), booking_id=booking_id, answer="confirm")
        assert first["position"] == same["position"]
        contrary = await ann.refused("booking.answer", cmid=cmid(), booking_id=booking_id, answer="decline")
        assert contrary["code"] == "conflict"
        states = [e.body["booking"]["state"] for e in stand.house.calls.streams[call_id] if e.kind == "booking"]
        assert states == ["proposed", "confirmed"]
        await mei.news("event", lambda f: f["event"]["body"].get("booking", {}).get("state") == "confirmed")
        assert stand.house.calls.kept_bookings[booking_id].state == "confirmed"


async def test_a_booking_of_another_call_cannot_be_answered_and_the_same_proposal_twice_is_one(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, call_id = await stand.talking()
        booking_id = await _proposed(ann, mei)
        other = stand.house.calls.kept_bookings[booking_id].model_copy(update={"id": "b2", "call_id": "elsewhere"})
        stand.house.calls.kept_bookings["b2"] = other
        assert (await ann.refused("booking.answer", cmid=cmid(), booking_id="b2", answer="confirm"))[
            "code"
        ] == "not_found"
        twice: dict[str, Any] = {
            "type": "booking.propose", "cmid": cmid(), "service": "Soles", "starts_at": "2026-12-02T10:00:00Z",
            "minutes": 30, "price": 2,
        }  # fmt: skip
        assert (await mei.ask(**twice))["position"] == (await mei.ask(**twice))["position"]
        assert sum(e.kind == "booking" for e in stand.house.calls.streams[call_id]) == 2
