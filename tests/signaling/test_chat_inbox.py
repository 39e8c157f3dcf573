"""What staff do with a conversation as a whole, and what passes without being kept."""

from __future__ import annotations

import asyncio
import socket
from datetime import timedelta
from pathlib import Path

from signaling.chat_waking import wake_due
from tests.support.houses import ANN, BO, LI, MEI, ZHOU
from tests.support.pages import Page, entry_id, page
from tests.support.tabs import Frame, opened

ANNS, NOTES = f"c.{ANN.id}", f"n.{ANN.id}"


def deed(name: str, **fields: object) -> Frame:
    return {"type": "chat.inbox.set", "id": entry_id(), "conversation": ANN.id, "deed": name, **fields}


async def row(reader: Page, **wanted: object) -> Frame:
    """The next row of Ann's in the inbox that is as wanted."""

    def of_ann(frame: Frame) -> list[Frame]:
        return [r for r in frame["rows"] if r["conversation"] == ANN.id and wanted.items() <= r.items()]

    return of_ann(await reader.news("chat.inbox", lambda f: bool(of_ann(f))))[0]


async def test_of_those_who_take_a_conversation_at_once_one_has_it_and_the_others_learn_who(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann = await page(stand, ANN)
        await ann.write(ANNS, "Hello")
        tablets = [await page(stand, staff) for staff in (MEI, LI, BO) for _ in range(4)]
        refs = [await tablet.send(**deed("take")) for tablet in tablets]
        answers = [await tablet.answer_to(ref) for tablet, ref in zip(tablets, refs, strict=True)]
        kept = await stand.house.conversations.conversation(ANN.id)
        names = {staff.id: staff.name for staff in (MEI, LI, BO)}
        for tablet, answer in zip(tablets, answers, strict=True):
            if tablet.person.id == kept.assignee:
                assert answer["type"] in ("chat.ack", "ok")
            else:
                assert (answer["code"], answer["taken_by"]) == ("already_taken", names[kept.assignee or ""])
        assert [answer["type"] for answer in answers].count("chat.ack") == 1
        assert (await row(tablets[0], assignee=kept.assignee))["assignee_name"] == names[kept.assignee or ""]


async def test_each_deed_is_told_in_the_notes_and_never_to_the_customer(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei = await page(stand, ANN), await page(stand, MEI)
        await ann.write(ANNS, "Hello")
        await mei.ask("chat.open", stream=NOTES)
        until = (stand.house.clock() + timedelta(days=2)).isoformat()
        deeds = [
            deed("take"), deed("assign", staff_id=LI.id), deed("unassign"), deed("snooze", until=until),
            deed("reopen"), deed("close"),
        ]  # fmt: skip
        for each in deeds:
            assert (await mei.ask(**each))["stream"] == NOTES
        assert (await mei.ask(**deeds[0]))["position"] == 1  # the same again is answered as before
        told = await mei.reads(NOTES, 6)
        kinds = ["assigned", "assigned", "unassigned", "snoozed", "reopened", "closed"]
        assert [e["kind"] for e in told.entries] == kinds
        assert told.entries[1]["body"] == {"staff_id": LI.id, "staff_name": LI.name}
        assert (await row(mei, state="closed"))["waiting_since"] is None
        await ann.write(ANNS, "One more thing")
        assert (await row(mei, state="open"))["waiting_since"] is not None
        assert ann.shelf(ANNS).texts() == ["Hello", "One more thing"]
        assert not any(frame.get("stream") == NOTES for frame in ann.frames)


async def test_a_deed_that_cannot_be_done_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, zhou = await page(stand, ANN), await page(stand, MEI), await page(stand, ZHOU)
        await ann.write(ANNS, "Hello")
        for wrong in (
            deed("snooze"),
            deed("snooze", until=stand.house.clock().isoformat()),
            deed("snooze", until="2026-11-23T09:00:00"),
            deed("snooze", until=(stand.house.clock() + timedelta(days=91)).isoformat()),
            deed("assign"),
            deed("burn"),
        ):
            assert (await mei.refused(**wrong))["code"] == "bad_request", wrong
        assert (await mei.refused(**deed("reopen")))["code"] == "conflict"
        for elsewhere in (deed("assign", staff_id=ZHOU.id), deed("assign", staff_id="nobody")):
            assert (await mei.refused(**elsewhere))["code"] == "not_found"
        for stranger in (ann, zhou):
            assert (await stranger.refused(**deed("take")))["code"] == "not_found"
        assert stand.house.conversations.disk.stream(NOTES) == []


async def test_what_is_so_already_is_told_to_nobody(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei = await page(stand, ANN), await page(stand, MEI)
        await ann.write(ANNS, "Hello")
        until = (stand.house.clock() + timedelta(days=2)).isoformat()
        for again in (
            {"name": "take"}, {"name": "assign", "staff_id": LI.id}, {"name": "unassign"}, {"name": "snooze", "until": until},
        ):  # fmt: skip
            assert (await mei.ask(**deed(**again)))["type"] == "chat.ack"
            [before] = await stand.house.conversations.heads([f"i.{MEI.shop_id}"])
            assert (await mei.ask(**deed(**again)))["type"] == "ok"
            assert await stand.house.conversations.heads([f"i.{MEI.shop_id}"]) == [before]
        assert len(stand.house.conversations.disk.stream(NOTES)) == 4


async def test_a_closed_conversation_is_not_put_off(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei = await page(stand, ANN), await page(stand, MEI)
        await ann.write(ANNS, "Hello")
        await mei.ask(**deed("close"))
        until = (stand.house.clock() + timedelta(days=2)).isoformat()
        refusal = await mei.refused(**deed("snooze", until=until))
        assert (refusal["code"], "Reopen it" in refusal["message"]) == ("conflict", True)
        assert (await stand.house.conversations.conversation(ANN.id)).state == "closed"


async def test_what_was_put_off_comes_back_when_its_time_has_come_and_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei = await page(stand, ANN), await page(stand, MEI)
        await ann.write(ANNS, "Hello")
        await mei.ask("chat.open", stream=NOTES)
        await mei.ask(**deed("snooze", until=(stand.house.clock() + timedelta(hours=1)).isoformat()))
        await wake_due(stand.house.house)
        stand.house.clock.advance(3600)
        await asyncio.gather(*(wake_due(stand.house.house) for _ in range(3)))
        assert (await row(mei, state="open"))["snoozed_until"] is None
        told = await mei.reads(NOTES, 2)
        assert [(e["kind"], e["side"]) for e in told.entries] == [("snoozed", "staff"), ("woken", "machine")]
        assert len(stand.house.conversations.disk.stream(NOTES)) == 2


async def test_typing_is_heard_by_the_others_who_have_the_stream_open(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, li = await page(stand, ANN), await page(stand, MEI), await page(stand, LI)
        for staff in (mei, li):
            await staff.ask("chat.open", stream=ANNS)
        await mei.send(type="chat.typing", stream=ANNS, is_typing=True)
        for other in (ann, li):
            heard = await other.news("chat.typing")
            assert (heard["who"], heard["side"], heard["is_typing"]) == ("Mei", "staff", True)
        await mei.send(type="chat.typing", stream=NOTES, is_typing=True)
        await mei.ask("chat.fetch", stream=ANNS, after=0)
        await ann.ask("chat.fetch", stream=ANNS, after=0)
        assert sum(frame["type"] == "chat.typing" for frame in ann.frames) == 1
        assert not any(frame["type"] == "chat.typing" for frame in mei.frames)


async def test_the_whole_shop_sees_who_answers_and_not_at_each_letter(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, mei, li = await page(stand, ANN), await page(stand, MEI), await page(stand, LI)
        zhou = await page(stand, ZHOU)
        for is_typing in (True, True, True, False, False):
            await mei.send(type="chat.typing", stream=ANNS, is_typing=is_typing)
        await ann.send(type="chat.typing", stream=ANNS, is_typing=True)
        await mei.ask("chat.fetch", stream=ANNS, after=0)
        await li.news("chat.typing", lambda f: not f["is_typing"])
        heard = [f for f in li.frames if f["type"] == "chat.typing"]
        assert [(f["stream"], f["who"], f["is_typing"]) for f in heard] == [(ANNS, "Mei", True), (ANNS, "Mei", False)]
        await zhou.ask("chat.fetch", stream=f"s.{ZHOU.id}", after=0)
        assert not [f for f in (*mei.frames, *zhou.frames) if f["type"] == "chat.typing"]


async def test_who_goes_away_answers_nobody_any_more_and_who_is_cut_off_may_come_back(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        ann, li = await page(stand, ANN), await page(stand, LI)
        await ann.write(ANNS, "Hello")
        heard: list[bool] = []

        async def hear(is_typing: bool) -> None:
            heard.append(is_typing)
            await li.when(lambda: [f["is_typing"] for f in li.frames if f["type"] == "chat.typing"] == heard)

        async def mei_who_types() -> Page:
            mei = await page(stand, MEI)
            await mei.ask("chat.open", stream=ANNS)
            await mei.send(type="chat.typing", stream=ANNS, is_typing=True)
            await hear(True)
            return mei

        await (await mei_who_types()).ask("chat.leave", stream=ANNS)
        await hear(False)
        await (await mei_who_types()).ask(**deed("close"))
        await hear(False)
        await (await mei_who_types()).close()
        await hear(False)
        lost = await mei_who_types()
        lost.socket.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        await lost.closed()
        await (await mei_who_types()).close()
        await hear(False)


async def test_staff_see_whether_the_customer_is_here(tmp_path: Path) -> None:
    async with opened(tmp_path) as stand:
        stand.chat.desk.presence.reload_s = 0.01
        mei = await page(stand, MEI)
        await mei.ask("chat.open", stream=ANNS)
        assert (await mei.news("chat.here"))["is_here"] is False
        phone = await page(stand, ANN)
        assert (await mei.news("chat.here"))["is_here"] is True
        laptop = await page(stand, ANN)
        await phone.close()
        await laptop.write(ANNS, "From another device")
        await laptop.close()
        assert (await mei.news("chat.here"))["is_here"] is False
        assert [frame["is_here"] for frame in mei.frames if frame["type"] == "chat.here"] == [False, True, False]
        assert not any(frame["type"] == "chat.here" for frame in laptop.frames)
